import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkHistory, fingerprintOf, type HistoryEvent, type Result } from '../../commandlogtest/index.ts'
import type { CommandRecord, RecordResult, StoreError } from '../../src/index.ts'
import { postgresServer } from '../../test/servers/postgres.ts'
import { tcpProxy } from '../../test/servers/proxy.ts'
import { until } from '../../test/stores/outcome.ts'
import { run } from '../../test/stores/postgres.ts'
import { made, settled } from '../../test/stores/samples.ts'
import { type PostgresStore, postgresStore } from './index.ts'

const seconds = Number(process.env.COMMANDLOG_FAULT_SECONDS ?? 10)
const stray: unknown[] = []
process.on('unhandledRejection', (reason) => stray.push(reason))

const server = await postgresServer()

/** What several clients did, with stamps of one clock. */
class History {
  readonly events: HistoryEvent[] = []
  readonly unknown: CommandRecord[] = []
  #now = 0

  async add<T>(client: string, call: () => Promise<T>, describe: (result: Result<T>) => object): Promise<void> {
    const invoked = this.#now++
    const result = await call().then(
      (value): Result<T> => ({ status: 'ok', value }),
      (error: StoreError): Result<T> => ({ status: error.written === 'no' ? 'failed' : 'unknown' }),
    )
    this.events.push({ client, invoked, returned: this.#now++, ...describe(result) } as HistoryEvent)
  }

  record(client: string, store: PostgresStore, record: CommandRecord): Promise<void> {
    const describe = (result: Result<RecordResult>): object => {
      if (result.status === 'unknown') this.unknown.push(record)
      return { kind: 'record', id: record.id, content: fingerprintOf(record), result }
    }
    return this.add(client, () => store.record(record), describe)
  }

  get(client: string, store: PostgresStore, id: string): Promise<void> {
    const call = async () => {
      const found = await store.get(id)
      return found === undefined ? undefined : fingerprintOf(found)
    }
    return this.add(client, call, (result) => ({ kind: 'get', id, result }))
  }

  walk(client: string, store: PostgresStore, order: 'oldest' | 'newest'): Promise<void> {
    const call = async () => {
      const sights = []
      for (let cursor: string | undefined; ; ) {
        const page = await store.list({ order, limit: 500, ...(cursor !== undefined && { cursor }) })
        for (const record of page.records) sights.push({ id: record.id, content: fingerprintOf(record) })
        cursor = page.next
        if (cursor === undefined) return sights
      }
    }
    return this.add(client, call, (result) => ({ kind: 'walk', order, isComplete: true, result }))
  }
}

/** Intents and outcomes of few ids, each with a content of its own, and looks at them. */
async function work(history: History, store: PostgresStore, client: string, isOver: () => boolean): Promise<void> {
  for (let turn = 0; !isOver(); turn++) {
    // Few at a time, so that clients meet; always new ones, so that there is something to win.
    const id = `r${Math.floor(performance.now() / 100)}-${Math.floor(Math.random() * 4)}`
    const data = JSON.stringify(`${client} ${turn}`)
    const payload = { status: 'full', format: 'json', data, bytes: data.length } as const
    const choice = Math.random()
    if (choice < 0.4) await history.record(client, store, made(id, { payload }))
    else if (choice < 0.8) await history.record(client, store, settled(id, { payload, durationMs: turn }))
    else if (choice < 0.99) await history.get(client, store, id)
    else await history.walk(client, store, Math.random() < 0.5 ? 'oldest' : 'newest')
    await sleep(Math.random() * 4)
  }
}

test(`Given ${seconds} s of random faults between several writers and the server, then nothing is lost, nothing is there twice, and every unknown is settled by a retry`, {
  timeout: (seconds + 60) * 1000,
}, async () => {
  const direct = await server.database()
  const proxy = await tcpProxy({ host: '127.0.0.1', port: server.port })
  const url = new URL(direct)
  url.port = String(proxy.port)
  const open = () => postgresStore({ url: url.href, deadlineMs: 500, connections: 2 })
  const stores = await Promise.all([open(), open(), open()])
  // Also where something is found, or the process would go on for ever.
  after(async () => {
    await Promise.all(stores.map((store) => store.close()))
    await proxy.close()
    await server.end()
  })
  const history = new History()
  const until_ = performance.now() + seconds * 1000
  const isOver = () => performance.now() > until_
  const clients = Array.from({ length: 9 }, (_, n) =>
    work(history, stores[n % 3] as PostgresStore, `client ${n}`, isOver),
  )
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
      await sleep(Math.random() * 300)
      proxy.dropAnswers(false)
      proxy.cut()
    },
    () => run(direct, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'commandlog'"),
  ]
  while (!isOver()) {
    await sleep(40 + Math.random() * 200)
    await faults[Math.floor(Math.random() * faults.length)]?.()
  }
  await proxy.refuse(false)
  proxy.delay(0)
  await Promise.all(clients)
  const [first] = stores as [PostgresStore, PostgresStore, PostgresStore]
  const counts = { unknown: history.unknown.length, events: history.events.length }
  for (const record of history.unknown.splice(0)) {
    await until(async () => {
      await history.record('retry', first, record)
      return history.events.at(-1)?.result.status === 'ok'
    })
  }
  await until(async () => {
    await history.walk('at the end', first, 'oldest')
    return history.events.at(-1)?.result.status === 'ok'
  })
  assert.deepEqual(checkHistory(history.events), [])
  assert.ok(counts.unknown > 5 && counts.events > 500, JSON.stringify(counts))
  const [found] = await run(direct, 'SELECT count(*)::int - count(DISTINCT id)::int AS twice FROM command_log')
  assert.deepEqual([found, stray], [{ twice: 0 }, []])
})
