import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import postgres from 'postgres'
import { sharedPostgres } from '../../test/servers/postgres.ts'
import { until } from '../../test/stores/outcome.ts'
import { run } from '../../test/stores/postgres.ts'
import { ids, made, settled } from '../../test/stores/samples.ts'
import { postgresStore } from './index.ts'
import { checkOptions } from './options.ts'
import { toRow } from './rows.ts'
import { namesOf } from './schema.ts'
import { writeSql } from './write.ts'

const server = await sharedPostgres()
after(() => server.end())

/** The values of one record, as the store binds them. */
function valuesOf(id: string): string[] {
  return toRow(made(id)).values.map((value) => (value === null ? '{NULL}' : `{"${value.replace(/["\\]/g, '\\$&')}"}`))
}

describe('the order of writers', { timeout: 30_000 }, () => {
  test('Given a writer that has drawn its number, when others write, then they wait and have larger numbers', async () => {
    const url = await server.database()
    const [store, other] = await Promise.all([postgresStore({ url }), postgresStore({ url, table: 'another' })])
    await store.record(made('before'))
    const slow = postgres(url, { max: 1, fetch_types: false })
    let written: Promise<unknown> = Promise.resolve()
    await slow.begin(async (transaction) => {
      await transaction.unsafe(writeSql(namesOf(checkOptions({ url }))), valuesOf('slow'))
      written = Promise.all([store.record(made('after')), store.record(settled('before'))])
      const waiting = "SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
      await until(async () => (await run(url, waiting))[0]?.count === 1)
      // Those who only read wait for nobody, nor does another log.
      assert.deepEqual([(await store.list()).records.length, (await store.get('before'))?.state], [1, 'created'])
      assert.equal(await other.record(made('there')), 'created')
    })
    assert.deepEqual(await written, ['created', 'settled'])
    const { records } = await store.list({ order: 'oldest' })
    assert.deepEqual(
      records.map(({ id }) => id),
      ['before', 'slow', 'after'],
    )
    await slow.end()
    await Promise.all([store.close(), other.close()])
  })

  test('Given many writers of several stores, then no look at the log finds a record before one that an earlier look has found', async () => {
    const url = await server.database()
    const stores = await Promise.all([1, 2, 3].map(() => postgresStore({ url })))
    const reader = await postgresStore({ url })
    let isOver = false
    const looks: string[][] = []
    const looking = (async () => {
      while (!isOver) looks.push((await reader.list({ order: 'oldest', limit: 1000 })).records.map(({ id }) => id))
    })()
    for (let round = 0; round < 30; round++) {
      await Promise.all(stores.flatMap((store, n) => ids(9).map((id) => store.record(made(`${round}-${n}-${id}`)))))
    }
    isOver = true
    await looking
    const final = (await reader.list({ order: 'oldest', limit: 1000 })).records.map(({ id }) => id)
    assert.ok(looks.length > 10 && final.length === 810)
    for (const look of looks) assert.deepEqual(look, final.slice(0, look.length))
    await Promise.all([reader, ...stores].map((store) => store.close()))
  })
})
