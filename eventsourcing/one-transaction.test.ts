import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import {
  type AuditOptions,
  CommandBus,
  type CommandContext,
  CommandRejected,
  type CommandTraits,
  type Decision,
  defineCommand,
  type Middleware,
  withCommandAudit,
} from '../src/index.ts'
import { memoryStore } from '../stores/memory.ts'
import { type SqliteStore, sqliteStore } from '../stores/sqlite/index.ts'
import type { EventStore, NewEvent } from './event-store.ts'
import { oneTransaction } from './one-transaction.ts'
import { type SqliteEventStore, sqliteEventStore } from './sqlite-event-store.ts'

interface Parts {
  readonly log: SqliteStore
  readonly events: SqliteEventStore
  readonly folder: string
}

/** A log and events in one file, closed and removed afterwards. */
async function withFile(use: (parts: Parts) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'commandlog-together-'))
  const path = join(folder, 'shop.db')
  const [log, events] = [await sqliteStore({ path }), await sqliteEventStore({ path })]
  try {
    await use({ log, events, folder })
  } finally {
    await Promise.all([log.close(), events.close()])
    await rm(folder, { recursive: true, force: true })
  }
}

function event(id: string, { id: commandId, correlationId }: Pick<CommandContext, 'id' | 'correlationId'>): NewEvent {
  return { id, type: 'Added', data: { id }, metadata: { commandId, correlationId, recordedAt: 1 } }
}

interface Wanted {
  readonly audit?: AuditOptions
  readonly traits?: CommandTraits<string>
  readonly middleware?: Middleware
  /** Runs in the handler after its append. */
  readonly then?: (context: CommandContext) => unknown
}

/** A bus whose one command appends an event of the name that it carries to the stream `cart`. */
function cart(log: SqliteStore, store: EventStore, { audit = {}, traits = {}, middleware, then }: Wanted = {}) {
  const add = defineCommand<'add', string>('add', traits)
  const bus = new CommandBus()
  if (middleware !== undefined) bus.use(middleware)
  bus.register(add, async ({ data }, context): Promise<Decision<string>> => {
    if (data === 'refused') throw new CommandRejected({ code: 'full', status: 409 })
    const result = `did ${data}`
    const version = await store.append('cart', [event(data, context)], { result })
    await then?.(context)
    return { events: [{ id: data, type: 'Added', stream: 'cart', version }], result }
  })
  const audited = withCommandAudit(bus, log, audit)
  return { send: (data: string, id: string) => audited.send(add(data), { id }), audited }
}

const ref = (id: string, version = 1) => ({ id, type: 'Added', stream: 'cart', version })

