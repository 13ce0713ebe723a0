import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import type { Change } from '../../src/index.ts'
import { natsServer } from '../../test/servers/nats.ts'
import { stores, streamNames } from '../../test/stores/nats.ts'
import { until } from '../../test/stores/outcome.ts'
import { ids, made, settled } from '../../test/stores/samples.ts'
import { runChild } from '../../test/stores/start-child.ts'

const stray: unknown[] = []
process.on('unhandledRejection', (reason) => stray.push(reason))

const server = await natsServer()
const connection = await connect({ servers: server.url })
const { streams, consumers } = await jetstreamManager(connection)
const { open, close } = stores()
after(async () => {
  await connection.close()
  await close()
  await server.end()
})
const servers = [server.url]
const next = streamNames()

async function consumersOf(stream: string): Promise<readonly string[]> {
  const names: string[] = []
  for await (const { name } of consumers.list(stream)) names.push(name)
  return names
}

/** Waits until nothing of the followers is left, for less time than it takes the server to forget them by itself. */
async function untilNone(stream: string): Promise<void> {
  const end = performance.now() + 3000
  while ((await streams.info(stream)).state.consumer_count > 0) assert.ok(performance.now() < end, 'some are left')
}

describe('what followers have at the server', { timeout: 60_000 }, () => {
  test('Given followers that end in each way there is, then nothing is left', async () => {
    const stream = next()
    const store = await open({ servers, stream })
    await store.record(made('a'))
    const signal = new AbortController()
    const begin = async (options = {}): Promise<AsyncIterator<Change>> => {
      const follower = store.follow(options)[Symbol.asyncIterator]()
      await follower.next()
      return follower
    }
    const [aborted, left, waiting] = await Promise.all([begin({ signal: signal.signal }), begin(), begin()])
    const steps = [aborted.next(), left.next(), waiting.next()]
    assert.equal((await consumersOf(stream)).length, 3)
    signal.abort()
    await left.return?.()
    await until(async () => (await consumersOf(stream)).length === 1)
    await store.close()
    assert.deepEqual(await Promise.all(steps), Array(3).fill({ done: true, value: undefined }))
    await untilNone(stream)
  })

  test('Given a process that closes its store while it follows, then nothing is left', async () => {
    const stream = next()
    await runChild('write', { servers, stream, count: 3 })
    await untilNone(stream)
  })

  test('Given somebody who takes it away again and again, then there is no gap and no repeat', async () => {
    const stream = next()
    const store = await open({ servers, stream })
    let isOver = false
    const taking = (async () => {
      while (!isOver) for (const name of await consumersOf(stream)) await consumers.delete(stream, name).catch(() => {})
    })()
    const writing = (async () => {
      for (const id of ids(300)) await Promise.all([store.record(made(id)), store.record(settled(id))])
    })()
    const seen: string[] = []
    for await (const { record } of store.follow()) {
      if (record.state !== 'created') seen.push(record.id)
      if (seen.length === 300) break
    }
    isOver = true
    await Promise.all([taking, writing])
    assert.deepEqual(seen, ids(300))
    await store.close()
  })

  test('Given one that reads slower than the server remembers it, then it goes on where it was', async () => {
    const stream = next()
    const store = await open({ servers, stream })
    await Promise.all(ids(3).map((id) => store.record(settled(id))))
    const follower = store.follow()[Symbol.asyncIterator]()
    for (const _ of ids(3)) await follower.next()
    await store.record(settled('later'))
    for (const name of await consumersOf(stream)) await consumers.delete(stream, name)
    assert.deepEqual((await follower.next()).value?.record, settled('later'))
    await store.close()
  })
})

test('no promise was left to reject by itself', () => {
  assert.deepEqual(stray, [])
})
