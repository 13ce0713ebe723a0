import type { CommandRecord } from '../../src/index.ts'
import { type CheckedQuery, matches } from '../../storekit/index.ts'
import type { Window } from './messages.ts'
import { isRare, namedBackward, namedForward } from './named.ts'
import { idsIn, isOfRecord } from './names.ts'
import { Bound, type Found, pageOf } from './page.ts'
import type { Reader, Standing } from './reader.ts'
import { type Headed, type Message, toHeaded } from './rows.ts'
import { correlationSubject } from './schema.ts'

/** A window has at least this many messages, and at most; stepping back it is at most this long. */
const [leastWindow, mostWindow, longestWindow] = [64, 8192, 1024 * 1024]
/** Stepping back, what several reads give is at most this large. */
const mostBytes = 4 * 1024 * 1024
/** What a query asks for, after a sequence in its order. */
export async function readPage(
  reader: Reader,
  stream: string,
  query: CheckedQuery,
  { after, until }: { readonly after: string | undefined; readonly until: number },
): Promise<Found> {
  const { types, states, from, to, equal, order, limit } = query
  const isNever =
    types?.length === 0 || states?.length === 0 || (from ?? Number.NEGATIVE_INFINITY) > (to ?? Number.POSITIVE_INFINITY)
  if (isNever) return { records: [], last: undefined }
  const last = after === undefined ? undefined : Number(after)
  if (equal.correlationId !== undefined) {
    const all = (await standingsOf(reader, stream, equal.correlationId, until)).filter(({ record }) =>
      matches(query, record),
    )
    if (order === 'newest') all.reverse()
    const rest = all.filter(({ seq }) => last === undefined || (order === 'oldest' ? seq > last : seq < last))
    return pageOf(rest.slice(0, limit), rest.length > limit ? rest[limit - 1]?.seq : undefined)
  }
  const read = order === 'oldest' ? readForward : readBackward
  return await read(reader, stream, query, { last, until })
}

/** The records of one correlation, oldest first. */
export async function readCorrelation(
  reader: Reader,
  stream: string,
  correlationId: string,
  until: number,
): Promise<readonly CommandRecord[]> {
  return (await standingsOf(reader, stream, correlationId, until)).map(({ record }) => record)
}

async function standingsOf(reader: Reader, stream: string, correlationId: string, until: number): Promise<Standing[]> {
  if (!correlationId.isWellFormed()) return []
  const named = await reader.all(correlationSubject(stream, correlationId), until)
  const found = await reader.many([...new Set([correlationId, ...named.flatMap(idsIn)])], until)
  // What a purge or a hash has left there names others too.
  const standings = found.filter(({ record }) => record.correlationId === correlationId)
  return standings.sort((a, b) => a.seq - b.seq)
}

interface Place {
  readonly last: number | undefined
  readonly until: number
}

async function readForward(
  reader: Reader,
  stream: string,
  query: CheckedQuery,
  { last, until }: Place,
): Promise<Found> {
  const { state } = await reader.info(until)
  const found: Standing[] = []
  let low = Math.max(1, state.first_seq, (last ?? 0) + 1)
  let length = leastWindow + query.limit
  const bound = new Bound(until)
  while (low <= state.last_seq && !bound.isReached) {
    const window = await reader.window(low, state.last_seq, until, length)
    bound.looked += window.messages.length
    found.push(...(await matching(reader, query, window, { until })))
    if (found.length >= query.limit) {
      const records = found.slice(0, query.limit)
      return pageOf(records, records.at(-1)?.seq)
    }
    low = window.upTo + 1
    if (window.messages.length === 0) low = (await reader.nextAny(low, until))?.seq ?? state.last_seq + 1
    if (isRare(query, found.length, bound.looked)) {
      return await namedForward(reader, stream, query, { found, from: low, end: state.last_seq, bound })
    }
    length = Math.min(mostWindow, length * 2)
  }
  return pageOf(found, low <= state.last_seq ? low - 1 : undefined)
}

