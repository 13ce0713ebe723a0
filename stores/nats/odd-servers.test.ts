import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '@nats-io/transport-node'
import type { CommandRecord } from '../../src/index.ts'
import { natsServer } from '../../test/servers/nats.ts'
import type { NatsOptions, NatsServer } from '../../test/servers/nats-node.ts'
import { settleAll, startLoad } from '../../test/stores/load.ts'
import { connectionsAt, connectionsOf, stores, streamNames } from '../../test/stores/nats.ts'
import { outcomeOf, timed, until } from '../../test/stores/outcome.ts'
import { ids, made, settled } from '../../test/stores/samples.ts'
import type { NatsStore } from './index.ts'

const stray: unknown[] = []
process.on('unhandledRejection', (reason) => stray.push(reason))

const next = streamNames()
const { open, close } = stores()
after(close)

/** A server that is not like others; nobody may be connected to it in the end. */
async function withServer(options: NatsOptions, use: (server: NatsServer) => Promise<void>): Promise<void> {
  const server = await natsServer(options)
  try {
    await use(server)
    await until(async () => (await connectionsOf(server)) === 0)
  } finally {
    await server.end()
  }
}

/** Asks the API of JetStream, as an operator. */
async function operate({ url }: NatsServer, verb: string, body: object = {}): Promise<void> {
  const connection = await connect({ servers: url })
  const answer = await connection.request(`$JS.API.${verb}`, JSON.stringify(body))
  await connection.close()
  assert.equal(answer.json<{ readonly error?: unknown }>().error, undefined)
}

function ofSize(id: string, bytes: number): CommandRecord {
  return settled(id, { payload: { status: 'full', format: 'cbor', data: new Uint8Array(bytes).fill(7), bytes } })
}

describe('a server that lets not everybody in', { timeout: 60_000 }, () => {
  test('Given a wrong password or none, then it is STORE_UNAVAILABLE at once, and no secret is told', () =>
    withServer({ auth: { user: 'me', pass: 'right' } }, async ({ url, port }) => {
      const [servers, stream] = [[url], next()]
      const strangers = [
        open({ servers, stream }),
        open({ servers, stream, user: 'me', pass: 'secret' }),
        open({ servers, stream, token: 'secret' }),
        open({ servers: `nats://me:secret@127.0.0.1:${port}`, stream }),
      ]
      for (const [outcome, ms] of await Promise.all(strangers.map(timed))) {
        assert.equal(outcome, 'STORE_UNAVAILABLE no')
        assert.ok(ms < 3500, `${ms} ms`)
      }
      const store = await open({ servers: `nats://me:right@127.0.0.1:${port}`, stream })
      assert.equal(await store.record(made('a')), 'created')
      await store.close()
    }))

  test('Given a user who may read and not publish, then records are STORE_READ_ONLY and not written, and nor is anything purged', () => {
    const everything = '{ user: owner, password: right }'
    const reader =
      '{ user: reader, password: right, permissions: { publish: ["$JS.API.STREAM.INFO.>", "$JS.API.DIRECT.>"], subscribe: ["_INBOX.>"] } }'
    return withServer({ config: `authorization { users: [${everything}, ${reader}] }` }, async ({ url }) => {
      const common = { servers: url, stream: next(), pass: 'right', deadlineMs: 1000 }
      const owner = await open({ ...common, user: 'owner' })
      await owner.record(made('a'))
      await owner.record(settled('settled'))
      const store = await open({ ...common, user: 'reader' })
      assert.deepEqual(await store.get('a'), made('a'))
      const writes = [store.record(made('b')), store.record(made('c', { correlationId: 'c' }))]
      const purge = store.purge({ retention: 'long-lived', before: 2000 })
      assert.deepEqual(await Promise.all([...writes, purge].map(outcomeOf)), Array(3).fill('STORE_READ_ONLY no'))
      assert.equal(await outcomeOf(store.follow()[Symbol.asyncIterator]().next()), 'STORE_UNAVAILABLE no')
      assert.equal(await outcomeOf(open({ ...common, user: 'reader', stream: next() })), 'STORE_READ_ONLY no')
      assert.equal((await store.list()).records.length, 2)
      await store.close()
      await owner.close()
    })
  })
})

