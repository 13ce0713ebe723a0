import fc from 'fast-check'
import { type Check, property } from '../check.ts'
import { sleep } from '../limit.ts'
import { expectSame } from '../violation.ts'

const mostRecords = 12_000
const fewestRecords = 1250
const longestMs = 500
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
        const intent = scope.intent('first')
        const outcome = scope.outcome(scope.intent('settled'))
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
      },
    },
  ),
]
