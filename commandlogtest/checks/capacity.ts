import fc from 'fast-check'
import type { CommandRecord } from '../../src/index.ts'
import { type Check, property } from '../check.ts'
import { expectAsked } from '../filtering.ts'
import { sleep } from '../limit.ts'
import { expectRecords, type Scope } from '../scope.ts'
import { expectSame } from '../violation.ts'

const mostRecords = 12_000
const fewestRecords = 1250
const longestMs = 1000
// What expires soon is gone by then.
const fewestMs = 300

/** What a store forgets when much is written. Last of the core checks, since a live store is larger after it. */
export const capacityChecks: readonly Check[] = [
  property(
    'capacity/nothing-is-forgotten',
    'However much is written later, and some time later, the first records are still there, and their ids known.',
    {
      given: fc.constant(mostRecords),
      weight: 0.01,
      async holds(scope, most) {
        const rare = { type: scope.id('rare'), attributes: { own: scope.id('v') }, clientRef: scope.id('r') }
        const intent = scope.intent('first', rare)
        const outcome = scope.outcome(scope.intent('settled', rare), { problem: { code: scope.id('p') } })
        await scope.writeAll([intent, outcome])
        const startedAt = performance.now()
        const until = startedAt + longestMs
        for (let from = 0; from < most && (from < fewestRecords || performance.now() < until); from += 250) {
          const turn = Array.from({ length: 250 }, (_, index) =>
            scope.intent(`${from + index}`, { correlationId: scope.id('rest') }),
          )
          await Promise.all(turn.map((record) => scope.write(record)))
        }
        const restMs = fewestMs - (performance.now() - startedAt)
        if (restMs > 0) await sleep(restMs)
        await scope.expectStored(intent)
        await scope.expectStored(outcome)
        await scope.write({ ...intent, userId: 'other' }, 'unchanged')
        await scope.write(scope.outcome(outcome, { state: 'failed' }), 'unchanged')
        const found = await scope.client.findByCorrelation(scope.id('c'))
        expectSame(
          'the first records of all',
          found.map(({ id }) => id),
          [intent.id, outcome.id],
        )
        await expectFound(scope, intent, outcome)
        await expectNewest(scope)
      },
    },
  ),
]

/** Without a tenant: by whichever index the store has for that. */
async function expectFound(scope: Scope, intent: CommandRecord, outcome: CommandRecord): Promise<void> {
  const { type, clientRef, attributes } = intent
  for (const query of [{ type }, { clientRef }, { attributes }])
    await expectAsked(scope, [intent, outcome], { ...query, limit: 1 })
  for (const query of [{ eventId: outcome.events[0]?.id }, { problemCode: outcome.problem?.code }])
    await expectAsked(scope, [outcome], query)
}

/** What is written last still comes first: places have as many digits as they need. */
async function expectNewest(scope: Scope): Promise<void> {
  const last = ['x', 'y', 'z'].map((text) => scope.intent(text, { correlationId: scope.id('rest') }))
  await scope.writeAll(last)
  const { records } = await scope.client.list({ tenantId: scope.tenant, limit: 3 })
  // A page may be shorter than its limit.
  expectRecords('the newest of all', records, last.toReversed().slice(0, records.length))
}
