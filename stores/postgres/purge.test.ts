import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { sharedPostgres } from '../../test/servers/postgres.ts'
import { outcomeOf, until } from '../../test/stores/outcome.ts'
import { run, withSql } from '../../test/stores/postgres.ts'
import { ids, made, settled } from '../../test/stores/samples.ts'
import { type PostgresStoreOptions, postgresStore } from './index.ts'
import { checkOptions } from './options.ts'
import { purgeSql } from './purge.ts'
import { namesOf } from './schema.ts'

const server = await sharedPostgres()
after(() => server.end())

const due = { retention: 'long-lived', before: 2000 } as const
const left = `SELECT (SELECT count(*)::int FROM command_log) AS records, (SELECT count(*)::int FROM command_log_event) AS events,
  (SELECT count(*)::int FROM command_log_attribute) AS attributes`

for (const partitions of ['none', 'month'] as const) {
  describe(`a purge, partitions: ${partitions}`, { timeout: 60_000 }, () => {
    const open = async (): Promise<{ readonly url: string } & PostgresStoreOptions> => ({
      url: await server.database(),
      partitions,
    })

    test('Given outcomes that replaced the events of their intents, when purged, then no lookup is left', async () => {
      const options = await open()
      const store = await postgresStore(options)
      const events = ids(3).map((id) => ({ id: `asked-${id}` }))
      for (const id of ids(4)) {
        await store.record(made(id, { events, attributes: { id, long: 'x'.repeat(900) } }))
        await store.record(settled(id, { events: [{ id: 'asked-c0' }, { id: 'y'.repeat(900) }] }))
      }
      assert.deepEqual(await run(options.url, left), [{ records: 4, events: 16, attributes: 8 }])
      assert.deepEqual([await store.purge({ ...due, limit: 1 }), await store.purge(due)], [1, 3])
      assert.deepEqual(await run(options.url, left), [{ records: 0, events: 0, attributes: 0 }])
      await store.close()
    })

    test('Given a store that is closed while it purges, then another one goes on, and what they removed adds up', async () => {
      const options = await open()
      const store = await postgresStore(options)
      await Promise.all(ids(5000).map((id) => store.record(settled(id, { attributes: { id } }))))
      const purging = store.purge(due)
      await until(async () => Number((await run(options.url, left))[0]?.records) < 5000)
      await store.close()
      const other = await postgresStore(options)
      assert.equal((await purging) + (await other.purge(due)), 5000)
      assert.deepEqual(await run(options.url, left), [{ records: 0, events: 0, attributes: 0 }])
      await other.close()
    })

    test('Given a batch whose transaction stays open, when others write, read and purge, then nobody waits for it', async () => {
      const options = await open()
      const store = await postgresStore({ ...options, deadlineMs: 2000 })
      await store.record(made('open'))
      for (const id of ids(30)) await store.record(settled(id, { attributes: { id } }))
      const batch = { ...due, count: 20, isOldestFirst: true, from: '0', range: {} }
      const { text, values } = purgeSql(namesOf(checkOptions(options)), batch)
      await withSql(options.url, async (sql) => {
        await sql.unsafe('BEGIN')
        assert.deepEqual(
          (await sql.unsafe(text, [...values])).map(({ count }) => count),
          ['20'],
        )
        assert.deepEqual([await store.record(made('new')), await store.record(settled('open'))], ['created', 'settled'])
        assert.deepEqual([(await store.list()).records.length, await store.purge(due)], [32, 11])
        await sql.unsafe('ROLLBACK')
      })
      assert.equal(await store.purge(due), 20)
      assert.deepEqual(await run(options.url, left), [{ records: 1, events: 0, attributes: 0 }])
      await store.close()
    })

    test('Given connections that an administrator ends meanwhile, then a purge that failed may be done again', async () => {
      const options = await open()
      const store = await postgresStore(options)
      await Promise.all(ids(3000).map((id) => store.record(settled(id))))
      const purging = outcomeOf(store.purge(due))
      await run(
        options.url,
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      )
      assert.match(String(await purging), /^(\d+|STORE_UNAVAILABLE unknown)$/)
      await store.purge(due)
      assert.deepEqual(await run(options.url, left), [{ records: 0, events: 0, attributes: 0 }])
      await store.close()
    })
  })
}
