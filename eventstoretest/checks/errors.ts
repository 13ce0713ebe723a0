import fc from 'fast-check'
import { Violation } from '../../commandlogtest/violation.ts'
import type { NewEvent } from '../../eventsourcing/event-store.ts'
import { type EventStoreCheck, property } from '../check.ts'
import { expectEvents, expectRefused, recorded } from '../scope.ts'

const cycle: Record<string, unknown> = {}
cycle.self = cycle
const long = 'x'.repeat(257)

const badEvents: Readonly<Record<string, unknown>> = {
  'a bigint as data': { data: 1n },
  'a function as data': { data: () => 1 },
  'a symbol as data': { data: Symbol('s') },
  'a cycle as data': { data: cycle },
  'an empty id': { id: '' },
  'a number as id': { id: 5 },
  'a lone surrogate in its id': { id: 'a\ud800' },
  'a NUL in its id': { id: 'a\0' },
  'an id that is too long': { id: long },
  'an empty type': { type: '' },
  'no type': { type: undefined },
  'no metadata': { metadata: undefined },
}
const badMetadata: Readonly<Record<string, unknown>> = {
  'no command': { commandId: undefined },
  'an empty command': { commandId: '' },
  'no correlation': { correlationId: undefined },
  'a number as tenant': { tenantId: 5 },
  'a Date as time': { recordedAt: new Date(1) },
  'half a millisecond': { recordedAt: 0.5 },
}
const badNames: readonly unknown[] = ['', undefined, null, 5, {}, 'a\0', '\ud800', long]
const badFrom: readonly unknown[] = [0, -1, 1.5, Number.NaN, '1', null, Number.POSITIVE_INFINITY]
const badExpected: readonly unknown[] = [-1, 0.5, Number.NaN, '0', null]

/** What event stores refuse, and how they end. */
export const errorChecks: readonly EventStoreCheck[] = [
  property('errors/invalid-event', 'What is no event, or no metadata, is INVALID_EVENT, and nothing is written.', {
    given: fc.constantFrom(...Object.keys(badEvents), ...Object.keys(badMetadata), 'nothing', 'a text'),
    weight: 0.6,
    async holds({ client, name, event, by }, fault) {
      const metadata = { ...by('c'), ...(badMetadata[fault] as object | undefined) }
      const given = { ...event('e', { metadata }), ...(badEvents[fault] as object | undefined) }
      const bad = fault === 'nothing' ? null : fault === 'a text' ? 'event' : given
      expectRefused(`append with ${fault}`, await client.tryAppend(name('s'), [bad as NewEvent]), 'INVALID_EVENT')
      expectEvents('read', await client.read(name('s')), [])
    },
  }),
  property('errors/invalid-argument', 'A stream, version or command that is none is INVALID_ARGUMENT.', {
    given: fc.constantFrom(
      ...badNames.map((bad) => ['read', bad] as const),
      ...badNames.map((bad) => ['append', bad] as const),
      ...badFrom.map((bad) => ['from', bad] as const),
      ...badExpected.map((bad) => ['expectedVersion', bad] as const),
    ),
    weight: 0.6,
    async holds({ client, name, event }, [what, bad]) {
      const calls = {
        read: () => client.attempt('read', bad),
        append: () => client.attempt('append', bad, [event('e')]),
        from: () => client.attempt('read', name('s'), { from: bad }),
        expectedVersion: () => client.attempt('append', name('s'), [event('e')], { expectedVersion: bad }),
      }
      expectRefused(`${what} with ${String(bad)}`, await calls[what](), 'INVALID_ARGUMENT')
      expectEvents('read', await client.read(name('s')), [])
    },
  }),
  property('errors/tell-nothing', 'No error tells what is in an event.', {
    given: fc.constantFrom('conflict', 'duplicate', 'invalid'),
    weight: 0.1,
    async holds({ client, name, event }, kind) {
      const secret = 'secret-4711'
      await client.append(name('s'), [event('e', { data: secret })])
      const data = kind === 'invalid' ? { secret, toJSON: () => JSON.parse(secret) } : secret
      const options = kind === 'conflict' ? { expectedVersion: 7 } : {}
      const given = event(kind === 'duplicate' ? 'e' : 'f', { data })
      const { failure } = await client.tryAppend(name('s'), [given], options)
      if (failure === undefined) throw new Violation(`an append with ${kind} did not fail`)
      if (failure.text.includes(secret))
        throw new Violation('an error tells what is in an event', { actual: failure.text })
    },
  }),
  property('errors/closed', 'After close every call is STORE_CLOSED, but for another close.', {
    given: fc.constant(undefined),
    needs: 'open',
    weight: 0.03,
    async holds({ open, context, name, event }) {
      const client = await open()
      await client.append(name('s'), [event('e')])
      await context.close(client)
      expectRefused('read after close', await client.attempt('read', name('s')), 'STORE_CLOSED')
      expectRefused('append after close', await client.attempt('append', name('s'), [event('f')]), 'STORE_CLOSED')
      if (client.store.fence !== undefined) {
        expectRefused('fence after close', await client.attempt('fence', name('c')), 'STORE_CLOSED')
      }
      await client.close()
    },
  }),
  property(
    'errors/accepted-appends-are-done-at-close',
    'Appends that were called before close are done, or refused, then.',
    {
      given: fc.integer({ min: 1, max: 8 }),
      needs: 'open',
      weight: 0.04,
      async holds({ open, context, name, event }, count) {
        const client = await open()
        const events = Array.from({ length: count }, (_, n) => event(`${n}`))
        const settled = new Set<number>()
        const appending = events.map(async (each, index) => {
          const answer = await client.tryAppend(name(`${index}`), [each])
          settled.add(index)
          return answer
        })
        await context.close(client)
        await new Promise((resolve) => setImmediate(resolve))
        if (settled.size < count) throw new Violation('close resolved before accepted appends were done')
        const answers = await Promise.all(appending)
        const again = await open()
        for (const [index, { value, failure }] of answers.entries()) {
          if (failure !== undefined && failure.written === 'unknown') continue
          const expected = value === undefined ? [] : recorded(name(`${index}`), [events[index] as NewEvent])
          const found = await again.read(name(`${index}`))
          // A store without durability begins anew.
          if (found.length > 0 || value === undefined) expectEvents('read after close', found, expected)
        }
        await context.close(again)
      },
    },
  ),
]
