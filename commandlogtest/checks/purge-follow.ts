import fc from 'fast-check'
import { type Check, property } from '../check.ts'
import { nameOf } from '../follower.ts'
import { endOf, expectEachOnce, followAll, positionBefore, withFollower } from '../following.ts'
import { due, expectPurged, sweep, writeDue } from '../purging.ts'
import { expectSame, Violation } from '../violation.ts'

/** Followers in the middle of what is purged. */
export const purgeFollowChecks: readonly Check[] = [
  property(
    'purge/a-backlog-goes-on',
    'A follower in the middle of a long backlog is given every record that is left, each once, where older ones are purged.',
    {
      given: fc.constant(400),
      needs: 'follow+purge',
      weight: 0.02,
      async holds(scope, count) {
        await sweep(scope)
        const start = await positionBefore(scope)
        const purged = await writeDue(scope, 30)
        const kept = Array.from({ length: count }, (_, index) => scope.outcome(scope.intent(`kept ${index}`)))
        for (let from = 0; from < count; from += 100)
          await Promise.all(kept.slice(from, from + 100).map((record) => scope.write(record)))
        const end = await endOf(scope)
        await withFollower(scope, start, async (follower) => {
          const seen = []
          while (seen.length < purged.length + 10) {
            const change = await follower.next()
            if (change === undefined) throw new Violation('a follower ended by itself')
            seen.push(change)
          }
          await expectPurged(scope.client, due, purged.length)
          seen.push(...(await follower.until(({ id }) => id === end.id)))
          expectEachOnce(seen, purged.length + count + 1)
        })
      },
    },
  ),
  property(
    'purge/positions-outlive-a-new-life',
    'A position goes on where it was also where its record was purged and its id is in use again.',
    {
      given: fc.integer({ min: 1, max: 3 }),
      needs: 'follow+purge',
      weight: 0.03,
      async holds(scope, count) {
        await sweep(scope)
        const start = await positionBefore(scope)
        const [record] = await writeDue(scope, 1)
        const between = Array.from({ length: count }, (_, index) => scope.outcome(scope.intent(`later ${index}`)))
        await scope.writeAll(between)
        const first = await followAll(scope, start, between.at(-1) ?? scope.intent())
        await expectPurged(scope.client, due, 1)
        await scope.write(scope.outcome(scope.intent('', { id: record?.id ?? '', userId: 'again' })))
        const end = await endOf(scope)
        const rest = (await followAll(scope, first[0]?.position, end)).map(nameOf)
        const expected = [...between.map((each) => `${each.id.slice(scope.prefix.length)} settled`), '0 settled']
        expectSame('what follows a position whose record lives again', rest, [...expected, 'end settled'])
      },
    },
  ),
]
