import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import {
  type Command,
  CommandBus,
  type CommandLogStore,
  type CommandRecord,
  CommandRejected,
  StoreError,
  withCommandAudit,
} from '../src/index.ts'
import { memoryStore } from '../stores/memory.ts'
import { sqliteStore } from '../stores/sqlite/index.ts'
import { withFolder } from '../test/project.ts'
import { decider } from './decider.ts'
import type { EventStore, Fenceable, RecordedEvent } from './event-store.ts'
import { EventStoreError } from './event-store-error.ts'
import { memoryEventStore } from './memory-event-store.ts'
import { oneTransaction } from './one-transaction.ts'
import { reconcile } from './reconcile.ts'
import { memorySnapshotStore } from './snapshot.ts'
import { sqliteEventStore } from './sqlite-event-store.ts'

type Move = Command<'move', { account: string; parts: readonly number[] }, number>
interface Moved {
  readonly type: 'moved'
  readonly data: { readonly amount: number; readonly balance: number }
}

/** What is asked at once, and how appends fail, as `unknown`: `written` in time, never (`lost`), or after their caller went on. */
interface Run {
  readonly moves: readonly { account: string; parts: readonly number[]; dryRun: boolean }[]
  readonly faults: readonly ('none' | 'written' | 'lost' | 'late')[]
  readonly every: number
}

interface Stores {
  readonly log: CommandLogStore
  readonly events: EventStore & Fenceable
}

const runs: fc.Arbitrary<Run> = fc.record({
  moves: fc.array(
    fc.record({
      account: fc.constantFrom('a', 'b'),
      parts: fc.array(fc.integer({ min: -9, max: 12 }), { maxLength: 3 }),
      dryRun: fc.boolean(),
    }),
    { minLength: 1, maxLength: 16 },
  ),
  faults: fc.array(fc.constantFrom('none', 'none', 'written', 'lost', 'late'), { maxLength: 24 }),
  every: fc.integer({ min: 1, max: 6 }),
})

/** The model: what a move comes to on this balance. An account never goes below nought. */
function decideMove(parts: readonly number[], start: number): Moved[] {
  let balance = start
  return parts.map((amount) => {
    balance += amount
    if (balance < 0) throw new CommandRejected({ code: 'not-enough' })
    return { type: 'moved', data: { amount, balance } }
  })
}

function failing(
  events: EventStore & Fenceable,
  faults: Run['faults'],
): EventStore & Fenceable & { arrived(): Promise<unknown> } {
  let appends = 0
  const late: Promise<unknown>[] = []
  return {
    ...events,
    async append(...args) {
      const index = appends++
      const fault = faults[index] ?? 'none'
      if (fault === 'none') return await events.append(...args)
      if (fault === 'written') await events.append(...args)
      if (fault === 'late') late.push(Promise.allSettled([sleep(index % 4).then(() => events.append(...args))]))
      throw new EventStoreError('STORE_TIMEOUT', 'No answer', { written: 'unknown' })
    },
    arrived: () => Promise.all(late),
  }
}

function busOf(log: CommandLogStore, store: EventStore & Fenceable, every: number) {
  const handler = decider({
    initialState: () => 0,
    decide({ data }: Move, balance: number) {
      const moved = decideMove(data.parts, balance)
      return { events: moved, result: moved.at(-1)?.data.balance ?? balance }
    },
    evolve: (balance: number, { data }: Moved) => balance + data.amount,
    stream: ({ data }) => data.account,
    store,
    retries: 40,
    snapshot: { store: memorySnapshotStore(), every, schemaVersion: 1 },
  })
  return withCommandAudit(new CommandBus<Move>().register('move', handler), log)
}

/** Sends everything at once, and gives back what is on the record. */
async function perform({ log, events }: Stores, { moves, faults, every }: Run): Promise<readonly CommandRecord[]> {
  const store = failing(events, faults)
  const bus = busOf(log, store, every)
  const sending = moves.map(({ dryRun, ...data }) => bus.send({ type: 'move', data }, { dryRun }))
  await Promise.allSettled(sending)
  await bus.close()
  await store.arrived()
  return (await log.list({ order: 'oldest', limit: 1000 })).records
}

/** Where a command's process dies: its append or its outcome is the last that anybody hears of it. */
type Crash = 'none' | 'before-append' | 'after-append' | 'before-outcome'

