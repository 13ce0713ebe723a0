import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { jetstreamManager, type StreamConfig } from '@nats-io/jetstream'
import { connect, usernamePasswordAuthenticator } from '@nats-io/transport-node'
import { natsServer } from '../../test/servers/nats.ts'
import { streamNames } from '../../test/stores/nats.ts'
import { outcomeOf, until } from '../../test/stores/outcome.ts'
import { made, settled } from '../../test/stores/samples.ts'
import { type NatsStore, type NatsStoreOptions, natsStore } from './index.ts'

const server = await natsServer()
after(() => server.end())
const next = streamNames()

/** Opens, does this, and closes; what came of it. */
async function attempt(
  options: NatsStoreOptions,
  use: (store: Awaited<ReturnType<typeof natsStore>>) => Promise<unknown> = async () => 'opened',
): Promise<unknown> {
  const opening = natsStore(options)
  const opened = await outcomeOf(opening)
  if (typeof opened === 'string') return opened
  const store = await opening
  try {
    return await outcomeOf(use(store))
  } finally {
    await store.close()
  }
}

/** The streams of the server, for `use`. */
async function withStreams<T>(
  use: (streams: Awaited<ReturnType<typeof jetstreamManager>>['streams']) => Promise<T>,
): Promise<T> {
  const connection = await connect({ servers: server.url })
  try {
    return await use((await jetstreamManager(connection)).streams)
  } finally {
    await connection.close()
  }
}

/** What the server says of a stream's configuration. */
async function configOf(stream: string): Promise<StreamConfig> {
  return await withStreams(async (streams) => (await streams.info(stream)).config)
}

describe('options', { timeout: 30_000 }, () => {
  const servers = 'nats://ada:secret@127.0.0.1:1'
  const connection = { request() {} }
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /^TypeError: options: expected an object/],
    [{}, /^TypeError: expected either servers or connection/],
    [{ servers, connection }, /^TypeError: expected either servers or connection/],
    [{ servers: [] }, /^TypeError: servers: expected nats:\/\/user:password@host:port, one or several/],
    [{ servers: 'http://ada:secret@host' }, /^TypeError: servers: expected/],
    [{ servers: [servers, 5] }, /^TypeError: servers: expected/],
    [{ servers: 'nats://ada:secret@[host' }, /^TypeError: servers: expected/],
    [{ connection: {} }, /^TypeError: connection: expected what connect\(\) gives/],
    [{ servers, stream: 'a.b' }, /^TypeError: stream: expected at most 64 letters, digits, hyphens and underscores/],
    [{ servers, stream: '' }, /^TypeError: stream: expected/],
    [{ servers, stream: 'x'.repeat(65) }, /^TypeError: stream: expected/],
    [{ servers, replicas: 6 }, /^RangeError: replicas: expected a whole number from 1 to 5/],
    [{ servers, deadlineMs: 0 }, /^RangeError: deadlineMs: expected a whole number from 1/],
    [{ servers, pass: 5 }, /^TypeError: pass: expected a text/],
    [{ servers, authenticator: 'secret' }, /^TypeError: authenticator: expected/],
    [{ servers, inboxPrefix: 'a.>' }, /^TypeError: inboxPrefix: expected/],
  ]
  for (const [options, expected] of wrong) {
    const shown = JSON.stringify(options, (key, value) => (key === 'connection' ? 'a connection' : value))
    test(`Given ${shown}, then it is refused before anything is connected, and no secret is told`, async () => {
      const error = await natsStore(options as NatsStoreOptions).then(
        () => new Error('opened'),
        (thrown: Error) => thrown,
      )
      assert.match(String(error), expected)
      assert.doesNotMatch([error.message, String(error.cause), JSON.stringify(error)].join(), /secret/)
    })
  }

  test('Given nobody who answers, then it is STORE_UNAVAILABLE within the deadline, and nothing is left behind', async () => {
    assert.equal(await attempt({ servers: 'nats://127.0.0.1:1', deadlineMs: 300 }), 'STORE_UNAVAILABLE no')
  })

  test('Given two streams of one server, then neither log sees the other', async () => {
    const streams = [next(), next()]
    const stores = await Promise.all(streams.map((stream) => natsStore({ servers: server.url, stream })))
    for (const [index, store] of stores.entries()) await store.record(settled('a', { receivedAt: index }))
    for (const [index, store] of stores.entries()) {
      assert.deepEqual((await store.list()).records, [settled('a', { receivedAt: index })])
      assert.equal(await store.purge({ retention: 'long-lived', before: 10 }), 1)
    }
    await Promise.all(stores.map((store) => store.close()))
  })
})

