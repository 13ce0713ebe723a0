import { Buffer } from 'node:buffer'
import { isDeepStrictEqual } from 'node:util'
import type { CommandRecord } from 'commandlog'
import type { Facts } from './facts.ts'
import { digest } from './history.ts'

/** What must hold after a kill. */
export interface Rule {
  readonly name: string
  readonly rule: string
  /** Under which heading of the summary it counts. */
  readonly kind: 'lost' | 'duplicated' | 'torn' | 'wrong'
  /** Ids or texts that break it. */
  find(facts: Facts): readonly string[]
}

/** The rules, each caught in the act by a planted fault in `torture.test.ts`. */
export const rules: readonly Rule[] = [
  {
    name: 'intents-stay',
    rule: 'A command whose handler has started is on the record.',
    kind: 'lost',
    find: ({ history, got }) =>
      [...history.started, ...history.done.keys()].filter((id) => got.get(id) === undefined).filter(isFirst),
  },
  {
    name: 'outcomes-stay',
    rule: 'A command whose outcome was acknowledged is settled.',
    kind: 'lost',
    find: ({ history, got }) => [...history.done.keys()].filter((id) => got.get(id)?.state === 'created'),
  },
  {
    name: 'outcomes-as-said',
    rule: 'An outcome on the record is the one that was acknowledged, with its events.',
    kind: 'wrong',
    find: ({ history, got }) =>
      [...history.done].filter(([id, done]) => !isOutcome(got.get(id), done)).map(([id]) => id),
  },
  {
    name: 'nothing-twice',
    rule: 'A walk gives no id twice.',
    kind: 'duplicated',
    find: ({ walked }) => walked.map(({ id }) => id).filter((id, index, ids) => !isFirst(id, index, ids)),
  },
  {
    name: 'walk-is-get',
    rule: 'A walk gives exactly what get gives, and all of it.',
    kind: 'wrong',
    find({ walked, got }) {
      const byId = new Map(walked.map((record) => [record.id, record]))
      return [...got].filter(([id, record]) => !isDeepStrictEqual(record, byId.get(id))).map(([id]) => id)
    },
  },
  {
    name: 'as-asked',
    rule: 'A record is of a command that was asked, and says what was asked.',
    kind: 'wrong',
    find: ({ history, walked }) =>
      walked.filter((record) => !isAsAsked(record, history.asked.get(record.id))).map(({ id }) => id),
  },
  {
    name: 'whole',
    rule: 'A record has all that its state asks for, and its payload decodes.',
    kind: 'torn',
    find: ({ walked }) => walked.filter((record) => !isWhole(record)).map(({ id }) => id),
  },
  {
    name: 'events-lead-back',
    rule: 'A lookup by event finds its command, and no other.',
    kind: 'torn',
    find: ({ walked, byEvent }) =>
      walked.filter(({ id, events }) => events.some((each) => byEvent.get(each.id)?.join() !== id)).map(({ id }) => id),
  },
  {
    name: 'causes-come-first',
    rule: 'A command is on the record before those that it causes.',
    kind: 'wrong',
    find({ walked }) {
      const places = new Map(walked.map(({ id }, index) => [id, index]))
      const isEarly = ({ causationId }: CommandRecord, index: number): boolean =>
        causationId !== undefined && (places.get(causationId) ?? Number.POSITIVE_INFINITY) > index
      return walked.filter(isEarly).map(({ id }) => id)
    },
  },
  {
    name: 'follow-once',
    rule: 'A follower is given the latest change of every record exactly once, each at a position of its own.',
    kind: 'wrong',
    find({ walked, changes }) {
      const byId = new Map(walked.map((record) => [record.id, record]))
      const positions = new Set(changes.map(({ position }) => position))
      const odd = changes.filter(({ record }) => !isDeepStrictEqual(record, byId.get(record.id)))
      if (changes.length !== walked.length || positions.size !== changes.length) {
        const counts = `${changes.length} changes at ${positions.size} positions of ${walked.length} records`
        return [counts, ...odd.map(({ record }) => record.id)]
      }
      return odd.map(({ record }) => record.id)
    },
  },
  {
    name: 'no-failure',
    rule: 'Nothing fails because another process is killed.',
    kind: 'wrong',
    find: ({ history }) => history.failures,
  },
]

const seen = new WeakMap<readonly string[], Map<string, number>>()

/** A place in a list where its text comes for the first time; the list is looked through once. */
function isFirst(text: string, index: number, texts: readonly string[]): boolean {
  let firsts = seen.get(texts)
  if (firsts === undefined) {
    firsts = new Map()
    for (const [at, each] of texts.entries()) if (!firsts.has(each)) firsts.set(each, at)
    seen.set(texts, firsts)
  }
  return firsts.get(text) === index
}

type Said = Facts['history']

/** What is not there, or not settled, is another rule's. */
function isOutcome(record: CommandRecord | undefined, done: ReturnType<Said['done']['get']>): boolean {
  if (record === undefined || record.state === 'created' || done === undefined) return true
  const events = record.events.map(({ id }) => id)
  return record.state === done.state && isDeepStrictEqual(events, done.events)
}

function isAsAsked(record: CommandRecord, asked: ReturnType<Said['asked']['get']>): boolean {
  const { type, payload, attributes = {}, causationId } = record
  if (asked === undefined) return false
  const found = { type, payload: digest(String(payload.data)), attributes }
  return isDeepStrictEqual(causationId === undefined ? found : { ...found, causationId }, asked)
}

function isWhole(record: CommandRecord): boolean {
  const { state, payload, settledAt, durationMs, events, problem, error } = record
  if (payload.status !== 'full' || typeof payload.data !== 'string') return false
  if (Buffer.byteLength(payload.data) !== payload.bytes || !isJson(payload.data)) return false
  if (state === 'created') {
    return [settledAt, durationMs, problem, error].every((each) => each === undefined) && events.length === 0
  }
  if (settledAt === undefined || durationMs === undefined || settledAt < record.receivedAt || durationMs < 0)
    return false
  return (
    (problem !== undefined) === (state === 'rejected' || state === 'conflict') &&
    (error !== undefined) === (state === 'failed')
  )
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    // A body that was cut off.
    return false
  }
}
