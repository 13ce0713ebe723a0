import fc from 'fast-check'
import { expectSame } from '../../commandlogtest/violation.ts'
import { type EventStoreCheck, property } from '../check.ts'
import { expectConflict, expectEvents, expectRefused, recorded } from '../scope.ts'

const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 6 })

/** What an append does to its stream. */
export const appendChecks: readonly EventStoreCheck[] = [
  property(
    'append/versions-are-gapless',
    'The versions of a stream are 1, 2, 3 without gaps, and an append gives that of its last event back.',
    {
      given: sizes,
      async holds({ client, name, event }, all) {
        const stream = name('s')
        const events = all.map((size, batch) => Array.from({ length: size }, (_, n) => event(`${batch}.${n}`)))
        let version = 0
        for (const batch of events) {
          version += batch.length
          expectSame('the version that append gives', await client.append(stream, batch), version)
        }
        expectEvents('read', await client.read(stream), recorded(stream, events.flat()))
      },
    },
  ),
  property(
    'append/is-there-once-acknowledged',
    'A read that begins after an append was acknowledged gives its events.',
    {
      given: fc.integer({ min: 1, max: 3 }),
      async holds({ client, name, event }, count) {
        const events = Array.from({ length: count }, (_, n) => event(`${n}`))
        for (const [index, each] of events.entries()) {
          await client.append(name('s'), [each])
          expectEvents('read', await client.read(name('s')), recorded(name('s'), events.slice(0, index + 1)))
        }
      },
    },
  ),
  property(
    'append/expected-version-must-match',
    'Where the stream is not at the expected version, it is VERSION_CONFLICT with both versions, and nothing is appended.',
    {
      given: fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 5 })),
      weight: 0.4,
      async holds({ client, name, event }, [actual, expectedVersion]) {
        const stream = name('s')
        const events = Array.from({ length: actual }, (_, n) => event(`${n}`))
        if (actual > 0) await client.append(stream, events, { expectedVersion: 0 })
        const answer = await client.tryAppend(stream, [event('next')], { expectedVersion })
        if (actual === expectedVersion) expectSame('the version that append gives', answer.value, actual + 1)
        else expectConflict(`append at ${expectedVersion} to a stream at ${actual}`, answer, expectedVersion, actual)
        const all = actual === expectedVersion ? [...events, event('next')] : events
        expectEvents('read', await client.read(stream), recorded(stream, all))
      },
    },
  ),
  property(
    'append/what-is-refused-leaves-no-trace',
    'After a lost race the same events, with the same ids, can be appended at the version that the stream is at.',
    {
      given: fc.integer({ min: 1, max: 3 }),
      async holds({ client, name, event }, count) {
        const stream = name('s')
        const events = Array.from({ length: count }, (_, n) => event(`${n}`))
        expectRefused('append', await client.tryAppend(stream, events, { expectedVersion: 7 }), 'VERSION_CONFLICT')
        expectSame('the version', await client.append(stream, events, { expectedVersion: 0 }), count)
      },
    },
  ),
  property('append/whole-or-not-at-all', 'Where one event of an append cannot be appended, none of them is.', {
    given: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.nat(), fc.boolean()),
    async holds({ client, name, event }, [count, at, isDuplicate]) {
      const stream = name('s')
      await client.append(name('other'), [event('taken')])
      const events = Array.from({ length: count }, (_, n) => event(`${n}`))
      const bad = isDuplicate ? event('taken') : event('bad', { type: '' })
      const answer = await client.tryAppend(stream, events.toSpliced(at % (count + 1), 0, bad))
      expectRefused('append', answer, isDuplicate ? 'DUPLICATE_EVENT' : 'INVALID_EVENT')
      expectEvents('read', await client.read(stream), [])
      expectSame('the version of the same without the bad one', await client.append(stream, events), count)
    },
  }),
  property(
    'append/ids-are-unique-in-the-store',
    'An id that is in any stream is DUPLICATE_EVENT, in another stream too.',
    {
      given: fc.boolean(),
      weight: 0.1,
      async holds({ client, name, event }, isElsewhere) {
        await client.append(name('s'), [event('e')])
        const again = await client.tryAppend(name(isElsewhere ? 't' : 's'), [event('e', { data: 'other' })])
        expectRefused('append of a known id', again, 'DUPLICATE_EVENT')
        expectEvents('read', await client.read(name('s')), recorded(name('s'), [event('e')]))
      },
    },
  ),
  property('append/ids-are-unique-in-an-append', 'An id that comes twice in one append is DUPLICATE_EVENT.', {
    given: fc.integer({ min: 0, max: 2 }),
    weight: 0.1,
    async holds({ client, name, event }, between) {
      const others = Array.from({ length: between }, (_, n) => event(`${n}`))
      const answer = await client.tryAppend(name('s'), [event('e'), ...others, event('e')])
      expectRefused('append of one id twice', answer, 'DUPLICATE_EVENT')
      expectEvents('read', await client.read(name('s')), [])
    },
  }),
  property(
    'append/a-repeat-is-a-duplicate-rather-than-a-conflict',
    'The same append again is DUPLICATE_EVENT, although its version has passed: so that whoever was unsure can tell.',
    {
      given: fc.integer({ min: 0, max: 2 }),
      weight: 0.1,
      async holds({ client, name, event }, later) {
        const append = [name('s'), [event('e')], { expectedVersion: 0 }] as const
        await client.append(...append)
        for (let n = 0; n < later; n++) await client.append(name('s'), [event(`later ${n}`)])
        expectRefused('the same append again', await client.tryAppend(...append), 'DUPLICATE_EVENT')
      },
    },
  ),
  property(
    'append/of-nothing',
    'An append of no events gives the version of the stream, or a conflict, and changes nothing.',
    {
      given: fc.integer({ min: 0, max: 2 }),
      weight: 0.1,
      async holds({ client, name, event }, count) {
        const stream = name('s')
        const events = Array.from({ length: count }, (_, n) => event(`${n}`))
        if (count > 0) await client.append(stream, events)
        expectSame('the version that append gives', await client.append(stream, []), count)
        const answer = await client.tryAppend(stream, [], { expectedVersion: count + 1 })
        expectConflict('append of nothing', answer, count + 1, count)
        expectEvents('read', await client.read(stream), recorded(stream, events))
      },
    },
  ),
]
