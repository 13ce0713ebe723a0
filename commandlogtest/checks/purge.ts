import fc from 'fast-check'
import type { CommandRecord } from '../../src/index.ts'
import { oneOf, someOf } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import { cut, due, expectPurged, isDue, kinds, retentions, sweep, writeDue, writeKinds } from '../purging.ts'
import { expectRecords } from '../scope.ts'
import { expectSame } from '../violation.ts'
import { walk } from '../walk.ts'
import { expectRefused } from './errors.ts'

/** What is removed. */
export const purgeSelectionChecks: readonly Check[] = [
  property(
    'purge/exactly-what-is-due',
    'purge removes the settled records of that retention received before the cut, and no others, and says how many.',
    {
      given: fc.tuple(kinds, oneOf(retentions), fc.integer({ min: -2, max: 3 }), fc.tuple(fc.boolean(), fc.boolean())),
      needs: 'purge',
      weight: 0.5,
      async holds(scope, [all, retention, offset, [asDate, namesLimit]]) {
        await sweep(scope)
        const records = await writeKinds(scope, all)
        const before = asDate ? new Date(cut + offset) : cut + offset
        const options = { retention, before, ...(namesLimit && { limit: undefined }) }
        const kept = records.filter((record) => !isDue(record, options))
        await expectPurged(scope.client, options, records.length - kept.length)
        await scope.expectWalk({ tenantId: scope.tenant, order: 'oldest' }, kept)
        for (const record of kept) await scope.expectStored(record)
      },
    },
  ),
  property('purge/never-unsettled', 'purge never removes a record that is not settled, however old.', {
    given: fc.tuple(oneOf(retentions), fc.integer({ min: 1, max: 5 })),
    needs: 'purge',
    weight: 0.06,
    async holds(scope, [retention, count]) {
      await sweep(scope)
      const records = Array.from({ length: count }, (_, index) =>
        scope.intent(`${index}`, { retention, receivedAt: index }),
      )
      await scope.writeAll(records)
      await expectPurged(scope.client, { retention, before: cut }, 0)
      await scope.expectWalk({ tenantId: scope.tenant, order: 'oldest' }, records)
      const settled = records.map((record) => scope.outcome(record))
      for (const record of settled) await scope.write(record, 'settled')
      await expectPurged(scope.client, { retention, before: cut }, count)
      await scope.expectWalk({ tenantId: scope.tenant }, [])
    },
  }),
  property('purge/permanent-only-when-named', 'Permanent records go only where purge names permanent.', {
    given: oneOf(['short-lived', 'long-lived'] as const),
    needs: 'purge',
    weight: 0.04,
    async holds(scope, retention) {
      await sweep(scope)
      const record = scope.outcome(scope.intent('a', { retention: 'permanent', importance: 'low', receivedAt: 5 }))
      await scope.write(record)
      await expectPurged(scope.client, { retention, before: cut }, 0)
      await scope.expectStored(record)
      await expectPurged(scope.client, { retention: 'permanent', before: cut }, 1)
    },
  }),
  property(
    'purge/by-receipt-not-settling',
    'The cut is about when a record was received, not about when it was settled or written.',
    {
      given: oneOf([0, 1]),
      needs: 'purge',
      weight: 0.03,
      async holds(scope, later) {
        await sweep(scope)
        const old = scope.outcome(scope.intent('old', { retention: 'short-lived', receivedAt: cut - 1 }), {
          settledAt: cut + 5,
        })
        const young = scope.outcome(scope.intent('young', { retention: 'short-lived', receivedAt: cut + later }), {
          settledAt: cut - 5,
        })
        await scope.writeAll([young, old])
        await expectPurged(scope.client, due, 1)
        await scope.expectWalk({ tenantId: scope.tenant }, [young])
      },
    },
  ),
  property(
    'purge/oldest-first-by-recording',
    'With a limit the oldest go first, by the order of recording; calls after that go on with the next.',
    {
      given: fc.tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 4 })),
      needs: 'purge',
      weight: 0.15,
      async holds(scope, [count, limit]) {
        await sweep(scope)
        const kept = (index: number): CommandRecord => scope.intent(`kept ${index}`, { receivedAt: 1 })
        const records = Array.from({ length: count }, (_, index) =>
          scope.outcome(scope.intent(`${9 - index}`, { retention: 'short-lived', receivedAt: cut - 1 - index })),
        )
        for (const [index, record] of records.entries()) await scope.writeAll([kept(index), record])
        let left: readonly CommandRecord[] = records
        while (left.length > 0) {
          await expectPurged(scope.client, { ...due, limit }, Math.min(limit, left.length))
          left = left.slice(limit)
          const query = { tenantId: scope.tenant, retention: 'short-lived', order: 'oldest' } as const
          const read = await walk(scope.client, query)
          // Where an answer was unsure more may have gone than asked for.
          left = left.slice(Math.max(0, left.length - read.length))
          expectRecords('a walk after purge', read, left)
        }
        await expectPurged(scope.client, { ...due, limit }, 0)
      },
    },
  ),
  property(
    'purge/all-without-a-limit',
    'Without a limit purge removes everything that is due: thousands of records, also behind as many that are not settled.',
    {
      given: fc.constant([1050, 2500] as const),
      needs: 'purge',
      weight: 0.01,
      async holds(scope, [unsettled, count]) {
        await sweep(scope)
        const kept = Array.from({ length: unsettled }, (_, index) =>
          scope.intent(`kept ${index}`, { retention: 'short-lived', receivedAt: 1 }),
        )
        await inGroups(kept, (record) => scope.write(record))
        await writeDue(scope, count)
        await expectPurged(scope.client, due, count)
        const left = await walk(scope.client, { tenantId: scope.tenant, limit: 1000 })
        expectSame('how many are left', left.length, unsettled)
        await inGroups(kept, (record) => scope.write(scope.outcome(record), 'settled'))
        await expectPurged(scope.client, due, unsettled)
      },
    },
  ),
  property('purge/twice-is-nothing', 'A second purge removes nothing, and says 0.', {
    given: fc.integer({ min: 0, max: 5 }),
    needs: 'purge',
    weight: 0.04,
    async holds(scope, count) {
      await sweep(scope)
      await writeDue(scope, count)
      await expectPurged(scope.client, due, count)
      await expectPurged(scope.client, due, 0)
    },
  }),
  property('purge/two-at-once', 'Purges at once remove each record once: what they say adds up to what was there.', {
    given: fc.tuple(
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 2, max: 4 }),
      fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
    ),
    needs: 'purge',
    weight: 0.15,
    async holds(scope, [count, callers, limit]) {
      await sweep(scope)
      await writeDue(scope, count)
      const options = limit === undefined ? due : { ...due, limit }
      const purged = await Promise.all(Array.from({ length: callers }, () => scope.client.purge(options)))
      const left = await walk(scope.client, { tenantId: scope.tenant })
      const sum = purged.reduce((total, { count: each }) => total + each, 0)
      if (!purged.some(({ isUnsure }) => isUnsure))
        expectSame('what purges at once say they removed', sum, count - left.length)
      if (limit === undefined) expectSame('how many are left', left.length, 0)
    },
  }),
  property(
    'purge/invalid-options',
    'An unknown retention, a cut that is no finite time, and a limit that is no whole number from 1 are INVALID_QUERY.',
    {
      given: someOf<object>(
        [
          ...[
            { retention: 'forever' },
            { retention: undefined },
            { retention: null },
            { retention: '' },
            { before: undefined },
            { before: null },
            { before: Number.NaN },
          ],
          ...[
            { before: Number.POSITIVE_INFINITY },
            { before: new Date(Number.NaN) },
            { before: 'now' },
            { limit: 0 },
            { limit: -1 },
            { limit: 1.5 },
            { limit: Number.NaN },
          ],
        ],
        4,
      ),
      needs: 'purge',
      weight: 0.2,
      async holds(scope, all) {
        const record = scope.outcome(scope.intent('a', { retention: 'short-lived', receivedAt: 5 }))
        await scope.write(record)
        for (const fields of all) await expectRefused(scope.client, ['INVALID_QUERY'], 'purge', { ...due, ...fields })
        await scope.expectStored(record)
        await sweep(scope)
      },
    },
  ),
]

/** Writes a hundred at a time. */
async function inGroups(
  records: readonly CommandRecord[],
  write: (record: CommandRecord) => Promise<void>,
): Promise<void> {
  for (let from = 0; from < records.length; from += 100) await Promise.all(records.slice(from, from + 100).map(write))
}
