// What a log in partitions by month costs and saves, beside one without, on one server and in turns:
// node --conditions=commandlog-source --expose-gc bench/postgres-partitions.ts [records] [seconds of writing a turn]
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { uuidv7 } from '../src/identifier.ts'
import type { CommandRecord } from '../src/index.ts'
import { type PostgresStore, postgresStore } from '../stores/postgres/index.ts'
import { postgresServer } from '../test/servers/postgres.ts'
import { environment } from './environment.ts'
import { spreadOf } from './statistics.ts'

type Partitions = 'none' | 'month'

/** One of the two logs, with a database of its own, so that its share of the log of the server can be told. */
interface Log {
  readonly partitions: Partitions
  readonly store: PostgresStore
  readonly sql: postgres.Sql
}

const [count = 1_000_000, seconds = 4] = process.argv.slice(2).map(Number)
const months = 12
const start = new Date()
const firstMonth = Date.UTC(start.getUTCFullYear(), start.getUTCMonth() - months)
const end = Date.UTC(start.getUTCFullYear(), start.getUTCMonth())
const payload = JSON.stringify({
  orderId: 'order-4711',
  lines: [{ sku: 'sku-0815', quantity: 2 }],
  note: 'x'.repeat(180),
})

/** When a month begins; the first is 0. */
function startOf(month: number): number {
  return Date.UTC(start.getUTCFullYear(), start.getUTCMonth() - months + month)
}

/** The number that looks random, the time and the id of a record, as SQL. */
const at = `(${firstMonth} + (n * ${(end - firstMonth) / count})::bigint)`
const hash = "md5(n::text || 'record')"
const id = `regexp_replace(lpad(to_hex(${at}), 12, '0'), '^.{8}', '\\&-') || '-7' || substr(${hash}, 1, 3) || '-8' || substr(${hash}, 4, 3)
  || '-' || substr(${hash}, 7, 12)`

/** Settled records of a year, one event and one attribute each. Of the second month one in a hundred is permanent, of the third one in three is short-lived. */
function fillSql(partitions: Partitions, from: number, to: number): string {
  const key = partitions === 'none' ? 'sequence' : 'sequence, id'
  return `WITH written AS (INSERT INTO command_log (id, type, state, correlation_id, causation_id, tenant_id, user_id, payload,
      payload_kind, payload_status, payload_format, payload_bytes, attributes, events, importance, retention, dry_run,
      received_at, settled_at, duration_ms, attempts)
    SELECT ${id}, 'type-' || n % 20, CASE WHEN n % 100 = 99 THEN 'failed' ELSE 'successful' END, 'k' || n / 5,
      CASE WHEN n % 5 > 0 THEN 'k' || n / 5 END, 'tenant-' || n % 50, 'user-' || n % 1000, '${payload}', 'json', 'full', 'json',
      ${payload.length}, jsonb_build_object('order', n / 3),
      jsonb_build_array(jsonb_build_object('id', 'e' || ${hash}, 'type', 'order-placed', 'stream', 'order-' || n, 'version', 1)),
      'normal', CASE WHEN ${at} >= ${startOf(2)} AND ${at} < ${startOf(3)} AND n % 3 = 0 THEN 'short-lived'
        WHEN ${at} >= ${startOf(1)} AND ${at} < ${startOf(2)} AND n % 100 = 0 THEN 'permanent' ELSE 'long-lived' END,
      false, ${at}, ${at} + 3, 2.5, 1
    FROM generate_series(${from}::bigint, ${to}) AS n RETURNING ${key}, events, attributes
  ), events AS (INSERT INTO command_log_event (event_id, ${key}) SELECT events -> 0 ->> 'id', ${key} FROM written)
  INSERT INTO command_log_attribute (name, value, ${key}) SELECT 'order', attributes ->> 'order', ${key} FROM written`
}

async function openLog(url: string, partitions: Partitions): Promise<Log> {
  const store = await postgresStore({ url, partitions, deadlineMs: 60_000 })
  const sql = postgres(url, { max: 1, fetch_types: false, onnotice: () => {} })
  if (partitions === 'month')
    await sql.unsafe(`SELECT command_log_add_months('${new Date(firstMonth).toISOString()}', ${months})`)
  await sql.unsafe("SET synchronous_commit = off; SET work_mem = '64MB'")
  const step = 50_000
  for (let from = 0; from < count; from += step)
    await sql.unsafe(fillSql(partitions, from, Math.min(count, from + step) - 1))
  await sql.unsafe('VACUUM ANALYZE')
  return { partitions, store, sql }
}

