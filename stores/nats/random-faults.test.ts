import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkHistory } from '../../commandlogtest/index.ts'
import { natsServer } from '../../test/servers/nats.ts'
import { tcpProxy } from '../../test/servers/proxy.ts'
import { connectionsOf, stores, streamNames } from '../../test/stores/nats.ts'
import { until } from '../../test/stores/outcome.ts'
import { made, settled } from '../../test/stores/samples.ts'
import { CallHistory } from '../../test/torture/call-history.ts'
import { checkStream } from '../../test/torture/nats.ts'
import type { NatsStore } from './index.ts'

const seconds = Number(process.env.COMMANDLOG_FAULT_SECONDS ?? 8)
const stray: unknown[] = []
process.on('unhandledRejection', (reason) => stray.push(reason))

const server = await natsServer()
const { open, close } = stores()
after(() => close().then(() => server.end()))

/** Intents and outcomes of few ids, each with a content of its own, and looks at them. */
async function work(history: CallHistory, store: NatsStore, client: string, isOver: () => boolean): Promise<void> {
  for (let turn = 0; !isOver(); turn++) {
    // Few at a time, so that clients meet; always new ones, so that there is something to win.
    const id = `r${Math.floor(performance.now() / 100)}-${Math.floor(Math.random() * 4)}`
    const data = JSON.stringify(`${client} ${turn}`)
    const fields = { payload: { status: 'full', format: 'json', data, bytes: data.length } } as const
    const choice = Math.random()
    if (choice < 0.4) await history.record(client, store, made(id, fields))
    else if (choice < 0.8) await history.record(client, store, settled(id, { ...fields, durationMs: turn }))
    else if (choice < 0.98) await history.get(client, store, id)
    else if (choice < 0.99) await history.correlation(client, store, 'k')
    else await history.walk(client, store, Math.random() < 0.5 ? 'oldest' : 'newest')
    await sleep(Math.random() * 4)
  }
}

test(`Given ${seconds} s of random faults between several writers and the server, then nothing is lost, nothing is there twice, and every unknown is settled by a retry`, {
  timeout: (seconds + 60) * 1000,
}, async () => {
  const proxy = await tcpProxy({ host: '127.0.0.1', port: server.port })
  after(() => proxy.close())
  const place = { servers: [server.url], stream: streamNames()() }
  const options = { servers: `nats://127.0.0.1:${proxy.port}`, stream: place.stream, deadlineMs: 500 }
  const all = await Promise.all([open(options), open(options), open(options)])
  const history = new CallHistory()
  const end = performance.now() + seconds * 1000
  const isOver = () => performance.now() > end
  const clients = Array.from({ length: 9 }, (_, n) => work(history, all[n % 3] as NatsStore, `client ${n}`, isOver))
  const faults: readonly (() => unknown)[] = [
    () => proxy.cut(),
    () => proxy.cutAfterNextRequest(),
    () => proxy.halfClose(),
    () => proxy.delay(Math.random() * 60),
    () => proxy.delay(0),
    () =>
      proxy
        .refuse(true)
        .then(() => sleep(60))
        .then(() => proxy.refuse(false)),
    async () => {
      proxy.freeze()
      await sleep(Math.random() * 800)
      proxy.thaw()
    },
    async () => {
      proxy.dropAnswers(true)
      await sleep(Math.random() * 800)
      proxy.dropAnswers(false)
      proxy.cut()
    },
    async () => {
      server.freeze()
      await sleep(Math.random() * 800)
      server.thaw()
    },
    async () => {
      await server.kill()
      await server.start()
    },
  ]
  while (!isOver()) {
    await sleep(40 + Math.random() * 200)
    await faults[Math.floor(Math.random() * faults.length)]?.()
  }
  proxy.delay(0)
  await Promise.all(clients)
  const [first] = all
  const counts = { unknown: history.unknown.length, events: history.events.length }
  for (const record of history.unknown.splice(0)) await until(() => history.record('retry', first, record))
  for (const order of ['oldest', 'newest'] as const) await until(() => history.walk('at the end', first, order))
  await until(() => history.correlation('at the end', first, 'k'))
  assert.deepEqual(checkHistory(history.events), [])
  assert.ok(counts.unknown > 5 && counts.events > 300, JSON.stringify(counts))
  assert.deepEqual(await checkStream(place), [])
  await close()
  await until(async () => (await connectionsOf(server)) === 0)
  assert.deepEqual(stray, [])
})
