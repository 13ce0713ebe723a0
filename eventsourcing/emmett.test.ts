import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import {
  CommandHandler,
  type Decider,
  DeciderCommandHandler,
  type Command as EmmettCommand,
  type Event as EmmettEvent,
  type EventStore as EmmettEventStore,
  getInMemoryEventStore,
  IllegalStateError,
  type InMemoryEventStore,
} from '@event-driven-io/emmett'
import { getPostgreSQLEventStore, type PostgresEventStore } from '@event-driven-io/emmett-postgresql'
import { eventStoreChecks, runEventStoreCheck } from '../eventstoretest/index.ts'
import { CommandBus, type CommandContext, withCommandAudit } from '../src/index.ts'
import { memoryStore } from '../stores/memory.ts'
import { sharedPostgres } from '../test/servers/postgres.ts'
import { decider } from './decider.ts'
import { type EmmettCommandOf, emmettDecider, emmettEventStore } from './emmett.ts'
import type { EventStore, NewEvent } from './event-store.ts'
import { reconcile } from './reconcile.ts'

// A cart as a user of Emmett writes it, by Emmett's own types.
type AddProduct = EmmettCommand<'AddProduct', { cart: string; product: string; quantity: number }>
type Confirm = EmmettCommand<'Confirm', { cart: string }>
type CartCommand = AddProduct | Confirm
type ProductAdded = EmmettEvent<'ProductAdded', { product: string; quantity: number; at: string }>
type Confirmed = EmmettEvent<'Confirmed', { total: number }>
type CartEvent = ProductAdded | Confirmed
interface Cart {
  readonly total: number
  readonly isConfirmed: boolean
}

const cart: Decider<Cart, CartCommand, CartEvent> = {
  initialState: () => ({ total: 0, isConfirmed: false }),
  decide({ type, data, metadata }, { total, isConfirmed }) {
    if (isConfirmed) throw new IllegalStateError('The cart is confirmed')
    if (type === 'Confirm') return total === 0 ? [] : { type: 'Confirmed', data: { total } }
    const { product, quantity } = data
    const at = metadata?.now.toISOString() ?? 'never'
    return { type: 'ProductAdded', data: { product, quantity, at } }
  },
  evolve: (state, { type, data }) =>
    type === 'Confirmed' ? { ...state, isConfirmed: true } : { ...state, total: state.total + data.quantity },
}

const server = await sharedPostgres()
const postgres: PostgresEventStore & { close(): Promise<void> } = getPostgreSQLEventStore(await server.database())
after(async () => {
  await postgres.close()
  await server.end()
})

function busOf(store: EventStore): CommandBus<EmmettCommandOf<CartCommand>> {
  const handler = decider({ ...emmettDecider(cart), stream: ({ data }) => data.cart, store, retries: 50 })
  return new CommandBus<EmmettCommandOf<CartCommand>>().register('AddProduct', handler).register('Confirm', handler)
}

function event(id: string, commandId = 'c-1'): NewEvent {
  const metadata = { commandId, correlationId: 'visit', causationId: 'click', tenantId: 'north', recordedAt: 7 }
  return { id, type: 'happened', data: { id, list: [1, null, { deep: 'ü' }] }, metadata }
}

let streams = 0

/** What Emmett's stores cannot keep: they know no id again, and the one on Postgres makes numbers of long texts of digits. */
const unkept = new Set([
  'append/whole-or-not-at-all',
  'append/ids-are-unique-in-the-store',
  'append/a-repeat-is-a-duplicate-rather-than-a-conflict',
  'read/ids-are-apart',
  'values/data-come-back',
  'errors/tell-nothing',
  'model/any-calls',
  'races/one-winner-for-each-id',
])

const stores: readonly (readonly [string, InMemoryEventStore | PostgresEventStore])[] = [
  ['in memory', getInMemoryEventStore()],
  ['on Postgres', postgres],
]