describe('events and outcome in one transaction', { timeout: 60_000 }, () => {
  for (const mode of ['write-ahead', 'outcome', 'background'] as const) {
    test(`in the mode ${mode} the outcome is on the record as soon as its events are in the store`, () =>
      withFile(async ({ log, events }) => {
        const seen: unknown[] = []
        const then = async () => {
          const record = await log.get('c1')
          seen.push(record?.state, record?.events, (await events.read('cart')).length)
        }
        const { send, audited } = cart(log, oneTransaction(log, events), { audit: { mode }, then })
        const receipt = await send('e1', 'c1')
        assert.deepEqual(seen, ['successful', [ref('e1')], 1])
        assert.deepEqual(receipt, {
          id: 'c1',
          correlationId: 'c1',
          events: [ref('e1')],
          result: 'did e1',
          duplicate: false,
        })
        await audited.close()
        assert.deepEqual(audited.counters, { ...audited.counters, settled: 1, lost: 0, storeFailures: 0 })
        assert.deepEqual((await log.list({ eventId: 'e1' })).records.length, 1)
      }))
  }

  test('listeners are told of the record that is in the log, with attempts, duration and time', () =>
    withFile(async ({ log, events }) => {
      const { send, audited } = cart(log, oneTransaction(log, events))
      const told = audited.events.once('settled')
      await send('e1', 'c1')
      const record = await log.get('c1')
      assert.deepEqual((await told).data.record, record)
      assert.equal(record?.attempts, 1)
      assert.equal(typeof record?.durationMs, 'number')
    }))

  test('a refusal has its record, and no events', () =>
    withFile(async ({ log, events }) => {
      const { send } = cart(log, oneTransaction(log, events))
      await assert.rejects(send('refused', 'c1'), { name: 'CommandRejected' })
      const record = await log.get('c1')
      assert.deepEqual([record?.state, record?.problem], ['rejected', { code: 'full', status: 409 }])
      assert.deepEqual(await events.read('cart'), [])
    }))

  test('Given an append that is refused, then the command has no outcome by it, and may try again', () =>
    withFile(async ({ log, events }) => {
      const store = oneTransaction(log, events)
      await events.append('cart', [event('e0', { id: 'c0', correlationId: 'k' })])
      const tries: unknown[] = []
      const middleware: Middleware = async (context, next) => {
        for (const expectedVersion of [0, 5]) {
          await store.append('cart', [event('e1', context)], { expectedVersion }).catch((error) => {
            tries.push(error.code, error.actual)
          })
        }
        await store.append('cart', [event('e0', context)]).catch((error) => tries.push(error.code))
        tries.push((await log.get(context.id))?.state)
        return await next()
      }
      assert.deepEqual((await cart(log, store, { middleware }).send('e1', 'c1')).events, [ref('e1', 2)])
      assert.deepEqual(tries, ['VERSION_CONFLICT', 1, 'VERSION_CONFLICT', 1, 'DUPLICATE_EVENT', 'created'])
      assert.deepEqual((await log.get('c1'))?.events, [ref('e1', 2)])
    }))

  test('commands at the same time each have their events and their outcome', () =>
    withFile(async ({ log, events }) => {
      const { send } = cart(log, oneTransaction(log, events))
      const ids = Array.from({ length: 40 }, (_, n) => `${n}`)
      await Promise.all(ids.map((n) => send(`e${n}`, `c${n}`)))
      const all = await events.read('cart')
      assert.deepEqual(
        all.map(({ version }) => version),
        ids.map((_, n) => n + 1),
      )
      for (const { id, version, metadata } of all) {
        assert.deepEqual((await log.get(metadata.commandId))?.events, [ref(id, version)])
      }
    }))

  test('Given a command that was settled by another hand meanwhile, then its append is FENCED and nothing is written', () =>
    withFile(async ({ log, events }) => {
      const middleware: Middleware = async (context, next) => {
        const record = await log.get(context.id)
        assert.ok(record)
        await log.record({ ...record, state: 'failed', problem: { code: 'abandoned' } })
        return await next()
      }
      const { send, audited } = cart(log, oneTransaction(log, events), { middleware })
      await assert.rejects(send('e1', 'c1'), { name: 'EventStoreError', code: 'FENCED', written: 'no' })
      assert.deepEqual([(await log.get('c1'))?.problem, await events.read('cart')], [{ code: 'abandoned' }, []])
      assert.equal(audited.counters.lost, 1)
    }))

  test('Given a fenced command, then it fails and its failure is on the record', () =>
    withFile(async ({ log, events }) => {
      await events.fence('c1')
      const { send } = cart(log, oneTransaction(log, events))
      await assert.rejects(send('e1', 'c1'), { code: 'FENCED' })
      assert.deepEqual([(await log.get('c1'))?.state, await events.read('cart')], ['failed', []])
    }))

  test('a second append of a command is FENCED', () =>
    withFile(async ({ log, events }) => {
      const store = oneTransaction(log, events)
      const refused: unknown[] = []
      const then = (context: CommandContext) =>
        store.append('cart', [event('e2', context)]).catch((error) => refused.push(error.code))
      await cart(log, store, { then }).send('e1', 'c1')
      assert.deepEqual([refused, (await events.read('cart')).length], [['FENCED'], 1])
    }))

  test('a kept result that comes with the append answers a repeat', () =>
    withFile(async ({ log, events }) => {
      const { send } = cart(log, oneTransaction(log, events), { traits: { result: 'keep' } })
      const first = await send('e1', 'c1')
      assert.deepEqual(await send('e1', 'c1'), { ...first, duplicate: true })
    }))

  test('Given a decision that is another in the end, then the record stays as committed, and the audit says that it differs', () =>
    withFile(async ({ log, events }) => {
      const middleware: Middleware = async (_, next) => ({ ...(await next()), events: [] })
      const { send, audited } = cart(log, oneTransaction(log, events), { middleware })
      assert.deepEqual((await send('e1', 'c1')).events, [])
      assert.deepEqual((await log.get('c1'))?.events, [ref('e1')])
      assert.equal(audited.counters.lost, 1)
    }))

  test('Given two audits, then the log that shares the file has the outcome early, and the other one has it as always', () =>
    withFile(async ({ log, events }) => {
      const other = memoryStore()
      const states: unknown[] = []
      const then = async () => states.push((await log.get('c1'))?.state, (await other.get('c1'))?.state)
      const { audited } = cart(log, oneTransaction(log, events), { then })
      const twice = withCommandAudit(audited, other)
      await twice.send({ type: 'add', data: 'e1' }, { id: 'c1' })
      assert.deepEqual(states, ['successful', 'created'])
      assert.deepEqual((await other.get('c1'))?.events, (await log.get('c1'))?.events)
    }))

  test('Given a handler that fails after its append, then the record says what has happened, and the audit that it differs', () =>
    withFile(async ({ log, events }) => {
      const then = () => {
        throw new Error('too late')
      }
      const { send, audited } = cart(log, oneTransaction(log, events), { then })
      await assert.rejects(send('e1', 'c1'), /too late/)
      assert.deepEqual((await log.get('c1'))?.events, [ref('e1')])
      assert.equal(audited.counters.lost, 1)
    }))

  test('Given a command whose outcome is not kept, then only its events are written', () =>
    withFile(async ({ log, events }) => {
      const { send } = cart(log, oneTransaction(log, events), { traits: { keep: 'failures' } })
      await send('e1', 'c1')
      assert.deepEqual([await log.get('c1'), (await events.read('cart')).length], [undefined, 1])
    }))

  test('Given a command that is audited elsewhere, then its append is refused instead of losing the promise', () =>
    withFile(async ({ log, events }) => {
      const { send } = cart(memoryStore() as unknown as SqliteStore, oneTransaction(log, events))
      await assert.rejects(send('e1', 'c1'), { name: 'EventStoreError', code: 'INVALID_ARGUMENT', written: 'no' })
      assert.deepEqual(await events.read('cart'), [])
    }))

  test('Given events in another file than the log, then appends are STORE_INCOMPATIBLE', () =>
    withFile(async ({ log, folder }) => {
      const apart = await sqliteEventStore({ path: join(folder, 'apart.db') })
      const { send } = cart(log, oneTransaction(log, apart))
      await assert.rejects(send('e1', 'c1'), { code: 'STORE_INCOMPATIBLE', written: 'no' })
      assert.deepEqual([(await log.get('c1'))?.state, await apart.read('cart')], ['failed', []])
      await apart.close()
    }))

  test('what is appended outside of a command is appended as always', () =>
    withFile(async ({ log, events }) => {
      const store = oneTransaction(log, events)
      assert.equal(await store.append('cart', [event('e1', { id: 'c1', correlationId: 'k' })]), 1)
      assert.deepEqual(await log.get('c1'), undefined)
    }))

  test('followers of the log hear of outcomes that were settled with their events', () =>
    withFile(async ({ log, events }) => {
      await cart(log, oneTransaction(log, events)).send('e1', 'c1')
      for await (const { record } of log.follow()) {
        assert.deepEqual([record.id, record.state], ['c1', 'successful'])
        break
      }
    }))
})
