import { randomUUID } from 'node:crypto'
import { StoreError } from '../../src/index.ts'
import { pragmaNumber, type SqliteDatabase } from '../../storekit/index.ts'

/** Marks a file as a command log: `file` and others show it. Reads `clog`. */
const applicationId = 0x636c6f67

/**
 * The schema, version by version: the statements of `migrations[n]` bring version n to n + 1. What has been released never
 * changes; what comes is added at the end.
 */
export const migrations: readonly (readonly string[])[] = [
  [
    `CREATE TABLE command_log (
      sequence INTEGER PRIMARY KEY,
      change INTEGER NOT NULL,
      id TEXT NOT NULL UNIQUE,
      type TEXT NOT NULL,
      state TEXT NOT NULL,
      correlation_id TEXT NOT NULL,
      causation_id TEXT,
      client_ref TEXT,
      tenant_id TEXT,
      user_id TEXT,
      payload ANY,
      payload_status TEXT NOT NULL,
      payload_format TEXT NOT NULL,
      payload_bytes INTEGER NOT NULL,
      metadata TEXT,
      attributes TEXT,
      events TEXT NOT NULL,
      result ANY,
      result_status TEXT,
      result_format TEXT,
      result_bytes INTEGER,
      problem TEXT,
      problem_code TEXT,
      error TEXT,
      importance TEXT NOT NULL,
      retention TEXT NOT NULL,
      dry_run INTEGER NOT NULL,
      received_at INTEGER NOT NULL,
      settled_at INTEGER,
      duration_ms REAL,
      attempts INTEGER,
      replay_of TEXT,
      source TEXT,
      traceparent TEXT
    ) STRICT`,
    // For follow.
    'CREATE UNIQUE INDEX command_log_change ON command_log (change)',
    'CREATE INDEX command_log_correlation ON command_log (correlation_id)',
    'CREATE INDEX command_log_causation ON command_log (causation_id) WHERE causation_id IS NOT NULL',
    'CREATE INDEX command_log_client ON command_log (client_ref) WHERE client_ref IS NOT NULL',
    'CREATE INDEX command_log_tenant ON command_log (tenant_id) WHERE tenant_id IS NOT NULL',
    'CREATE INDEX command_log_user ON command_log (user_id) WHERE user_id IS NOT NULL',
    'CREATE INDEX command_log_problem ON command_log (problem_code) WHERE problem_code IS NOT NULL',
    'CREATE INDEX command_log_type ON command_log (type)',
    // Most records are successful: what is not is worth finding.
    "CREATE INDEX command_log_state ON command_log (state) WHERE state <> 'successful'",
    // For purge, and for times.
    'CREATE INDEX command_log_received ON command_log (retention, received_at)',
    `CREATE TABLE command_log_event (
      event_id TEXT NOT NULL,
      sequence INTEGER NOT NULL,
      PRIMARY KEY (event_id, sequence)
    ) STRICT, WITHOUT ROWID`,
    // The value is JSON text, so that the text "1" and the number 1 stay apart.
    `CREATE TABLE command_log_attribute (
      name TEXT NOT NULL,
      value TEXT NOT NULL,
      sequence INTEGER NOT NULL,
      PRIMARY KEY (name, value, sequence)
    ) STRICT, WITHOUT ROWID`,
    // One row: what this log is called, and a number that sequences and changes have never reached, whatever was purged.
    `CREATE TABLE command_log_meta (
      data TEXT NOT NULL,
      next INTEGER NOT NULL
    ) STRICT`,
  ],
]

/**
 * Refuses a file that is not ours, or of a newer version. Changes nothing. A borrowed handle may have tables of its owner,
 * who chose to share the file, but not a version: there is one for all that is in it.
 */
export function checkSchema(database: SqliteDatabase, isShared: boolean): void {
  // In this order: whoever finds tables that another process makes right now also finds their version.
  const tables = database.prepare('SELECT tbl_name AS name FROM sqlite_schema').all() as { readonly name: string }[]
  // Events may have come first into a file that both are to share.
  const names = tables.filter(({ name }) => !name.startsWith('event_log'))
  const version = pragmaNumber(database, 'user_version')
  if (version === 0) {
    if (names.length === 0 || (isShared && !names.some(({ name }) => name.startsWith('command_log')))) return
  } else if (version > 0 && pragmaNumber(database, 'application_id') === applicationId) {
    if (version <= migrations.length) return
    throw new StoreError(
      'STORE_INCOMPATIBLE',
      `The file has version ${version} of the schema, and this library knows ${migrations.length}: it needs a newer one`,
    )
  }
  throw new StoreError('STORE_INCOMPATIBLE', 'The file is the database of another program: give the log one of its own')
}

/**
 * Brings the schema up to date, in one transaction that other processes wait for; gives back what this log is called.
 * Writes in any case, since the level of `synchronous` is only what it is after a write.
 */
export function migrate(database: SqliteDatabase, isShared = false): string {
  checkSchema(database, isShared)
  const version = pragmaNumber(database, 'user_version')
  for (const statement of migrations.slice(version).flat()) database.exec(statement)
  if (version === 0) {
    database.prepare('INSERT INTO command_log_meta (data, next) VALUES (?, 1)').run(randomUUID())
    database.exec(`PRAGMA application_id = ${applicationId}`)
  }
  if (version < migrations.length) database.exec(`PRAGMA user_version = ${migrations.length}`)
  database.exec('UPDATE command_log_meta SET next = next + 1')
  return (database.prepare('SELECT data FROM command_log_meta').get() as { readonly data: string }).data
}
