import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import type { CommandQuery, CommandRecord } from '../../src/index.ts'
import { natsServer } from '../../test/servers/nats.ts'
import { natsCluster } from '../../test/servers/nats-cluster.ts'
import { tcpProxy } from '../../test/servers/proxy.ts'
import { stores, streamNames } from '../../test/stores/nats.ts'
import { until } from '../../test/stores/outcome.ts'
import { made, settled } from '../../test/stores/samples.ts'
import type { NatsStore } from './index.ts'
import { lateSubject, typeSubject } from './schema.ts'

const server = await natsServer()
const opened = stores()
const connection = await connect({ servers: server.url })
after(async () => {
  await opened.close()
  await connection.close()
  await server.end()
})
const next = streamNames()

/** One type that most records have, one of every hundredth, and some that come in bursts or once. */
function typeOf(n: number): string {
  if (n % 100 === 7) return 'rare'
  if (n > 2000 && n < 2050) return 'burst'
  if (n % 997 === 3) return 'a type.with > odd * characters'
  return n === 4321 ? 'once' : 'usual'
}

async function pagesOf(store: NatsStore, query: CommandQuery): Promise<string[][]> {
  const pages: string[][] = []
  for (let cursor: string | undefined; ; ) {
    const page = await store.list({ ...query, cursor })
    pages.push(page.records.map(({ id }) => id))
    cursor = page.next
    if (cursor === undefined) return pages
  }
}

/** What a call reads, in messages from the server. */
async function messagesOf(link: NatsConnection, call: () => Promise<unknown>): Promise<number> {
  const before = link.stats().inMsgs
  await call()
  return link.stats().inMsgs - before
}

describe('pages by type', { timeout: 60_000 }, () => {
  const count = 6000
  const all: string[] = []
  let store: NatsStore
  before(async () => {
    store = await opened.open({ connection, stream: next() })
    // In groups of all sizes, as they come.
    for (let at = 0, size = 1; at < count; at += size, size = (size * 7) % 401) {
      const some = Array.from({ length: Math.min(size, count - at) }, (_, n) => at + n)
      const records = some.map((n) => settled(`c${n}`, { type: typeOf(n), tenantId: n % 3 === 0 ? 'a' : 'b' }))
      await Promise.all(records.map((record) => store.record(record)))
    }
    for (const page of await pagesOf(store, { order: 'oldest', limit: 1000 })) all.push(...page)
    assert.equal(all.length, count)
  })

  const numberOf = (id: string): number => Number(id.slice(1))
  const queries: readonly CommandQuery[] = [
    ...['usual', 'rare', 'burst', 'once', 'a type.with > odd * characters', 'none'].map((type) => ({ type })),
    ...[
      ['rare', 'burst'],
      ['once', 'none', 'a type.with > odd * characters'],
      ['usual', 'rare'],
    ].map((type) => ({ type })),
    ...['rare', 'burst', 'usual'].map((type) => ({ type, tenantId: 'a' })),
  ]
  for (const query of queries) {
    test(`Given ${JSON.stringify(query)}, then a walk in either order has what the log has, in its order`, async () => {
      const types = [query.type ?? []].flat()
      const expected = all.filter(
        (id) => types.includes(typeOf(numberOf(id))) && (query.tenantId === undefined || numberOf(id) % 3 === 0),
      )
      for (const limit of [7, 100]) {
        const walks = [
          (await pagesOf(store, { ...query, limit, order: 'oldest' })).flat(),
          (await pagesOf(store, { ...query, limit, order: 'newest' })).flat().reverse(),
        ]
        assert.deepEqual(walks, [expected, expected])
      }
    })
  }

  test('Given a type that few records have, or none, then its page reads far less than the log', async () => {
    for (const type of ['rare', 'once', 'none']) {
      for (const order of ['newest', 'oldest'] as const) {
        const read = await messagesOf(connection, () => store.findByType(type, { order, limit: 20 }))
        assert.ok(read < count / 10, `Expected few messages for ${type} ${order}, came ${read}`)
      }
    }
  })
})

