import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import type { Change } from '../../src/index.ts'
import { sharedPostgres } from '../../test/servers/postgres.ts'
import { type PostgresStore, type PostgresStoreOptions, postgresStore } from './index.ts'
import { checkOptions } from './options.ts'
import { toRow } from './rows.ts'
import { namesOf } from './schema.ts'
import { ids, made, run, settled, until } from './testing/samples.ts'
import { writeSql } from './write.ts'

const server = await sharedPostgres()
after(() => server.end())

/** Follows into a list until the signal. */
function gather(store: PostgresStore, signal: AbortSignal, afterwards?: string): Change[] {
  const seen: Change[] = []
  const follow = async (): Promise<void> => {
    for await (const change of store.follow({ signal, after: afterwards })) seen.push(change)
  }
  void follow()
  return seen
}

/** The values of one record, as the store binds them. */
function valuesOf(id: string): string[] {
  return toRow(made(id)).values.map((value) => (value === null ? '{NULL}' : `{"${value.replace(/["\\]/g, '\\$&')}"}`))
}

describe('a follower', () => {
  test('Given a transaction that stays open, when others commit meanwhile, then nothing is passed over, and nothing comes twice', async () => {
    const url = await server.database()
    const [store, other] = await Promise.all([postgresStore({ url }), postgresStore({ url })])
    const abort = new AbortController()
    const seen = gather(store, abort.signal)
    await store.record(made('before'))
    await until(() => seen.length === 1)
    const slow = postgres(url, { max: 1, fetch_types: false })
    const sql = writeSql(namesOf(checkOptions({ url })))
    await slow.begin(async (transaction) => {
      const written = await transaction.unsafe(sql, valuesOf('slow'))
      assert.equal(written.length, 1)
      await Promise.all(ids(20).map((id) => other.record(made(id))))
      await Promise.all(ids(20).map((id) => store.record(settled(id))))
      await sleep(300)
      // Whatever began after the open transaction waits for it: its own change may yet come before theirs.
      assert.deepEqual(
        seen.map(({ record }) => record.id),
        ['before'],
      )
    })
    await until(() => seen.length === 22)
    await sleep(150)
    assert.deepEqual(seen.map(({ record }) => record.id).sort(), ['before', 'slow', ...ids(20)].sort())
    assert.ok(seen.every(({ record }) => record.state === 'successful' || ['before', 'slow'].includes(record.id)))
    abort.abort()
    for (const [index, { position }] of seen.entries()) {
      const again = new AbortController()
      const rest = gather(other, again.signal, position)
      await until(() => rest.length === seen.length - index - 1)
      assert.deepEqual(rest, seen.slice(index + 1))
      again.abort()
    }
    await slow.end()
    await Promise.all([store.close(), other.close()])
  })

  /** How long it takes in the middle until a follower of one store sees what another one wrote, and how many listen. */
  async function delay(
    options: { readonly url: string } & PostgresStoreOptions,
  ): Promise<{ ms: number; listeners: unknown }> {
    const [store, other] = await Promise.all([postgresStore(options), postgresStore(options)])
    const abort = new AbortController()
    const seen = gather(store, abort.signal)
    await other.record(made('warm'))
    await until(() => seen.length === 1)
    const times: number[] = []
    for (const id of ids(15)) {
      await sleep(20 + Math.random() * 60)
      const startedAt = performance.now()
      await other.record(made(id))
      await until(() => seen.at(-1)?.record.id === id)
      times.push(performance.now() - startedAt)
    }
    const listening =
      "SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'listen%'"
    const [row] = await run(options.url, listening)
    abort.abort()
    await Promise.all([store.close(), other.close()])
    return { ms: times.sort((a, b) => a - b)[7] ?? 0, listeners: row?.count }
  }

  test('Given leave to listen, then what another store wrote wakes it; without, it comes with the next look', async () => {
    const url = await server.database()
    const told = await delay({ url })
    const polled = await delay({ url, table: 'polled', prepare: false })
    // Between two looks there are 100 ms; how much of that is saved depends on what else the machine does.
    assert.deepEqual([told.listeners, polled.listeners], [1, 0])
    assert.ok(told.ms < 100 && polled.ms < 300, JSON.stringify([told, polled]))
  })

  test('Given a log that was restored from a dump of a much older server, then followers go on, and old positions hold', async () => {
    const url = await server.database()
    const store = await postgresStore({ url })
    await store.record(made('a'))
    await store.record(made('b'))
    const positions: string[] = []
    for await (const { position } of store.follow()) if (positions.push(position) === 2) break
    await store.close()
    // The same as in a new server, whose transactions begin at a few hundred: those of the log are not there yet.
    await run(url, 'UPDATE command_log_meta SET tx_base = tx_base - 5000000000; UPDATE command_log SET tx = tx + 0')
    const stores = await Promise.all([1, 2, 3].map(() => postgresStore({ url })))
    const [first] = stores as [PostgresStore]
    const abort = new AbortController()
    const [all, rest, none] = [undefined, ...positions].map((position) => gather(first, abort.signal, position))
    await until(() => all?.length === 2 && rest?.length === 1)
    for (const [index, each] of stores.entries()) await each.record(made(`c${index}`))
    await until(() => all?.length === 5 && rest?.length === 4 && none?.length === 3)
    assert.deepEqual(
      all?.map(({ record }) => record.id),
      ['a', 'b', 'c0', 'c1', 'c2'],
    )
    await first.record(settled('a'))
    await until(() => none?.length === 4)
    assert.deepEqual(
      none?.map(({ record }) => record.id),
      ['c0', 'c1', 'c2', 'a'],
    )
    abort.abort()
    await Promise.all(stores.map((each) => each.close()))
  })

  test('Given a follower that waits, when its connection to listen is ended by an administrator, then it goes on', async () => {
    const url = await server.database()
    const store = await postgresStore({ url })
    const abort = new AbortController()
    const seen = gather(store, abort.signal)
    await store.record(made('a'))
    await until(() => seen.length === 1)
    await run(
      url,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    )
    await sleep(100)
    await store.record(made('b'))
    await until(() => seen.length === 2)
    abort.abort()
    await store.close()
  })
})
