/** Every literal code of a `StoreError` that our own stores and the audit use; a stranger's store may add its own. */
export type StoreErrorCode =
  | 'INVALID_QUERY'
  | 'INVALID_CURSOR'
  | 'INVALID_RECORD'
  | 'RECORD_TOO_LARGE'
  | 'STORE_CLOSED'
  | 'STORE_CORRUPT'
  | 'STORE_FULL'
  | 'STORE_INCOMPATIBLE'
  | 'STORE_OVERLOADED'
  | 'STORE_READ_ONLY'
  | 'STORE_TIMEOUT'
  | 'STORE_UNAVAILABLE'
  | (string & {})

/**
 * What every store fails with. Recognise it by `name` and `code`, never by class identity. `written: 'no'` is only said
 * when sure; retrying the same record after `unknown` is always safe. Carries no driver error, SQL, URL or parameter.
 */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode
  readonly written: 'no' | 'unknown'
  constructor(code: StoreErrorCode, message: string, written: 'no' | 'unknown' = 'no', options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.written = written
  }
}
