import { type AttributeValue, type CommandRecord, type JsonObject, type Payload, StoreError } from '../../src/index.ts'
import { type GroupItem, isSettled, parseJson, takeRecord } from '../../storekit/index.ts'

/** The columns of a record, in the order of `values`; `sequence` and `change` come before them. */
export const columns: readonly string[] = [
  ...['id', 'type', 'state', 'correlation_id', 'causation_id', 'client_ref', 'tenant_id', 'user_id'],
  ...['payload', 'payload_status', 'payload_format', 'payload_bytes', 'metadata', 'attributes', 'events'],
  ...['result', 'result_status', 'result_format', 'result_bytes', 'problem', 'problem_code', 'error'],
  ...['importance', 'retention', 'dry_run', 'received_at', 'settled_at', 'duration_ms', 'attempts'],
  ...['replay_of', 'source', 'traceparent'],
]

/** A record on its way into the table. */
export interface Row extends GroupItem {
  /** In the order of `columns`. */
  readonly values: readonly unknown[]
  readonly eventIds: readonly string[]
  readonly attributes: readonly AttributeRow[]
}

/** Checks and copies a record. */
export function toRow(given: CommandRecord): Row {
  const record = takeRecord(given)
  const { payload, result, metadata, events, problem } = record
  const metadataText = json(metadata)
  const attributesText = json(record.attributes)
  const eventsText = events.length === 0 ? '[]' : (json(events) ?? '[]')
  const problemText = json(problem)
  const code = problem?.code
  const problemCode = typeof code === 'string' && code.isWellFormed() ? code : null
  const errorText = json(record.error)
  const body = result ?? noPayload
  const resultValues = [data(body), text(body.status), text(body.format), number(body.bytes)] as const
  const [settledAt, durationMs, attempts] = [
    number(record.settledAt),
    number(record.durationMs),
    number(record.attempts),
  ]
  const values = [
    text(record.id),
    text(record.type),
    record.state,
    text(record.correlationId),
    text(record.causationId),
    text(record.clientRef),
    text(record.tenantId),
    text(record.userId),
    data(payload),
    text(payload.status),
    text(payload.format),
    number(payload.bytes),
    metadataText,
    attributesText,
    eventsText,
    ...resultValues,
    problemText,
    problemCode,
    errorText,
    record.importance,
    record.retention,
    Number(record.dryRun),
    record.receivedAt,
    settledAt,
    durationMs,
    attempts,
    text(record.replayOf),
    json(record.source),
    text(record.traceparent),
  ]
  const texts = [metadataText, attributesText, eventsText, problemText, errorText]
  return {
    id: record.id,
    isSettled: isSettled(record),
    bytes: 512 + sizeOf(payload) + sizeOf(body) + texts.reduce((sum, each) => sum + (each?.length ?? 0), 0),
    values,
    eventIds: events.map(({ id }) => text(id) as string),
    attributes: toAttributeRows(record.attributes),
  }
}

/** A name, and its value as JSON text. */
export type AttributeRow = readonly [name: string, value: string]

/** Attributes as the side table has them. */
export function toAttributeRows(attributes: CommandRecord['attributes'] = {}): readonly AttributeRow[] {
  return Object.entries(attributes).map(toAttributeRow)
}

/** Both as JSON, so that nothing is taken for something else; the name without its quotes, for people to read. */
export function toAttributeRow([name, value]: readonly [string, AttributeValue]): AttributeRow {
  return [JSON.stringify(name).slice(1, -1), JSON.stringify(value)]
}

/** A record as the table has it. */
export interface StoredRow {
  readonly sequence: number
  readonly change: number
  readonly id: string
  readonly type: string
  readonly state: CommandRecord['state']
  readonly correlation_id: string
  readonly causation_id: string | null
  readonly client_ref: string | null
  readonly tenant_id: string | null
  readonly user_id: string | null
  readonly payload: string | Uint8Array | null
  readonly payload_status: Payload['status']
  readonly payload_format: string
  readonly payload_bytes: number
  readonly metadata: string | null
  readonly attributes: string | null
  readonly events: string
  readonly result: string | Uint8Array | null
  readonly result_status: Payload['status'] | null
  readonly result_format: string | null
  readonly result_bytes: number | null
  readonly problem: string | null
  readonly error: string | null
  readonly importance: CommandRecord['importance']
  readonly retention: CommandRecord['retention']
  readonly dry_run: number
  readonly received_at: number
  readonly settled_at: number | null
  readonly duration_ms: number | null
  readonly attempts: number | null
  readonly replay_of: string | null
  readonly source: string | null
  readonly traceparent: string | null
}