describe('a server that takes small messages', { timeout: 60_000 }, () => {
  for (const [name, bytes, small, large] of [
    ['4 KB', 4096, 1_000_000, 4_000_000],
    ['1 KB', 1024, 20, 1000],
  ] as const) {
    test(`Given messages of at most ${name}, then what is too large for a batch of them is refused, and the rest written`, () =>
      withServer({ config: `max_payload: ${bytes}` }, async ({ url }) => {
        const store = await open({ servers: url, stream: next() })
        const [first, second, third] = await Promise.all(
          [ofSize('a', small), ofSize('b', large), made('c')].map((record) => outcomeOf(store.record(record))),
        )
        assert.deepEqual([first, second, third], ['created', 'RECORD_TOO_LARGE no', 'created'])
        assert.deepEqual([await store.get('a'), await store.get('b')], [ofSize('a', small), undefined])
        assert.deepEqual((await store.findByCorrelation('k')).map(({ id }) => id).sort(), ['a', 'c'])
        await store.close()
      }))
  }
})

describe('a stream that somebody takes away', { timeout: 60_000 }, () => {
  test('Given one that is deleted, then all calls are STORE_UNAVAILABLE, also where another takes its place, until it is opened again', () =>
    withServer({}, async (server) => {
      const stream = next()
      const options = { servers: server.url, stream, deadlineMs: 1000 }
      const [store, quiet] = await Promise.all([open(options), open(options)])
      await Promise.all(ids(20).map((id) => store.record(made(id))))
      const cursor = (await store.list({ limit: 5 })).next
      const waiting = (async () => {
        for await (const _ of store.follow());
      })()
      const followed = outcomeOf(waiting)
      await operate(server, `STREAM.DELETE.${stream}`)
      const gone = [store.record(made('b')), store.record(settled('c1')), store.get('c1'), store.list(), followed]
      assert.deepEqual(await Promise.all(gone.map(outcomeOf)), Array(5).fill('STORE_UNAVAILABLE no'))
      const other = await open(options)
      assert.equal(await outcomeOf(store.list({ limit: 5, cursor })), 'STORE_UNAVAILABLE no')
      assert.equal(await outcomeOf(other.list({ limit: 5, cursor })), 'INVALID_CURSOR no')
      assert.deepEqual([await other.record(settled('c1')), await other.get('c1')], ['created', settled('c1')])
      const late = [store.record(made('d')), store.get('c1')]
      assert.deepEqual(await Promise.all(late.map(outcomeOf)), Array(2).fill('STORE_UNAVAILABLE no'))
      // Who only writes, and was not there when it happened, hears of it soon.
      let count = 0
      await until(async () => (await outcomeOf(quiet.record(made(`q${count++}`)))) === 'STORE_UNAVAILABLE no')
      await quiet.close()
      await store.close()
      await other.close()
    }))
})