for (const [place, theirs] of stores) {
  describe(`Emmett’s event store ${place}`, { timeout: 60_000 }, () => {
    test('gives back events with their ids and metadata, from any version', async () => {
      const store = emmettEventStore(theirs)
      const stream = `stream-${++streams}-${place}`
      assert.deepEqual(await store.read(stream), [])
      assert.equal(await store.append(stream, [event('e-1'), event('e-2')], { expectedVersion: 0 }), 2)
      assert.equal(await store.append(stream, [event('e-3', 'c-2')]), 3)
      const all = [event('e-1'), event('e-2'), event('e-3', 'c-2')].map((given, index) => {
        return { ...given, stream, version: index + 1 }
      })
      for (const from of [1, 2, 3, 4]) assert.deepEqual(await store.read(stream, { from }), all.slice(from - 1))
    })

    for (const check of eventStoreChecks.filter(({ name }) => !unkept.has(name))) {
      test(`keeps ${check.name}: ${check.rule}`, async () => {
        await runEventStoreCheck(check, emmettEventStore(theirs), { runs: 3 })
      })
    }

    test('knows a command again whose id is digits, and an event without data', async () => {
      const store = emmettEventStore(theirs)
      const stream = `stream-${++streams}-${place}`
      const given = { ...event('00012345678901234567', '00090071992547409930'), data: undefined }
      await store.append(stream, [given])
      assert.deepEqual(await store.read(stream), [{ ...given, stream, version: 1 }])
    })

    test('appends at the expected version only, nothing included', async () => {
      const store = emmettEventStore(theirs)
      const stream = `stream-${++streams}-${place}`
      const refused = { name: 'EventStoreError', code: 'VERSION_CONFLICT', written: 'no' }
      await assert.rejects(store.append(stream, [event('e-1')], { expectedVersion: 1 }), refused)
      await store.append(stream, [event('e-1')], { expectedVersion: 0 })
      await assert.rejects(store.append(stream, [event('e-2')], { expectedVersion: 0 }), refused)
      assert.equal(await store.append(stream, [], { expectedVersion: 1 }), 1)
      await assert.rejects(store.append(stream, [], { expectedVersion: 0 }), refused)
      assert.equal((await store.read(stream)).length, 1)
    })

    test('serves audited deciders of Emmett’s: no update is lost, and every event’s command is on the record', async () => {
      const store = emmettEventStore(theirs)
      const log = memoryStore()
      const shop = withCommandAudit(busOf(store), log)
      const name = `cart-${++streams}-${place}`
      const data = { cart: name, product: 'tea', quantity: 2 }
      await Promise.all(Array.from({ length: 8 }, () => shop.send({ type: 'AddProduct', data })))
      const { events: refs } = await shop.send({ type: 'Confirm', data: { cart: name } }, { id: `confirm-${place}` })
      await assert.rejects(shop.send({ type: 'Confirm', data: { cart: name } }, { id: `again-${place}` }), {
        constructor: IllegalStateError,
      })
      const stream = await store.read(name)
      assert.deepEqual(
        stream.map(({ version }) => version),
        [1, 2, 3, 4, 5, 6, 7, 8, 9],
      )
      const last = stream.at(-1)
      assert.deepEqual([last?.data, last?.metadata.commandId], [{ total: 16 }, `confirm-${place}`])
      assert.deepEqual(refs, [{ id: last?.id, type: 'Confirmed', stream: name, version: 9 }])
      for (const { id, metadata } of stream) {
        const record = await log.get(metadata.commandId)
        assert.deepEqual([record?.state, record?.events[0]?.id], ['successful', id])
      }
      const again = await log.get(`again-${place}`)
      assert.deepEqual([again?.state, again?.problem?.code], ['rejected', 'illegal-state'])
    })

    test('goes on being Emmett’s: its own command handlers and ours share a stream', async () => {
      const store = emmettEventStore(theirs)
      const name = `cart-${++streams}-${place}`
      const data = { cart: name, product: 'tea', quantity: 3 }
      await busOf(store).send({ type: 'AddProduct', data }, { id: 'c-1' })
      const handle = DeciderCommandHandler(cart)
      const added = await handle(theirs as EmmettEventStore, name, { type: 'AddProduct', data })
      assert.deepEqual(added.newState, { total: 6, isConfirmed: false })
      const { events } = await busOf(store).send({ type: 'Confirm', data: { cart: name } })
      assert.deepEqual(
        events.map(({ version }) => version),
        [3],
      )
      const [ours, foreign] = await store.read(name)
      assert.deepEqual([ours?.metadata.commandId, foreign?.metadata.commandId], ['c-1', ''])
      const { state } = await theirs.aggregateStream(name, { initialState: cart.initialState, evolve: cart.evolve })
      assert.deepEqual(state, { total: 6, isConfirmed: true })
      const { newEvents } = await CommandHandler({ evolve: cart.evolve, initialState: cart.initialState })(
        theirs as EmmettEventStore,
        name,
        () => [],
      )
      assert.deepEqual(newEvents, [])
    })

    test('cannot fence, so that reconcile leaves what it cannot know', async () => {
      const log = memoryStore()
      const lost = {
        id: 'lost',
        type: 'Confirm',
        state: 'created',
        correlationId: 'lost',
        events: [],
        receivedAt: 1,
      } as const
      const payload = { status: 'omitted', format: 'json', bytes: 2 } as const
      await log.record({ ...lost, payload, importance: 'normal', retention: 'long-lived', dryRun: false })
      const { counts } = await reconcile(log, emmettEventStore(theirs), { types: 'Confirm', olderThan: 0 })
      assert.deepEqual([counts.undecided, (await log.get('lost'))?.state], [1, 'created'])
    })
  })
}