describe('the stream', { timeout: 30_000 }, () => {
  test('Given no stream, then it is made in files, without limits, with batches, and kept as it is the next time', async () => {
    const stream = next()
    assert.equal(await attempt({ servers: server.url, stream }), 'opened')
    const config = await configOf(stream)
    const { storage, retention, discard, max_msgs, max_bytes, max_age, max_msgs_per_subject, num_replicas } = config
    assert.deepEqual(
      { storage, retention, discard, max_msgs, max_bytes, max_age, max_msgs_per_subject, num_replicas },
      {
        ...{ storage: 'file', retention: 'limits', discard: 'new', max_msgs: -1, max_bytes: -1, max_age: 0 },
        ...{ max_msgs_per_subject: -1, num_replicas: 1 },
      },
    )
    assert.equal(await attempt({ servers: server.url, stream }), 'opened')
    assert.deepEqual(await configOf(stream), config)
  })

  const changes: readonly (readonly [change: Readonly<Record<string, unknown>>, message: RegExp])[] = [
    [{ max_msgs: 1000 }, /has a limit of messages \(max_msgs\)/],
    [{ discard: 'old' }, /drops old records for new ones/],
    [{ max_bytes: 10_000_000 }, /has a limit of bytes \(max_bytes\)/],
    [{ max_age: 3_600_000_000_000 }, /drops records by their age \(max_age\)/],
    [{ max_msgs_per_subject: 1 }, /has a limit of messages of one subject/],
    [{ allow_rollup_hdrs: true }, /lets a message replace others/],
    [{ allow_direct: false }, /answers no direct gets/],
    [{ allow_atomic: false }, /takes no atomic batches/],
    [{ republish: { src: '>', dest: 'elsewhere.>' } }, /publishes its records elsewhere/],
    [{ sealed: true }, /takes no more records/],
    [{ metadata: {} }, /is not one of a command log/],
    [{ metadata: { 'commandlog-layout': '2' } }, /has layout 2, and this library knows 1/],
  ]
  for (const [change, message] of changes) {
    test(`Given a stream that was changed to ${JSON.stringify(change)}, then it is STORE_INCOMPATIBLE`, async () => {
      const stream = next()
      assert.equal(await attempt({ servers: server.url, stream }), 'opened')
      await withStreams((streams) => streams.update(stream, change as Partial<StreamConfig>))
      await assert.rejects(natsStore({ servers: server.url, stream }), {
        ...{ name: 'StoreError', code: 'STORE_INCOMPATIBLE', written: 'no', message },
      })
    })
  }

  const kinds: readonly Partial<StreamConfig>[] = [
    { storage: 'memory' },
    { retention: 'workqueue' },
    { retention: 'interest' },
  ]
  for (const kind of kinds) {
    test(`Given a stream that was made with ${JSON.stringify(kind)}, then it is STORE_INCOMPATIBLE`, async () => {
      const [stream, model] = [next(), next()]
      assert.equal(await attempt({ servers: server.url, stream: model }), 'opened')
      const config = { ...(await configOf(model)), name: stream, subjects: [`${stream}.>`], ...kind }
      await withStreams((streams) => streams.add(config))
      assert.equal(await attempt({ servers: server.url, stream }), 'STORE_INCOMPATIBLE no')
    })
  }

  test('Given a limit that somebody puts on the stream while stores are open, then all calls are STORE_INCOMPATIBLE within seconds, and all goes on once it is gone', async () => {
    const options = { servers: server.url, stream: next() }
    const [writer, reader] = await Promise.all([natsStore(options), natsStore(options)])
    after(() => Promise.all([writer.close(), reader.close()]))
    await writer.record(settled('a'))
    await withStreams((streams) => streams.update(options.stream, { max_msgs: 1_000_000 }))
    let count = 0
    await until(async () => (await outcomeOf(writer.record(made(`b${count++}`)))) === 'STORE_INCOMPATIBLE no')
    await until(async () => (await outcomeOf(reader.get('a'))) === 'STORE_INCOMPATIBLE no')
    const calls = ({ record, get, findByCorrelation, list, follow, purge }: NatsStore) => [
      ...[record(made('c')), get('a'), findByCorrelation('k'), list(), follow()[Symbol.asyncIterator]().next()],
      purge({ retention: 'short-lived', before: 2000 }),
    ]
    for (const store of [writer, reader]) {
      assert.deepEqual(await Promise.all(calls(store).map(outcomeOf)), Array(6).fill('STORE_INCOMPATIBLE no'))
    }
    await withStreams((streams) => streams.update(options.stream, { max_msgs: -1 }))
    for (const store of [writer, reader]) {
      for (const outcome of await Promise.all(calls(store).map(outcomeOf)))
        assert.doesNotMatch(String(outcome), /STORE/)
    }
  })

  test('Given fewer replicas than are asked for, then it is STORE_INCOMPATIBLE; a server alone cannot make more', async () => {
    const stream = next()
    assert.equal(await attempt({ servers: server.url, stream }), 'opened')
    await assert.rejects(natsStore({ servers: server.url, stream, replicas: 3 }), {
      code: 'STORE_INCOMPATIBLE',
      message: 'The stream has 1 replicas, and 3 are asked for',
    })
    const asked = { servers: server.url, stream: next(), replicas: 3, deadlineMs: 500 }
    assert.match(String(await attempt(asked)), /^STORE_(UNAVAILABLE|INCOMPATIBLE) (no|unknown)$/)
  })

  test('Given another stream that takes the subjects, then it is STORE_INCOMPATIBLE', async () => {
    const stream = next()
    await withStreams((streams) => streams.add({ name: `${stream}-other`, subjects: [`${stream}.record.*`] }))
    assert.equal(await attempt({ servers: server.url, stream }), 'STORE_INCOMPATIBLE no')
  })
})

