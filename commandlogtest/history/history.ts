import { createHash } from 'node:crypto'
import type { CommandRecord, JsonValue, Payload, RecordResult } from '../../src/index.ts'

/** What a call came to: its value, a failure that wrote nothing, or nobody knows (it may take effect at any later time). */
export type Result<T> =
  | { readonly status: 'ok'; readonly value: T }
  | { readonly status: 'failed' }
  | { readonly status: 'unknown' }

/** What a record says, in two parts that are compared as texts. */
export interface Fingerprint {
  /** What the first write of an id fixes. */
  readonly identity: string
  /** What the outcome brings; absent while the record is `created`. */
  readonly outcome?: string
}

/** What every call of a history has. The stamps come from one counter that never runs backwards. */
interface Call {
  readonly client: string
  readonly handle?: string
  /** Taken before the call. */
  readonly invoked: number
  /** Taken when the call had settled; without meaning where the result is unknown. */
  readonly returned?: number
}

/** A `record` call: an intent, or an outcome where the content has one. */
export interface RecordEvent extends Call {
  readonly kind: 'record'
  readonly id: string
  /** Needed only where a walk is of one correlation. */
  readonly correlationId?: string
  readonly content: Fingerprint
  readonly result: Result<RecordResult>
}

/** A `get` call and what it saw. */
export interface GetEvent extends Call {
  readonly kind: 'get'
  readonly id: string
  readonly result: Result<Fingerprint | undefined>
}

/** One record as a walk saw it. */
export interface Sight {
  readonly id: string
  readonly content: Fingerprint
}

/**
 * A walk over all records of the history, or over those of one correlation, from its first page to its last:
 * `findByCorrelation` is a complete one, oldest first. Records that the history did not write are to be left out.
 */
export interface WalkEvent extends Call {
  readonly kind: 'walk'
  readonly order: 'oldest' | 'newest'
  /** Whether it went on until there was no `next`. */
  readonly isComplete: boolean
  readonly correlationId?: string
  readonly result: Result<readonly Sight[]>
}

/** One call of one client. */
export type HistoryEvent = RecordEvent | GetEvent | WalkEvent

/** A rule that a history breaks. */
export interface HistoryViolation {
  readonly rule: HistoryRule
  /** What went wrong, in one sentence. */
  readonly message: string
  /** The few calls that show it, in the order of their beginning. */
  readonly events: readonly HistoryEvent[]
}

/** The rules that a history can break. */
export type HistoryRule =
  | 'one-created'
  | 'one-settled'
  | 'no-phantom'
  | 'definite-means-absent'
  | 'whole-outcomes'
  | 'read-after-acknowledgement'
  | 'linearizable'
  | 'nothing-twice'
  | 'one-order'
  | 'nothing-missing'
  | 'real-time-order'

/** When a call was over; never, where nobody knows whether it is. */
export function endOf(event: HistoryEvent): number {
  return event.result.status === 'unknown' ? Number.POSITIVE_INFINITY : (event.returned ?? Number.POSITIVE_INFINITY)
}

/**
 * The fingerprint of a record: equal for records that are equal by the contract (JSON by value, other bodies by byte).
 * Leaves out the metadata, which an outcome may add to, and the events of an intent.
 */
export function fingerprintOf(record: CommandRecord): Fingerprint {
  const {
    state,
    events,
    result,
    problem,
    error,
    settledAt,
    durationMs,
    attempts,
    metadata: _reading,
    ...identity
  } = record
  const first = digest({ ...identity, payload: bodyOf(record.payload) })
  if (state === 'created') return { identity: first }
  const body = result === undefined ? undefined : bodyOf(result)
  return {
    identity: first,
    outcome: digest({ state, events, result: body, problem, error, settledAt, durationMs, attempts }),
  }
}

function bodyOf(payload: Payload): unknown {
  const { data } = payload
  if (data instanceof Uint8Array) return { ...payload, data: Buffer.from(data).toString('base64'), isBinary: true }
  if (data === undefined || payload.format !== 'json') return payload
  try {
    return { ...payload, data: JSON.parse(data) as JsonValue }
  } catch {
    // A body that is no JSON is compared as the text that it is.
    return payload
  }
}

function digest(value: unknown): string {
  return createHash('sha1').update(JSON.stringify(value, sorted)).digest('base64').slice(0, 16)
}

/** Puts the members of every object in one order, so that equal values have equal texts. */
function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : Number(a > b))))
}
