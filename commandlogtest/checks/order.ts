import fc from 'fast-check'
import type { CommandRecord } from '../../src/index.ts'
import { oneOf, time } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import { expectRecords, type Scope } from '../scope.ts'
import { expectSame, expectTrue } from '../violation.ts'
import { walk, walkType } from '../walk.ts'

/** Demands that every reader gives the records of this execution in this order, and the reverse of it. */
async function expectOrder(scope: Scope, records: readonly CommandRecord[], limit?: number): Promise<void> {
  const { client, tenant } = scope
  const paged = limit === undefined ? {} : { limit }
  const newest = records.toReversed()
  await scope.expectWalk({ tenantId: tenant, order: 'oldest', ...paged }, records)
  await scope.expectWalk({ tenantId: tenant, order: 'newest', ...paged }, newest)
  expectRecords('findByCorrelation', await client.findByCorrelation(scope.id('c')), records)
  const type = scope.intent().type
  expectRecords('findByType', await walkType(client, type, { tenantId: tenant, order: 'oldest', ...paged }), records)
}

const times = fc.array(time, { minLength: 2, maxLength: 8 })

/** Order is the order of recording. */
export const orderChecks: readonly Check[] = [
  property(
    'order/recording-not-the-clock',
    'Order is the order of recording, whatever receivedAt says: falling, equal or at random.',
    {
      given: fc.oneof(
        times,
        times.map((all) => all.toSorted((a, b) => b - a)),
        times.map((all) => all.map(() => all[0] ?? 0)),
      ),
      weight: 0.3,
      async holds(scope, all) {
        const records = all.map((receivedAt, index) => scope.intent(`${index}`, { receivedAt }))
        await scope.writeAll(records)
        await expectOrder(scope, records)
      },
    },
  ),
  property('order/recording-not-the-id', 'Order is the order of recording, whatever the ids are.', {
    given: fc.uniqueArray(oneOf(['a', 'b', 'c', 'B', '10', '9', '1', 'é', 'z', '\u{1f600}', '']), {
      minLength: 2,
      maxLength: 8,
    }),
    weight: 0.25,
    async holds(scope, texts) {
      const records = texts.map((text) => scope.intent('', { id: `${text}${scope.prefix}` }))
      await scope.writeAll(records)
      await expectOrder(scope, records)
    },
  }),
  property(
    'order/recording-not-settling',
    'Settling does not move a record, in whatever order and whenever it happens.',
    {
      given: fc.record({
        count: fc.integer({ min: 2, max: 7 }),
        picks: fc.array(fc.nat(6), { minLength: 1, maxLength: 6 }),
        settledAt: time,
      }),
      weight: 0.3,
      async holds(scope, { count, picks, settledAt }) {
        const records = Array.from({ length: count }, (_, index) => scope.intent(`${index}`))
        await scope.writeAll(records)
        for (const pick of new Set(picks.map((each) => each % count))) {
          const settled = scope.outcome(records[pick] as CommandRecord, { settledAt, receivedAt: settledAt })
          await scope.write(settled, 'settled')
          records[pick] = { ...settled, receivedAt: (records[pick] as CommandRecord).receivedAt }
          await expectOrder(scope, records)
        }
      },
    },
  ),
  property('order/repeats-do-not-move', 'A write that is unchanged moves nothing.', {
    given: fc.tuple(fc.integer({ min: 2, max: 5 }), fc.nat(4), fc.boolean()),
    weight: 0.15,
    async holds(scope, [count, pick, isSettled]) {
      const records = Array.from({ length: count }, (_, index) => {
        const intent = scope.intent(`${index}`)
        return isSettled ? scope.outcome(intent) : intent
      })
      await scope.writeAll(records)
      await scope.write(records[pick % count] as CommandRecord, 'unchanged')
      await scope.write(scope.intent(`${pick % count}`), 'unchanged')
      await expectOrder(scope, records)
    },
  }),
  property(
    'order/intents-and-outcomes-are-one-order',
    'Records that come settled stand in the same order as those that do not.',
    {
      given: fc.array(fc.boolean(), { minLength: 2, maxLength: 8 }),
      weight: 0.2,
      async holds(scope, settled) {
        const records = settled.map((isSettled, index) => {
          const intent = scope.intent(`${index}`)
          return isSettled ? scope.outcome(intent, { settledAt: 1000 - index }) : intent
        })
        await scope.writeAll(records)
        await expectOrder(scope, records, 3)
      },
    },
  ),
  property('order/default-is-newest', 'Without an order, list and findByType give the newest first.', {
    given: fc.integer({ min: 2, max: 5 }),
    weight: 0.05,
    async holds(scope, count) {
      const records = Array.from({ length: count }, (_, index) => scope.intent(`${index}`))
      await scope.writeAll(records)
      await scope.expectWalk({ tenantId: scope.tenant }, records.toReversed())
      await scope.expectWalk({ tenantId: scope.tenant, order: undefined }, records.toReversed())
      const byType = await walkType(scope.client, scope.intent().type, { tenantId: scope.tenant })
      expectRecords('findByType', byType, records.toReversed())
    },
  }),
  property('order/the-same-for-every-filter', 'Any filter gives its records in the order of them all.', {
    given: fc.array(fc.tuple(oneOf(['x', 'y']), oneOf(['u', 'v']), fc.boolean()), { minLength: 3, maxLength: 10 }),
    weight: 0.2,
    async holds(scope, kinds) {
      const records = kinds.map(([type, userId, dryRun], index) =>
        scope.intent(`${index}`, { type, userId, dryRun, receivedAt: 1000 - index }),
      )
      await scope.writeAll(records)
      const own = { tenantId: scope.tenant }
      await scope.expectWalk({ ...own, type: ['x', 'y'], order: 'oldest' }, records)
      await scope.expectWalk(
        { ...own, type: 'x', order: 'oldest' },
        records.filter(({ type }) => type === 'x'),
      )
      await scope.expectWalk({ ...own, userId: 'u' }, records.filter(({ userId }) => userId === 'u').reverse())
      await scope.expectWalk(
        { ...own, dryRun: true, order: 'oldest', limit: 2 },
        records.filter(({ dryRun }) => dryRun),
      )
    },
  }),
  property(
    'order/one-turn-is-one-order',
    'Records of one turn may come in any order, but in the same one for every reader, for good.',
    {
      given: fc.tuple(fc.integer({ min: 2, max: 12 }), fc.boolean()),
      weight: 0.15,
      async holds(scope, [count, settles]) {
        const records = Array.from({ length: count }, (_, index) =>
          scope.intent(`${index}`, { receivedAt: (index * 7) % 5 }),
        )
        await scope.write(scope.intent('before', { receivedAt: 3 }))
        await Promise.all(records.map((record) => scope.write(record)))
        await scope.write(scope.intent('after', { receivedAt: 2 }))
        const first = await walk(scope.client, { tenantId: scope.tenant, order: 'oldest' })
        expectSame('the ends of the order', [first[0]?.id, first.at(-1)?.id], [scope.id('before'), scope.id('after')])
        expectTrue(first.length === count + 2, 'a walk does not give every record', {
          expected: `${count + 2}`,
          actual: `${first.length}`,
        })
        if (!settles) return expectOrder(scope, first, 5)
        await Promise.all(first.map((record) => scope.write(scope.outcome(record), 'settled')))
        await expectOrder(
          scope,
          first.map((record) => scope.outcome(record)),
          5,
        )
      },
    },
  ),
  property(
    'order/acknowledged-before-called',
    'A record that was acknowledged before another was called stands before it, under concurrency too.',
    {
      given: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 6 }),
      weight: 0.15,
      async holds(scope, sizes) {
        const turns = sizes.map((size, turn) =>
          Array.from({ length: size }, (_, index) => scope.intent(`${turn}-${index}`, { receivedAt: 100 - turn })),
        )
        for (const turn of turns) await Promise.all(turn.map((record) => scope.write(record)))
        const read = await walk(scope.client, { tenantId: scope.tenant, order: 'oldest' })
        const turnsRead = read.map(({ id }) => Number(id.slice(scope.prefix.length).split('-')[0]))
        expectSame(
          'the turns in the order of the log',
          turnsRead,
          turnsRead.toSorted((a, b) => a - b),
        )
        expectSame('how many records there are', read.length, turns.flat().length)
      },
    },
  ),
  property(
    'order/unfiltered-too',
    'A list without filters gives records in the same order, among whatever else is there.',
    {
      given: fc.integer({ min: 2, max: 12 }),
      weight: 0.05,
      async holds(scope, count) {
        const records = Array.from({ length: count }, (_, index) =>
          scope.intent(`${index}`, { receivedAt: 1e12 - index }),
        )
        await scope.writeAll(records)
        const newest = await newestUnfiltered(scope, count)
        expectRecords('list()', newest, records.toReversed())
      },
    },
  ),
  property(
    'order/beyond-a-thousand',
    'The order holds beyond 1,000 records: findByCorrelation is complete, and positions are no texts.',
    {
      given: fc.constant(1060),
      weight: 0.01,
      async holds(scope, count) {
        const turns = Array.from({ length: count / 20 }, (_, turn) =>
          Array.from({ length: 20 }, (_, index) => scope.intent(`${turn}-${index}`)),
        )
        for (const turn of turns) await Promise.all(turn.map((record) => scope.write(record)))
        const correlated = await scope.client.findByCorrelation(scope.id('c'))
        expectSame('how many records findByCorrelation gives', correlated.length, count)
        const turnsRead = correlated.map(({ id }) => Number(id.slice(scope.prefix.length).split('-')[0]))
        expectSame(
          'the turns in order',
          turnsRead.every((turn, index) => index === 0 || turn >= (turnsRead[index - 1] ?? 0)),
          true,
        )
        await scope.expectWalk({ tenantId: scope.tenant, order: 'oldest', limit: 1000 }, correlated)
        await scope.expectWalk({ tenantId: scope.tenant, limit: 333 }, correlated.toReversed())
      },
    },
  ),
]

/** The newest records of a list without filters, up to this many of our own; strangers may have written meanwhile. */
async function newestUnfiltered(scope: Scope, count: number): Promise<readonly CommandRecord[]> {
  const found: CommandRecord[] = []
  let cursor: string | undefined
  do {
    const page = await (cursor === undefined ? scope.client.list() : scope.client.list({ cursor }))
    found.push(...page.records.filter(scope.isOwn))
    cursor = page.next
  } while (cursor !== undefined && found.length < count)
  return found
}