/** Sends everything at once; resolves when every command has come to its end, or to its crash. */
async function performAndCrash({ log, events }: Stores, run: Run, crashes: readonly Crash[]): Promise<void> {
  const over = new Set<string>()
  const crashOf = (id: string): Crash => crashes[Number(id)] ?? 'none'
  const store: EventStore & Fenceable = {
    ...events,
    async append(stream, added, options) {
      const id = added[0]?.metadata.commandId ?? ''
      const crash = crashOf(id)
      const version = crash === 'before-append' ? 0 : await events.append(stream, added, options)
      if (crash === 'none' || crash === 'before-outcome') return version
      over.add(id)
      return await new Promise<never>(() => {})
    },
  }
  const dying: CommandLogStore = {
    ...log,
    record: (record) =>
      record.state !== 'created' && crashOf(record.id) === 'before-outcome'
        ? Promise.reject(new StoreError('STORE_CLOSED', 'The process is gone'))
        : log.record(record),
  }
  const bus = busOf(dying, store, run.every)
  for (const [index, { dryRun, ...data }] of run.moves.entries()) {
    const id = String(index)
    const ended = (): unknown => over.add(id)
    bus.send({ type: 'move', data }, { id, dryRun }).then(ended, ended)
  }
  while (over.size < run.moves.length) await new Promise(setImmediate)
}

/** Everything that must hold between the log and the streams, whatever the order was. */
async function check({ events }: Stores, records: readonly CommandRecord[], { moves }: Run): Promise<void> {
  const asked = new Map(records.map((record) => [record.id, record]))
  assert.deepEqual([records.length, asked.size], [moves.length, moves.length])
  const isExpected = ({ state, problem }: CommandRecord): boolean =>
    state === 'successful' || state === 'rejected' || (state === 'failed' && problem?.code === 'abandoned')
  assert.deepEqual(
    records.filter((record) => !isExpected(record)),
    [],
  )
  const stored: RecordedEvent[] = []
  for (const account of ['a', 'b']) {
    const stream = await events.read(account)
    stored.push(...stream)
    const versions = stream.map(({ version }) => version)
    assert.deepEqual(
      versions,
      versions.map((_, index) => index + 1),
    )
    replay(stream, asked)
  }
  const refs = stored.map(({ id, type, stream, version }) => ({ id, type, stream, version }))
  const recorded = records.flatMap((record) => (record.dryRun ? [] : record.events))
  const byId = (one: { id: string }, other: { id: string }): number => (one.id < other.id ? -1 : 1)
  assert.deepEqual(recorded.toSorted(byId), refs.toSorted(byId))
  for (const { id, metadata } of stored) {
    const { state, dryRun, events: own } = asked.get(metadata.commandId) ?? {}
    assert.deepEqual([state, dryRun, own?.some((ref) => ref.id === id)], ['successful', false, true])
  }
}

/** Each command's events are what the model decides on all that came before: nothing was decided on a state that was gone. */
function replay(stream: readonly RecordedEvent[], asked: ReadonlyMap<string, CommandRecord>): void {
  let balance = 0
  for (let index = 0; index < stream.length; ) {
    const { metadata } = stream[index] as RecordedEvent
    const { parts } = JSON.parse(String(asked.get(metadata.commandId)?.payload.data))
    const expected = decideMove(parts, balance)
    const own = stream.slice(index, index + expected.length)
    assert.deepEqual(
      own.map(({ type, data, metadata: { commandId } }) => ({ type, data, commandId })),
      expected.map((moved) => ({ ...moved, commandId: metadata.commandId })),
    )
    balance = expected.at(-1)?.data.balance ?? balance
    index += expected.length
  }
}

const timeout = 60_000

test('commands at once on few streams: no update is lost, and log and streams agree (in memory)', {
  timeout,
}, async () => {
  const property = fc.asyncProperty(runs, async (run) => {
    const stores = { log: memoryStore(), events: memoryEventStore() }
    await check(stores, await perform(stores, run), run)
  })
  await fc.assert(property, { numRuns: 100 })
})

test('after crashes at any point, and reconcile, log and streams agree', { timeout }, async () => {
  const crash = fc.constantFrom<Crash>('none', 'before-append', 'after-append', 'before-outcome')
  const property = fc.asyncProperty(runs, fc.array(crash, { maxLength: 16 }), async (run, crashes) => {
    const stores = { log: memoryStore(), events: memoryEventStore() }
    await performAndCrash(stores, run, crashes)
    const { counts } = await reconcile(stores.log, stores.events, { types: 'move', olderThan: 0 })
    assert.deepEqual([counts.undecided, counts.error, counts['settled-meanwhile']], [0, 0, 0])
    await check(stores, (await stores.log.list({ limit: 1000 })).records, run)
  })
  await fc.assert(property, { numRuns: 60 })
})

for (const isOne of [false, true]) {
  const place = isOne ? 'in one SQLite file, one transaction for events and outcome' : 'in one SQLite file'
  test(`commands at once on few streams: no update is lost, and log and streams agree (${place})`, {
    timeout,
  }, async () => {
    const property = fc.asyncProperty(runs, async (run) => {
      await withFolder(tmpdir(), async (folder) => {
        const path = join(folder, 'events.db')
        const log = await sqliteStore({ path })
        const apart = await sqliteEventStore({ path })
        const stores = { log, events: isOne ? oneTransaction(log, apart) : apart }
        await check(stores, await perform(stores, run), run)
        await log.close()
        await stores.events.close()
      })
    })
    await fc.assert(property, { numRuns: 6 })
  })
}
