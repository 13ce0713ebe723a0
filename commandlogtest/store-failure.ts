import { show } from './show.ts'
import { Violation } from './violation.ts'

/** A `StoreError` as the suite knows it: by name and code, never by class. */
export interface StoreFailure {
  readonly error: Error
  readonly code: string
  readonly written: 'no' | 'unknown'
}

/** A call that failed with a `StoreError`. Where nobody expected one, it is the violation. */
export class FailedCall extends Violation {
  readonly failure: StoreFailure
  /** `isLasting`: it was tried often enough to believe that it will not pass. */
  constructor(method: string, failure: StoreFailure, isLasting = false) {
    super(`${method} failed`, { expected: 'an answer', actual: show(failure.error), isHang: isLasting })
    this.failure = failure
  }
}

const lasting = new Set([
  'INVALID_QUERY',
  'INVALID_CURSOR',
  'INVALID_RECORD',
  'RECORD_TOO_LARGE',
  'STORE_CLOSED',
  'STORE_FULL',
])

/** Whether the same call may succeed next time. */
export function isTransient({ code, written }: StoreFailure): boolean {
  return written === 'unknown' || !lasting.has(code)
}

/** What a rejection is: a call that failed as the contract has it, or a violation. */
export function storeFailure(method: string, error: unknown): Violation {
  const { name, code, written, message } = (typeof error === 'object' && error !== null ? error : {}) as Record<
    string,
    unknown
  >
  const expected = "an Error with the name 'StoreError', a literal code, and written 'no' or 'unknown'"
  if (name !== 'StoreError' || typeof code !== 'string' || code === '' || typeof message !== 'string') {
    return new Violation(`${method} rejected with something that is no StoreError`, { expected, actual: show(error) })
  }
  if (written !== 'no' && written !== 'unknown') {
    return new Violation(`${method} rejected with a StoreError that does not say what was written`, {
      expected,
      actual: show(error),
    })
  }
  const leak = leakOf(error as Error)
  if (leak !== undefined)
    return new Violation(`${method} rejected with a StoreError that leaks: ${leak}`, { actual: show(error) })
  return new FailedCall(method, { error: error as Error, code, written })
}

const ownNames = new Set(['name', 'code', 'written', 'message', 'stack', 'cause'])
const builtIn = new Set([
  'Error',
  'TypeError',
  'RangeError',
  'SyntaxError',
  'AggregateError',
  'StoreError',
  'AbortError',
])
const statement =
  /\bselect\s[\s\S]+\sfrom\s|\binsert\s+(or\s+\w+\s+)?into\s|\bupdate\s+\S+\s+set\s|\bdelete\s+from\s|\bpragma\s/i
const address = /\b[a-z][a-z\d+.-]*:\/\/\S+/i

/** What an error tells that is nobody's business: the driver's error, SQL, a URL. */
function leakOf(error: Error): string | undefined {
  const odd = Object.keys(error).find((key) => !ownNames.has(key))
  if (odd !== undefined && ['sql', 'query', 'parameters', 'params', 'args', 'url', 'record', 'errno'].includes(odd))
    return `.${odd}`
  if (statement.test(error.message) || address.test(error.message)) return 'its message'
  const { cause } = error
  if (typeof cause !== 'object' || cause === null) return undefined
  const { name, code, message } = cause as Record<string, unknown>
  const isOwn = name === 'StoreError'
  const isDrivers = typeof name === 'string' && !builtIn.has(name)
  const tellsMore = Object.keys(cause).some((key) => !ownNames.has(key)) || typeof code === 'string'
  if (isDrivers || (tellsMore && !isOwn)) return "the driver's error as its cause"
  return typeof message === 'string' && (statement.test(message) || address.test(message)) ? 'its cause' : undefined
}

/** Where in an error a text is told, its causes and members included; undefined where it is nowhere. */
export function placeOf(text: string, thrown: unknown, place = 'the error', depth = 0): string | undefined {
  if (typeof thrown === 'string') return thrown.includes(text) ? place : undefined
  if (typeof thrown !== 'object' || thrown === null || depth > 5) return undefined
  for (const key of Object.getOwnPropertyNames(thrown)) {
    if (key.includes(text)) return `a key of ${place}`
    // Its first line is the message, and the rest are files.
    if (key === 'stack') continue
    const found = placeOf(text, (thrown as Record<string, unknown>)[key], `${place}.${key}`, depth + 1)
    if (found !== undefined) return found
  }
  return undefined
}
