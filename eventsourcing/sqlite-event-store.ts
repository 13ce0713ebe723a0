// Order       versions given out inside the write transaction, of which SQLite has one at a time.
// Uniqueness  UNIQUE columns, looked up in the same transaction.
// Durability  WAL with synchronous = FULL, read back after a write; one transaction for all that arrive together.
// Not promised: network file systems; that a slow disk never holds up the event loop, since the driver is synchronous.

import { StoreError } from '../src/index.ts'
import { checkFileOptions, SqliteConnection, type SqliteDatabase, type SqliteFileOptions } from '../storekit/index.ts'
import type { AppendOptions, EventStore, Fenceable, NewEvent, ReadOptions, RecordedEvent } from './event-store.ts'
import { EventStoreError } from './event-store-error.ts'
import { type Append, appendRows, fenceRows, readStream } from './sqlite-event-store/rows.ts'
import { eventSchema } from './sqlite-event-store/schema.ts'
import { taskGroup } from './sqlite-event-store/task-group.ts'
import { rethrow } from './sqlite-event-store/to-error.ts'
import { checkAppend, checkFence, checkRead, takeEvents } from './take-events.ts'

/** What `sqliteEventStore` takes: the path of a file, which may be that of a command log, or a handle that its owner closes. */
export type SqliteEventStoreOptions = SqliteFileOptions

/** Events in an SQLite file, which a command can be fenced from. */
export interface SqliteEventStore extends EventStore, Fenceable {
  /** What the events in this file are called: the same for every store that is opened on it. */
  readonly data: string
}

/**
 * Opens the events in an SQLite file, made or migrated, with settings that keep the promise; an `EventStoreError` where that
 * fails. Loads better-sqlite3 only where it has to open the file itself.
 */
export async function sqliteEventStore(options: SqliteEventStoreOptions): Promise<SqliteEventStore> {
  const checked = checkFileOptions(options)
  const open = checked.database === undefined ? await loadDriver() : neverOpened
  const file = await SqliteConnection.open(checked, { schema: eventSchema, open }).catch(rethrow)
  const tasks = taskGroup(file, checked.deadlineMs)
  let closing: Promise<void> | undefined

  function checkOpen(): void {
    if (closing !== undefined) throw new EventStoreError('STORE_CLOSED', 'The event store is closed')
  }

  return {
    data: file.data,
    async read(stream: string, readOptions?: ReadOptions): Promise<readonly RecordedEvent[]> {
      checkOpen()
      const from = checkRead(stream, readOptions)
      return await file.read(() => readStream(file, stream, from)).catch(rethrow)
    },

    async append(stream: string, events: readonly NewEvent[], appendOptions?: AppendOptions): Promise<number> {
      checkOpen()
      const expected = checkAppend(stream, appendOptions)
      const append = { stream, events: takeEvents(events), expected }
      return await tasks.perform(sizeOf(append), (at) => appendRows(at, append))
    },

    close(): Promise<void> {
      closing ??= tasks.close().then(() => file.close())
      return closing
    },

    async fence(commandId: string): Promise<readonly RecordedEvent[]> {
      checkOpen()
      checkFence(commandId)
      return await tasks.perform(commandId.length, (at) => fenceRows(at, commandId))
    },
  }
}

function sizeOf({ events }: Append): number {
  return events.reduce((sum, { data }) => sum + 512 + (data?.length ?? 0), 64)
}

function neverOpened(): never {
  throw new StoreError('STORE_CLOSED', 'The handle belongs to its owner')
}

/** Only here, so that whoever keeps events elsewhere needs no driver. */
async function loadDriver(): Promise<(path: string, fileMustExist: boolean) => SqliteDatabase> {
  const { default: Database } = await import('better-sqlite3')
  return (path, fileMustExist) => new Database(path, { timeout: 0, fileMustExist }) as SqliteDatabase
}
