// Odd in what comes back: equal values in another dress.

import { type CommandRecord, copyRecord, type JsonValue, type Payload, StoreError } from '../../src/index.ts'
import { base } from '../saboteurs/base-steps.ts'
import { mapLeaves, withData, withJson } from '../saboteurs/values.ts'
import { type OddStore, oddStore } from './odd-store.ts'

const optional = [
  'causationId',
  'clientRef',
  'tenantId',
  'userId',
  'metadata',
  'attributes',
  'result',
  'problem',
] as const
const further = ['error', 'settledAt', 'durationMs', 'attempts', 'replayOf', 'source', 'traceparent'] as const
const mebibyte = 1024 * 1024

/** Other containers, key orders and prototypes. */
export const valueOddities: readonly OddStore[] = [
  oddStore('frozen', 'Everything that it hands out is frozen to the depth.', () => ({
    copyOut: (record) => frozen(copyRecord(record)),
    page: async (handle, query) => frozen(await base.page(handle, query)),
    correlated: async (handle, id) => frozen(await base.correlated(handle, id)),
  })),
  oddStore('absent-as-undefined', 'Absent fields come back as members that are undefined.', () => ({
    copyOut: (record) =>
      ({
        ...Object.fromEntries([...optional, ...further].map((field) => [field, undefined])),
        ...copyRecord(record),
      }) as CommandRecord,
  })),
  oddStore('json-rewritten', 'JSON is parsed and written again with its keys sorted.', () => ({
    copyIn: (record) => withJson(sorted)(withData(rewritten)(copyRecord(record))),
  })),
  oddStore('plain-zero', 'A negative zero in JSON comes back as zero.', () => ({
    copyIn: (record) => withJson((value) => mapLeaves(value, (leaf) => (leaf === 0 ? 0 : leaf)))(copyRecord(record)),
  })),
  oddStore('buffers', 'Bytes come back as Buffers, as many drivers give them.', () => ({
    copyOut: (record) => withData((data) => (typeof data === 'string' ? data : Buffer.from(data)))(copyRecord(record)),
  })),
  oddStore('bytes-within-more', 'Bytes come back as a view on a larger buffer of their own.', () => ({
    copyOut: (record) =>
      withData((data) => {
        if (typeof data === 'string') return data
        const room = new Uint8Array(data.length + 16).fill(0xaa)
        room.set(data, 8)
        return room.subarray(8, 8 + data.length)
      })(copyRecord(record)),
  })),
  oddStore('keys-turned-round', 'The fields of a record come back in reverse.', () => ({
    copyOut: (record) => Object.fromEntries(Object.entries(copyRecord(record)).reverse()) as unknown as CommandRecord,
  })),
  oddStore('no-prototypes', 'Records and their JSON have no prototype.', () => ({
    copyOut: (record) => bare(copyRecord(record) as unknown as JsonValue) as unknown as CommandRecord,
  })),
  oddStore('rows-of-a-driver', 'Lists come back as an Array of a class of its own, with further members.', () => ({
    page: async (handle, query) => {
      const { records, ...rest } = await base.page(handle, query)
      return { ...rest, records: rowsOf(records), command: 'SELECT' }
    },
    correlated: async (handle, id) => rowsOf(await base.correlated(handle, id)),
  })),
  oddStore('refuses-beyond-a-mebibyte', 'A body of more than 1 MiB is refused as RECORD_TOO_LARGE.', () => ({
    async write(handle, record) {
      if (sizeOf(record.payload) > mebibyte || (record.result !== undefined && sizeOf(record.result) > mebibyte)) {
        throw new StoreError('RECORD_TOO_LARGE', 'A body may have 1 MiB')
      }
      return base.write(handle, record)
    },
  })),
]

function sizeOf({ data }: Payload): number {
  return typeof data === 'string' ? Buffer.byteLength(data) : (data?.length ?? 0)
}

function rewritten(data: string | Uint8Array, { format }: Payload): string | Uint8Array {
  if (format !== 'json' || typeof data !== 'string') return data
  try {
    return JSON.stringify(sorted(JSON.parse(data) as JsonValue), null, 1)
  } catch {
    // Not JSON after all: kept as it is.
    return data
  }
}

function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, each]) => [key, sorted(each as JsonValue)]))
}

function bare(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
  if (Array.isArray(value)) return value.map(bare)
  const copy = Object.create(null) as Record<string, JsonValue>
  for (const [key, member] of Object.entries(value)) copy[key] = bare(member as JsonValue)
  return copy
}

function frozen<T>(value: T): T {
  // A view on bytes cannot be frozen.
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
  for (const member of Object.values(value)) frozen(member)
  return Object.freeze(value)
}

class Rows extends Array<CommandRecord> {
  get count(): number {
    return this.length
  }
}

function rowsOf(records: readonly CommandRecord[]): Rows {
  const rows = new Rows()
  for (const record of records) rows.push(record)
  return rows
}
