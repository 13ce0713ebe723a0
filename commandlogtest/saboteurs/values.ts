// What is stored is not what was given: columns, codecs and mappers.

import type { CommandRecord, JsonValue, Payload } from '../../src/index.ts'
import { base } from './base-steps.ts'
import { type Suspect, suspect } from './saboteur.ts'
import type { Steps } from './steps.ts'

type Change<T> = (value: T) => T

/** A store that changes a record before it keeps it. */
export function storing(change: Change<CommandRecord>): Partial<Steps> {
  return { copyIn: (record) => change(base.copyIn(record)) }
}

/** A store that changes a record when it is read. */
export function reading(change: Change<CommandRecord>): Partial<Steps> {
  return { copyOut: (record) => change(base.copyOut(record)) }
}

/** A record with the body of its payload, and of its result, changed. */
export function withData(change: (data: string | Uint8Array, payload: Payload) => unknown): Change<CommandRecord> {
  const one = (payload: Payload): Payload =>
    payload.data === undefined ? payload : { ...payload, data: change(payload.data, payload) as string }
  return (record) => ({ ...record, payload: one(record.payload), ...(record.result && { result: one(record.result) }) })
}

/** A record with every text outside its bodies changed. */
export function withTexts(change: Change<string>): Change<CommandRecord> {
  return ({ payload, result, ...record }) => ({
    ...(mapJson(record as never, change) as unknown as CommandRecord),
    payload,
    ...(result && { result }),
  })
}

/** A record with its metadata, attributes and problem rebuilt. */
export function withJson(change: (value: JsonValue) => JsonValue | undefined): Change<CommandRecord> {
  return ({ metadata, attributes, problem, ...record }) => {
    const changed: Record<string, unknown> = {}
    for (const [name, value] of Object.entries({ metadata, attributes, problem })) {
      if (value !== undefined) changed[name] = change(value as JsonValue)
    }
    return { ...record, ...changed }
  }
}

