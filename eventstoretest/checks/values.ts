import fc from 'fast-check'
import { lookAlikes } from '../../commandlogtest/hostile-names.ts'
import type { RecordedEvent } from '../../eventsourcing/event-store.ts'
import { type EventStoreCheck, property } from '../check.ts'
import { expectEvents, recorded } from '../scope.ts'

const hostile: readonly unknown[] = [
  ...[
    '',
    '\0',
    '\u0000a',
    '\ud800',
    'a\udc00',
    '\u2028',
    '😀',
    'e\u0301',
    '\u00e9',
    "'; DROP TABLE events --",
    '\\u0041',
  ],
  ...[null, true, false, 0, 1e308, -1, 2 ** 53, 0.1 + 0.2, [], {}, [[]], [null]],
  ...[JSON.parse('{"__proto__": {"a": 1}, "constructor": 1}'), { '': '' }, { 'a\u0000b': 1 }, { 10: 1, 2: 2 }],
]
const data = fc.oneof(fc.constantFrom(...hostile), fc.jsonValue({ stringUnit: 'binary', maxDepth: 3 }))
const text = fc.oneof(fc.constantFrom(...lookAlikes), fc.string({ minLength: 1, maxLength: 20 }))
const id = text.filter((each) => !each.includes('\0'))
const orEmpty = fc.oneof({ arbitrary: id, weight: 4 }, fc.constant(''))
const metadata = fc.record(
  { causationId: orEmpty, tenantId: orEmpty, userId: orEmpty, recordedAt: fc.integer({ min: 0, max: 2 ** 48 }) },
  { requiredKeys: ['recordedAt'] },
)

/** What is kept of an event. */
export const valueChecks: readonly EventStoreCheck[] = [
  property('values/data-come-back', 'Data come back equal to what JSON makes of them, whatever they hold.', {
    given: fc.array(data, { minLength: 1, maxLength: 3 }),
    weight: 1,
    async holds({ client, name, event }, all) {
      const events = all.map((each, index) => event(`${index}`, { data: each }))
      await client.append(name('s'), events)
      expectEvents('read', await client.read(name('s')), recorded(name('s'), events))
    },
  }),
  property('values/no-data', 'An event without data is one: its data come back as undefined, not as null.', {
    given: fc.constantFrom(undefined, null),
    weight: 0.05,
    async holds({ client, name, event }, none) {
      const events = [event('e', { data: none })]
      await client.append(name('s'), events)
      expectEvents('read', await client.read(name('s')), recorded(name('s'), events))
    },
  }),
  property('values/large-data', 'Data of a hundred kilobytes come back whole.', {
    given: fc.constantFrom('x', 'é', '😀', '"', '\n'),
    weight: 0.02,
    async holds({ client, name, event }, unit) {
      const events = [event('e', { data: { text: unit.repeat(100_000) } })]
      await client.append(name('s'), events)
      expectEvents('read', await client.read(name('s')), recorded(name('s'), events))
    },
  }),
  property('values/metadata-come-back', 'Type and metadata come back as they were; what was absent is absent.', {
    given: fc.tuple(metadata, id, id),
    weight: 0.6,
    async holds({ client, name, event, by }, [given, type, command]) {
      const events = [event('e', { type, metadata: by(command, given) }), event('plain')]
      await client.append(name('s'), events)
      expectEvents('read', await client.read(name('s')), recorded(name('s'), events))
    },
  }),
  property('values/taken-as-they-are', 'What the caller does to an event after append was called changes nothing.', {
    given: fc.boolean(),
    weight: 0.1,
    async holds({ client, name, event, by }, atOnce) {
      const inner = { list: [1] }
      const given = event('e', { data: inner, metadata: { ...by('c') } })
      const expected = recorded(name('s'), [event('e', { data: { list: [1] } })])
      const events = [given]
      const appending = client.append(name('s'), events)
      if (!atOnce) await appending
      inner.list.push(2)
      Object.assign(given, { type: 'Changed' })
      Object.assign(given.metadata, { commandId: 'changed' })
      events.push(event('late'))
      await appending
      expectEvents('read', await client.read(name('s')), expected)
    },
  }),
  property('values/given-as-copies', 'What a reader does to the events that it was given changes nothing for others.', {
    given: fc.boolean(),
    weight: 0.1,
    async holds({ client, name, event, by }, isDeep) {
      const make = () => [event('e', { data: { list: [1] }, metadata: by('c') }), event('f')]
      await client.append(name('s'), make())
      const [first] = (await client.read(name('s'))) as RecordedEvent[]
      spoil(() => {
        if (isDeep) (first?.data as { list: number[] } | undefined)?.list.push(2)
        else Object.assign(first ?? {}, { version: 9 })
      })
      spoil(() => Object.assign(first?.metadata ?? {}, { commandId: 'changed' }))
      expectEvents('read again', await client.read(name('s')), recorded(name('s'), make()))
    },
  }),
]

/** A store may give what nobody can change. */
function spoil(change: () => void): void {
  try {
    change()
  } catch {
    // Frozen: then nothing can go wrong.
  }
}
