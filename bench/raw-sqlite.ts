import { readFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import type { CommandRecord } from '../src/index.ts'
import type { SqliteDatabase, SqliteStatement } from '../storekit/sqlite/driver.ts'
import { fullSync, settings } from '../storekit/sqlite/prepare-database.ts'
import { columns, type Row, toRow } from '../stores/sqlite/rows.ts'
import { migrate } from '../stores/sqlite/schema.ts'
import type { RawDriver, RawKey, RawTransaction } from './store-subjects.ts'

const reported = ['journal_mode', 'synchronous', 'wal_autocheckpoint', 'journal_size_limit', 'cache_size', 'page_size']

const manifest = new URL('../node_modules/better-sqlite3/package.json', import.meta.url)

/** better-sqlite3 by hand: prepared statements in transactions, on the schema of the store. */
export function rawSqlite(path: string, isDurable: boolean): RawDriver {
  const database = new Database(path)
  for (const setting of ['journal_mode = WAL', ...fullSync, ...settings]) database.pragma(setting)
  // Before and after the first write, which sets the level to what SQLite was built with.
  database.pragma(`synchronous = ${isDurable ? 'FULL' : 'OFF'}`)
  database.transaction(() => migrate(database as SqliteDatabase)).immediate()
  database.pragma(`synchronous = ${isDurable ? 'FULL' : 'OFF'}`)
  const writer = new Writer(database as SqliteDatabase)
  const finders = {
    id: database.prepare(finding.id).raw(),
    correlation: database.prepare(finding.correlation).raw(),
    event: database.prepare(finding.event).raw(),
    type: database.prepare(finding.type).raw(),
  }
  const inTransaction = (rows: readonly Row[], write: (row: Row) => void): RawTransaction => ({
    rows: rows.length,
    run: () => database.transaction(() => rows.forEach(write)).immediate(),
  })
  return {
    settings: settingsOf(database as SqliteDatabase),
    inserts: (records) => inTransaction(records.map(toRow), (row) => writer.insert(row)),
    pairs: (written) => [
      inTransaction(rowsOf(written, 'intent'), (row) => writer.insert(row)),
      inTransaction(rowsOf(written, 'outcome'), (row) => writer.settle(row)),
    ],
    find: (by, key) => (finders[by].all(key) as readonly unknown[]).length,
    purge: () => database.transaction(() => purging.forEach((sql) => void database.exec(sql))).immediate(),
    async close() {
      writer.close()
      database.close()
    },
  }
}

const newest = 'ORDER BY sequence DESC LIMIT 100'
const finding: Readonly<Record<RawKey, string>> = {
  id: 'SELECT * FROM command_log WHERE id = ?',
  correlation: 'SELECT * FROM command_log WHERE correlation_id = ? ORDER BY sequence',
  event: `SELECT l.* FROM command_log_event e JOIN command_log l USING (sequence) WHERE e.event_id = ? ${newest}`,
  type: `SELECT * FROM command_log WHERE type = ? ${newest}`,
}
// With conditions that all rows meet: without one SQLite drops the pages unread.
const purging = [
  'DELETE FROM command_log_event WHERE sequence > 0',
  "DELETE FROM command_log WHERE sequence > 0 AND state <> 'created'",
]

/** What has to be written, and nothing that finds out whether it may be. */
class Writer {
  readonly #insert: SqliteStatement
  readonly #settle: SqliteStatement
  readonly #addEvent: SqliteStatement
  readonly #leave: SqliteStatement
  #next: number

  constructor(database: SqliteDatabase) {
    const marks = columns.map(() => '?').join(', ')
    this.#insert = database.prepare(
      `INSERT INTO command_log (sequence, change, ${columns.join(', ')}) VALUES (?, ?, ${marks})`,
    )
    this.#settle = database.prepare(
      `UPDATE command_log SET change = ?, state = ?, events = ?, settled_at = ?, duration_ms = ?, attempts = ?
        WHERE id = ? RETURNING sequence`,
    )
    this.#addEvent = database.prepare('INSERT INTO command_log_event (event_id, sequence) VALUES (?, ?)')
    this.#leave = database.prepare('UPDATE command_log_meta SET next = ?')
    this.#next = (database.prepare('SELECT next FROM command_log_meta').get() as { next: number }).next
  }

  insert(row: Row): void {
    const sequence = this.#next++
    this.#insert.run(sequence, sequence, ...row.values)
    for (const id of row.eventIds) this.#addEvent.run(id, sequence)
  }

  settle({ id, values, eventIds }: Row): void {
    const brought = settling.map((place) => values[place])
    const { sequence } = this.#settle.get(this.#next++, ...brought, id) as { sequence: number }
    for (const eventId of eventIds) this.#addEvent.run(eventId, sequence)
  }

  close(): void {
    this.#leave.run(this.#next)
  }
}

const settling = ['state', 'events', 'settled_at', 'duration_ms', 'attempts'].map((name) => columns.indexOf(name))

function rowsOf<Name extends string>(
  written: readonly Readonly<Record<Name, CommandRecord>>[],
  name: Name,
): readonly Row[] {
  return written.map((each) => toRow(each[name]))
}

function settingsOf(database: SqliteDatabase): string {
  const { version } = database.prepare('SELECT sqlite_version() AS version').get() as { version: string }
  const driver = (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
  const values = reported.map((name) => `${name}=${database.pragma(name, { simple: true })}`)
  return `better-sqlite3 ${driver}, SQLite ${version}, ${values.join(' ')} (synchronous 2 is FULL)`
}