describe('what names records of a type', { timeout: 60_000 }, () => {
  const subjectsOf = async (stream: string, kind: string): Promise<readonly string[]> => {
    const { streams } = await jetstreamManager(connection)
    const { state } = await streams.info(stream, { subjects_filter: `${stream}.${kind}.>` })
    return Object.keys(state.subjects ?? {})
  }
  const lone = (id: string): CommandRecord => settled(id, { type: 'lone' })

  test('Given records further from their names than is looked for, then they are found where they are named as late', async () => {
    const stream = next()
    const store = await opened.open({ connection, stream })
    await Promise.all(Array.from({ length: 300 }, (_, n) => store.record(made(`c${n}`))))
    for (const id of ['a', 'b']) await store.record(lone(id))
    const { streams } = await jetstreamManager(connection)
    // Nothing names them any more, as when the server had refused that.
    await streams.purge(stream, { filter: typeSubject(stream, 'lone') })
    assert.deepEqual((await store.findByType('lone', { limit: 1 })).records, [lone('b')])
    await Promise.all(Array.from({ length: 300 }, (_, n) => store.record(made(`d${n}`))))
    await connection.request(lateSubject(stream, 'lone'), JSON.stringify({ ids: ['b', 'a', 'nobody'] }))
    for (const order of ['oldest', 'newest'] as const) {
      const expected = order === 'oldest' ? ['a', 'b'] : ['b', 'a']
      for (const limit of [1, 2, 3]) {
        assert.deepEqual((await pagesOf(store, { type: 'lone', order, limit })).flat(), expected)
      }
    }
  })

  test('Given answers that are lost, then whoever turns out to be without a name is named again, and nobody else', async () => {
    const proxy = await tcpProxy({ host: '127.0.0.1', port: server.port })
    try {
      const stream = next()
      const store = await opened.open({ servers: `nats://127.0.0.1:${proxy.port}`, stream, deadlineMs: 15_000 })
      const { streams } = await jetstreamManager(connection)
      await store.record(lone('first'))
      for (const [kept, type] of [
        [true, 'kept'],
        [false, 'lost'],
      ] as const) {
        proxy.dropAnswers(true)
        const records = ['a', 'b', 'c'].map((id) => settled(`${type}-${id}`, { type, correlationId: `${type}-a` }))
        const results = Promise.all(records.map((record) => store.record(record)))
        await until(async () => (await subjectsOf(stream, 'record')).length >= (kept ? 4 : 7))
        if (!kept) await streams.purge(stream, { filter: typeSubject(stream, type) })
        proxy.dropAnswers(false)
        proxy.cut()
        assert.deepEqual(await results, ['created', 'created', 'created'])
        assert.deepEqual((await store.findByType(type, { order: 'oldest' })).records, records)
        assert.deepEqual(await store.findByCorrelation(`${type}-a`), records)
      }
      assert.deepEqual(await subjectsOf(stream, 'late'), [lateSubject(stream, 'lost')])
      await store.close()
    } finally {
      await proxy.close()
    }
  })

  test('Given a user who may not write the names of types, then no record is acknowledged, and its error says so at once', async () => {
    const stream = next()
    const user = { user: 'half', pass: 'secret' }
    const allowed = [`${stream}.record.*`, '$JS.API.>'].map((each) => JSON.stringify(each)).join(', ')
    const restricted = await natsServer({
      config: `authorization { users = [{ user: half, password: secret, permissions: { publish: [${allowed}], subscribe: ">" } }] }`,
    })
    try {
      const store = await opened.open({ servers: restricted.url, ...user, stream })
      const started = performance.now()
      await assert.rejects(store.record(lone('a')), { name: 'StoreError', written: 'unknown' })
      assert.ok(performance.now() - started < 4000, 'Expected an answer before the deadline')
      await store.close()
    } finally {
      await restricted.end()
    }
  })
})

test('Given three replicas, then a type is found through its names as well, and a correlation of many', {
  timeout: 60_000,
}, async () => {
  const cluster = await natsCluster()
  const [link, stream] = [await connect({ servers: [...cluster.urls] }), next()]
  try {
    const store = await opened.open({ connection: link, stream, replicas: 3, deadlineMs: 15_000 })
    for (let at = 0; at < 1500; at += 100) {
      const some = Array.from({ length: 100 }, (_, n) => settled(`c${at + n}`, { type: typeOf(at + n) }))
      await Promise.all(some.map((record) => store.record(record)))
    }
    const expected = (await pagesOf(store, { order: 'newest', limit: 1000 })).flat()
    const rare = expected.filter((id) => typeOf(Number(id.slice(1))) === 'rare')
    assert.deepEqual((await pagesOf(store, { type: 'rare', limit: 10 })).flat(), rare)
    assert.deepEqual((await pagesOf(store, { type: 'rare', limit: 4, order: 'oldest' })).flat(), rare.toReversed())
    assert.deepEqual(
      (await store.findByCorrelation('k')).map(({ id }) => id),
      expected.toReversed(),
    )
    const read = await messagesOf(link, () => store.findByType('none'))
    assert.ok(read < 400, `Expected few messages, came ${read}`)
    await store.close()
  } finally {
    await link.close()
    await cluster.end()
  }
})
