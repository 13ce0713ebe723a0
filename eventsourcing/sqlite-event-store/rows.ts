import { StoreError } from '../../src/index.ts'
import type { SqliteDatabase } from '../../storekit/index.ts'
import type { EventMetadata, RecordedEvent } from '../event-store.ts'
import { EventStoreError, versionConflict } from '../event-store-error.ts'
import { duplicateEvent, fenced, recordedEvent, type TakenEvent } from '../take-events.ts'

/** What these functions need: statements on the file, within a transaction or not. */
export type Statements = Pick<SqliteDatabase, 'prepare'>

/** What is to be appended. */
export interface Append {
  readonly stream: string
  readonly events: readonly TakenEvent[]
  readonly expected: number | undefined
}

interface Row {
  readonly stream: string
  readonly version: number
  readonly id: string
  readonly type: string
  readonly data: string | null
  readonly command_id: string
  readonly correlation_id: string
  readonly causation_id: string | null
  readonly tenant_id: string | null
  readonly user_id: string | null
  readonly recorded_at: number
}

const metadataColumns = 'command_id, correlation_id, causation_id, tenant_id, user_id, recorded_at'
const columns = `stream, version, id, type, data, ${metadataColumns}`
const insert = `INSERT INTO event_log (${columns}) VALUES (${columns.replaceAll(/\w+/g, '?')})`
const select = `SELECT ${columns} FROM event_log`

/** The events of a stream from a version on. */
export function readStream(file: Statements, stream: string, from: number): readonly RecordedEvent[] {
  return file.prepare(`${select} WHERE stream = ? AND version >= ? ORDER BY version`).all(stream, from).map(fromRow)
}

/**
 * Appends within a transaction, and gives the version of the last event back. Throws an `EventStoreError` before anything
 * is written.
 */
export function appendRows(file: Statements, { stream, events, expected }: Append): number {
  for (const id of new Set(events.map(({ metadata }) => metadata.commandId))) {
    if (file.prepare('SELECT 1 FROM event_log_fence WHERE command_id = ?').get(id) !== undefined) throw fenced()
  }
  for (const { id } of events) {
    if (file.prepare('SELECT 1 FROM event_log WHERE id = ?').get(id) !== undefined) throw duplicateEvent()
  }
  const last = file.prepare('SELECT max(version) AS version FROM event_log WHERE stream = ?').get(stream)
  let version = Number((last as { readonly version: number | null }).version ?? 0)
  if (expected !== undefined && expected !== version) throw versionConflict(expected, version)
  for (const { id, type, data, metadata } of events) {
    version++
    file.prepare(insert).run(stream, version, id, type, data, ...metadataValues(metadata))
  }
  return version
}

/** Fences a command within a transaction, and gives its events back. */
export function fenceRows(file: Statements, commandId: string): readonly RecordedEvent[] {
  file.prepare('INSERT OR IGNORE INTO event_log_fence (command_id) VALUES (?)').run(commandId)
  return file.prepare(`${select} WHERE command_id = ? ORDER BY position`).all(commandId).map(fromRow)
}

/** Refuses a file that has other events, or none at all. */
export function checkSameEvents(file: Statements, data: string): void {
  let row: unknown
  try {
    row = file.prepare('SELECT data FROM event_log_meta').get()
  } catch {
    // No such table: the driver's error would quote the statement.
  }
  if ((row as { readonly data?: unknown } | undefined)?.data === data) return
  throw new EventStoreError('STORE_INCOMPATIBLE', 'The command log and the events are not in the same file')
}

function metadataValues(metadata: EventMetadata): readonly unknown[] {
  const { commandId, correlationId, causationId, tenantId, userId, recordedAt } = metadata
  return [commandId, correlationId, causationId ?? null, tenantId ?? null, userId ?? null, recordedAt]
}

function fromRow(found: unknown): RecordedEvent {
  const row = found as Row
  const metadata: { -readonly [Key in keyof EventMetadata]: EventMetadata[Key] } = {
    commandId: row.command_id,
    correlationId: row.correlation_id,
    recordedAt: row.recorded_at,
  }
  if (row.causation_id !== null) metadata.causationId = row.causation_id
  if (row.tenant_id !== null) metadata.tenantId = row.tenant_id
  if (row.user_id !== null) metadata.userId = row.user_id
  try {
    return recordedEvent({ id: row.id, type: row.type, data: row.data, metadata }, row.stream, row.version)
  } catch {
    throw new StoreError('STORE_CORRUPT', 'An event in the file is damaged')
  }
}
