// One order for all. Records appear in the order of recording and never move, so every complete walk is the beginning of
// every longer one, in either direction, on any handle: it is enough to compare each with the longest. An oldest-first
// walk that was broken off is a beginning too, a newest-first one a stretch out of the middle.

import { endOf, type HistoryEvent, type HistoryViolation, type RecordEvent, type WalkEvent } from './history.ts'
import { readsOf } from './linearizability.ts'

/** What is known of the time at which an id was recorded. */
interface Known {
  /** Not before this call began. */
  readonly since: RecordEvent
  /** At the latest when this call had ended. */
  by: HistoryEvent | undefined
  readonly correlationId: string | undefined
}

/** A walk, its ids oldest first. */
interface Path {
  readonly event: WalkEvent
  readonly ids: readonly string[]
}

/** Checks every walk against the others and against the time of the writes. */
export function checkOrder(history: readonly HistoryEvent[]): readonly HistoryViolation[] {
  const known = knowledgeOf(history)
  const paths = history.flatMap((event) =>
    event.kind === 'walk' && event.result.status === 'ok' ? [pathOf(event)] : [],
  )
  const violations: HistoryViolation[] = paths.flatMap(checkTwice)
  if (violations.length > 0) return violations
  const scopes = Map.groupBy(paths, ({ event }) => event.correlationId)
  let whole: Path | undefined
  for (const [correlationId, walks] of [...scopes].sort(
    ([a], [b]) => Number(a !== undefined) - Number(b !== undefined),
  )) {
    const found = checkScope(walks, known, correlationId)
    violations.push(...found.violations)
    if (correlationId === undefined) whole = found.longest
    else if (whole !== undefined && found.longest !== undefined) violations.push(...checkWithin(found.longest, whole))
  }
  return violations
}

function pathOf(event: WalkEvent): Path {
  const ids = readsOf(event).map(({ id }) => id)
  return { event, ids: event.order === 'oldest' ? ids : ids.reverse() }
}

/** When each id was recorded, as far as the calls show it. */
function knowledgeOf(history: readonly HistoryEvent[]): ReadonlyMap<string, Known> {
  const known = new Map<string, Known>()
  for (const event of history) {
    if (event.kind !== 'record' || event.result.status === 'failed') continue
    known.set(event.id, firstOf(event, known.get(event.id)))
  }
  const seen = (id: string, event: HistoryEvent): void => {
    const each = known.get(id)
    if (each !== undefined && (each.by === undefined || endOf(event) < endOf(each.by))) each.by = event
  }
  for (const event of history) {
    if (event.kind === 'record' && event.result.status === 'ok') seen(event.id, event)
    else if (event.kind !== 'record')
      for (const read of readsOf(event)) if (read.seen !== undefined) seen(read.id, event)
  }
  return known
}

/** Whoever was told `created` wrote it first; otherwise it may have been whoever began first. */
function firstOf(event: RecordEvent, other: Known | undefined): Known {
  const { correlationId } = event
  const own = { since: event, by: undefined, correlationId }
  if (other === undefined) return own
  if (wasCreated(event)) return wasCreated(other.since) ? other : own
  if (wasCreated(other.since)) return other
  const since = event.invoked < other.since.invoked ? event : other.since
  // As long as nobody knows who was first, nobody knows the correlation either, unless all agree.
  return { ...other, since, correlationId: correlationId === other.correlationId ? correlationId : undefined }
}

function wasCreated({ result }: RecordEvent): boolean {
  return result.status === 'ok' && result.value === 'created'
}

function checkTwice({ event, ids }: Path): readonly HistoryViolation[] {
  const seen = new Set<string>()
  const twice = ids.find((id) => seen.size === seen.add(id).size)
  return twice === undefined ? [] : [{ rule: 'nothing-twice', message: `a walk shows ${twice} twice`, events: [event] }]
}

