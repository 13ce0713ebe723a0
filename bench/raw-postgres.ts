import { basename } from 'node:path'
import postgres from 'postgres'
import type { CommandRecord } from '../src/index.ts'
import { postgresStore } from '../stores/postgres/index.ts'
import { columns, type Row, toRow } from '../stores/postgres/rows.ts'
import { sharedPostgres } from '../test/servers/postgres.ts'
import type { RawDriver, RawKey, RawTransaction, StoreSubject } from './store-subjects.ts'

type Sql = ReturnType<typeof postgres>

let database: Promise<string> | undefined

/** Tables of one database, named after the folder that a measurement is given. */
export const postgresSubject: StoreSubject = {
  name: 'postgres',
  aims: [
    { inFlight: 256, rowsPerTransaction: 1000, aim: 0.8 },
    { inFlight: 256, rowsPerTransaction: 1, aim: 5 },
  ],
  async open(folder) {
    const store = await postgresStore({ url: await urlOf(), table: tableOf(folder) })
    return { store, close: () => store.close() }
  },
  async raw(folder, isDurable) {
    const [url, table] = [await urlOf(), tableOf(folder)]
    // The tables are those of the store.
    await (await postgresStore({ url, table })).close()
    return await rawPostgres(url, table, isDurable)
  },
  async remove(folder) {
    const sql = postgres(await urlOf(), { max: 1, onnotice: () => {} })
    const table = tableOf(folder)
    for (const name of [table, `${table}_event`, `${table}_attribute`, `${table}_meta`]) {
      await sql.unsafe(`DROP TABLE IF EXISTS ${name} CASCADE`)
    }
    await sql.unsafe(`DROP SEQUENCE IF EXISTS ${table}_changes`)
    await sql.end()
  },
  async end() {
    if (database !== undefined) await (await sharedPostgres()).end()
    database = undefined
  },
}

async function urlOf(): Promise<string> {
  database ??= sharedPostgres().then((server) => server.database())
  return await database
}

function tableOf(folder: string): string {
  return `bench_${basename(folder).replace(/\W/g, '').toLowerCase().slice(-20)}`
}

/** The driver by hand: one connection, and multi-row statements whose rows come as one array a column. */
async function rawPostgres(url: string, table: string, isDurable: boolean): Promise<RawDriver> {
  const connection = { synchronous_commit: isDurable ? 'on' : 'off' }
  const sql = postgres(url, { max: 1, fetch_types: false, onnotice: () => {}, connection })
  const run = async (text: string, rows: readonly Row[]): Promise<void> => {
    await sql.unsafe(text, arraysOf(rows), { prepare: true })
  }
  const inTransaction = (text: string, rows: readonly Row[]): RawTransaction => ({
    rows: rows.length,
    run: () => run(text, rows),
  })
  const insert = insertSql(table)
  return {
    settings: await settingsOf(sql),
    inserts: (records: readonly CommandRecord[]) => inTransaction(insert, records.map(toRow)),
    pairs: (written) => [
      inTransaction(
        insert,
        written.map(({ intent }) => toRow(intent)),
      ),
      inTransaction(
        settleSql(table),
        written.map(({ outcome }) => toRow(outcome)),
      ),
    ],
    find: async (by, key) => (await sql.unsafe(findSql(table, by), [key], { prepare: true }).values()).length,
    async purge() {
      await sql.begin(async (own) => {
        await own.unsafe(`DELETE FROM ${table}_event`)
        await own.unsafe(`DELETE FROM ${table} WHERE state <> 'created'`)
      })
    },
    async close() {
      await sql.unsafe(`ANALYZE ${table}`)
      await sql.end()
    },
  }
}

const names = columns.map(([name]) => name).join(', ')
const input = `unnest(${columns.map((_, index) => `$${index + 1}::text::text[]`).join(', ')}) AS i (${names})`
const typed = columns.map(([name, type]) => `i.${name}::${type}`).join(', ')

function insertSql(table: string): string {
  return `WITH written AS (INSERT INTO ${table} (${names}) SELECT ${typed} FROM ${input} RETURNING sequence, events)
    ${eventsSql(table)}`
}

function settleSql(table: string): string {
  const settled = ['state', 'events', 'settled_at', 'duration_ms', 'attempts']
  const sets = columns.filter(([name]) => settled.includes(name)).map(([name, type]) => `${name} = i.${name}::${type}`)
  return `WITH written AS (UPDATE ${table} l SET ${sets.join(', ')},
      change = nextval('${table}_changes') FROM ${input} WHERE l.id = i.id RETURNING l.sequence, l.events)
    ${eventsSql(table)}`
}

function findSql(table: string, by: RawKey): string {
  const newest = 'ORDER BY l.sequence DESC LIMIT 100'
  const all = `SELECT l.* FROM ${table} l`
  if (by === 'id') return `${all} WHERE l.id = $1`
  if (by === 'correlation') return `${all} WHERE l.correlation_id = $1 ORDER BY l.sequence`
  if (by === 'type') return `${all} WHERE l.type = $1 ${newest}`
  return `${all} JOIN ${table}_event e USING (sequence) WHERE e.event_id = $1 ${newest}`
}

function eventsSql(table: string): string {
  return `INSERT INTO ${table}_event (event_id, sequence)
    SELECT e.event ->> 'id', w.sequence FROM written w, jsonb_array_elements(w.events) AS e (event)`
}

function arraysOf(rows: readonly Row[]): string[] {
  return columns.map((_, index) => {
    const elements = rows.map(({ values }) => {
      const value = values[index] ?? null
      return value === null ? 'NULL' : `"${value.replace(/["\\]/g, '\\$&')}"`
    })
    return `{${elements.join(',')}}`
  })
}

async function settingsOf(sql: Sql): Promise<string> {
  const reported = ['server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'wal_level']
  const values: string[] = []
  for (const name of reported) {
    const [row] = await sql.unsafe(`SHOW ${name}`)
    values.push(`${name}=${Object.values(row ?? {})[0]}`)
  }
  return `postgres.js, ${values.join(' ')}`
}