/** A deep copy of JSON with every text changed, and its keys too if asked. */
export function mapJson(value: JsonValue, change: Change<string>, changeKey: Change<string> = (key) => key): JsonValue {
  if (typeof value === 'string') return change(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((each: JsonValue) => mapJson(each, change, changeKey))
  const entries = Object.entries(value).map(([key, each]) => [
    changeKey(key),
    mapJson(each as JsonValue, change, changeKey),
  ])
  return Object.fromEntries(entries)
}

/** A deep copy of JSON with every leaf that is no text changed or, if undefined, left out. */
export function mapLeaves(value: JsonValue, change: (leaf: JsonValue) => unknown): JsonValue {
  if (Array.isArray(value)) return value.map((each: JsonValue) => mapLeaves(each, change))
  if (typeof value !== 'object' || value === null) return change(value) as JsonValue
  const entries = Object.entries(value).map(([key, each]) => [key, mapLeaves(each as JsonValue, change)] as const)
  return Object.fromEntries(entries.filter(([, each]) => each !== undefined))
}

const isText = (data: string | Uint8Array): data is string => typeof data === 'string'
const bytesOnly = (change: (bytes: Uint8Array) => unknown) => withData((data) => (isText(data) ? data : change(data)))
const textOnly = (change: (text: string, payload: Payload) => unknown) =>
  withData((data, payload) => (isText(data) ? change(data, payload) : data))

/** Bodies. */
export const bodySuspects: readonly Suspect[] = [
  suspect('codec/bytes-as-utf8', 'Bytes are stored as UTF-8 text and read back as bytes.', () =>
    storing(bytesOnly((bytes) => new Uint8Array(Buffer.from(Buffer.from(bytes).toString())))),
  ),
  suspect('codec/bytes-come-back-as-text', 'Bytes come back as base64 text.', () =>
    reading(bytesOnly((bytes) => Buffer.from(bytes).toString('base64'))),
  ),
  suspect('codec/bytes-as-object', 'Bytes come back as an object of numbered members.', () =>
    reading(bytesOnly((bytes) => JSON.parse(JSON.stringify(bytes)))),
  ),
  suspect('codec/bytes-as-array', 'Bytes come back as an array of numbers.', () =>
    reading(bytesOnly((bytes) => [...bytes])),
  ),
  suspect('codec/bytes-as-array-buffer', 'Bytes come back as an ArrayBuffer.', () =>
    reading(bytesOnly((bytes) => Uint8Array.from(bytes).buffer)),
  ),
  suspect('codec/bytes-as-json-buffer', 'Bytes come back as { type: "Buffer", data }.', () =>
    reading(bytesOnly((bytes) => JSON.parse(JSON.stringify(Buffer.from(bytes))))),
  ),
  suspect(
    'codec/base64-without-url-alphabet',
    'Bytes pass through base64url and are decoded by a table of plain base64.',
    () =>
      storing(
        bytesOnly(
          (bytes) =>
            new Uint8Array(Buffer.from(Buffer.from(bytes).toString('base64url').replaceAll(/[-_]/g, 'A'), 'base64')),
        ),
      ),
  ),
  suspect('codec/bytes-stop-at-zero', 'Bytes end at the first zero.', () =>
    storing(bytesOnly((bytes) => (bytes.includes(0) ? bytes.slice(0, bytes.indexOf(0)) : bytes))),
  ),
  suspect('codec/bytes-in-seven-bits', 'The highest bit of every byte is lost.', () =>
    storing(bytesOnly((bytes) => bytes.map((byte) => byte & 0x7f))),
  ),
  suspect('codec/json-twice', 'A JSON body is encoded as JSON once more.', () =>
    storing(textOnly((text, { format }) => (format === 'json' ? JSON.stringify(text) : text))),
  ),
  suspect('codec/json-parsed', 'A JSON body comes back parsed.', () =>
    reading(textOnly((text, { format }) => (format === 'json' ? (parsed(text) ?? text) : text))),
  ),
  suspect('codec/parses-every-format', 'Text of any format is taken for JSON and written anew where that works.', () =>
    storing(
      textOnly((text, { format }) =>
        format === 'json' || parsed(text) === undefined ? text : JSON.stringify(parsed(text)),
      ),
    ),
  ),
  suspect('codec/trims-text', 'Text bodies of other formats are trimmed.', () =>
    storing(textOnly((text, { format }) => (format === 'json' ? text : text.trim()))),
  ),
  suspect('codec/unix-newlines', 'CR LF in text bodies of other formats becomes LF.', () =>
    storing(textOnly((text, { format }) => (format === 'json' ? text : text.replaceAll('\r\n', '\n')))),
  ),
  suspect('codec/rounds-numbers', 'Numbers in a JSON body are rounded to 15 digits.', () =>
    storing(
      textOnly((text, { format }) =>
        format === 'json' && parsed(text) !== undefined ? JSON.stringify(rounded(parsed(text) as JsonValue)) : text,
      ),
    ),
  ),
  suspect('codec/drops-nulls', 'Members that are null are left out of a JSON body.', () =>
    storing(
      textOnly((text, { format }) =>
        format === 'json' && parsed(text) !== undefined
          ? JSON.stringify(mapLeaves(parsed(text) as JsonValue, (leaf) => leaf ?? undefined))
          : text,
      ),
    ),
  ),
  suspect('codec/drops-proto', 'A member called __proto__ is left out of a JSON body.', () =>
    storing(
      textOnly((text, { format }) =>
        format === 'json' && text.includes('__proto__') && parsed(text) !== undefined
          ? JSON.stringify(assigned(parsed(text) as JsonValue))
          : text,
      ),
    ),
  ),
  suspect('codec/empty-body-is-absent', 'A body of no length comes back as absent.', () =>
    storing(withData((data) => (data.length === 0 ? undefined : data))),
  ),
  suspect('codec/text-stops-at-nul', 'Text bodies end at the first NUL.', () =>
    storing(textOnly((text) => text.split('\0')[0])),
  ),
  suspect('codec/latin1', 'Text bodies keep only what Latin-1 has.', () =>
    storing(textOnly((text) => text.replaceAll(/[^\0-\xff]/gu, '?'))),
  ),
  suspect(
    'codec/half-emoji',
    'Text bodies are cut into chunks of 64 KiB, and characters at their edges are lost.',
    () => storing(textOnly((text) => (text.length <= 65536 ? text : `${text.slice(0, 65535)}${text.slice(65536)}`))),
  ),
  suspect('dynamo/cut-at-400-kilobytes', 'A body over 400 KB is cut.', () =>
    storing(withData((data) => data.slice(0, 400_000))),
  ),
  suspect('dynamo/drops-large-bodies', 'A body over 512 KiB is left out and flagged as too large.', () =>
    storing((record) => {
      const { data, ...rest } = record.payload
      return data === undefined || data.length <= 524_288
        ? record
        : { ...record, payload: { ...rest, status: 'too-large' } }
    }),
  ),
  suspect('codec/format-forgotten', 'Every format comes back as json.', () =>
    reading((record) => ({ ...record, payload: { ...record.payload, format: 'json' } })),
  ),
  suspect('codec/size-recounted', 'The size of a body is counted anew from what is stored.', () =>
    storing((record) => ({
      ...record,
      payload: { ...record.payload, bytes: Buffer.byteLength(record.payload.data ?? '') },
    })),
  ),
  suspect('codec/status-forgotten', 'A body that is there comes back as full, one that is not as omitted.', () =>
    reading((record) => ({
      ...record,
      payload: { ...record.payload, status: record.payload.data === undefined ? 'omitted' : 'full' },
    })),
  ),
  suspect(
    'codec/shared-buffer',
    'Bytes that are read are a view on one buffer, which the next read fills anew.',
    () => {
      const pool = new Uint8Array(1 << 21)
      return reading(
        bytesOnly((bytes) => {
          if (bytes.length > pool.length) return bytes
          pool.set(bytes)
          return pool.subarray(0, bytes.length)
        }),
      )
    },
  ),
]

function parsed(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue
  } catch {
    // Not JSON: kept as it is.
    return undefined
  }
}

function rounded(value: JsonValue): JsonValue {
  return mapLeaves(value, (leaf) => (typeof leaf === 'number' ? Number(leaf.toPrecision(15)) : leaf))
}

/** A copy made member by member, in which `__proto__` sets the prototype. */
export function assigned(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(assigned)
  const copy: Record<string, JsonValue> = {}
  for (const [key, member] of Object.entries(value)) copy[key] = assigned(member as JsonValue)
  return copy
}
