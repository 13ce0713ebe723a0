import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import type { Change } from '../../src/index.ts'
import { sharedPostgres } from '../../test/servers/postgres.ts'
import { until } from '../../test/stores/outcome.ts'
import { run } from '../../test/stores/postgres.ts'
import { ids, made } from '../../test/stores/samples.ts'
import { type PostgresStore, type PostgresStoreOptions, postgresStore } from './index.ts'

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

describe('a follower', () => {
  test('Given transactions of others that stay open, then followers go on', async () => {
    const url = await server.database()
    const store = await postgresStore({ url })
    const abort = new AbortController()
    const seen = gather(store, abort.signal)
    const slow = postgres(url, { max: 1, fetch_types: false })
    await slow.begin(async (transaction) => {
      await transaction.unsafe('CREATE TABLE theirs AS SELECT 1 AS one')
      await store.record(made('a'))
      await until(() => seen.length === 1)
    })
    abort.abort()
    await slow.end()
    await store.close()
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
    assert.deepEqual([told.listeners, polled.listeners], [1, 0])
    assert.ok(told.ms < 2000 && polled.ms < 2000, JSON.stringify([told, polled]))
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