describe('a server without room', { timeout: 60_000 }, () => {
  test('Given a limit for all files, when it is reached, then it is STORE_FULL, and all goes on once there is room', () =>
    withServer({ jetstream: { max_file_store: 4 * 1024 * 1024 } }, async ({ url }) => {
      const store = await open({ servers: url, stream: next() })
      assert.match(await fill(store).then(([, end]) => end), /^STORE_FULL no$/)
      assert.equal((await store.purge({ retention: 'long-lived', before: 2000 })) > 3, true)
      assert.equal(await store.record(settled('again')), 'created')
      await store.close()
    }))

  test('Given a disk that is full, where the server gives up JetStream, then nothing acknowledged is lost, and all goes on once it is started with room', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'commandlog-nats-disk-'))
    const before = process.env.TMPDIR
    try {
      if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', folder]).status !== 0) {
        return t.skip('needs leave to mount')
      }
      mkdirSync(join(folder, 'tmp'))
      process.env.TMPDIR = join(folder, 'tmp')
      await withServer({ jetstream: { max_file_store: 2 ** 30 } }, async (server) => {
        const stream = next()
        const store = await open({ servers: server.url, stream, deadlineMs: 2000 })
        const [count, end] = await fill(store)
        assert.match(end, /^STORE_FULL no$|^STORE_(UNAVAILABLE|TIMEOUT) /)
        spawnSync('mount', ['-o', 'remount,size=200m', folder])
        await server.stop()
        await server.start()
        await until(async () => /created|unchanged/.test(String(await outcomeOf(store.record(settled('again'))))))
        for (const id of ids(count)) assert.equal((await store.get(id))?.payload.bytes, 256 * 1024)
        await store.close()
      })
    } finally {
      if (before === undefined) delete process.env.TMPDIR
      else process.env.TMPDIR = before
      spawnSync('umount', ['-l', folder])
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

/** Writes c0, c1 and so on until nothing fits any more; how many were acknowledged, and what the next one heard. */
async function fill(store: NatsStore): Promise<readonly [count: number, end: string]> {
  const outcomes: unknown[] = []
  while (outcomes.length < 400 && (outcomes.at(-1) ?? 'created') === 'created') {
    outcomes.push(await outcomeOf(store.record(ofSize(`c${outcomes.length}`, 256 * 1024))))
  }
  return [outcomes.length - 1, String(outcomes.at(-1))]
}

describe('connections that end', { timeout: 60_000 }, () => {
  test('Given a borrowed one that its owner closes, then calls are STORE_UNAVAILABLE and not written, and closing ends', () =>
    withServer({}, async ({ url }) => {
      const connection = await connect({ servers: url })
      const store = await open({ connection, stream: next() })
      const writes = ids(8).map((id) => outcomeOf(store.record(made(id))))
      await sleep(1)
      await connection.close()
      for (const outcome of await Promise.all(writes)) assert.match(String(outcome), /^created$|^STORE_UNAVAILABLE/)
      const calls = [store.record(made('a')), store.get('a'), store.list(), store.findByCorrelation('k')]
      for (const [outcome, ms] of await Promise.all(calls.map(timed))) {
        assert.deepEqual([outcome, ms < 2500], ['STORE_UNAVAILABLE no', true])
      }
      await store.close()
    }))

  test('Given a server that takes no more of them, then a store waits, and another lives on the one it has', () =>
    withServer({ config: 'max_connections: 3' }, async ({ url }) => {
      const options = { servers: url, stream: next(), deadlineMs: 700 }
      const store = await open(options)
      const others = await Promise.all([1, 2].map(() => connect({ servers: url, reconnect: false })))
      assert.equal(await outcomeOf(open(options)), 'STORE_UNAVAILABLE no')
      const patient = open({ ...options, deadlineMs: 5000 })
      assert.equal(await store.record(made('a')), 'created')
      await Promise.all(others.map((each) => each.close()))
      await (await patient).close()
      await store.close()
    }))

  test('Given a server that throws a store out under load, then all goes on at once', () => {
    const system = '$SYS { users: [{ user: system, password: right }] }'
    const config = `accounts { ${system}, A { jetstream: enabled, users: [{ user: me, password: right }] } }`
    return withServer({ config }, async ({ url, monitorPort }) => {
      const store = await open({ servers: url, stream: next(), user: 'me', pass: 'right' })
      const operator = await connect({ servers: url, user: 'system', pass: 'right' })
      const load = startLoad([store])
      for (let kick = 0; kick < 5; kick++) {
        await sleep(100)
        const { server_id: server, connections } = await connectionsAt(monitorPort)
        const cid = connections.find(({ name }) => name === 'commandlog')?.cid
        await operator.request(`$SYS.REQ.SERVER.${server}.KICK`, JSON.stringify({ cid }))
      }
      await sleep(300)
      const kinds = await settleAll(store, await load.stop())
      assert.deepEqual(Object.keys(kinds).sort(), ['created', 'settled'], JSON.stringify(kinds))
      await operator.close()
      await store.close()
    })
  })
})

test('no promise was left to reject by itself', () => {
  assert.deepEqual(stray, [])
})
