import fc from 'fast-check'
import { expectSame } from '../../commandlogtest/violation.ts'
import { type EventStoreCheck, property } from '../check.ts'
import type { Client } from '../client.ts'
import { expectEvents, expectRefused, recorded, type Scope } from '../scope.ts'
import { fenceRace } from './fence.ts'
import { counted, nothingLost, oneWinner } from './races.ts'

/** What closing leaves, and what several handles share. */
export const durableChecks: readonly EventStoreCheck[] = [
  property(
    'durable/reopening-keeps-events',
    'After closing and opening again every event is there, and versions go on.',
    {
      given: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 }),
      needs: 'open',
      weight: 0.06,
      async holds(scope, sizes) {
        const { name, event } = scope
        const events = sizes.flatMap((size, batch) => Array.from({ length: size }, (_, n) => event(`${batch}.${n}`)))
        let at = 0
        for (const size of sizes) {
          await within(scope, async (client) => {
            await client.append(name('s'), events.slice(at, at + size), { expectedVersion: at })
          })
          at += size
        }
        await within(scope, async (client) => {
          expectEvents('read after opening again', await client.read(name('s')), recorded(name('s'), events))
          const known = events[0] as (typeof events)[number]
          expectRefused('append of a known id', await client.tryAppend(name('t'), [known]), 'DUPLICATE_EVENT')
        })
      },
    },
  ),
  property('durable/reopening-keeps-fences', 'After closing and opening again a fence still stands.', {
    given: fc.boolean(),
    needs: 'open+fence',
    weight: 0.03,
    async holds(scope, hasEvents) {
      const { name, event } = scope
      const before = hasEvents ? [event('before')] : []
      await within(scope, async (client) => {
        if (hasEvents) await client.append(name('s'), before)
        await client.fence(name('c'))
      })
      await within(scope, async (client) => {
        expectRefused('append', await client.tryAppend(name('s'), [event('late')]), 'FENCED')
        expectEvents('fence', await client.fence(name('c')), recorded(name('s'), before))
      })
    },
  }),
  property('durable/names-are-apart', 'Another name is other data: its streams are empty, and its ids free.', {
    given: fc.constant(undefined),
    needs: 'open',
    weight: 0.02,
    async holds({ context, name, event }) {
      const text = name('x').replaceAll('.', '_')
      const names = [text, text.toUpperCase(), `${text}-`]
      for (const each of names) {
        const client = await context.open(each)
        expectSame('the version', await client.append(name('s'), [event('e')], { expectedVersion: 0 }), 1)
        await context.close(client)
      }
    },
  }),
  property('durable/handles-share', 'What one handle has appended or fenced, every other knows at once.', {
    given: fc.boolean(),
    needs: 'open',
    weight: 0.04,
    async holds(scope, isClosedBetween) {
      const { name, event, by, open, context } = scope
      const [first, second] = [await open(), await open()]
      // Whatever a handle remembers of the stream must not be what it goes by.
      expectEvents('read', await second.read(name('s')), [])
      await first.append(name('s'), [event('e')])
      if (isClosedBetween) await context.close(first)
      expectEvents('read by another handle', await second.read(name('s')), recorded(name('s'), [event('e')]))
      expectRefused('append', await second.tryAppend(name('t'), [event('e')]), 'DUPLICATE_EVENT')
      expectRefused(
        'append',
        await second.tryAppend(name('s'), [event('f')], { expectedVersion: 0 }),
        'VERSION_CONFLICT',
      )
      if (!isClosedBetween) {
        if (first.store.fence !== undefined) {
          await first.fence(name('c2'))
          const late = event('late', { metadata: by('c2') })
          expectRefused('append', await second.tryAppend(name('s'), [late]), 'FENCED')
        }
        await context.close(first)
      }
      await context.close(second)
    },
  }),
  property('durable/handles-race', 'Of several handles one wins each version, and no append or update is lost.', {
    given: fc.constantFrom('winner', 'lost', 'counter'),
    needs: 'open',
    weight: 0.06,
    async holds(scope, kind) {
      const clients = [await scope.open(), await scope.open(), await scope.open()]
      if (kind === 'winner') await oneWinner(scope, clients, 0)
      if (kind === 'lost') await nothingLost(scope, clients, 2)
      if (kind === 'counter') await counted(scope, clients, 2)
      for (const client of clients) await scope.context.close(client)
    },
  }),
  property('durable/handles-fence', 'A fence by one handle decides the races of appends by another.', {
    given: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.nat(6)),
    needs: 'open+fence',
    weight: 0.08,
    async holds(scope, [appends, delay]) {
      const [first, second] = [await scope.open(), await scope.open()]
      await fenceRace(scope, first, second, { appends, delay })
      await scope.context.close(first)
      await scope.context.close(second)
    },
  }),
]

async function within(scope: Scope, use: (client: Client) => Promise<void>): Promise<void> {
  const client = await scope.open()
  await use(client)
  await scope.context.close(client)
}
