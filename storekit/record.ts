import {
  type CommandRecord,
  type CommandState,
  copyRecord,
  type Importance,
  type Retention,
  StoreError,
} from '../src/index.ts'

const outcomes: readonly CommandState[] = ['successful', 'cancelled', 'rejected', 'conflict', 'failed']

const importances: readonly Importance[] = ['low', 'normal', 'high']
const retentions: readonly Retention[] = ['short-lived', 'long-lived', 'permanent']

/** Whether a record has its outcome. */
export function isSettled(record: CommandRecord): boolean {
  return record.state !== 'created'
}

/** Refuses with `INVALID_RECORD` what is no record, before anything is written. */
export function checkRecord(record: CommandRecord): void {
  if (typeof record !== 'object' || record === null) throw invalid('expected an object')
  const { id, type, state, correlationId, payload, events, receivedAt, importance, retention, dryRun } = record
  if (typeof id !== 'string' || typeof type !== 'string' || typeof correlationId !== 'string') {
    throw invalid('expected texts as id, type and correlationId')
  }
  if (state !== 'created' && !outcomes.includes(state)) throw invalid('unknown state')
  if (!importances.includes(importance) || !retentions.includes(retention) || typeof dryRun !== 'boolean') {
    throw invalid('expected importance, retention and dryRun')
  }
  if (typeof payload !== 'object' || payload === null) throw invalid('expected a payload')
  if (!Array.isArray(events) || !events.every(hasId)) throw invalid('expected events with ids')
  if (!Number.isSafeInteger(receivedAt)) throw invalid('expected receivedAt in whole milliseconds')
}

/**
 * A copy that shares nothing with what was passed in; `INVALID_RECORD` for what is no record, or holds what JSON has no text
 * for. What this gives back can be written by `JSON.stringify`, payloads' bytes apart.
 */
export function takeRecord(record: CommandRecord): CommandRecord {
  checkRecord(record)
  let copy: CommandRecord
  try {
    copy = copyRecord(record)
    const { metadata, attributes, problem } = copy
    const isPlain = isJson(metadata) && isJson(attributes) && isJson(problem)
    if (isPlain) return copy
  } catch {
    // A cycle, a getter or a proxy of the caller.
  }
  throw invalid('expected metadata, attributes and problem to be plain JSON')
}

function hasId(event: { readonly id: unknown } | null | undefined): boolean {
  return typeof event?.id === 'string'
}

function isJson(value: unknown): boolean {
  if (value === undefined) return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return !['bigint', 'function', 'symbol'].includes(typeof value)
  return Object.values(value).every(isJson)
}

/**
 * What the record of an id becomes when its outcome arrives: the outcome decides the state and all that belongs to it;
 * identity, time of receipt and payload stay those of the first write.
 */
export function settle(first: CommandRecord, outcome: CommandRecord): CommandRecord {
  const { state, events, result, problem, error, settledAt, durationMs, attempts } = outcome
  const settled: { -readonly [key in keyof CommandRecord]: CommandRecord[key] } = { ...first, state, events }
  if (result !== undefined) settled.result = result
  if (problem !== undefined) settled.problem = problem
  if (error !== undefined) settled.error = error
  if (settledAt !== undefined) settled.settledAt = settledAt
  if (durationMs !== undefined) settled.durationMs = durationMs
  if (attempts !== undefined) settled.attempts = attempts
  // Whoever settles may add to what is there for reading, such as who it was.
  if (outcome.metadata !== undefined) settled.metadata = outcome.metadata
  return settled
}

function invalid(reason: string): StoreError {
  return new StoreError('INVALID_RECORD', `Not a command record: ${reason}`)
}
