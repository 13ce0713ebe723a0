import fc from 'fast-check'
import type { CommandRecord, Retention } from '../../src/index.ts'
import { intentFields, oneOf, outcomeFields, outcomeStates, someOf } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import { afterTicks } from '../limit.ts'
import { settledBy } from '../model.ts'
import { cut, due, expectPurged, retentions, sweep, writeDue } from '../purging.ts'
import { expectRecords, type Fields, type Scope } from '../scope.ts'
import { expectSame, expectTrue } from '../violation.ts'

const old: Fields = { retention: 'short-lived', receivedAt: 7 }

/** What decides on both sides of the cut, as the first write and the outcome say it. */
interface TwoSays {
  readonly first: { readonly retention: Retention; readonly receivedAt: number }
  readonly second: { readonly retention: Retention; readonly receivedAt: number }
}
const bareOutcome = oneOf(outcomeStates).map((state): Fields => ({ state }))
const oneSay = fc.record({ retention: oneOf(retentions), receivedAt: oneOf([5, cut - 1, cut, cut + 5]) })

/** Which records, among those that belong together. */
export const purgeLifeChecks: readonly Check[] = [
  property(
    'purge/by-the-first-write',
    'Whether a record is due is what its first write says, whatever its outcome says of retention and receipt.',
    {
      given: fc.record<TwoSays>({ first: oneSay, second: oneSay }),
      needs: 'purge',
      weight: 0.15,
      async holds(scope, { first, second }) {
        await sweep(scope)
        const intent = scope.intent('a', first)
        const settled = scope.outcome(intent)
        await scope.write(intent)
        await scope.write({ ...settled, ...second }, 'settled')
        for (const retention of retentions.filter((each) => each !== first.retention))
          await expectPurged(scope.client, { retention, before: 2 * cut }, 0)
        await expectPurged(scope.client, { retention: first.retention, before: first.receivedAt }, 0)
        await scope.expectStored(settled)
        await expectPurged(scope.client, { retention: first.retention, before: first.receivedAt + 1 }, 1)
        await scope.expectWalk({ tenantId: scope.tenant }, [])
      },
    },
  ),
  property(
    'purge/others-of-the-chain-stay',
    'What a purged record caused, replays or began stays, and what is due goes, whatever else refers to it.',
    {
      given: fc.record({ isSettled: fc.boolean(), hasCause: fc.boolean() }),
      needs: 'purge',
      weight: 0.06,
      async holds(scope, { isSettled, hasCause }) {
        await sweep(scope)
        const id = scope.id('parent')
        const cause = scope.intent('cause', { correlationId: id })
        const parent = scope.outcome(
          scope.intent('parent', { ...old, correlationId: id, ...(hasCause && { causationId: cause.id }) }),
        )
        const child = scope.intent('child', { ...old, correlationId: id, causationId: id })
        const young = scope.intent('young', { retention: 'short-lived', correlationId: id, causationId: id })
        const replay = scope.intent('replay', { ...old, replayOf: id, clientRef: id })
        const others = [cause, child, isSettled ? scope.outcome(young) : young, replay]
        await scope.writeAll([cause, parent, ...others.slice(1)])
        await expectPurged(scope.client, due, 1)
        expectSame('get of a purged record', await scope.client.get(id), undefined)
        for (const record of others) await scope.expectStored(record)
        await scope.expectWalk({ tenantId: scope.tenant, order: 'oldest' }, others)
        expectRecords('findByCorrelation', await scope.client.findByCorrelation(id), others.slice(0, 3))
        await scope.expectWalk({ tenantId: scope.tenant, causationId: id, order: 'oldest' }, others.slice(1, 3))
      },
    },
  ),
  property('purge/whoever-asked', 'Records are due whoever asked for them, also without a tenant, user or client.', {
    given: someOf(['tenantId', 'userId', 'clientRef'] as const),
    needs: 'purge',
    weight: 0.04,
    async holds(scope, absent) {
      await sweep(scope)
      const intent = { ...scope.intent('a', { ...old, userId: scope.id('u'), clientRef: scope.id('r') }) }
      for (const field of [...absent, 'tenantId'] as const) Reflect.deleteProperty(intent, field)
      await scope.write(scope.outcome(intent))
      await expectPurged(scope.client, due, 1)
      expectSame('get of a purged record', await scope.client.get(intent.id), undefined)
    },
  }),
  property(
    'purge/before-1970',
    'Records that were received before 1970 are due like any others, and a cut may lie there.',
    {
      given: fc.tuple(oneOf([-5, -1, -86_400_000, -62_135_596_800_000]), oneOf(retentions)),
      needs: 'purge',
      weight: 0.04,
      async holds(scope, [receivedAt, retention]) {
        await sweep(scope)
        const record = scope.outcome(scope.intent('a', { retention, receivedAt }), { settledAt: 5 })
        await scope.write(record)
        await scope.expectStored(record)
        await expectPurged(scope.client, { retention, before: receivedAt }, 0)
        await expectPurged(scope.client, { retention, before: new Date(receivedAt + 1) }, 1)
        await scope.expectWalk({ tenantId: scope.tenant }, [])
      },
    },
  ),
  property(
    'purge/nothing-of-the-former-life',
    'Of a purged id nothing is left: its next life has the fields of that alone, both phases of it.',
    {
      given: fc.record({
        before: fc.tuple(intentFields, outcomeFields),
        after: fc.tuple(intentFields, fc.oneof(bareOutcome, outcomeFields)),
      }),
      needs: 'purge',
      weight: 0.15,
      async holds(scope, { before, after }) {
        await sweep(scope)
        const former = scope.intent('a', { ...before[0], ...old })
        const first = scope.intent('a', after[0])
        const outcome = scope.outcome(scope.intent('a'), after[1])
        for (const record of [scope.outcome(former, before[1]), former]) {
          await scope.write(record, record === former ? 'unchanged' : 'created')
        }
        await expectPurged(scope.client, due, 1)
        await scope.write(first)
        await scope.expectStored(first)
        await scope.write(outcome, 'settled')
        await scope.expectStored(settledBy(first, outcome))
        await scope.expectWalk({ tenantId: scope.tenant }, [settledBy(first, outcome)])
      },
    },
  ),
  property(
    'purge/unsettled-ones-do-not-count',
    'A limit counts what is removed: records that are not settled, or not due, do not use it up, however many come first.',
    {
      given: fc.tuple(fc.integer({ min: 1, max: 4 }), oneOf([1, 3, 20]), fc.integer({ min: 1, max: 4 })),
      needs: 'purge',
      weight: 0.08,
      async holds(scope, [limit, before, more]) {
        await sweep(scope)
        const unsettled = Array.from({ length: before }, (_, index) => scope.intent(`unsettled ${index}`, old))
        await scope.writeAll(unsettled)
        await writeDue(scope, limit + more)
        const first = await scope.client.purge({ ...due, limit })
        const second = await scope.client.purge({ ...due, limit: limit + more })
        // Where an answer was unsure the first may have removed more than it says.
        if (!first.isUnsure && !second.isUnsure)
          expectSame('how many records purge says it removed', [first.count, second.count], [limit, more])
        await scope.expectWalk({ tenantId: scope.tenant, order: 'oldest' }, unsettled)
        await endAll(scope, unsettled)
      },
    },
  ),
  property(
    'purge/a-new-life-survives',
    'An id that is written anew while purges are at work stays: none takes a new life for the old one.',
    {
      given: fc.record({
        count: fc.integer({ min: 1, max: 6 }),
        starts: fc.array(fc.integer({ min: 0, max: 15 }), { minLength: 2, maxLength: 5 }),
        limit: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
      }),
      needs: 'purge',
      weight: 0.25,
      async holds(scope, { count, starts, limit }) {
        await sweep(scope)
        const records = await writeDue(scope, count)
        const options = { ...due, ...(limit !== undefined && { limit }) }
        const purges = starts.map(async (ticks) => {
          await afterTicks(ticks)
          return scope.client.purge(options)
        })
        const lives = records.map((record) => scope.intent('', { id: record.id, userId: 'again' }))
        const born = new Set<CommandRecord>()
        // The next purge may still be at work when one has ended: an id that was free then is not its to remove.
        await Promise.all(
          [...purges, ...starts.map((ticks) => afterTicks(ticks + 1))].map(async (turn) => {
            await turn
            for (const life of await newAmong(scope, lives)) {
              expectTrue(!born.has(life), 'a purge takes the new life of an id for the old one', {
                actual: 'it is gone',
              })
              born.add(life)
            }
          }),
        )
        for (const life of born) await scope.expectStored(life)
        await scope.client.purge(due)
        for (const life of lives) {
          if (!born.has(life)) await scope.write(life)
          await scope.expectStored(life)
        }
      },
    },
  ),
]

async function endAll(scope: Scope, records: readonly CommandRecord[]): Promise<void> {
  await Promise.all(records.map((record) => scope.write(scope.outcome(record), 'settled')))
  await expectPurged(scope.client, due, records.length)
}

/** Writes all of them, and says which are the first of their ids. */
async function newAmong(scope: Scope, records: readonly CommandRecord[]): Promise<readonly CommandRecord[]> {
  const written = await Promise.all(records.map((record) => scope.client.record(record)))
  return records.filter((_record, index) => written[index]?.result === 'created')
}
