import { rmSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { CommandLogStore, Followable } from 'commandlog'
import { sqliteStore } from 'commandlog/sqlite'

/** A store that can be tortured. A place is a text that every process can open the same log with. */
export interface TorturedStore {
  open(place: string): Promise<CommandLogStore & Followable>
  /** A place without a log in it. `folder` is the campaign's own. */
  prepare(folder: string, name: string): Promise<string>
  cleanUp(place: string): Promise<void>
  /** Resolves when nothing is under way any more that processes had sent before they were killed. */
  untilQuiet?(place: string): Promise<void>
  /** What is wrong with the data underneath, as the backend itself sees it. */
  check(place: string): Promise<readonly string[]>
}

/** Each must give 0. */
const sqliteCounts: Readonly<Record<string, string>> = {
  'ids more than once': 'SELECT count(*) - count(DISTINCT id) FROM command_log',
  'sequences more than once': 'SELECT count(*) - count(DISTINCT sequence) FROM command_log',
  'changes more than once': 'SELECT count(*) - count(DISTINCT change) FROM command_log',
  // A change may take the place of a sequence, never the other way about: the largest change is the largest of all.
  'changes before their sequence': 'SELECT count(*) FROM command_log WHERE change < sequence',
  'created records with a later change':
    "SELECT count(*) FROM command_log WHERE state = 'created' AND change <> sequence",
  'events missing in the lookup': `SELECT count(*) FROM command_log l, json_each(l.events) e WHERE NOT EXISTS
    (SELECT 1 FROM command_log_event WHERE event_id = json_extract(e.value, '$.id') AND sequence = l.sequence)`,
  'events only in the lookup': `SELECT count(*) FROM command_log_event v WHERE NOT EXISTS
    (SELECT 1 FROM command_log l, json_each(l.events) e
      WHERE l.sequence = v.sequence AND json_extract(e.value, '$.id') = v.event_id)`,
  'attributes missing in the lookup': `SELECT count(*) FROM command_log l, json_each(l.attributes) a WHERE NOT EXISTS
    (SELECT 1 FROM command_log_attribute WHERE name = a.key AND sequence = l.sequence AND
      value = iif(a.type IN ('true', 'false'), a.type, json_quote(a.value)))`,
  'attributes only in the lookup': `SELECT count(*) FROM command_log_attribute v WHERE NOT EXISTS
    (SELECT 1 FROM command_log l, json_each(l.attributes) a WHERE l.sequence = v.sequence AND a.key = v.name)`,
  'logs in one file': 'SELECT count(*) - 1 FROM command_log_meta',
}

/** What an SQLite file says against itself. */
export function checkSqliteFile(path: string): readonly string[] {
  const database = new Database(path, { readonly: true, fileMustExist: true })
  try {
    const integrity = database.pragma('integrity_check', { simple: true })
    const faults = integrity === 'ok' ? [] : [`integrity_check: ${integrity}`]
    for (const [fault, sql] of Object.entries(sqliteCounts)) {
      const count = database.prepare(sql).pluck().get()
      if (count !== 0) faults.push(`${count} ${fault}`)
    }
    return faults
  } finally {
    database.close()
  }
}

const torturedSqlite: TorturedStore = {
  open: (place) => sqliteStore({ path: place }),
  prepare: async (folder, name) => join(folder, `${name}.db`),
  async cleanUp(place) {
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(place + suffix, { force: true })
  },
  check: async (place) => checkSqliteFile(place),
}

/** By name. The processes that are killed are many, and each would wait for the drivers of all. */
const torturedStores: Readonly<Record<string, () => Promise<TorturedStore>>> = {
  sqlite: async () => torturedSqlite,
  postgres: async () => (await import('./postgres.ts')).torturedPostgres,
  'postgres-server': async () => (await import('./postgres.ts')).torturedPostgresServer,
  nats: async () => (await import('./nats.ts')).torturedNats,
}

/** The store of a name, or an error that lists the names. */
export async function torturedStore(name: string): Promise<TorturedStore> {
  const load = torturedStores[name]
  if (load !== undefined) return await load()
  throw new RangeError(`--store: expected one of ${Object.keys(torturedStores).join(', ')}, not ${name}`)
}
