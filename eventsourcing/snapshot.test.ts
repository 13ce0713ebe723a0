import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Command, CommandBus, type Middleware, retry } from '../src/index.ts'
import { decider } from './decider.ts'
import type { EventStore } from './event-store.ts'
import { memoryEventStore } from './memory-event-store.ts'
import { memorySnapshotStore, type Snapshot, type SnapshotPolicy, type SnapshotStore } from './snapshot.ts'

type Add = Command<'add', { amount: number }, number>
interface Added {
  readonly type: 'added'
  readonly data: { readonly amount: number }
}

/** A counter that tells its sum, and from which version on its stream was read each time. */
function counter(
  policy: Partial<SnapshotPolicy> = {},
  store: EventStore = memoryEventStore(),
  middleware: readonly Middleware[] = [],
) {
  const reads: number[] = []
  const watched: EventStore = {
    ...store,
    read(stream, options) {
      reads.push(options?.from ?? 1)
      return store.read(stream, options)
    },
  }
  const snapshots = policy.store ?? memorySnapshotStore()
  const add = decider({
    initialState: () => ({ sum: 0 }),
    decide({ data }: Add, state: { sum: number }): { events: Added[]; result: number } {
      state.sum += data.amount
      return { events: [{ type: 'added', data }], result: state.sum }
    },
    evolve: (state: { sum: number }, { data }: Added) => ({ sum: state.sum + data.amount }),
    stream: () => 'counter',
    store: watched,
    snapshot: { every: 3, schemaVersion: 1, ...policy, store: snapshots },
  })
  const bus = new CommandBus<Add>().use(...middleware).register('add', add)
  async function addOne(id?: string): Promise<number> {
    return (await bus.send({ type: 'add', data: { amount: 1 } }, { id })).result
  }
  return { addOne, reads, snapshots, store }
}

async function times(count: number, act: () => Promise<number>): Promise<number[]> {
  const results: number[] = []
  for (let index = 0; index < count; index++) results.push(await act())
  return results
}

test('a long stream is read from its snapshot on, and every decision is the same', async () => {
  const { addOne, reads, snapshots, store } = counter()
  assert.deepEqual(await times(9, addOne), [1, 2, 3, 4, 5, 6, 7, 8, 9])
  // The third command after a snapshot finds enough events for the next one.
  assert.deepEqual(reads, [1, 1, 1, 1, 3, 3, 3, 6, 6])
  const sixth = (await store.read('counter'))[5]
  const kept = { stream: 'counter', version: 6, eventId: sixth?.id, schemaVersion: 1, state: { sum: 6 } }
  assert.deepEqual(await snapshots.load('counter'), kept)
})

test('a snapshot of another schema is not used, and the next one takes its place', async () => {
  const { addOne, snapshots, store } = counter()
  await times(5, addOne)
  const later = counter({ store: snapshots, schemaVersion: 2 }, store)
  assert.deepEqual(await times(2, later.addOne), [6, 7])
  assert.deepEqual(later.reads, [1, 5])
  assert.equal((await snapshots.load('counter'))?.schemaVersion, 2)
})

test('a snapshot that does not fit its stream is not used', async () => {
  const { addOne, snapshots, store } = counter()
  await times(4, addOne)
  const good = (await snapshots.load('counter')) as Snapshot
  for (const odd of [
    { version: 9 },
    { version: 4 },
    { version: 0 },
    { version: Number.NaN },
    { eventId: 'elsewhere' },
    { stream: 'other' },
  ]) {
    const lying: SnapshotStore = {
      load: async () => ({ ...good, state: { sum: 1000 }, ...odd }),
      save: async () => {},
    }
    const before = (await store.read('counter')).length
    assert.equal(await counter({ store: lying }, store).addOne(), before + 1)
  }
})

test('a snapshot store that fails is reported, and the command goes on without', async () => {
  const failures: unknown[] = []
  const broken: SnapshotStore = { load: async () => fail('load'), save: async () => fail('save') }
  const { addOne } = counter({ store: broken, every: 1, onFailure: (error) => failures.push(String(error)) })
  assert.deepEqual(await times(2, addOne), [1, 2])
  assert.deepEqual(failures, ['Error: load', 'Error: load', 'Error: save'])
})

test('a listener that fails fails no command', async () => {
  const broken: SnapshotStore = { load: async () => fail('load'), save: async () => fail('save') }
  for (const onFailure of [() => fail('listener'), async () => fail('late listener')]) {
    const { addOne } = counter({ store: broken, every: 1, onFailure })
    assert.deepEqual(await times(2, addOne), [1, 2])
  }
})

function fail(what: string): never {
  throw new Error(what)
}

test('a repeated command is known by its events after the snapshot, and no longer by those before it', async () => {
  const { addOne, store } = counter({ every: 2 })
  await addOne('a')
  await addOne('b')
  await addOne('c')
  await addOne('c')
  assert.equal((await store.read('counter')).length, 3)
  await addOne('a')
  assert.equal((await store.read('counter')).length, 4)
})

test('a second attempt finds the events of the first one behind any snapshot', async () => {
  let faults = 0
  const faulty: Middleware = async (_, next) => {
    const decision = await next()
    // Others come in between, and take a snapshot.
    if (faults++ === 0) {
      await addOne('b')
      await addOne('c')
      throw Object.assign(new Error('lost'), { retryable: true })
    }
    return decision
  }
  const { addOne, store } = counter({ every: 1 }, memoryEventStore(), [retry({ baseMs: 0 }), faulty])
  await addOne('a')
  const commands = (await store.read('counter')).map(({ metadata }) => metadata.commandId)
  assert.deepEqual(commands, ['a', 'b', 'c'])
})

test('the snapshot store in memory keeps copies, and no older state in the place of a newer one', async () => {
  const store = memorySnapshotStore()
  const state = { sum: 2 }
  const snapshot = { stream: 's', version: 2, eventId: 'e-2', schemaVersion: 1, state }
  await store.save(snapshot)
  state.sum = 99
  const older = { ...snapshot, version: 1, eventId: 'e-1' }
  await store.save(older)
  assert.deepEqual(await store.load('s'), { ...snapshot, state: { sum: 2 } })
  await store.save({ ...older, schemaVersion: 2 })
  assert.deepEqual(await store.load('s'), { ...older, schemaVersion: 2 })
  assert.equal(await store.load('other'), undefined)
})
