import { createHash } from 'node:crypto'
import { type CommandRecord, type Payload, StoreError } from '../../src/index.ts'
import { type GroupItem, isSettled, parseJson, takeRecord } from '../../storekit/index.ts'
import { fromJsonb, toJsonb, toText } from './json-text.ts'

type Value = string | null

/** The columns that are written, each with its type. */
export const columns: readonly (readonly [name: string, type: string])[] = [
  ...texts('id', 'type', 'state', 'correlation_id', 'causation_id', 'client_ref', 'tenant_id', 'user_id'),
  ...[['payload', 'jsonb'] as const, ['payload_exact', 'bytea'] as const, ['payload_kind', 'text'] as const],
  ...[...texts('payload_status', 'payload_format'), ['payload_bytes', 'bigint'] as const],
  ...[['metadata', 'jsonb'] as const, ['metadata_exact', 'text'] as const, ['attributes', 'jsonb'] as const],
  ...[['events', 'jsonb'] as const, ['result', 'jsonb'] as const, ['result_exact', 'bytea'] as const],
  ...[...texts('result_kind', 'result_status', 'result_format'), ['result_bytes', 'bigint'] as const],
  ...[['problem', 'jsonb'] as const, ['problem_exact', 'text'] as const, ['problem_code', 'text'] as const],
  ...[['error', 'jsonb'] as const, ...texts('importance', 'retention'), ['dry_run', 'boolean'] as const],
  ...[['received_at', 'bigint'] as const, ['settled_at', 'bigint'] as const, ['duration_ms', 'float8'] as const],
  ...[['attempts', 'integer'] as const, ...texts('replay_of'), ['source', 'jsonb'] as const, ...texts('traceparent')],
]

/** What an outcome brings together: the others stay as they are where it lacks them. */
export const outcomeColumns: readonly (readonly [given: string, columns: readonly string[]])[] = [
  ['state', ['state', 'events']],
  ['result_status', ['result', 'result_exact', 'result_kind', 'result_status', 'result_format', 'result_bytes']],
  ['problem', ['problem', 'problem_exact', 'problem_code']],
  ['error', ['error']],
  ['settled_at', ['settled_at']],
  ['duration_ms', ['duration_ms']],
  ['attempts', ['attempts']],
  ['metadata', ['metadata', 'metadata_exact']],
]

/** A record on its way into the table. */
export interface Row extends GroupItem {
  readonly record: CommandRecord
  /** In the order of `columns`. */
  readonly values: readonly Value[]
}

/** jsonb ends at 256 MiB, and a statement at 1 GiB; bytes are sent in twice their size. */
const mostBytes = 128 * 1024 * 1024

/** Checks and copies a record. */
export function toRow(given: CommandRecord): Row {
  const record = takeRecord(given)
  const values = toValues(record, 'jsonb')
  const bytes = 512 + values.reduce((sum, value) => sum + (value?.length ?? 0), 0)
  if (bytes > mostBytes) throw new StoreError('RECORD_TOO_LARGE', `The record takes more than ${mostBytes} bytes`)
  return { id: record.id, isSettled: isSettled(record), bytes, record, values }
}

/** The same with every body and document in columns that take whatever there is, for what jsonb refuses. */
export function toExactRow(row: Row): Row {
  return { ...row, values: toValues(row.record, 'exact') }
}

/** `jsonb` where a document can be searched; `null` stands there for one that is in its exact column. */
function toValues(record: CommandRecord, how: 'jsonb' | 'exact'): readonly Value[] {
  const { payload, result, problem, metadata } = record
  const { settledAt, durationMs, attempts } = record
  const code = problem?.code
  const isExact = how === 'exact'
  return [
    plain(record.id),
    plain(record.type),
    record.state,
    plain(record.correlationId),
    plain(record.causationId),
    plain(record.clientRef),
    plain(record.tenantId),
    plain(record.userId),
    ...body(payload, how),
    plain(payload.status),
    plain(payload.format),
    number(payload.bytes),
    isExact && metadata !== undefined ? 'null' : json(metadata),
    isExact ? exact(metadata) : null,
    json(record.attributes),
    json(record.events),
    ...(result === undefined ? noBody : body(result, how)),
    plain(result?.status),
    plain(result?.format),
    number(result?.bytes),
    isExact && problem !== undefined ? 'null' : json(problem),
    isExact ? exact(problem) : null,
    typeof code === 'string' ? shortened(toText(code)) : null,
    json(record.error),
    record.importance,
    record.retention,
    String(record.dryRun),
    String(record.receivedAt),
    number(settledAt),
    number(durationMs),
    number(attempts),
    plain(record.replayOf),
    json(record.source),
    plain(record.traceparent),
  ]
}

const noBody: readonly Value[] = [null, null, null]

/** An index takes some 2,700 bytes; what is longer is found by its digest. The same as `shortSql`. */
export function shortened(text: string): string {
  return Buffer.byteLength(text) <= 500 ? text : `sha256:${createHash('sha256').update(text).digest('hex')}`
}

/** `shortened`, of an expression. */
export function shortSql(text: string): string {
  return `CASE WHEN octet_length(${text}) <= 500 THEN ${text}
    ELSE 'sha256:' || encode(sha256(convert_to(${text}, 'UTF8')), 'hex') END`
}