/** The record of a row. */
export function fromRow(row: StoredRow): CommandRecord {
  const { id, type, state, importance, retention } = row
  const record: { -readonly [key in keyof CommandRecord]: CommandRecord[key] } = {
    ...{ id, type, state, correlationId: row.correlation_id },
    payload: toPayload(row.payload_status, row.payload_format, row.payload, row.payload_bytes),
    events: row.events === '[]' ? [] : parse(row.events),
    ...{ importance, retention, dryRun: row.dry_run === 1, receivedAt: row.received_at },
  }
  if (row.causation_id !== null) record.causationId = row.causation_id
  if (row.client_ref !== null) record.clientRef = row.client_ref
  if (row.tenant_id !== null) record.tenantId = row.tenant_id
  if (row.user_id !== null) record.userId = row.user_id
  if (row.metadata !== null) record.metadata = parse<JsonObject>(row.metadata)
  if (row.attributes !== null) record.attributes = parse(row.attributes)
  if (row.result_status !== null) {
    record.result = toPayload(row.result_status, row.result_format ?? '', row.result, row.result_bytes ?? 0)
  }
  if (row.problem !== null) record.problem = parse(row.problem)
  if (row.error !== null) record.error = parse(row.error)
  if (row.settled_at !== null) record.settledAt = row.settled_at
  if (row.duration_ms !== null) record.durationMs = row.duration_ms
  if (row.attempts !== null) record.attempts = row.attempts
  if (row.replay_of !== null) record.replayOf = row.replay_of
  if (row.source !== null) record.source = parse(row.source)
  if (row.traceparent !== null) record.traceparent = row.traceparent
  return record
}

/** About what a row takes in memory. */
export function sizeOfRow(row: StoredRow): number {
  const large = [row.payload, row.result, row.metadata, row.attributes, row.events, row.problem, row.error]
  return large.reduce((sum, each) => sum + (each?.length ?? 0), 1024)
}

const noPayload: { readonly [key in keyof Payload]?: undefined | null } = {}

function toPayload(
  status: Payload['status'],
  format: string,
  body: string | Uint8Array | null,
  bytes: number,
): Payload {
  if (body === null) return { status, format, bytes }
  return { status, format, data: typeof body === 'string' ? body : new Uint8Array(body), bytes }
}

function json(value: unknown): string | null {
  try {
    return JSON.stringify(value) ?? null
  } catch {
    throw invalid('what JSON has a text for')
  }
}

function parse<T>(stored: string): T {
  try {
    return parseJson(stored) as T
  } catch {
    throw new StoreError('STORE_CORRUPT', 'A record in the file is damaged')
  }
}

function invalid(expected: string): StoreError {
  return new StoreError('INVALID_RECORD', `Not a command record: expected ${expected}`)
}

/** SQLite would put nothing for NaN, and the driver fails for what it cannot bind, or takes a list apart. */
function number(value: number | undefined | null): number | null {
  if (value === undefined || value === null) return null
  if (!Number.isFinite(value)) throw invalid('finite numbers')
  return value
}

/** SQLite would put U+FFFD for what is not well-formed. */
function text(value: string | undefined | null): string | null {
  if (value === undefined || value === null) return null
  if (typeof value !== 'string' || !value.isWellFormed()) throw invalid('well-formed texts')
  return value
}

function data({ data: body }: { readonly data?: Payload['data'] | null }): string | Uint8Array | null {
  return body instanceof Uint8Array ? body : text(body)
}

function sizeOf({ data: body }: { readonly data?: Payload['data'] | null }): number {
  return body?.length ?? 0
}
