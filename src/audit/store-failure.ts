import { StoreError } from '../store-error.ts'

/**
 * What a store failed with, as a `StoreError`. Of a raw error only its class is told: its message, and whatever hangs on
 * it, may hold URLs or parameters.
 */
export function toStoreError(thrown: unknown): StoreError {
  if (isStoreError(thrown)) return thrown
  return new StoreError(
    'STORE_UNAVAILABLE',
    `The store failed without a StoreError (${kindOfError(thrown)})`,
    'unknown',
  )
}

/** By name and code, never by class identity: the store may have loaded another copy of this package. */
function isStoreError(thrown: unknown): thrown is StoreError {
  if (typeof thrown !== 'object' || thrown === null) return false
  try {
    const { name, code, written } = thrown as Partial<StoreError>
    return name === 'StoreError' && typeof code === 'string' && (written === 'no' || written === 'unknown')
  } catch {
    // A getter of the store's error threw: it is no StoreError.
    return false
  }
}

function kindOfError(thrown: unknown): string {
  try {
    const name: unknown = thrown instanceof Error ? Object.getPrototypeOf(thrown)?.constructor?.name : undefined
    return typeof name === 'string' ? name : typeof thrown
  } catch {
    // A revoked proxy cannot even be asked.
    return typeof thrown
  }
}

/** Whether trying the same record again could help. */
export function isLasting({ code }: StoreError): boolean {
  return code === 'STORE_CLOSED' || code === 'INVALID_RECORD' || code === 'RECORD_TOO_LARGE'
}
