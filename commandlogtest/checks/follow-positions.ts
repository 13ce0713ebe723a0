import fc from 'fast-check'
import type { Change, CommandRecord } from '../../src/index.ts'
import { type Check, property } from '../check.ts'
import { expectChanges, nameOf } from '../follower.ts'
import { endOf, expectEachOnce, followAll, positionBefore, withFollower, writeList, writeLists } from '../following.ts'
import { afterTicks, begun } from '../limit.ts'
import { expectSame, expectTrue, Violation } from '../violation.ts'

/** Positions, and going on from them. */
export const followPositionChecks: readonly Check[] = [
  property(
    'follow/positions-resume-after-themselves',
    'From any position a follower goes on with the very next change: no gap and no repeat, wherever it stopped.',
    {
      given: fc.tuple(writeLists, fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 })),
      needs: 'follow',
      weight: 0.3,
      async holds(scope, [numbers, stops]) {
        let position = await positionBefore(scope)
        const writes = await writeList(scope, numbers)
        const end = await endOf(scope)
        const seen: Change[] = []
        for (let part = 0; seen.at(-1)?.record.id !== end.id; part++) {
          const size = stops[part % stops.length] ?? 1
          await withFollower(scope, position, async (follower) => {
            for (let taken = 0; taken < size && seen.at(-1)?.record.id !== end.id; taken++) {
              const change = await follower.next()
              if (change === undefined) throw new Violation('a follower ended by itself')
              seen.push(change)
              position = change.position
            }
          })
        }
        expectChanges(seen, [...writes, end])
      },
    },
  ),
  property(
    'follow/every-position-resumes',
    'Each position of a backlog, given as after, gives exactly what came after it then.',
    {
      given: writeLists,
      needs: 'follow',
      weight: 0.1,
      async holds(scope, numbers) {
        const start = await positionBefore(scope)
        await writeList(scope, numbers)
        const end = await endOf(scope)
        const all = await followAll(scope, start, end)
        for (const [index, { position }] of all.slice(0, -1).entries()) {
          const rest = await followAll(scope, position, end)
          expectSame(`what follows change ${index + 1}`, rest.map(nameOf), all.slice(index + 1).map(nameOf))
        }
      },
    },
  ),
  property(
    'follow/a-position-at-the-end-waits',
    'From the last position a follower waits, and gives the next change when it comes, not an older one.',
    {
      given: fc.integer({ min: 1, max: 12 }),
      needs: 'follow',
      weight: 0.06,
      async holds(scope, ticks) {
        await scope.write(scope.intent('before'))
        const position = await positionBefore(scope)
        await withFollower(scope, position, async (follower) => {
          const waiting = begun(follower.next())
          await afterTicks(ticks)
          await scope.write(scope.intent('a'))
          expectSame('the first change after the position', nameOf((await waiting) as Change), 'a created')
        })
      },
    },
  ),
  property('follow/positions-are-distinct', 'Every change has a position of its own, a text that is not empty.', {
    given: writeLists,
    needs: 'follow',
    weight: 0.06,
    async holds(scope, numbers) {
      const start = await positionBefore(scope)
      await writeList(scope, numbers)
      const end = await endOf(scope)
      const positions = (await followAll(scope, start, end)).map(({ position }) => position)
      expectSame('how many positions are different', new Set(positions).size, positions.length)
      expectTrue(!positions.includes(start), 'the position of an earlier change is given again')
    },
  }),
  property(
    'follow/no-gap-under-concurrent-writers',
    'While many write at once a follower gives every change exactly once, each settled after its created.',
    {
      given: fc.tuple(
        fc.integer({ min: 1, max: 12 }),
        fc.array(fc.nat(15), { minLength: 4, maxLength: 4 }),
        fc.boolean(),
      ),
      needs: 'follow',
      weight: 0.3,
      async holds(scope, [count, ticks, early]) {
        const position = await positionBefore(scope)
        const work = async (): Promise<CommandRecord> => {
          const writers = Array.from({ length: count }, async (_, index) => {
            const intent = scope.intent(`${index}`)
            await afterTicks(ticks[index % 4] ?? 0)
            await scope.write(intent)
            await afterTicks(ticks[(index + 1) % 4] ?? 0)
            await scope.write(scope.outcome(intent), 'settled')
          })
          await Promise.all(writers)
          return endOf(scope)
        }
        const seen: Change[] = []
        if (early) {
          await withFollower(scope, position, async (follower) => {
            const reading = begun(follower.until(({ id }) => id === scope.id('end')))
            await work()
            seen.push(...(await reading))
          })
        } else seen.push(...(await followAll(scope, position, await work())))
        expectEachOnce(seen, count + 1)
      },
    },
  ),
  property(
    'follow/no-gap-across-reconnects',
    'A follower that stops and goes on while others write misses nothing and repeats nothing.',
    {
      given: fc.tuple(fc.integer({ min: 2, max: 12 }), fc.array(fc.nat(12), { minLength: 4, maxLength: 4 })),
      needs: 'follow',
      weight: 0.2,
      async holds(scope, [count, ticks]) {
        let position = await positionBefore(scope)
        const seen: Change[] = []
        const writers = Promise.all(
          Array.from({ length: count }, async (_, index) => {
            const intent = scope.intent(`${index}`)
            await afterTicks(ticks[index % 4] ?? 0)
            await scope.write(intent)
            await afterTicks(8 + (ticks[(index + 2) % 4] ?? 0))
            await scope.write(scope.outcome(intent), 'settled')
          }),
        )
        const writing = begun(writers.then(() => endOf(scope)))
        while (seen.at(-1)?.record.id !== scope.id('end')) {
          await withFollower(scope, position, async (follower) => {
            for (let taken = 0; taken < 2 && seen.at(-1)?.record.id !== scope.id('end'); taken++) {
              const change = (await follower.next()) as Change
              seen.push(change)
              position = change.position
            }
          })
        }
        await writing
        expectEachOnce(seen, count + 1)
      },
    },
  ),
]