/** Checks the walks of one scope: all records, or those of one correlation. */
function checkScope(walks: readonly Path[], known: ReadonlyMap<string, Known>, correlationId: string | undefined) {
  const isBeginning = ({ event }: Path): boolean => event.isComplete || event.order === 'oldest'
  const beginnings = walks.filter(isBeginning)
  const longest = beginnings.reduce<Path | undefined>(
    (a, b) => (a !== undefined && a.ids.length >= b.ids.length ? a : b),
    undefined,
  )
  if (longest === undefined) return { longest, violations: [] }
  const place = new Map(longest.ids.map((id, index) => [id, index]))
  const misplaced = walks.flatMap((walk) =>
    walk === longest ? [] : checkStretch(walk, { longest, place, isBeginning: isBeginning(walk) }),
  )
  if (misplaced.length > 0) return { longest, violations: misplaced }
  const belonging = [...known].filter(([, each]) => correlationId === undefined || each.correlationId === correlationId)
  return { longest, violations: [...checkMissing(walks, place, belonging), ...checkTime(longest, known)] }
}

interface Reference {
  readonly longest: Path
  readonly place: ReadonlyMap<string, number>
  readonly isBeginning: boolean
}

/** A walk must be a stretch of the longest, from its beginning or, where it was broken off, from wherever it stands. */
function checkStretch({ event, ids }: Path, { longest, place, isBeginning }: Reference): readonly HistoryViolation[] {
  // What a walk that was broken off has beyond the longest is newer than that one.
  let end = ids.length
  while (!isBeginning && end > 0 && !place.has(ids[end - 1] as string)) end--
  const start = isBeginning || end === 0 ? 0 : (place.get(ids[0] as string) ?? 0)
  const at = ids.slice(0, end).findIndex((id, index) => longest.ids[start + index] !== id)
  if (at === -1) return []
  const [here, there] = [ids[at] as string, longest.ids[start + at] ?? 'nothing']
  const events = [event, longest.event].sort((a, b) => a.invoked - b.invoked)
  const isMoved = place.has(here) && ids.includes(there)
  const message = isMoved
    ? `two walks show ${here} and ${there} in different orders`
    : `where one walk shows ${there}, another shows ${here}: what is recorded later comes later, and nothing vanishes`
  return [{ rule: 'one-order', message, events }]
}

/** Every complete walk shows what was known to be there before it began. */
function checkMissing(
  walks: readonly Path[],
  place: ReadonlyMap<string, number>,
  known: readonly (readonly [string, Known])[],
): readonly HistoryViolation[] {
  const acknowledged = known
    .flatMap(([id, { by }]) => (by === undefined ? [] : [{ id, by, at: place.get(id) ?? Number.POSITIVE_INFINITY }]))
    .sort((a, b) => endOf(a.by) - endOf(b.by))
  const complete = walks.filter(({ event }) => event.isComplete).sort((a, b) => a.event.invoked - b.event.invoked)
  let next = 0
  let last: (typeof acknowledged)[number] | undefined
  for (const { event, ids } of complete) {
    for (
      let each = acknowledged[next];
      each !== undefined && endOf(each.by) < event.invoked;
      each = acknowledged[++next]
    ) {
      if (last === undefined || each.at > last.at) last = each
    }
    if (last !== undefined && last.at >= ids.length) {
      return [
        {
          rule: 'nothing-missing',
          message: `a complete walk does not show ${last.id}, which was there before it began`,
          events: [last.by, event],
        },
      ]
    }
  }
  return []
}

/** What was acknowledged before another write began comes before it. */
function checkTime({ event, ids }: Path, known: ReadonlyMap<string, Known>): readonly HistoryViolation[] {
  let later: { readonly id: string; readonly by: HistoryEvent } | undefined
  for (const id of [...ids].reverse()) {
    const each = known.get(id)
    if (each === undefined) continue
    if (later !== undefined && endOf(later.by) < each.since.invoked) {
      const message = `${later.id} was there before ${id} was written, and yet comes after it`
      return [{ rule: 'real-time-order', message, events: [later.by, each.since, event] }]
    }
    if (each.by !== undefined && (later === undefined || endOf(each.by) < endOf(later.by))) later = { id, by: each.by }
  }
  return []
}

/** The walks of one correlation stand in the order of the walks over everything. */
function checkWithin({ event, ids }: Path, whole: Path): readonly HistoryViolation[] {
  const place = new Map(whole.ids.map((id, index) => [id, index]))
  let last = -1
  for (const [index, id] of ids.entries()) {
    const at = place.get(id)
    if (at === undefined) continue
    if (at < last) {
      const message = `two walks show ${ids[index - 1]} and ${id} in different orders`
      return [{ rule: 'one-order', message, events: [event, whole.event].sort((a, b) => a.invoked - b.invoked) }]
    }
    last = at
  }
  return []
}