/** A record as it is read: everything as text, but for bytes. */
export type StoredRow = Readonly<Record<string, string | null>> & {
  readonly payload_exact: Uint8Array | null
  readonly result_exact: Uint8Array | null
}

/** What is read of every record. */
export const selected: string = [
  ...['l.sequence::text', 'l.change::text'],
  ...columns.map(([name, type]) => (type === 'bytea' ? `l.${name}` : `l.${name}::text`)),
].join(', ')

/** Cuts rows off where large payloads add up; of those that are read as `l`, each knows how many there were. The first one stays. */
export function cutSql(rows: string, order: string): string {
  const bytes = `1024 + CASE WHEN payload_kind IS NULL THEN 0 ELSE payload_bytes END
    + CASE WHEN result_kind IS NULL THEN 0 ELSE result_bytes END`
  return `SELECT ${selected}, l.hits::text FROM (
      SELECT r.*, count(*) OVER () AS hits, row_number() OVER w AS number, sum(${bytes}) OVER w AS upto
      FROM (${rows}) AS r WINDOW w AS (ORDER BY ${order})) AS l
    WHERE l.number = 1 OR l.upto <= ${mostAtOnce} ORDER BY l.number`
}

const mostAtOnce = 16 * 1024 * 1024

/** The record of a row. */
export function fromRow(row: StoredRow): CommandRecord {
  const record: { -readonly [key in keyof CommandRecord]?: unknown } = {
    ...{ id: row.id, type: row.type, state: row.state, correlationId: row.correlation_id },
    payload: toPayload(row, 'payload'),
    events: parsed(row.events ?? '[]'),
    ...{ importance: row.importance, retention: row.retention, dryRun: row.dry_run === 'true' },
    receivedAt: Number(row.received_at),
  }
  for (const [field, column] of textFields) if (row[column] !== null) record[field] = row[column]
  for (const [field, column] of numberFields) if (row[column] !== null) record[field] = Number(row[column])
  for (const field of jsonFields) {
    const text = row[field]
    const whole = row[`${field}_exact`]
    if (typeof whole === 'string') record[field] = parseJson(whole)
    else if (typeof text === 'string') record[field] = parsed(text)
  }
  if (row.result_status !== null) record.result = toPayload(row, 'result')
  return record as CommandRecord
}

const textFields = [
  ['causationId', 'causation_id'],
  ['clientRef', 'client_ref'],
  ['tenantId', 'tenant_id'],
  ['userId', 'user_id'],
  ['replayOf', 'replay_of'],
  ['traceparent', 'traceparent'],
] as const
const numberFields = [
  ['settledAt', 'settled_at'],
  ['durationMs', 'duration_ms'],
  ['attempts', 'attempts'],
] as const
const jsonFields = ['metadata', 'attributes', 'problem', 'error', 'source'] as const

function toPayload(row: StoredRow, name: 'payload' | 'result'): Payload {
  const status = row[`${name}_status`] as Payload['status']
  const payload = { status, format: row[`${name}_format`] ?? '', bytes: Number(row[`${name}_bytes`]) }
  const kind = row[`${name}_kind`]
  if (kind === null) return payload
  if (kind === 'json') return { ...payload, data: fromJsonb(row[name] ?? 'null') }
  const bytes = row[`${name}_exact`] ?? new Uint8Array()
  return { ...payload, data: kind === 'text' ? Buffer.from(bytes).toString() : new Uint8Array(bytes) }
}

/** jsonb writes such a number out, digit by digit, and a thousand of them take more than a reader has. */
const hugeNumber = /\de[+-]?\d{3}/i

/** The document, the bytes, and which of the two it is. */
function body({ data, format }: Payload, how: 'jsonb' | 'exact'): readonly [Value, Value, Value] {
  if (data === undefined) return [null, null, null]
  if (data instanceof Uint8Array) return [null, hex(data), 'bytes']
  if (format === 'json' && how === 'jsonb' && !hugeNumber.test(data)) return [toJsonb(wellFormed(data)), null, 'json']
  return [null, hex(Buffer.from(wellFormed(data))), 'text']
}

function hex(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`
}

function json(value: unknown): Value {
  return value === undefined ? null : toJsonb(JSON.stringify(value))
}

function exact(value: unknown): Value {
  return value === undefined ? null : JSON.stringify(value)
}

function parsed(text: string): unknown {
  return parseJson(fromJsonb(text))
}

function number(value: number | undefined): Value {
  return value === undefined ? null : String(value)
}

function plain(text: string | undefined): Value {
  if (text === undefined) return null
  if (wellFormed(text).includes('\0')) throw invalid()
  return text
}

function wellFormed(text: string): string {
  if (typeof text !== 'string' || !text.isWellFormed()) throw invalid()
  return text
}

function invalid(): StoreError {
  return new StoreError('INVALID_RECORD', 'Not a command record: expected well-formed texts without NUL')
}

function texts(...names: readonly string[]): readonly (readonly [string, string])[] {
  return names.map((name) => [name, 'text'] as const)
}