/** What both cost in the same turns: the middle, and that of the log in partitions as a multiple of the other. */
async function compare(
  name: string,
  logs: readonly Log[],
  turns: number,
  measure: (log: Log, turn: number) => Promise<number>,
): Promise<void> {
  const figures = logs.map((): number[] => [])
  for (let turn = -2; turn < turns; turn++) {
    for (const [index, log] of turn % 2 === 0 ? [...logs.entries()] : [...logs.entries()].reverse()) {
      const figure = await measure(log, turn)
      if (turn >= 0) figures[index]?.push(figure)
    }
  }
  const [none, month] = figures.map((each) => spreadOf(each).median)
  const ratios = spreadOf(figures[1]?.map((figure, turn) => figure / (figures[0]?.[turn] ?? Number.NaN)) ?? [])
  const shown = [none, month].map((figure) => figure?.toFixed(0)).join(' | ')
  print(`| ${name} | ${shown} | ${ratios.median.toFixed(2)} (${ratios.low.toFixed(2)}–${ratios.high.toFixed(2)}) |`)
}

type Lookup = (store: PostgresStore, n: number) => Promise<unknown>

async function compareLookups(logs: readonly Log[]): Promise<void> {
  const known = await logs[0]?.sql.unsafe(
    `SELECT id, events -> 0 ->> 'id' AS event, sequence::text FROM command_log WHERE sequence % ${Math.ceil(count / 500)} = 7`,
  )
  const one = (n: number): Record<string, string> => known?.[n % known.length] ?? {}
  const cursor = new Map<PostgresStore, string | undefined>()
  for (const { store } of logs) {
    let next: string | undefined
    for (let page = 0; page < 20; page++) next = (await store.findByType('type-3', { limit: 1000, cursor: next })).next
    cursor.set(store, next)
  }
  const lookups: Readonly<Record<string, Lookup>> = {
    'get by id, µs': (store, n) => store.get(one(n).id ?? ''),
    'by correlation, µs': (store, n) => store.findByCorrelation(`k${(n * 7919) % Math.floor(count / 5)}`),
    'by event, µs': (store, n) => store.list({ eventId: one(n).event ?? '' }),
    'by attribute, µs': (store, n) => store.list({ attributes: { order: (n * 7919) % Math.floor(count / 3) } }),
    'page of 100 by user, µs': (store, n) => store.list({ userId: `user-${n % 1000}` }),
    'page of 100 by type, µs': (store, n) => store.findByType(`type-${n % 20}`),
    'deep page of 100 by type, µs': (store) => store.findByType('type-3', { cursor: cursor.get(store) }),
    'newest 100, µs': (store) => store.list(),
  }
  for (const [name, lookup] of Object.entries(lookups)) {
    await compare(name, logs, 30, async ({ store }, turn) => {
      const calls = 20
      const begin = performance.now()
      for (let call = 0; call < calls; call++) await lookup(store, (turn + 2) * calls + call)
      return ((performance.now() - begin) / calls) * 1000
    })
  }
}

function recordOf(state: CommandRecord['state'], own: string): CommandRecord {
  const now = Date.now()
  return {
    ...{ id: own, type: 'type-1', state, correlationId: own, tenantId: 'tenant-1', userId: 'user-1' },
    payload: { status: 'full', format: 'json', data: payload, bytes: payload.length },
    events: state === 'created' ? [] : [{ id: uuidv7(), type: 'order-placed', stream: own, version: 1 }],
    ...{ importance: 'normal', retention: 'long-lived', dryRun: false, receivedAt: now },
    ...(state === 'created' ? {} : { settledAt: now, durationMs: 1, attempts: 1 }),
  }
}

/** Durable writes a second, intents and outcomes, with 256 commands in flight. */
async function writes({ store }: Log): Promise<number> {
  const until = performance.now() + seconds * 1000
  let written = 0
  const send = async (): Promise<void> => {
    while (performance.now() < until) {
      const own = uuidv7()
      await store.record(recordOf('created', own))
      await store.record(recordOf('successful', own))
      written += 2
    }
  }
  await Promise.all(Array.from({ length: 256 }, send))
  return written / seconds
}

interface Cost {
  readonly seconds: number
  readonly walMB: number
}

