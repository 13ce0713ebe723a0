import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import postgres from 'postgres'
import { postgresServer, sharedPostgres } from '../../test/servers/postgres.ts'
import { outcomeOf } from '../../test/stores/outcome.ts'
import { asUser, run } from '../../test/stores/postgres.ts'
import { made, settled } from '../../test/stores/samples.ts'
import { type PostgresStoreOptions, postgresStore } from './index.ts'

const server = await sharedPostgres()
after(() => server.end())

/** Opens, does this, and closes; what came of it. */
async function attempt(
  options: PostgresStoreOptions,
  use: (store: Awaited<ReturnType<typeof postgresStore>>) => Promise<unknown> = async () => 'opened',
): Promise<unknown> {
  const opening = postgresStore(options)
  const opened = await outcomeOf(opening)
  if (typeof opened === 'string') return opened
  const store = await opening
  try {
    return await outcomeOf(use(store))
  } finally {
    await store.close()
  }
}

describe('options', () => {
  const url = 'postgres://ada:secret@127.0.0.1:1/log'
  const sql = { unsafe() {}, listen() {}, end() {} }
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /^TypeError: options: expected an object/],
    [{}, /^TypeError: expected either url or sql/],
    [{ url, sql }, /^TypeError: expected either url or sql/],
    [
      { url: 'mysql://ada:secret@host/log' },
      /^TypeError: url: expected postgres:\/\/user:password@host:port\/database/,
    ],
    [{ url: 'postgres://ada:secret@[host/log' }, /^TypeError: url: expected/],
    [{ url: 5 }, /^TypeError: url: expected/],
    [{ sql: {} }, /^TypeError: sql: expected what postgres\(\) gives/],
    [{ url, schema: 'a"b' }, /^TypeError: schema: expected at most 40 small letters, digits and underscores/],
    [{ url, table: 'x'.repeat(41) }, /^TypeError: table: expected/],
    [{ url, table: 'Log' }, /^TypeError: table: expected/],
    [{ url, prepare: 1 }, /^TypeError: prepare: expected a boolean/],
    [{ url, deadlineMs: 0 }, /^RangeError: deadlineMs: expected a whole number from 1/],
    [{ url, partitions: 'week' }, /^TypeError: partitions: expected none or month/],
    [{ url, connections: 1.5 }, /^RangeError: connections: expected a whole number from 1/],
  ]
  for (const [options, expected] of wrong) {
    const shown = JSON.stringify(options, (key, value) => (key === 'sql' ? 'a sql' : value))
    test(`Given ${shown}, then it is refused before anything is connected, and no secret is told`, async () => {
      const error = await postgresStore(options as PostgresStoreOptions).then(
        () => new Error('opened'),
        (thrown: Error) => thrown,
      )
      assert.match(String(error), expected)
      assert.doesNotMatch([error.message, String(error.cause), JSON.stringify(error)].join(), /secret/)
    })
  }

  test('Given a borrowed sql that transforms names of columns, then it is refused', async () => {
    const camel = postgres(await server.database(), { max: 1, transform: postgres.camel, fetch_types: false })
    await assert.rejects(postgresStore({ sql: camel }), /^TypeError: sql: expected .* without a transform/)
    await camel.end()
  })

  test('Given two schemas, two tables or two databases, then neither log sees the other', async () => {
    const url = await server.database()
    const options: PostgresStoreOptions[] = [
      { url },
      { url, table: 'other' },
      { url, schema: 'other' },
      { url, schema: 'other', table: 'other' },
      { url: await server.database() },
    ]
    const stores = await Promise.all(options.map((each) => postgresStore(each)))
    for (const [index, store] of stores.entries()) await store.record(settled('a', { receivedAt: index }))
    for (const [index, store] of stores.entries()) {
      assert.deepEqual((await store.list()).records, [settled('a', { receivedAt: index })])
      assert.equal(await store.purge({ retention: 'long-lived', before: 10 }), 1)
    }
    await Promise.all(stores.map((store) => store.close()))
  })
})

