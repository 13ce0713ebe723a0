import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import {
  type Command,
  CommandBus,
  type CommandLogStore,
  type SendOptions,
  timeout,
  withCommandAudit,
} from '../src/index.ts'
import { memoryStore } from '../stores/memory.ts'
import { sqliteStore } from '../stores/sqlite/index.ts'
import { decider } from './decider.ts'
import type { EventStore } from './event-store.ts'
import { EventStoreError } from './event-store-error.ts'
import { memoryEventStore } from './memory-event-store.ts'
import { oneTransaction } from './one-transaction.ts'
import { sqliteEventStore } from './sqlite-event-store.ts'

/** Gives the path of a new file to `use`, and removes its folder afterwards. */
async function withPath(use: (path: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'commandlog-limits-'))
  try {
    await use(join(folder, 'events.db'))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

type Add = Command<'add', string>
type Added = { readonly type: 'added'; readonly data: object }

interface Wanted {
  /** Has every handler run within `timeout(ms)`. */
  readonly middlewareMs?: number | undefined
  /** Runs before each decision. */
  readonly before?: () => unknown
}

/** A bus whose one command adds an event to the stream that it names. */
function adding(log: CommandLogStore, store: EventStore, { middlewareMs, before }: Wanted = {}) {
  const add = decider<Add, Added, number>({
    initialState: () => 0,
    async decide() {
      await before?.()
      return { type: 'added', data: {} }
    },
    evolve: (count) => count + 1,
    stream: ({ data }) => data,
    store,
  })
  const bus = new CommandBus<Add>()
  if (middlewareMs !== undefined) bus.use(timeout(middlewareMs))
  return withCommandAudit(bus.register('add', add), log)
}

/** Locks a file against all writers but this one; answers with how to unlock it. */
function lock(path: string): () => void {
  const other = new Database(path)
  other.exec('BEGIN IMMEDIATE')
  return () => {
    other.exec('ROLLBACK')
    other.close()
  }
}

interface Plan {
  readonly lockedMs: number
  readonly deadlineMs: number
  readonly middlewareMs: number | undefined
  readonly commands: readonly { readonly by: 'time' | 'signal' | 'nothing'; readonly ms: number; stream: string }[]
}

const plans: fc.Arbitrary<Plan> = fc.record({
  lockedMs: fc.integer({ min: 10, max: 60 }),
  deadlineMs: fc.constantFrom(25, 5000),
  middlewareMs: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
  commands: fc.array(
    fc.record({
      by: fc.constantFrom('time', 'signal', 'nothing'),
      ms: fc.integer({ min: 1, max: 60 }),
      stream: fc.constantFrom('a', 'b'),
    }),
    { minLength: 1, maxLength: 6 },
  ),
})

/** Sends all commands of a plan to a file that is locked meanwhile, and looks at what is on the record and in the streams. */
async function play({ lockedMs, deadlineMs, middlewareMs, commands }: Plan, path: string): Promise<void> {
  const [log, events] = [memoryStore(), await sqliteEventStore({ path, deadlineMs })]
  const bus = adding(log, events, { middlewareMs })
  const unlock = lock(path)
  const sent = commands.map(({ by, ms, stream }, index) => {
    const limit: SendOptions =
      by === 'time' ? { timeoutMs: ms } : by === 'signal' ? { signal: AbortSignal.timeout(ms) } : {}
    return bus.send({ type: 'add', data: stream }, { id: `c-${index}`, ...limit })
  })
  const settled = Promise.allSettled(sent)
  await sleep(lockedMs)
  unlock()
  const states = (await settled).map(({ status }) => status)
  // Closing waits for appends that nobody waits for any longer.
  await events.close()
  const after = await sqliteEventStore({ path })
  for (const [index, { stream }] of commands.entries()) {
    const own = (await after.read(stream)).filter(({ metadata }) => metadata.commandId === `c-${index}`)
    const record = await log.get(`c-${index}`)
    const isThere = own.map(({ id }) => id)
    assert.deepEqual(
      record?.events.map(({ id }) => id),
      isThere,
    )
    assert.equal(record?.state === 'successful', isThere.length === 1)
    assert.equal(record?.state === 'successful', states[index] === 'fulfilled')
  }
  await after.close()
}

describe('a limit that strikes while a decider appends', { timeout: 60_000 }, () => {
  test('whichever and whenever: the command is successful with its events, or it is not and has none', () =>
    withPath(async (path) => {
      let runs = 0
      const property = fc.asyncProperty(plans, (plan) => play(plan, `${path}-${++runs}`))
      await fc.assert(property, { numRuns: 15, endOnFailure: true })
    }))

  for (const [name, limit] of Object.entries({
    timeoutMs: () => ({ send: { timeoutMs: 10 } }),
    'a signal': () => ({ send: { signal: AbortSignal.timeout(10) } }),
    'timeout(ms)': () => ({ middlewareMs: 10 }),
  })) {
    test(`waits for the end of it, and nothing is late: ${name}`, () =>
      withPath(async (path) => {
        const [log, events] = [memoryStore(), await sqliteEventStore({ path })]
        const { send = {}, ...wanted }: { send?: SendOptions; middlewareMs?: number } = limit()
        const bus = adding(log, events, wanted)
        let late = 0
        bus.events.on('late', () => {
          late++
        })
        const unlock = lock(path)
        const sending = bus.send({ type: 'add', data: 'a' }, { id: 'c-1', ...send })
        await sleep(50)
        assert.equal((await log.get('c-1'))?.state, 'created')
        unlock()
        const { events: refs } = await sending
        const record = await log.get('c-1')
        assert.deepEqual([record?.state, record?.events, late], ['successful', refs, 0])
        assert.equal((await events.read('a')).length, 1)
        await events.close()
      }))
  }

  test('waits outside of a stranger’s bus too, whose limits are its own', () =>
    withPath(async (path) => {
      const [inner, log, events] = [memoryStore(), memoryStore(), await sqliteEventStore({ path })]
      const theirs = adding(inner, events)
      const bus = withCommandAudit({ send: (command: Add, options: SendOptions) => theirs.send(command, options) }, log)
      const unlock = lock(path)
      const sending = bus.send({ type: 'add', data: 'a' }, { id: 'c-1', timeoutMs: 10 })
      await sleep(50)
      unlock()
      const { events: refs } = await sending
      assert.deepEqual([(await log.get('c-1'))?.events, (await inner.get('c-1'))?.events], [refs, refs])
      assert.equal((await events.read('a')).length, 1)
      await events.close()
    }))

  test('in one transaction the outcome is that of the transaction', () =>
    withPath(async (path) => {
      const [log, events] = [await sqliteStore({ path }), await sqliteEventStore({ path })]
      let unlock = () => {}
      const before = () => {
        unlock = lock(path)
      }
      const bus = adding(log, oneTransaction(log, events), { before })
      const sending = bus.send({ type: 'add', data: 'a' }, { id: 'c-1', timeoutMs: 10 })
      await sleep(50)
      unlock()
      const { events: refs } = await sending
      assert.deepEqual([(await log.get('c-1'))?.events, bus.counters.lost], [refs, 0])
      await Promise.all([log.close(), events.close()])
    }))
})

test('a limit that strikes before the append is a timeout at once, and nothing is appended', async () => {
  const [log, events] = [memoryStore(), memoryEventStore()]
  const gate = Promise.withResolvers<void>()
  const bus = adding(log, events, { before: () => gate.promise })
  const late = bus.events.once('late')
  await assert.rejects(bus.send({ type: 'add', data: 'a' }, { id: 'c-1', timeoutMs: 5 }), { code: 'COMMAND_TIMEOUT' })
  assert.equal((await log.get('c-1'))?.problem?.code, 'timeout')
  gate.resolve()
  await late
  assert.deepEqual(await events.read('a'), [])
})

test('a limit that strikes during an append that loses its race ends the retrying, and nothing is appended', async () => {
  const [log, events] = [memoryStore(), memoryEventStore()]
  const store: EventStore = {
    ...events,
    async append(...args) {
      await sleep(20)
      throw new EventStoreError('VERSION_CONFLICT', `${args[0]} has moved on`, { expected: 0, actual: 1 })
    },
  }
  const bus = adding(log, store)
  await assert.rejects(bus.send({ type: 'add', data: 'a' }, { id: 'c-1', timeoutMs: 5 }), { code: 'COMMAND_TIMEOUT' })
  const record = await log.get('c-1')
  assert.deepEqual([record?.state, record?.problem?.code, record?.attempts], ['failed', 'timeout', 1])
})

test('an append that never ends is given up after a grace, as what nobody knows', async (t) => {
  for (const limit of [{ send: { timeoutMs: 10 } }, { middlewareMs: 10 }]) {
    const [log, events] = [memoryStore(), memoryEventStore()]
    const isAppending = Promise.withResolvers<void>()
    const hanging = Promise.withResolvers<number>()
    const append = () => {
      isAppending.resolve()
      return hanging.promise
    }
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { send, ...wanted }: { send?: SendOptions; middlewareMs?: number } = limit
    const bus = adding(log, { ...events, append }, wanted)
    const sending = bus.send({ type: 'add', data: 'a' }, { id: 'c-1', ...send })
    const refused = assert.rejects(sending, { code: 'OUTCOME_UNKNOWN' })
    await isAppending.promise
    t.mock.timers.tick(10)
    await new Promise(setImmediate)
    await new Promise(setImmediate)
    assert.equal((await log.get('c-1'))?.state, 'created')
    t.mock.timers.tick(15_000)
    await refused
    t.mock.timers.reset()
    const { records } = await log.list({ problemCode: 'outcome-unknown' })
    assert.deepEqual(
      records.map(({ id, state }) => `${id} ${state}`),
      ['c-1 failed'],
    )
    const late = bus.events.once('late')
    hanging.resolve(1)
    assert.equal((await late).data.failed, false)
  }
})