async function costOf({ sql }: Log, work: () => Promise<unknown>): Promise<Cost> {
  await sql.unsafe('CHECKPOINT')
  const before = await one(sql, 'SELECT pg_current_wal_insert_lsn()::text AS value')
  const begin = performance.now()
  await work()
  const took = (performance.now() - begin) / 1000
  const wal = await one(sql, `SELECT pg_current_wal_insert_lsn() - '${before}'::pg_lsn AS value`)
  return { seconds: took, walMB: Number(wal) / 2 ** 20 }
}

async function one(sql: postgres.Sql, text: string): Promise<string> {
  return String((await sql.unsafe(text))[0]?.value)
}

const sizeSql =
  "SELECT sum(pg_total_relation_size(oid)) / 2 ^ 20 AS value FROM pg_class WHERE relname LIKE 'command_log%' AND relkind = 'r'"
const deadSql = "SELECT sum(n_dead_tup) AS value FROM pg_stat_user_tables WHERE relname LIKE 'command_log%'"

/** Purges what a month brought, with one writer at work beside it, and then does what autovacuum would have to do. */
async function purgeMonth(log: Log, month: number, what: string): Promise<void> {
  const { store, sql, partitions } = log
  const latencies: number[] = []
  let isOver = false
  const writing = (async () => {
    while (!isOver) {
      const begin = performance.now()
      await store.record(recordOf('successful', uuidv7()))
      latencies.push(performance.now() - begin)
      await sleep(2)
    }
  })()
  await sql.unsafe('VACUUM')
  await sleep(1000)
  const quiet = latencies.splice(0)
  const size = Number(await one(sql, sizeSql))
  const before = Number(await one(sql, deadSql))
  let removed = 0
  const purge = await costOf(
    log,
    async () => (removed = await store.purge({ retention: 'long-lived', before: startOf(month + 1) })),
  )
  isOver = true
  await writing
  await sleep(1500)
  const dead = Number(await one(sql, deadSql)) - before
  const vacuum = await costOf(log, () => sql.unsafe('VACUUM'))
  const freed = size - Number(await one(sql, sizeSql))
  const slowest = [quiet, latencies].map((each) => Math.max(...each).toFixed(0)).join(' → ')
  print(
    `| ${what} | ${partitions} | ${removed} | ${purge.seconds.toFixed(2)} s | ${purge.walMB.toFixed(1)} MB | ${dead} | ${vacuum.seconds.toFixed(1)} s, ${vacuum.walMB.toFixed(1)} MB | ${freed.toFixed(0)} MB | ${slowest} ms |`,
  )
}

/** What a record takes, by table and index. */
async function printSizes({ sql, partitions }: Log): Promise<void> {
  const rows = await sql.unsafe(`SELECT regexp_replace(c.relname, '_\\d{4}_\\d\\d|_default', '') AS name, c.relkind,
      sum(pg_relation_size(c.oid)) + sum(coalesce(pg_relation_size(nullif(c.reltoastrelid, 0)), 0)) AS bytes
    FROM pg_class c WHERE c.relname LIKE 'command_log%' AND c.relkind IN ('r', 'i') GROUP BY 1, 2 ORDER BY 3 DESC`)
  print(`\nBytes a record, partitions: ${partitions}`)
  for (const { name, relkind, bytes } of rows) {
    if (Number(bytes) / count >= 0.5)
      print(`| ${relkind === 'r' ? 'rows of ' : ''}${name} | ${(Number(bytes) / count).toFixed(0)} |`)
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

const settings = { shared_buffers: '512MB', max_wal_size: '8GB', autovacuum: 'off', checkpoint_timeout: '30min' }
const server = await postgresServer(settings)
const logs: Log[] = []
try {
  const { machine, date, node } = await environment(20)
  for (const partitions of ['none', 'month'] as const) logs.push(await openLog(await server.database(), partitions))
  print(
    `${date}, ${machine}, ${node}, Postgres ${await one(logs[0]?.sql as postgres.Sql, "SELECT current_setting('server_version') AS value")}`,
  )
  print(`${count} records of ${months} months, ${JSON.stringify(settings)}`)
  for (const log of logs) await printSizes(log)
  print('\n| | none | month | month / none |')
  await compareLookups(logs)
  await compare('writes a second, 256 in flight', logs, 6, writes)
  print(
    '\n| purge | partitions | removed | took | WAL | dead rows | VACUUM after it | freed | slowest write, before → during |',
  )
  for (const [month, what] of ['all of a month', 'one in a hundred must stay', 'one in three must stay'].entries()) {
    for (const log of logs) await purgeMonth(log, month, what)
  }
} finally {
  for (const { store, sql } of logs) await Promise.all([store.close(), sql.end()])
  await server.end()
}
