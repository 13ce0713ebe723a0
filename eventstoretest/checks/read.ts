import fc from 'fast-check'
import { lookAlikes } from '../../commandlogtest/hostile-names.ts'
import { expectSame } from '../../commandlogtest/violation.ts'
import { type EventStoreCheck, property } from '../check.ts'
import { expectEvents, recorded } from '../scope.ts'

const alike = fc.shuffledSubarray([...lookAlikes], { minLength: 2, maxLength: lookAlikes.length })

/** What a read gives. */
export const readChecks: readonly EventStoreCheck[] = [
  property('read/a-stream-of-nobody-is-empty', 'A stream that nobody has appended to has no events.', {
    given: fc.constantFrom(...lookAlikes),
    weight: 0.1,
    async holds({ client, name, event }, text) {
      expectSame('read of an unknown stream', await client.read(name(text)), [])
      // Reading makes no stream.
      expectSame('the first version', await client.append(name(text), [event('e')], { expectedVersion: 0 }), 1)
    },
  }),
  property('read/from', 'A read from a version gives the events from that one on, and none beyond the last.', {
    given: fc.tuple(fc.integer({ min: 0, max: 14 }), fc.integer({ min: 1, max: 16 })),
    weight: 0.4,
    async holds({ client, name, event }, [count, from]) {
      const stream = name('s')
      const events = Array.from({ length: count }, (_, n) => event(`${n}`))
      if (count > 0) await client.append(stream, events)
      const expected = recorded(stream, events).slice(from - 1)
      expectEvents(`read from ${from}`, await client.read(stream, { from }), expected)
    },
  }),
  property(
    'read/long-streams-come-whole',
    'A stream of hundreds of events comes whole, in the order of its versions.',
    {
      given: fc.constantFrom(300, 1100),
      weight: 0.02,
      async holds({ client, name, event }, count) {
        const stream = name('s')
        const events = Array.from({ length: count }, (_, n) => event(`${n}`))
        for (let at = 0; at < count; at += 100) await client.append(stream, events.slice(at, at + 100))
        expectEvents('read', await client.read(stream), recorded(stream, events))
        expectEvents('read from 99', await client.read(stream, { from: 99 }), recorded(stream, events).slice(98))
      },
    },
  ),
  property('read/streams-are-apart', 'Streams whose names look alike have their own events and versions.', {
    given: alike,
    weight: 0.08,
    async holds({ client, name, event }, names) {
      const appends = names.map((each, index) =>
        client.append(name(each), [event(`${index}`), event(`${index}b`)], { expectedVersion: 0 }),
      )
      for (const version of await Promise.all(appends)) expectSame('the version of a new stream', version, 2)
      for (const [index, each] of names.entries()) {
        const expected = recorded(name(each), [event(`${index}`), event(`${index}b`)])
        expectEvents('read', await client.read(name(each)), expected)
      }
    },
  }),
  property('read/ids-are-apart', 'Ids that look alike are ids of different events.', {
    given: alike,
    weight: 0.2,
    async holds({ client, name, event }, names) {
      const events = names.map((each) => event(each))
      const half = events.length >>> 1
      await client.append(name('s'), events.slice(0, half))
      await client.append(name('s'), events.slice(half))
      expectEvents('read', await client.read(name('s')), recorded(name('s'), events))
    },
  }),
]