test('the checks that Emmett’s stores cannot keep are checks', () => {
  const names = new Set(eventStoreChecks.map(({ name }) => name))
  assert.deepEqual(
    [...unkept].filter((name) => !names.has(name)),
    [],
  )
})

test('a failing store of Emmett’s is told of, and becomes an EventStoreError that says whether something was written', async () => {
  const broken = new Error('password=secret')
  const failures: unknown[] = []
  const theirs = { readStream: () => Promise.reject(broken), appendToStream: () => Promise.reject(broken) }
  const store = emmettEventStore(theirs, { onFailure: (error) => failures.push(error) })
  const failed = { name: 'EventStoreError', code: 'STORE_UNAVAILABLE' }
  await assert.rejects(store.read('s'), { ...failed, written: 'no', message: 'The store of Emmett could not be read' })
  await assert.rejects(store.append('s', [event('e-1')]), {
    ...failed,
    written: 'unknown',
    message: 'The store of Emmett failed',
  })
  assert.deepEqual(failures, [broken, broken])
  const deaf = emmettEventStore(theirs, { onFailure: (error) => Promise.reject(error) })
  await assert.rejects(deaf.read('s'), failed)
})

test('what Emmett’s stores would take, but our contract does not, is refused before', async () => {
  const store = emmettEventStore(getInMemoryEventStore())
  await assert.rejects(store.read(''), { code: 'INVALID_ARGUMENT' })
  await assert.rejects(store.append('s', [event('')]), { code: 'INVALID_EVENT' })
  await assert.rejects(store.append('s', [event('e'), event('e')]), { code: 'DUPLICATE_EVENT' })
  await assert.rejects(store.append('s', [], { expectedVersion: -1 }), { code: 'INVALID_ARGUMENT' })
  assert.deepEqual(await store.read('s'), [])
})

test('closing waits for appends, ends the adapter, and leaves Emmett’s store open', async () => {
  const theirs = getInMemoryEventStore()
  const store = emmettEventStore(theirs)
  const appended = store.append('s', [event('e-1')])
  await store.close()
  assert.equal(await appended, 1)
  await assert.rejects(store.read('s'), { code: 'STORE_CLOSED' })
  await assert.rejects(store.append('s', []), { code: 'STORE_CLOSED' })
  assert.equal((await theirs.readStream('s')).events.length, 1)
})

test('errors without a code of Emmett’s stay failures', () => {
  for (const error of [new Error('broken'), Object.assign(new Error('teapot'), { errorCode: 418 }), 'text']) {
    const failing = emmettDecider<Cart, CartCommand, CartEvent>({
      ...cart,
      decide() {
        throw error
      },
    })
    const command = { type: 'Confirm', data: { cart: 'a' } } as const
    const thrown = (() => {
      try {
        return failing.decide(command, cart.initialState(), {} as CommandContext)
      } catch (caught) {
        return caught
      }
    })()
    assert.equal(thrown, error)
    assert.equal(typeof error === 'object' && 'problem' in error, false)
  }
})

test('types: Emmett’s published stores fit as they are, and so do its deciders', () => {
  const store = emmettEventStore(getInMemoryEventStore()) satisfies EventStore
  emmettEventStore satisfies (store: PostgresEventStore) => EventStore
  const handler = decider({ ...emmettDecider(cart), stream: () => 'cart', store })
  // A bus of Emmett's own command types takes it too.
  new CommandBus<CartCommand>().register('AddProduct', handler).register('Confirm', handler)
  // @ts-expect-error the decider knows nothing of this command
  new CommandBus<EmmettCommand<'Cancel', { cart: string }>>().register('Cancel', handler)
  // @ts-expect-error this is no store of Emmett's
  emmettEventStore({ readStream: () => [] })
})
