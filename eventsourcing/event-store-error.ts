/** Every literal code of an `EventStoreError` that our own stores use; a stranger's store may add its own. */
export type EventStoreErrorCode =
  | 'VERSION_CONFLICT'
  | 'FENCED'
  | 'DUPLICATE_EVENT'
  | 'INVALID_EVENT'
  | 'INVALID_ARGUMENT'
  | 'EVENT_TOO_LARGE'
  | 'STORE_CLOSED'
  | 'STORE_CORRUPT'
  | 'STORE_FULL'
  | 'STORE_INCOMPATIBLE'
  | 'STORE_OVERLOADED'
  | 'STORE_READ_ONLY'
  | 'STORE_TIMEOUT'
  | 'STORE_UNAVAILABLE'
  | (string & {})

/** What an `EventStoreError` can tell besides its code. */
export interface EventStoreErrorFacts {
  /** Default `no`. */
  readonly written?: 'no' | 'unknown' | undefined
  readonly expected?: number | undefined
  readonly actual?: number | undefined
}

/**
 * What every event store fails with. Recognise it by `name` and `code`, never by class identity. `written: 'no'` is only
 * said when sure; after `unknown` the same append again is safe: `DUPLICATE_EVENT` then says that it had been written.
 * Carries no driver error, SQL, path or event data.
 */
export class EventStoreError extends Error {
  override readonly name = 'EventStoreError'
  readonly code: EventStoreErrorCode
  readonly written: 'no' | 'unknown'
  /** Of a `VERSION_CONFLICT`: the version that the caller expected. */
  readonly expected: number | undefined
  /** Of a `VERSION_CONFLICT`: the version that the stream was at. */
  readonly actual: number | undefined
  constructor(code: EventStoreErrorCode, message: string, facts: EventStoreErrorFacts = {}) {
    super(message)
    this.code = code
    this.written = facts.written ?? 'no'
    this.expected = facts.expected
    this.actual = facts.actual
  }
}

/** The error of an append that lost its race: the stream is at another version than expected. */
export function versionConflict(expected: number, actual: number): EventStoreError {
  const message = `The stream was expected at version ${expected} and is at ${actual}`
  return new EventStoreError('VERSION_CONFLICT', message, { expected, actual })
}