describe('who may', { timeout: 30_000 }, () => {
  test('Given a user in the URL, in the options or in an authenticator, then each is let in, and nobody else', async () => {
    const closed = await natsServer({ auth: { user: 'ada', pass: 'p@secret' } })
    const options = { servers: closed.url, stream: next(), deadlineMs: 1000 }
    const named = closed.url.replace('//', '//ada:p%40secret@')
    assert.equal(await attempt({ ...options, servers: [named] }), 'opened')
    assert.equal(await attempt({ ...options, user: 'ada', pass: 'p@secret' }), 'opened')
    const authenticator = usernamePasswordAuthenticator('ada', 'p@secret')
    assert.equal(await attempt({ ...options, authenticator }), 'opened')
    assert.equal(await attempt({ ...options, user: 'ada', pass: 'secret' }), 'STORE_UNAVAILABLE no')
    assert.equal(await attempt(options), 'STORE_UNAVAILABLE no')
    await closed.end()
  })

  test('Given a server without JetStream, then it is STORE_UNAVAILABLE', async () => {
    const account = 'accounts { plain { users [ { user: "ada", password: "secret" } ] } }'
    const plain = await natsServer({ config: account })
    const options = { servers: plain.url, user: 'ada', pass: 'secret', deadlineMs: 500 }
    assert.equal(await attempt(options), 'STORE_UNAVAILABLE no')
    await plain.end()
  })
})

describe('where answers come', { timeout: 30_000 }, () => {
  test('Given users who may hear nobody else, then a store hears its answers, by a connection of its own or a borrowed one', async () => {
    const user = (name: string): string =>
      `{ user: ${name}, password: secret, permissions: { subscribe: ["_INBOX_${name}.>"] } }`
    const apart = await natsServer({ config: `authorization { users: [${['ada', 'bob'].map(user)}] }` })
    after(() => apart.end())
    const options = { servers: apart.url, user: 'ada', pass: 'secret', inboxPrefix: '_INBOX_ada' }
    const stream = next()
    const connection = await connect(options)
    after(() => connection.close())
    for (const place of [options, { connection }]) {
      const use = async (store: NatsStore): Promise<unknown> => {
        await store.record(settled('a'))
        const { value } = await store.follow()[Symbol.asyncIterator]().next()
        return [value.record, await store.get('a'), await store.findByCorrelation('k'), (await store.list()).records]
      }
      const a = settled('a')
      assert.deepEqual(await attempt({ ...place, stream, deadlineMs: 1000 }, use), [a, a, [a], [a]])
    }
    const deaf = { servers: apart.url, user: 'bob', pass: 'secret', stream, deadlineMs: 1000 }
    assert.match(String(await attempt(deaf)), /^STORE_UNAVAILABLE /)
    await connection.close()
  })
})

describe('a borrowed connection', { timeout: 30_000 }, () => {
  test('Given a store on it, when closed, then it goes on, and another store can have it', async () => {
    const connection = await connect({ servers: server.url })
    const stream = next()
    const store = await natsStore({ connection, stream })
    const following = store.follow()[Symbol.asyncIterator]().next()
    assert.equal(await store.record(made('a')), 'created')
    assert.deepEqual((await following).value.record, made('a'))
    await store.close()
    assert.equal(connection.isClosed(), false)
    assert.equal(await outcomeOf(store.get('a')), 'STORE_CLOSED no')
    const again = await natsStore({ connection, stream })
    assert.deepEqual(await again.get('a'), made('a'))
    await connection.close()
    assert.equal(await outcomeOf(again.get('a')), 'STORE_UNAVAILABLE no')
    assert.equal(await outcomeOf(again.record(made('b'))), 'STORE_UNAVAILABLE no')
    await again.close()
  })
})