async function readBackward(
  reader: Reader,
  stream: string,
  query: CheckedQuery,
  { last, until }: Place,
): Promise<Found> {
  const { state } = await reader.info(until)
  const found: Standing[] = []
  // Stepping back, outcomes come before their intents.
  const outcomes = new Map<number, Headed>()
  let high = last === undefined ? state.last_seq : Math.min(state.last_seq, last - 1)
  // Most records take two messages.
  let length = leastWindow + query.limit * 2
  const bound = new Bound(until)
  while (high >= Math.max(1, state.first_seq) && !bound.isReached) {
    const low = Math.max(state.first_seq, high - length + 1)
    const window = await whole(reader, low, high, until)
    if (window === undefined) {
      length = Math.max(1, length >>> 1)
      continue
    }
    bound.looked += window.messages.length
    found.push(...(await matching(reader, query, window, { until, outcomes })).reverse())
    if (found.length >= query.limit) {
      const records = found.slice(0, query.limit)
      return pageOf(records, records.at(-1)?.seq)
    }
    high = low - 1
    if (isRare(query, found.length, bound.looked)) {
      return await namedBackward(reader, stream, query, { found, from: high, end: state.last_seq, bound })
    }
    // Where little is left of what was there, many sequences are few messages.
    if (window.messages.length < mostWindow / 2) length = Math.min(longestWindow, length * 2)
  }
  return pageOf(found, high >= state.first_seq && high > 0 ? high + 1 : undefined)
}

/** All between two sequences; undefined where that is too much at once. */
async function whole(reader: Reader, low: number, high: number, until: number): Promise<Window | undefined> {
  const messages: Message[] = []
  let bytes = 0
  // Few at first: where little is left the server answers with what comes after it.
  let most = 4 * leastWindow
  for (let from = low; from <= high; most *= 2) {
    const next = await reader.window(from, high, until, most)
    messages.push(...next.messages)
    for (const { data } of next.messages) bytes += data.length
    if (next.upTo < high && (messages.length >= mostWindow || bytes > mostBytes)) return undefined
    from = next.upTo + 1
    if (next.messages.length === 0 && from <= high) from = (await reader.nextAny(from, until))?.seq ?? high + 1
  }
  return { messages, upTo: high }
}

/** What a walk has come across. */
interface Seen {
  readonly until: number
  /** By the sequences of their intents. */
  readonly outcomes?: Map<number, Headed>
}

/** The records that begin in this window and are what the query asks for, in their order. */
export async function matching(
  reader: Reader,
  query: CheckedQuery,
  { messages }: Window,
  { until, outcomes = new Map() }: Seen,
): Promise<Standing[]> {
  const near = new Map(messages.map((message) => [message.seq, message]))
  const firsts: Headed[] = []
  for (const message of messages) {
    const headed = isOfRecord(message) ? toHeaded(message) : undefined
    if (headed === undefined) continue
    if (headed.head.of === undefined) firsts.push(headed)
    else outcomes.set(headed.head.of, headed)
  }
  // What no outcome changes is looked at first, so that only what may match is looked up.
  const unchanging = { ...query, states: undefined, eventId: undefined, problemCode: undefined }
  const needles = needlesOf(query)
  const standings = await Promise.all(
    firsts.map(async (first) => {
      if (first.head.parts === undefined && needles.some((needle) => !first.rest.includes(needle))) return undefined
      const alone = await reader.standing(first, first, near, until)
      if (alone === undefined || !matches(unchanging, alone.record)) return undefined
      if (first.head.outcomeBy !== undefined) return alone
      const last = outcomes.get(first.seq) ?? (await latest(reader, first, until))
      return last === first ? alone : last && (await reader.standing(first, last, near, until))
    }),
  )
  return standings.filter((each) => each !== undefined && matches(query, each.record)) as Standing[]
}

/** What the text of every record that matches has in it: so that few of those that do not are taken apart. */
function needlesOf({ equal, types }: CheckedQuery): readonly Buffer[] {
  const fields = types?.length === 1 ? { ...equal, type: types[0] } : equal
  return Object.entries(fields).map(([name, value]) => Buffer.from(`"${name}":${JSON.stringify(value)}`))
}

/** The last head on the subject of an intent; undefined where the intent is gone. */
export async function latest(reader: Reader, first: Headed, until: number): Promise<Headed | undefined> {
  const message = await reader.last(first.subject, until)
  if (message?.seq === first.seq) return first
  const headed = message && toHeaded(message)
  return headed?.head.of === first.seq ? headed : undefined
}