describe('the tables', () => {
  test('Given a table of somebody else, or one with other columns, then it is STORE_INCOMPATIBLE, and nothing is made', async () => {
    for (const statement of [
      'CREATE TABLE command_log (note text)',
      'CREATE TABLE command_log_meta (note text)',
      'CREATE TABLE command_log_meta (version integer)',
      'CREATE TABLE command_log_event (note text)',
    ]) {
      const url = await server.database()
      await run(url, statement)
      assert.equal(await attempt({ url }), 'STORE_INCOMPATIBLE no', statement)
      const count = await run(url, "SELECT count(*)::int FROM pg_tables WHERE schemaname = 'public'")
      assert.deepEqual(count, [{ count: 1 }])
    }
  })

  test('Given a newer schema, then it is STORE_INCOMPATIBLE, and nothing is changed', async () => {
    const url = await server.database()
    assert.equal(await attempt({ url }, (store) => store.record(made('a'))), 'created')
    await run(url, 'UPDATE command_log_meta SET version = 2')
    await assert.rejects(postgresStore({ url }), { code: 'STORE_INCOMPATIBLE', message: /have version 2 .* knows 1/ })
    await run(url, 'UPDATE command_log_meta SET version = 1')
    assert.deepEqual(await attempt({ url }, (store) => store.get('a')), made('a'))
  })

  test('Given a schema that is not there, then it is made; where the role may not, it is STORE_READ_ONLY', async () => {
    const url = await server.database()
    assert.equal(await attempt({ url, schema: 'audit' }), 'opened')
    await run(url, `CREATE ROLE maker_${server.port} LOGIN PASSWORD 'secret'`)
    const options = { url: asUser(url, `maker_${server.port}`, 'secret') }
    assert.equal(await attempt({ ...options, schema: 'elsewhere' }), 'STORE_READ_ONLY no')
    assert.equal(await attempt(options), 'STORE_READ_ONLY no')
    await run(url, `DROP OWNED BY maker_${server.port}; DROP ROLE maker_${server.port}`)
  })

  test('Given tables that a migration left half made, then there are none: all of it is one transaction', async () => {
    const url = await server.database()
    await run(url, 'CREATE TABLE blocker (id int); CREATE INDEX command_log_received ON blocker (id)')
    assert.equal(await attempt({ url }), 'STORE_INCOMPATIBLE no')
    assert.deepEqual(await run(url, "SELECT to_regclass('command_log')::text AS log"), [{ log: null }])
    await run(url, 'DROP TABLE blocker')
    assert.equal(await attempt({ url }), 'opened')
  })
})

describe('what the server must keep to', () => {
  test('Given synchronous_commit = off for the role, then our own connections turn it on, and borrowed ones are refused', async () => {
    const url = await server.database()
    await run(url, `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET synchronous_commit = off`)
    const sql = postgres(url, { max: 1, fetch_types: false })
    assert.equal(await attempt({ sql }), 'STORE_INCOMPATIBLE no')
    assert.equal(await attempt({ url, prepare: false }), 'STORE_INCOMPATIBLE no')
    await sql.end()
    assert.equal(await attempt({ url }, (store) => store.record(made('a'))), 'created')
  })

  for (const setting of ['fsync', 'full_page_writes']) {
    test(`Given a server with ${setting} = off, then it is STORE_INCOMPATIBLE`, async () => {
      const careless = await postgresServer({ [setting]: 'off' })
      await assert.rejects(postgresStore({ url: careless.url }), {
        code: 'STORE_INCOMPATIBLE',
        message: new RegExp(setting),
      })
      await careless.end()
    })
  }

  test('Given sessions that only read, then reading works, and writing is STORE_READ_ONLY, and nothing is written', async () => {
    const url = await server.database()
    assert.equal(await attempt({ url }, (store) => store.record(settled('a'))), 'created')
    await run(url, `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET default_transaction_read_only = on`)
    const store = await postgresStore({ url })
    assert.deepEqual(await store.get('a'), settled('a'))
    assert.equal((await store.list()).records.length, 1)
    for await (const { record } of store.follow()) {
      assert.deepEqual(record, settled('a'))
      break
    }
    assert.equal(await outcomeOf(store.record(made('b'))), 'STORE_READ_ONLY no')
    assert.equal(await outcomeOf(store.purge({ retention: 'long-lived', before: 2000 })), 'STORE_READ_ONLY no')
    assert.equal(await outcomeOf(store.get('b')), undefined)
    await store.close()
    assert.equal(await attempt({ url, table: 'other' }), 'STORE_READ_ONLY no')
  })
})

describe('a borrowed sql', () => {
  test('Given a store on it, when closed, then it goes on, nobody listens any more, and another store can have it', async () => {
    const sql = postgres(await server.database(), { max: 2, fetch_types: false })
    const store = await postgresStore({ sql })
    const abort = new AbortController()
    const following = store.follow({ signal: abort.signal })[Symbol.asyncIterator]().next()
    assert.equal(await store.record(made('a')), 'created')
    assert.deepEqual((await following).value.record, made('a'))
    await store.close()
    assert.deepEqual([...(await sql`SELECT count(*)::int FROM command_log`)], [{ count: 1 }])
    assert.equal(await outcomeOf(store.get('a')), 'STORE_CLOSED no')
    const again = await postgresStore({ sql })
    assert.deepEqual(await again.get('a'), made('a'))
    await again.close()
    await sql.end()
    assert.equal(await outcomeOf(postgresStore({ sql })), 'STORE_UNAVAILABLE no')
  })

  for (const prepare of [true, false]) {
    test(`Given prepare: ${prepare}, then the server has ${prepare ? 'some prepared statements' : 'none, as a pooler needs it'}`, async () => {
      const sql = postgres(await server.database(), { max: 1, fetch_types: false })
      const store = await postgresStore({ sql, prepare })
      await store.record(made('a'))
      await store.record(settled('a'))
      assert.deepEqual(await store.get('a'), settled('a'))
      assert.equal((await store.list({ tenantId: 'x' })).records.length, 0)
      const [row] = await sql.unsafe('SELECT count(*)::int AS prepared FROM pg_prepared_statements')
      assert.equal(row?.prepared > 0, prepare)
      await store.close()
      await sql.end()
    })
  }
})
