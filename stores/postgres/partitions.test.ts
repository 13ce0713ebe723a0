import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import type { CommandRecord } from '../../src/index.ts'
import { checkQuery } from '../../storekit/index.ts'
import { sharedPostgres } from '../../test/servers/postgres.ts'
import { outcomeOf } from '../../test/stores/outcome.ts'
import { asUser, run, withSql } from '../../test/stores/postgres.ts'
import { lookedAt, planOf, shownPlan } from '../../test/stores/postgres-plan.ts'
import { ids, made, settled } from '../../test/stores/samples.ts'
import { type PostgresStore, postgresStore } from './index.ts'
import { checkOptions } from './options.ts'
import { type Batch, purgeSql } from './purge.ts'
import { pageSql } from './queries.ts'
import { namesOf } from './schema.ts'

const server = await sharedPostgres()
after(() => server.end())

const thisYear = new Date().getUTCFullYear()
/** When a month of the past begins. */
const january = Date.UTC(thisYear - 1, 0)
const february = Date.UTC(thisYear - 1, 1)

/** An id of version 7 of that time. */
function idAt(time: number, n: number): string {
  const hex = time.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${String(n).padStart(12, '0')}`
}

/** A settled record of that time with an event and an attribute. */
function done(time: number, n: number, fields: Partial<CommandRecord> = {}): CommandRecord {
  const id = idAt(time, n)
  return settled(id, { receivedAt: time, events: [{ id: `e-${id}` }], attributes: { n }, ...fields })
}

/** A log with partitions for last year's January and February. */
async function openMonths(): Promise<{ url: string; store: PostgresStore }> {
  const url = await server.database()
  const store = await postgresStore({ url, partitions: 'month' })
  await run(url, `SELECT command_log_add_months('${thisYear - 1}-01-01', 2)`)
  return { url, store }
}

const purgeJanuary = { retention: 'long-lived', before: february } as const

/** In which partition how many records are, and lookups of both kinds. */
async function whereRecordsAre(url: string): Promise<Record<string, string>> {
  const rows = await run(
    url,
    `SELECT regexp_replace(tableoid::regclass::text, '^command_log_(event_|attribute_)?', '') AS name,
      string_agg(DISTINCT kind || count, ' ' ORDER BY kind || count) AS counts FROM (
        SELECT tableoid, 'l' AS kind, count(*) FROM command_log GROUP BY 1
        UNION ALL SELECT tableoid, 'e', count(*) FROM command_log_event GROUP BY 1
        UNION ALL SELECT tableoid, 'a', count(*) FROM command_log_attribute GROUP BY 1) AS all_tables GROUP BY 1 ORDER BY 1`,
  )
  return Object.fromEntries(rows.map(({ name, counts }) => [String(name), String(counts)]))
}

const first = `${thisYear - 1}_01`
const second = `${thisYear - 1}_02`

describe('a log in partitions by month', { timeout: 60_000 }, () => {
  test('Given ids of version 7 and others, then each is in the partition of its month, or in the default one, with its lookups', async () => {
    const { url, store } = await openMonths()
    const records = [
      done(january, 1),
      done(february - 1, 2),
      done(february, 3),
      settled('other', { attributes: { n: 4 } }),
    ]
    for (const record of records) assert.equal(await store.record(record), 'created')
    assert.deepEqual(await whereRecordsAre(url), { [first]: 'a2 e2 l2', [second]: 'a1 e1 l1', default: 'a1 e1 l1' })
    assert.deepEqual((await store.list({ order: 'oldest' })).records, records)
    assert.deepEqual((await store.list({ eventId: `e-${idAt(february, 3)}` })).records, [records[2]])
    await store.close()
  })

  test('Given an id in capital letters, or the same id twice in one group, then it is still one record', async () => {
    const { store } = await openMonths()
    const id = idAt(january, 10).toUpperCase()
    const results = await Promise.all([store.record(made(id)), store.record(settled(id)), store.record(made(id))])
    assert.deepEqual(results.toSorted(), ['created', 'settled', 'unchanged'])
    assert.deepEqual(await store.get(id), settled(id))
    await store.close()
  })

  test('Given a month that is due as a whole, when purged, then it goes as a whole, and its ids are new again', async () => {
    const { url, store } = await openMonths()
    await Promise.all(ids(50).map((_, n) => store.record(done(january, n))))
    await store.record(done(february, 1))
    assert.equal(await store.purge(purgeJanuary), 50)
    assert.deepEqual(await whereRecordsAre(url), { [second]: 'a1 e1 l1' })
    assert.deepEqual(await run(url, `SELECT to_regclass('command_log_${first}')::text AS month`), [{ month: null }])
    assert.equal(await store.record(done(january, 1)), 'created')
    assert.deepEqual(await whereRecordsAre(url), { [second]: 'a1 e1 l1', default: 'a1 e1 l1' })
    assert.equal(await store.purge(purgeJanuary), 1)
    await store.close()
  })

  test('Given a month with some that must stay, when purged, then these stay what and where they are in the order', async () => {
    const { url, store } = await openMonths()
    const staying = [
      done(january, 1, { retention: 'permanent', importance: 'high' }),
      made(idAt(january, 2), { receivedAt: january }),
      // Its id is of January, and it was received in February.
      done(january, 3, { receivedAt: february }),
    ]
    await store.record(done(january, 10))
    for (const record of staying) await store.record(record)
    await store.record(done(january, 11))
    const { records } = await store.list({ order: 'oldest', limit: 1 })
    assert.deepEqual(records, [done(january, 10)])
    const { next = '' } = await store.list({ order: 'oldest', limit: 1 })
    assert.equal(await store.purge(purgeJanuary), 2)
    assert.deepEqual(await whereRecordsAre(url), { default: 'a2 e2 l3' })
    assert.deepEqual((await store.list({ order: 'oldest', cursor: next })).records, staying)
    assert.deepEqual((await store.list({ attributes: { n: 3 } })).records, [staying[2]])
    assert.equal(await store.record(settled(idAt(january, 2), { receivedAt: january })), 'settled')
    await store.close()
  })

  test('Given somebody who reads or writes the month meanwhile, when purged, then it is purged row by row without waiting', async () => {
    const { url, store } = await openMonths()
    for (const lock of ['ACCESS SHARE', 'ROW EXCLUSIVE']) {
      await run(url, `SELECT command_log_add_months('${thisYear - 1}-01-01', 2)`)
      await Promise.all(ids(20).map((_, n) => store.record(done(january, n))))
      await withSql(url, async (sql) => {
        await sql.unsafe(`BEGIN; LOCK TABLE command_log IN ${lock} MODE`)
        assert.equal(await store.purge(purgeJanuary), 20)
        assert.equal(await store.record(done(february, 1)), lock === 'ACCESS SHARE' ? 'created' : 'unchanged')
        await sql.unsafe('ROLLBACK')
      })
      assert.deepEqual(await whereRecordsAre(url), { [second]: 'a1 e1 l1' })
    }
    await store.close()
  })

  test('Given writers, readers and several purges at once, then what they removed adds up, and nothing else is gone', async () => {
    const { url, store } = await openMonths()
    const others = await Promise.all([1, 2].map(() => postgresStore({ url, partitions: 'month' })))
    const counts = { due: 3000, open: 30, later: 60 }
    await Promise.all(ids(counts.due).map((_, n) => store.record(done(january, n))))
    await Promise.all(
      ids(counts.open).map((_, n) => store.record(made(idAt(january, 5000 + n), { receivedAt: january }))),
    )
    const purges = [store, ...others].map((each) => each.purge(purgeJanuary))
    const late = ids(counts.later).map((_, n) => store.record(done(january, 6000 + n, { receivedAt: february })))
    const settling = ids(counts.open).map((_, n) => store.record(done(january, 5000 + n)))
    const reads = ids(20).map(() => others[0]?.list({ limit: 10 }))
    await Promise.all(reads)
    assert.deepEqual(new Set(await Promise.all(late)), new Set(['created']))
    assert.deepEqual(new Set(await Promise.all(settling)), new Set(['settled']))
    const removed = (await Promise.all(purges)).reduce((sum, each) => sum + each, 0)
    const again = await store.purge(purgeJanuary)
    assert.equal(removed + again, counts.due + counts.open)
    assert.equal((await store.list({ limit: 1000 })).records.length, counts.later)
    await Promise.all([store, ...others].map((each) => each.close()))
  })
})

describe('months to come', { timeout: 60_000 }, () => {
  const names = `SELECT count(*)::int FROM pg_class WHERE relname ~ '^command_log_\\d{4}_\\d\\d$'`

  test('Given a store that is opened, or that purges, then this month and three more have partitions', async () => {
    const { url, store } = await openMonths()
    const drop = `DO $$ BEGIN EXECUTE (SELECT string_agg('DROP TABLE ' || relname, ';') FROM pg_class
      WHERE relname ~ '_\\d{4}_\\d\\d$' AND relkind = 'r'); END $$`
    assert.deepEqual(await run(url, names), [{ count: 6 }])
    await run(url, drop)
    assert.equal(await store.record(done(Date.now(), 1)), 'created')
    assert.equal(await store.purge(purgeJanuary), 0)
    // The present month has begun in the default partition, and stays there.
    assert.deepEqual(await run(url, names), [{ count: 3 }])
    await run(url, drop)
    await (await postgresStore({ url, partitions: 'month' })).close()
    assert.deepEqual(await run(url, names), [{ count: 3 }])
    await store.close()
  })

  test('Given tables that are there, then a store that expects the other kind is STORE_INCOMPATIBLE', async () => {
    const { url, store } = await openMonths()
    await store.close()
    assert.equal(await outcomeOf(postgresStore({ url })), 'STORE_INCOMPATIBLE no')
    const plain = await server.database()
    await (await postgresStore({ url: plain })).close()
    assert.equal(await outcomeOf(postgresStore({ url: plain, partitions: 'month' })), 'STORE_INCOMPATIBLE no')
  })
})

describe('how partitions are found', { timeout: 60_000 }, () => {
  test('Given twelve months, then an id is looked up in one of them, and so is each record of a page and of a batch to purge', async () => {
    const { url, store } = await openMonths()
    await run(
      url,
      `SELECT command_log_add_months('${thisYear - 1}-03-01', 10);
      INSERT INTO command_log (id, type, state, correlation_id, user_id, payload_status, payload_format, payload_bytes, events,
          importance, retention, dry_run, received_at)
        SELECT regexp_replace(lpad(to_hex(${january} + n * 3000000::bigint), 12, '0'), '^.{8}', '\\&-') || '-7', 'order',
          'successful', 'k' || n, 'user' || n % 500, 'full', 'json', 10, jsonb_build_array(jsonb_build_object('id', 'e' || n)),
          'normal', 'long-lived', false, ${january} + n * 3000000::bigint FROM generate_series(1, 10000) AS n;
      INSERT INTO command_log_event SELECT events -> 0 ->> 'id', sequence, id FROM command_log; ANALYZE`,
    )
    const tables = namesOf(checkOptions({ url, partitions: 'month' }))
    const whole = { low: '0', high: String(2n ** 63n - 1n) }
    const range = { low: idAt(january, 0).slice(0, 13), high: idAt(february, 0).slice(0, 13) }
    const batch: Batch = { ...purgeJanuary, count: 100, isOldestFirst: false, from: '0', range }
    const statements = [
      { text: 'SELECT * FROM command_log WHERE id = $1', values: [idAt(january, 1)], most: 1 },
      { ...pageSql(tables, checkQuery({ userId: 'user7', limit: 10 }), whole), most: 40 },
      { ...pageSql(tables, checkQuery({ eventId: 'e500', limit: 10 }), whole), most: 6 },
      { ...purgeSql(tables, batch), most: 600 },
    ]
    await withSql(url, async (sql) => {
      for (const { most, ...statement } of statements) {
        const plan = (await planOf(sql, statement)).filter((step) => step['Actual Loops'] > 0)
        assert.ok(lookedAt(plan) <= most, `looked at ${lookedAt(plan)}: ${shownPlan(plan)}`)
        const scans = plan.filter((step) => step['Node Type'] === 'Seq Scan' && step['Actual Rows'] > 0)
        assert.deepEqual(scans, [])
      }
    })
    await store.close()
  })
})

describe('the page about Postgres on partitions', { timeout: 60_000 }, () => {
  const page = readFileSync(new URL('../../docs/postgres.md', import.meta.url), 'utf8')
  const fences = [...page.matchAll(/```sql\n(.*?)```/gs)].map(([, body = '']) => body)
  const fenceWith = (text: string): string => fences.find((body) => body.includes(text)) ?? ''

  test('Given a log without partitions, when moved as the page says, then records, order, cursors and positions hold', async () => {
    const url = await server.database()
    const old = await postgresStore({ url })
    const records = [done(january, 1), done(february, 2), settled('other', { attributes: { n: 3 } }), done(february, 4)]
    for (const record of records) await old.record(record)
    const { next = '' } = await old.list({ order: 'oldest', limit: 2 })
    const [position = ''] = await positionsOf(old, 1)
    await old.close()
    const moved = ['', '_event', '_attribute', '_meta'].map(
      (part) => `ALTER TABLE command_log${part} SET SCHEMA before_months;`,
    )
    await run(
      url,
      `CREATE SCHEMA before_months; ${moved.join('')} ALTER SEQUENCE command_log_changes SET SCHEMA before_months`,
    )
    await (await postgresStore({ url, partitions: 'month' })).close()
    await run(url, fenceWith('before_months'))
    assert.deepEqual(await whereRecordsAre(url), { [first]: 'a1 e1 l1', [second]: 'a2 e2 l2', default: 'a1 e1 l1' })
    const store = await postgresStore({ url, partitions: 'month' })
    assert.equal(await store.record(made('new')), 'created')
    assert.deepEqual((await store.list({ order: 'oldest', cursor: next })).records, [...records.slice(2), made('new')])
    assert.equal((await positionsOf(store, 4, position)).length, 4)
    assert.deepEqual((await store.list({ attributes: { n: 4 } })).records, [records[3]])
    await store.close()
  })

  test('Given the rights of the page, then a writer writes, and a purger drops months, and neither does more', async () => {
    const { url, store } = await openMonths()
    const suffix = `_months_${process.pid}`
    const grants = `${fenceWith('CREATE ROLE').replace(/LOGIN/g, "LOGIN PASSWORD 'secret'")}${fenceWith('GRANT EXECUTE')}`
    await run(url, grants.replace(/\bcommand_(writer|reader|purger)\b/g, `command_$1${suffix}`))
    const role = (name: string): string => asUser(url, `command_${name}${suffix}`, 'secret')
    const [writer, purger] = await Promise.all(
      ['writer', 'purger'].map((name) => postgresStore({ url: role(name), partitions: 'month' })),
    )
    const { id } = done(january, 1)
    assert.deepEqual(
      [await writer?.record(made(id, { receivedAt: january })), await writer?.record(done(january, 1))],
      ['created', 'settled'],
    )
    assert.equal(await outcomeOf(writer?.purge(purgeJanuary) as Promise<number>), 'STORE_READ_ONLY no')
    assert.equal(await purger?.purge(purgeJanuary), 1)
    assert.deepEqual(await run(url, `SELECT to_regclass('command_log_${first}')::text AS month`), [{ month: null }])
    for (const statement of [
      `SELECT command_log_drop_month('${thisYear - 1}-02-01', 'long-lived', 1)`,
      `DROP TABLE command_log_${second}`,
      `DELETE FROM command_log_${second}`,
    ]) {
      assert.equal(await run(role('writer'), statement).catch(({ code }) => code), '42501', statement)
    }
    await Promise.all([store, writer, purger].map((each) => each?.close()))
    for (const name of ['writer', 'reader', 'purger']) {
      await run(url, `DROP OWNED BY command_${name}${suffix}; DROP ROLE command_${name}${suffix}`)
    }
  })
})

/** The next positions after one of them. */
async function positionsOf(store: PostgresStore, count: number, afterwards?: string): Promise<readonly string[]> {
  const positions: string[] = []
  for await (const { position } of store.follow({ after: afterwards })) {
    if (positions.push(position) === count) break
  }
  return positions
}
