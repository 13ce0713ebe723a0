import fc from 'fast-check'
import type { CommandRecord } from '../../src/index.ts'
import { type Check, property } from '../check.ts'
import { expectChanges } from '../follower.ts'
import { endOf, expectEachOnce, followAll, positionBefore, withFollower } from '../following.ts'
import type { Scope } from '../scope.ts'
import { expectTrue } from '../violation.ts'

// A store reads a backlog in batches: of which there is one that holds nothing but what outcomes have replaced.
const count = 1030

/** Backlogs much of which is not to be given. */
export const followBacklogChecks: readonly Check[] = [
  property(
    'follow/a-replaced-backlog-is-whole',
    'Where the outcomes of a thousand intents came later each is given once, as settled: from the start, and when a follower fell behind.',
    {
      given: fc.constant(count),
      needs: 'follow',
      weight: 0.01,
      async holds(scope) {
        const start = scope.context.isLive ? await positionBefore(scope) : undefined
        await withFollower(scope, start, async (behind) => {
          await scope.write(scope.outcome(scope.intent('first')))
          await behind.next()
          const intents = Array.from({ length: count }, (_, index) => ofOneKind(scope, `${index}`))
          await writeInTurns(intents, (intent) => scope.write(intent))
          await writeInTurns(intents, (intent) =>
            scope.write(scope.outcome(intent, { state: 'cancelled', events: [] }), 'settled'),
          )
          const end = await endOf(scope)
          const rest = await behind.until(({ id }) => id === end.id)
          expectEachOnce(rest, count + 1)
          const all = await followAll(scope, start, end)
          expectEachOnce(all, count + 2)
          for (const changes of [rest, all]) {
            const cancelled = changes.filter(({ record }) => record.state === 'cancelled')
            expectTrue(cancelled.length === count, 'a follower gives records in another state', {
              expected: `${count} cancelled records`,
              actual: `${cancelled.length}`,
            })
          }
        })
      },
    },
  ),
  property(
    'follow/positions-outlive-their-change',
    'A position goes on where it was, also where an outcome has replaced the very change that it stands for.',
    {
      given: fc
        .integer({ min: 1, max: 4 })
        .chain((most) => fc.shuffledSubarray([0, 1, 2, 3].slice(0, most), { minLength: most })),
      needs: 'follow',
      weight: 0.05,
      async holds(scope, numbers) {
        const position = await positionBefore(scope)
        const intents = numbers.map((_, index) => scope.intent(`${index}`))
        await scope.writeAll(intents)
        const middle = await endOf(scope, 'middle')
        const before = await followAll(scope, position, middle)
        const outcomes = numbers.map((number) => scope.outcome(intents[number] as CommandRecord))
        for (const outcome of outcomes) await scope.write(outcome, 'settled')
        const end = await endOf(scope)
        for (const [index, change] of before.entries()) {
          const later = [...intents, middle].slice(index + 1)
          expectChanges(await followAll(scope, change.position, end), [...later, ...outcomes, end])
        }
      },
    },
  ),
]

/** All alike in what a store may pass over: a batch of them is not an empty one. */
function ofOneKind(scope: Scope, text: string): CommandRecord {
  const { tenantId: _tenant, ...intent } = scope.intent(text, { dryRun: true, importance: 'low' })
  return intent
}

async function writeInTurns(
  records: readonly CommandRecord[],
  write: (record: CommandRecord) => Promise<void>,
): Promise<void> {
  for (let from = 0; from < records.length; from += 250)
    await Promise.all(records.slice(from, from + 250).map((record) => write(record)))
}
