import { type CommandRecord, type CommandState, StoreError } from '../src/index.ts'

const outcomes: readonly CommandState[] = ['successful', 'cancelled', 'rejected', 'conflict', 'failed']

/** Whether a record has its outcome. */
export function isSettled(record: CommandRecord): boolean {
  return record.state !== 'created'
}

/** Refuses with `INVALID_RECORD` what is no record, before anything is written. */
export function checkRecord(record: CommandRecord): void {
  if (typeof record !== 'object' || record === null) throw invalid('expected an object')
  const { id, type, state, correlationId, payload, events, receivedAt } = record
  if (typeof id !== 'string' || typeof type !== 'string' || typeof correlationId !== 'string') {
    throw invalid('expected texts as id, type and correlationId')
  }
  if (state !== 'created' && !outcomes.includes(state)) throw invalid('unknown state')
  if (typeof payload !== 'object' || payload === null || !Array.isArray(events))
    throw invalid('expected a payload and events')
  if (!Number.isSafeInteger(receivedAt)) throw invalid('expected receivedAt in whole milliseconds')
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
