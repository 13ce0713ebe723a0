import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type Command, CommandBus, withCommandAudit } from '../src/index.ts'
import { memoryStore } from '../stores/memory.ts'
import { type DeciderOptions, decider } from './decider.ts'
import type { DomainEvent, EventStore, Fenceable, NewEvent, RecordedEvent } from './event-store.ts'
import { memoryEventStore } from './memory-event-store.ts'
import { sqliteEventStore } from './sqlite-event-store.ts'

type Options = DeciderOptions<Command, DomainEvent, unknown, unknown>

let made = 0

function added(commandId = 'another'): NewEvent {
  return { id: `e-${++made}`, type: 'added', data: {}, metadata: { commandId, correlationId: 'k', recordedAt: 1 } }
}

/** Sends one command to a decider, and tells what its sender heard, its record, and how many events of it there are. */
async function outcomeOf(wrong: object, events: EventStore & Fenceable = memoryEventStore()): Promise<unknown> {
  await events.append('s', [added(), added()])
  const right = {
    initialState: () => 0,
    decide: () => ({ type: 'added', data: {} }),
    evolve: (count: number) => count + 1,
    stream: () => 's',
    store: events,
  }
  const log = memoryStore()
  const handler = decider({ ...right, ...wrong } as Options)
  const bus = withCommandAudit(new CommandBus().register('add', handler), log)
  const told = await bus.send({ type: 'add', data: {} }, { id: 'c-1' }).then(
    () => 'done',
    (error) => error?.code ?? error,
  )
  const record = await log.get('c-1')
  const there = (await events.fence('c-1')).map(({ id, version }) => `${id} at ${version}`)
  assert.deepEqual(
    record?.events.map(({ id, version }) => `${id} at ${version}`),
    there,
  )
  return [told, record?.state, there.length]
}

describe('functions of a decider that break their contract fail the command, and append nothing', () => {
  const thrown = new Error('out of order')
  const fail = () => {
    throw thrown
  }

  for (const name of ['initialState', 'evolve', 'decide', 'stream', 'newId']) {
    test(`${name} throws, which is what the sender hears`, async () => {
      assert.deepEqual(await outcomeOf({ [name]: fail }), [thrown, 'failed', 0])
    })
  }

  for (const name of ['initialState', 'evolve']) {
    test(`${name} is asynchronous, whether it would have failed or not`, async () => {
      assert.deepEqual(await outcomeOf({ [name]: async () => 0 }), ['TRAIT_FAILED', 'failed', 0])
      assert.deepEqual(await outcomeOf({ [name]: async () => fail() }), ['TRAIT_FAILED', 'failed', 0])
    })
  }

  const event = { type: 'added', data: {} }
  for (const [name, decided] of Object.entries({
    null: null,
    'a number': 5,
    'a misspelt member': { event },
    'an error instead of throwing it': new Error('refused'),
    'a set': new Set([event]),
    'a generator': [event].values(),
    'a list of lists': [[event]],
    'a hole': [event, undefined],
    'a promise in a list': [Promise.resolve(event)],
    'events that are no list': { events: 5 },
  })) {
    test(`decide answers with ${name}`, async () => {
      assert.deepEqual(await outcomeOf({ decide: () => decided }), ['INVALID_DECISION', 'failed', 0])
    })
  }

  for (const [name, wrong] of Object.entries({
    'an empty name': { type: '', data: {} },
    'a long name': { type: 'x'.repeat(257), data: {} },
    'text that is not well-formed': { type: '\ud800', data: {} },
    'data that are no JSON': { type: 'added', data: 1n },
  })) {
    test(`decide answers with an event of ${name}`, async () => {
      assert.deepEqual(await outcomeOf({ decide: () => wrong }), ['INVALID_EVENT', 'failed', 0])
    })
  }

  test('stream answers with what is no name, or with a promise of one', async () => {
    for (const stream of ['', 'x'.repeat(257), 'a\0b', '\ud800', 5, null, undefined, Promise.resolve('s')])
      assert.deepEqual(await outcomeOf({ stream: () => stream }), ['INVALID_ARGUMENT', 'failed', 0])
  })

  test('newId gives an id again', async () => {
    const decide = () => [event, event]
    assert.deepEqual(await outcomeOf({ newId: () => 'same', decide }), ['DUPLICATE_EVENT', 'failed', 0])
  })
})

describe('an event store that breaks its contract', () => {
  const recorded = (version: number): RecordedEvent => ({ ...added(), stream: 's', version })
  for (const [name, answer] of Object.entries({
    nothing: undefined,
    'a text': 'events',
    'a hole': [undefined],
    'an event without metadata': [{ ...recorded(1), metadata: undefined }],
    'a gap': [recorded(1), recorded(3)],
    'events in another order': [recorded(2), recorded(1)],
    'a stream from elsewhere on': [recorded(5)],
  })) {
    test(`is STORE_INCOMPATIBLE where it reads ${name}`, async () => {
      const store = { ...memoryEventStore(), read: async () => answer }
      assert.deepEqual(await outcomeOf({ store }), ['STORE_INCOMPATIBLE', 'failed', 0])
    })
  }

  test('is STORE_INCOMPATIBLE where it says to have appended what is not there', async () => {
    const events = memoryEventStore()
    for (const answer of [undefined, 0, 2]) {
      const store = { ...events, append: async () => answer }
      assert.deepEqual(await outcomeOf({ store }), ['STORE_INCOMPATIBLE', 'failed', 0])
    }
  })

  test('is asked where the events are that it did not append where they were expected', async () => {
    const events = memoryEventStore()
    const store: EventStore = {
      ...events,
      async append(stream, own) {
        await events.append(stream, [added()])
        return await events.append(stream, own)
      },
    }
    assert.deepEqual(await outcomeOf({ store }, events), ['done', 'successful', 1])
  })

  test('is believed as little as its fence', async () => {
    const store = {
      ...memoryEventStore(),
      append: () => Promise.reject(new Error('reset')),
      fence: async () => undefined,
    }
    assert.deepEqual(await outcomeOf({ store }), ['OUTCOME_UNKNOWN', 'failed', 0])
  })
})

test('a lost race without retries is a conflict at once', async () => {
  const events = memoryEventStore()
  let appends = 0
  const store: EventStore = {
    ...events,
    async append(...args) {
      appends++
      await events.append('s', [added()])
      return await events.append(...args)
    },
  }
  assert.deepEqual(await outcomeOf({ store, retries: 0 }, events), ['COMMAND_CONFLICT', 'conflict', 0])
  assert.equal(appends, 1)
})

test('large events and streams of any name are appended and read as they are, in memory and in a file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'commandlog-hostile-'))
  const file = await sqliteEventStore({ path: join(folder, 'events.db') })
  const data = { text: 'ü'.repeat(1_048_576) }
  for (const store of [memoryEventStore(), file]) {
    const names = ['large', ' ', '..', '*', '__proto__', "'; DROP TABLE event_log; --", 'ü/\u2028☃', 'x'.repeat(256)]
    for (const [index, name] of names.entries()) {
      const decide = () => ({ type: 'added', data: index === 0 ? data : name })
      const handler = decider({ initialState: () => 0, evolve: () => 0, decide, stream: () => name, store })
      const log = memoryStore()
      const { events } = await withCommandAudit(new CommandBus().register('add', handler), log).send({
        type: 'add',
        data,
      })
      const [read] = await store.read(name)
      assert.deepEqual([read?.id, read?.data], [events[0]?.id, index === 0 ? data : name])
    }
    await store.close()
  }
  await rm(folder, { recursive: true, force: true })
})
