import { StoreError } from '../../src/index.ts'

/** Errors of JetStream by their number: what they mean here, and whether the next try may do better. */
const kinds: readonly (readonly [numbers: readonly number[], code: string, message: string, isTransient: boolean])[] = [
  [[10071, 10164], 'STORE_CONFLICT', 'Somebody else wrote first', true],
  [[10023, 10047, 10077, 10028, 10002], 'STORE_FULL', 'The server has no room, or its limits are reached', false],
  [[10054], 'RECORD_TOO_LARGE', 'The record is larger than the server takes', false],
  [[10109], 'STORE_READ_ONLY', 'The stream takes no more records', false],
  [[10057, 10110], 'STORE_READ_ONLY', 'The stream lets nothing be deleted', false],
  [[10174], 'STORE_INCOMPATIBLE', 'The stream takes no atomic batches', false],
  [[10039, 10076], 'STORE_UNAVAILABLE', 'JetStream is not enabled for this account', false],
  [[10065], 'STORE_INCOMPATIBLE', 'Another stream takes these subjects', false],
  [[10058], 'STORE_EXISTS', 'The stream is there already', false],
  [[10059], 'STORE_MISSING', 'The stream is not there', false],
  // No peers for a placement, no leader yet, a server that starts, too many batches at once, one of which parts were lost.
  [[10005, 10007, 10008, 10009, 10074, 10176, 10210], 'STORE_UNAVAILABLE', 'JetStream is not ready', true],
]

/** A failure of the server or the connection, told by its facts alone: messages hold subjects and URLs. */
export class Failure extends Error {
  readonly code: string
  /** Whether it may have done what it was asked to. */
  readonly isUnknown: boolean
  readonly isTransient: boolean
  constructor(code: string, message: string, how: { readonly isUnknown: boolean; readonly isTransient: boolean }) {
    super(message)
    this.code = code
    this.isUnknown = how.isUnknown
    this.isTransient = how.isTransient
  }
}

/** The answer of a server that refused. */
export interface ApiError {
  readonly code?: number
  readonly err_code?: number
}

/** What it means that the server refused. Nothing was done. */
export function refusal({ code, err_code: number = 0 }: ApiError): Failure {
  const kind = kinds.find(([numbers]) => numbers.includes(number))
  const [, ours, message, isTransient] = kind ?? [[], 'STORE_UNAVAILABLE', 'The server refused', (code ?? 0) >= 500]
  return new Failure(ours, number === 0 ? message : `${message} (${number})`, { isUnknown: false, isTransient })
}

/** Nobody was there to take it. */
export function unsent(isTransient = true): Failure {
  return new Failure('STORE_UNAVAILABLE', 'The server cannot be reached', { isUnknown: false, isTransient })
}

/** What changes nothing. */
const reading = /^\$JS\.API\.(?:STREAM\.INFO|STREAM\.MSG\.GET|DIRECT\.GET|CONSUMER\.\w+)\./

/** The server has thrown it away. Where it is the answer that may not be heard, what it was asked to do may be done. */
export function forbidden(operation: string, subject: string): Failure {
  const isUnknown = operation === 'subscription'
  const code = isUnknown || reading.test(subject) ? 'STORE_UNAVAILABLE' : 'STORE_READ_ONLY'
  return new Failure(code, 'The server does not let this user do that', { isUnknown, isTransient: false })
}

/** A stream that no log may be kept in, or a server. */
export function incompatible(why: string): Failure {
  return new Failure('STORE_INCOMPATIBLE', why, { isUnknown: false, isTransient: false })
}

/** It went out, and no answer came. */
export function unanswered(): Failure {
  return new Failure('STORE_UNAVAILABLE', 'The connection broke, or nobody answered', {
    isUnknown: true,
    isTransient: true,
  })
}

/** What the caller hears. */
export function toStoreError(thrown: unknown, isWrite: boolean): StoreError {
  if (thrown instanceof StoreError) return thrown
  if (!(thrown instanceof Failure)) {
    return new StoreError('STORE_UNAVAILABLE', 'The client of the server failed', isWrite ? 'unknown' : 'no')
  }
  const isInside = ['STORE_CONFLICT', 'STORE_MISSING', 'STORE_EXISTS'].includes(thrown.code)
  const code = isInside ? 'STORE_UNAVAILABLE' : thrown.code
  return new StoreError(code, thrown.message, isWrite && thrown.isUnknown ? 'unknown' : 'no')
}
