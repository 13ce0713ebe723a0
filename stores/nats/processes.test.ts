import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { connect } from '@nats-io/transport-node'
import { natsServer } from '../../test/servers/nats.ts'
import { streamNames } from '../../test/stores/nats.ts'
import { ids, made, settled } from '../../test/stores/samples.ts'
import { runChild, startChild } from '../../test/stores/start-child.ts'
import { natsStore } from './index.ts'

const server = await natsServer()
after(() => server.end())
const servers = [server.url]
const next = streamNames()

/** How many messages the stream has. */
/** How many messages there are of records. */
async function countOf(stream: string): Promise<number> {
  const connection = await connect({ servers })
  const body = JSON.stringify({ subjects_filter: `${stream}.record.>` })
  const info = await connection.request(`$JS.API.STREAM.INFO.${stream}`, body)
  await connection.close()
  const { state } = info.json<{ readonly state: { readonly subjects?: Readonly<Record<string, number>> } }>()
  return Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0)
}

describe('several processes on one stream', { timeout: 90_000 }, () => {
  test('Given four processes and eight stores that open it at once, then all succeed, with one stream and one log', async () => {
    const stream = next()
    const children = await Promise.all(ids(4).map(() => startChild('open', { servers, stream })))
    const stores = ids(8).map(async (id) => {
      const store = await natsStore({ servers, stream })
      await store.record(made(id))
      return store
    })
    assert.deepEqual(await Promise.all(children.map((child) => child.go())), Array(4).fill('created'))
    for (const store of await Promise.all(stores)) {
      assert.equal((await store.list()).records.length, 12)
      await store.close()
    }
  })

  test('Given three processes that write the same ids, then each is created once and settled once, and followers see all', async () => {
    const stream = next()
    const count = 600
    const store = await natsStore({ servers, stream })
    const followers = await Promise.all([1, 2].map(() => startChild('follow', { servers, stream, count })))
    const following = followers.map((child) => child.go())
    const writers = await Promise.all([1, 2, 3].map(() => startChild('race', { servers, stream, count })))
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

  test('Given three processes that purge at once while another writes, then what they removed adds up, and leaves nothing', async () => {
    const stream = next()
    const count = 1000
    const store = await natsStore({ servers, stream })
    await Promise.all(ids(count).map((id) => store.record(settled(id))))
    await store.record(made('open'))
    const children = await Promise.all([1, 2, 3].map(() => startChild('purge', { servers, stream })))
    const purging = Promise.all(children.map((child) => child.go()))
    const late = await Promise.all(ids(50).map((id) => store.record(settled(`late-${id}`, { receivedAt: 2000 }))))
    const removed = (await purging) as number[]
    assert.deepEqual(late, Array(50).fill('created'))
    assert.equal(
      removed.reduce((sum, each) => sum + each, 0),
      count,
    )
    assert.equal((await store.list({ limit: 1000 })).records.length, 51)
    // What named the others goes when nobody can be writing what it names any more.
    assert.equal(await countOf(stream), 51)
    await store.close()
  })

  test('Given a process that writes, follows and closes, then it ends by itself', async () => {
    assert.deepEqual(await runChild('write', { servers, stream: next(), count: 100 }), [100, true])
  })
})
