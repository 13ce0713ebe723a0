import { randomUUID } from 'node:crypto'
import { StoreError } from '../../src/index.ts'
import { pragmaNumber, type SqliteDatabase, type SqliteSchema } from '../../storekit/index.ts'

/** What a command log marks its file with: events may share it. */
const commandLog = 0x636c6f67

/**
 * The tables, version by version: the statements of `migrations[n]` bring version n to n + 1. What has been released never
 * changes; what comes is added at the end.
 */
export const migrations: readonly (readonly string[])[] = [
  [
    `CREATE TABLE event_log (
      position INTEGER PRIMARY KEY,
      stream TEXT NOT NULL,
      version INTEGER NOT NULL,
      id TEXT NOT NULL UNIQUE,
      type TEXT NOT NULL,
      data TEXT,
      command_id TEXT NOT NULL,
      correlation_id TEXT NOT NULL,
      causation_id TEXT,
      tenant_id TEXT,
      user_id TEXT,
      recorded_at INTEGER NOT NULL
    ) STRICT`,
    'CREATE UNIQUE INDEX event_log_stream ON event_log (stream, version)',
    // For fences, and for people who ask what a command has done.
    'CREATE INDEX event_log_command ON event_log (command_id)',
    `CREATE TABLE event_log_fence (
      command_id TEXT NOT NULL PRIMARY KEY
    ) STRICT, WITHOUT ROWID`,
    // One row: what these events are called, and the version of the tables. The file's own version is the command log's.
    `CREATE TABLE event_log_meta (
      data TEXT NOT NULL,
      version INTEGER NOT NULL,
      opened INTEGER NOT NULL
    ) STRICT`,
  ],
]

/** The tables of events, which a command log and the tables of a handle's owner may stand beside. */
export const eventSchema: SqliteSchema = { check, migrate }

function check(database: SqliteDatabase, isShared: boolean): void {
  // In this order: whoever finds tables that another process makes right now also finds what marks them.
  const tables = database.prepare('SELECT tbl_name AS name FROM sqlite_schema').all() as { readonly name: string }[]
  const own = tables.filter(({ name }) => name.startsWith('event_log'))
  if (own.some(({ name }) => name === 'event_log_meta')) {
    const version = versionOf(database)
    if (version >= 1 && version <= migrations.length) return
    throw new StoreError(
      'STORE_INCOMPATIBLE',
      `The file has version ${version} of the tables of events, and this library knows ${migrations.length}`,
    )
  }
  const isFree = isShared || tables.length === 0 || pragmaNumber(database, 'application_id') === commandLog
  if (isFree && own.length === 0) return
  throw new StoreError(
    'STORE_INCOMPATIBLE',
    'The file is the database of another program: give events a file of their own, or that of a command log',
  )
}

function migrate(database: SqliteDatabase, isShared: boolean): string {
  check(database, isShared)
  const [found] = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'event_log_meta'").all()
  const version = found === undefined ? 0 : versionOf(database)
  for (const statement of migrations.slice(version).flat()) database.exec(statement)
  if (version === 0) {
    database.prepare('INSERT INTO event_log_meta (data, version, opened) VALUES (?, 0, 0)').run(randomUUID())
  }
  // The level of `synchronous` is only what it is after a write.
  database.exec(`UPDATE event_log_meta SET version = ${migrations.length}, opened = opened + 1`)
  return (database.prepare('SELECT data FROM event_log_meta').get() as { readonly data: string }).data
}

function versionOf(database: SqliteDatabase): number {
  const row = database.prepare('SELECT version FROM event_log_meta').get() as { readonly version?: unknown } | undefined
  return Number(row?.version)
}
