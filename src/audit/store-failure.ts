import { StoreError } from '../errors.ts'

/**
 * What a store failed with, as a `StoreError`. A stranger's raw error is kept as the cause for the operator's ears only:
 * its message may hold URLs or parameters, so nothing of it but its class shows.
 */
export function toStoreError(thrown: unknown): StoreError {
  if (isStoreError(thrown)) return thrown
  const kind = thrown instanceof Error ? thrown.constructor.name : typeof thrown
  return new StoreError('STORE_UNAVAILABLE', `The store failed without a StoreError (${kind})`, 'unknown', {
    cause: thrown,
  })
}

/** By name and code, never by class identity: the store may have loaded another copy of this package. */
function isStoreError(thrown: unknown): thrown is StoreError {
  if (typeof thrown !== 'object' || thrown === null) return false
  const { name, code, written } = thrown as Partial<StoreError>
  return name === 'StoreError' && typeof code === 'string' && (written === 'no' || written === 'unknown')
}

/** Whether trying the same record again could help. */
export function isLasting({ code }: StoreError): boolean {
  return code === 'STORE_CLOSED' || code === 'INVALID_RECORD' || code === 'RECORD_TOO_LARGE'
}
