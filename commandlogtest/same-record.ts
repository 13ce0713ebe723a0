import type { CommandRecord, Payload } from '../src/index.ts'
import { show } from './show.ts'

const plainFields = [
  ...['id', 'type', 'state', 'correlationId', 'causationId', 'clientRef', 'tenantId', 'userId', 'importance'],
  ...['retention', 'dryRun', 'receivedAt', 'settledAt', 'durationMs', 'attempts', 'replayOf', 'traceparent'],
]
const jsonFields = ['metadata', 'attributes', 'problem', 'events', 'error', 'source']
const payloadFields = ['payload', 'result']
const knownFields = new Set([...plainFields, ...jsonFields, ...payloadFields])

/** Says where a record that was read differs from the one that is expected; undefined where they are equal. */
export function recordFault(actual: CommandRecord, expected: CommandRecord): string | undefined {
  const [read, wanted] = [actual, expected] as unknown as readonly Readonly<Record<string, unknown>>[]
  if (read === undefined || wanted === undefined) return 'no record'
  for (const field of [...plainFields, ...jsonFields]) {
    const fault = jsonFault(field, read[field], wanted[field])
    if (fault !== undefined) return fault
  }
  for (const field of payloadFields) {
    const fault = payloadFault(field, read[field] as Payload, wanted[field] as Payload)
    if (fault !== undefined) return fault
  }
  const odd = Object.keys(read).find((field) => !knownFields.has(field) && read[field] !== undefined)
  return odd === undefined ? undefined : `${odd}: a member that nobody wrote`
}

/** Compares JSON by value: an undefined member counts as absent, -0 equals 0, the order of keys does not matter. */
export function jsonFault(path: string, actual: unknown, expected: unknown): string | undefined {
  if (actual === expected) return undefined
  if (typeof actual !== 'object' || typeof expected !== 'object' || actual === null || expected === null) {
    return different(path, actual, expected)
  }
  if (Array.isArray(actual) !== Array.isArray(expected)) return different(path, actual, expected)
  if (Array.isArray(actual) && actual.length !== (expected as unknown[]).length)
    return different(path, actual, expected)
  const prototype: unknown = Object.getPrototypeOf(actual)
  if (!Array.isArray(actual) && prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    return `${path}: expected a plain object, received ${show(actual)} with another prototype`
  }
  const keys = new Set([...presentKeys(actual), ...presentKeys(expected)])
  for (const key of keys) {
    const fault = jsonFault(`${path}[${show(key)}]`, own(actual, key), own(expected, key))
    if (fault !== undefined) return fault
  }
  return undefined
}

function payloadFault(path: string, actual: Payload | undefined, expected: Payload | undefined): string | undefined {
  if (actual === undefined && expected === undefined) return undefined
  if (typeof actual !== 'object' || actual === null || expected === undefined) return different(path, actual, expected)
  for (const field of ['status', 'format', 'bytes'] as const) {
    if (actual[field] !== expected[field]) return different(`${path}.${field}`, actual[field], expected[field])
  }
  const [read, wanted] = [actual.data, expected.data]
  if (read === wanted || sameBytes(read, wanted)) return undefined
  if (expected.format === 'json' && typeof read === 'string' && typeof wanted === 'string') {
    return jsonFault(`${path}.data`, parse(read), parse(wanted))
  }
  return different(`${path}.data`, read, wanted)
}

function sameBytes(actual: unknown, expected: unknown): boolean {
  if (!isBytes(actual) || !isBytes(expected)) return false
  return actual.length === expected.length && actual.every((byte, index) => byte === expected[index])
}

/** Bytes of any realm: a test runner may have given the store another `Uint8Array`. */
export function isBytes(value: unknown): value is Uint8Array {
  return Object.prototype.toString.call(value) === '[object Uint8Array]'
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // What is no JSON is compared as the text that it is.
    return { unreadable: text }
  }
}

function presentKeys(value: object): readonly string[] {
  return Object.keys(value).filter((key) => own(value, key) !== undefined)
}

function own(value: object, key: string): unknown {
  return Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined
}

function different(path: string, actual: unknown, expected: unknown): string {
  return `${path}: expected ${show(expected)}, received ${show(actual)}`
}
