import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { sharedPostgres } from '../../test/servers/postgres.ts'
import { run } from '../../test/stores/postgres.ts'
import { ids, made, settled } from '../../test/stores/samples.ts'
import { runChild, startChild } from '../../test/stores/start-child.ts'
import { postgresStore } from './index.ts'

const server = await sharedPostgres()
after(() => server.end())

describe('several processes on one database', () => {
  test('Given eight processes and eight stores that open it at once, then all succeed, with one schema and one log', async () => {
    const url = await server.database()
    const children = await Promise.all(ids(8).map(() => startChild('open', { url })))
    const stores = ids(8).map((id) => postgresStore({ url }).then((store) => store.record(made(id)).then(() => store)))
    assert.deepEqual(await Promise.all(children.map((child) => child.go())), Array(8).fill('created'))
    assert.deepEqual(await run(url, 'SELECT count(*)::text AS logs, max(version) AS version FROM command_log_meta'), [
      { logs: '1', version: 1 },
    ])
    for (const store of await Promise.all(stores)) {
      assert.equal((await store.list()).records.length, 16)
      await store.close()
    }
  })

  test('Given three processes that write the same ids, then each is created once and settled once, and followers see all', async () => {
    const url = await server.database()
    const count = 1000
    const store = await postgresStore({ url })
    const followers = await Promise.all([true, false].map((prepare) => startChild('follow', { url, count, prepare })))
    const following = followers.map((child) => child.go())
    const writers = await Promise.all([1, 2, 3].map(() => startChild('race', { url, count })))
    const results = (await Promise.all(writers.map((child) => child.go()))) as Record<string, unknown[]>[]
    const told = ids(count).map((id) => results.flatMap((each) => each[id] ?? []).sort())
    // Where an outcome came first, nobody has created the record with an intent.
    const allowed = new Set([
      'created,settled,unchanged,unchanged,unchanged,unchanged',
      'created,unchanged,unchanged,unchanged,unchanged,unchanged',
    ])
    assert.deepEqual(
      told.filter((each) => !allowed.has(each.join())),
      [],
    )
    const [first = [], second] = (await Promise.all(following)) as string[][]
    assert.deepEqual(first.toSorted(), ids(count).sort())
    assert.deepEqual(second, first)
    const found = (await store.list({ limit: 1000 })).records.map(({ id, state }) => `${id} ${state}`)
    assert.deepEqual(
      found.sort(),
      ids(count)
        .sort()
        .map((id) => `${id} successful`),
    )
    await store.close()
  })

  test('Given three processes that purge at once while another writes, then what they removed adds up', async () => {
    const url = await server.database()
    const count = 5000
    const store = await postgresStore({ url })
    await Promise.all(ids(count).map((id) => store.record(settled(id, { attributes: { id } }))))
    await store.record(made('open'))
    const children = await Promise.all([1, 2, 3].map(() => startChild('purge', { url })))
    const purging = Promise.all(children.map((child) => child.go()))
    const late = await Promise.all(ids(50).map((id) => store.record(settled(`late-${id}`, { receivedAt: 2000 }))))
    const removed = (await purging) as number[]
    assert.equal(
      removed.reduce((sum, each) => sum + each, 0),
      count,
    )
    assert.deepEqual(late, Array(50).fill('created'))
    assert.equal((await store.list({ limit: 1000 })).records.length, 51)
    const left = await run(
      url,
      'SELECT (SELECT count(*)::int FROM command_log_event) AS events, count(*)::int AS attributes FROM command_log_attribute',
    )
    assert.deepEqual(left, [{ events: 50, attributes: 0 }])
    await store.close()
  })

  test('Given a process that writes, follows and closes, then it ends by itself', async () => {
    const url = await server.database()
    assert.deepEqual(await runChild('write', { url, count: 100 }), [100, true])
  })
})
