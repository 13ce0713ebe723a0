import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { natsServer } from '../../test/servers/nats.ts'
import { streamNames } from '../../test/stores/nats.ts'
import { ids, made, settled } from '../../test/stores/samples.ts'
import { natsStore } from './index.ts'
import { farthest } from './names.ts'

const server = await natsServer()
after(() => server.end())
const next = streamNames()

describe('purge', { timeout: 30_000 }, () => {
  test('Given an intent of this handle that others have settled and purged, then its id is new again here too', async () => {
    const stream = next()
    const [store, other] = await Promise.all([1, 2].map(() => natsStore({ servers: server.url, stream })))
    assert.ok(store && other)
    const results = [await store.record(made('a')), await other.record(settled('a'))]
    const purged = await other.purge({ retention: 'long-lived', before: 2000 })
    results.push(await store.record(made('a')), await other.record(settled('a')))
    assert.deepEqual([purged, ...results], [1, 'created', 'settled', 'created', 'settled'])
    await Promise.all([store.close(), other.close()])
  })

  test('Given a log of which little is left, then walks and followers see just that, newest and oldest first', async () => {
    const store = await natsStore({ servers: server.url, stream: next() })
    const all = Array.from({ length: 3000 }, (_, n) => n)
    const kept = all.filter((n) => n === 0 || n % 200 === 150).map((n) => `c${n}`)
    const records = all.map((n) =>
      settled(`c${n}`, { retention: kept.includes(`c${n}`) ? 'permanent' : 'short-lived' }),
    )
    for (let at = 0; at < 3000; at += 500)
      await Promise.all(records.slice(at, at + 500).map((each) => store.record(each)))
    assert.equal(await store.purge({ retention: 'short-lived', before: 2000 }), 3000 - kept.length)
    const seen: string[] = []
    for await (const { record } of store.follow()) if (seen.push(record.id) === kept.length) break
    const walks: string[][] = [seen]
    for (const order of ['oldest', 'newest'] as const) {
      const walk: string[] = []
      let cursor: string | undefined
      do {
        const page = await store.list({ order, limit: 3, cursor })
        walk.push(...page.records.map(({ id }) => id))
        cursor = page.next
      } while (cursor !== undefined)
      walks.push(order === 'oldest' ? walk : walk.reverse())
    }
    for (const walk of walks) assert.deepEqual(walk.toSorted(), kept.toSorted())
    assert.deepEqual([walks[1], walks[2]], [walks[0], walks[0]])
    await store.close()
  })

  test('Given messages of somebody else in the stream, then records are read and purged as if they were not there', async () => {
    const stream = next()
    const store = await natsStore({ servers: server.url, stream })
    await store.record(settled('a'))
    const connection = await connect({ servers: server.url })
    for (const subject of ['other', 'record.b', 'record.b.c', 'correlation.k', 'correlation.k.l']) {
      for (const body of ['', 'hello', 'null', '{"id":5}']) await connection.request(`${stream}.${subject}`, body)
    }
    await connection.close()
    await store.record(settled('b'))
    const expected = [settled('a'), settled('b')]
    assert.deepEqual(await store.findByCorrelation('k'), expected)
    assert.deepEqual((await store.list({ order: 'oldest' })).records, expected)
    assert.equal(await store.purge({ retention: 'long-lived', before: 2000 }), 2)
    assert.deepEqual((await store.list()).records, [])
    await store.close()
  })

  test('Given retries and an outcome of another handle, then the stream has each message once, and none after a purge', async () => {
    const stream = next()
    const [store, other] = await Promise.all([1, 2].map(() => natsStore({ servers: server.url, stream })))
    assert.ok(store && other)
    const connection = await connect({ servers: server.url })
    const { streams } = await jetstreamManager(connection)
    const count = async (): Promise<number> => (await streams.info(stream)).state.messages
    await store.record(made('a'))
    for (const again of [store, other, store, other]) assert.equal(await again.record(made('a')), 'unchanged')
    for (const outcome of ['settled', 'unchanged']) assert.equal(await other.record(settled('a')), outcome)
    assert.equal(await store.record(settled('a')), 'unchanged')
    const counts = [await count()]
    await store.purge({ retention: 'long-lived', before: 2000 })
    assert.deepEqual([...counts, await count()], [4, 0])
    await connection.close()
    await Promise.all([store.close(), other.close()])
  })

  test('Given names of which only some records are gone, then they stay until all are, and go once none can come for them', async () => {
    const stream = next()
    const store = await natsStore({ servers: server.url, stream })
    const connection = await connect({ servers: server.url })
    const { streams } = await jetstreamManager(connection)
    const count = async (): Promise<number> => {
      const { state } = await streams.info(stream, { subjects_filter: `${stream}.type.>` })
      return Object.keys(state.subjects ?? {}).length
    }
    await Promise.all(ids(10).map((id) => store.record(settled(id, { type: 'short' }))))
    await store.record(settled('kept', { type: 'long', retention: 'permanent' }))
    const counts = [await count()]
    for (const limit of [4, 6]) {
      assert.equal(await store.purge({ before: 2000, retention: 'long-lived', limit }), limit)
      counts.push(await count())
    }
    for (let n = 0; n < farthest; n++) connection.publish(`${stream}.other`)
    // Its answer comes when all of them are in the stream.
    await connection.request(`${stream}.other`)
    assert.equal(await store.purge({ before: 2000, retention: 'long-lived' }), 0)
    assert.deepEqual([...counts, await count()], [2, 2, 2, 1])
    assert.deepEqual((await store.findByType('long')).records, [
      settled('kept', { type: 'long', retention: 'permanent' }),
    ])
    await connection.close()
    await store.close()
  })
})
