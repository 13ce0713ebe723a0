import fc from 'fast-check'
import type { Change, CommandRecord } from '../../src/index.ts'
import { type Check, property } from '../check.ts'
import type { Client } from '../client.ts'
import { expectChanges, nameOf, startFollower } from '../follower.ts'
import { expectEachOnce, followAll, writeList, writeLists } from '../following.ts'
import { reopenable, withHandles } from '../handles.ts'
import { afterTicks, begun } from '../limit.ts'
import { expectRecord } from '../scope.ts'
import { expectSame, Violation } from '../violation.ts'

/** `follow` over several handles, and after opening again. */
export const durableBrickChecks: readonly Check[] = [
  property(
    'durable/followers-see-every-handle',
    'A follower of one handle is given what any other handle writes, in one commit order.',
    {
      given: fc.array(fc.boolean(), { minLength: 1, maxLength: 10 }),
      needs: 'open+follow',
      weight: 0.15,
      async holds(scope, turns) {
        await withHandles(scope, 2, async (one, two) => {
          const follower = startFollower(scope, undefined, one)
          const waiting = begun(follower.until(({ id }) => id === scope.id('end')))
          const writes: CommandRecord[] = []
          for (const [index, byFirst] of turns.entries()) {
            const record = index % 3 === 2 ? scope.outcome(writes.at(-1) ?? scope.intent()) : scope.intent(`${index}`)
            await scope.write(record, index % 3 === 2 ? 'settled' : 'created', byFirst ? one : two)
            writes.push(record)
          }
          const end = scope.outcome(scope.intent('end'))
          await scope.write(end, 'created', two)
          try {
            expectChanges(await waiting, [...writes, end])
          } finally {
            follower.abort()
          }
        })
      },
    },
  ),
  property(
    'durable/no-gap-over-handles',
    'While several handles write at once followers of each are given every change once, in the same order.',
    {
      given: fc.tuple(fc.integer({ min: 2, max: 10 }), fc.array(fc.nat(15), { minLength: 5, maxLength: 5 })),
      needs: 'open+follow',
      weight: 0.2,
      async holds(scope, [count, ticks]) {
        await withHandles(scope, 3, async (...handles) => {
          const followers = handles.map((handle) => startFollower(scope, undefined, handle))
          const reading = begun(
            Promise.all(followers.map((follower) => follower.until(({ id }) => id === scope.id('end')))),
          )
          const writers = Array.from({ length: count }, async (_, index) => {
            const intent = scope.intent(`${index}`)
            await afterTicks(ticks[index % 5] ?? 0)
            await scope.write(intent, 'created', handles[index % 3])
            await scope.write(scope.outcome(intent), 'settled', handles[(index + (ticks[0] ?? 0)) % 3])
          })
          await Promise.all(writers)
          const end = scope.outcome(scope.intent('end'))
          await scope.write(end, 'created', handles[0])
          try {
            const all = await reading
            for (const changes of all) expectEachOnce(changes, count + 1)
            const backlog = (await followAll(scope, undefined, end, handles[1]))
              .filter(({ record }) => record.state !== 'created')
              .map(nameOf)
            for (const changes of all) {
              const settled = changes.filter(({ record }) => record.state !== 'created').map(nameOf)
              expectSame('the settled changes, against those of another follower', settled, backlog)
            }
          } finally {
            for (const follower of followers) follower.abort()
          }
        })
      },
    },
  ),
  property(
    'durable/positions-work-on-every-handle',
    'A position of one handle goes on through any other, and after opening again: no gap and no repeat.',
    {
      given: fc.tuple(writeLists, fc.integer({ min: 1, max: 3 })),
      needs: 'open+follow',
      weight: 0.15,
      async holds(scope, [numbers, size]) {
        const { first, reopen } = await reopenable(scope)
        const writes = await writeList(scope, numbers, first)
        const end = scope.outcome(scope.intent('end'))
        await scope.write(end, 'created', first)
        let client: Client = first
        const seen: Change[] = []
        while (seen.at(-1)?.record.id !== end.id) {
          const follower = startFollower(scope, seen.at(-1)?.position, client)
          for (let taken = 0; taken < size && seen.at(-1)?.record.id !== end.id; taken++) {
            const change = await follower.next()
            if (change === undefined) throw new Violation('a follower ended by itself')
            seen.push(change)
          }
          follower.abort()
          client = await reopen(client)
        }
        expectChanges(seen, [...writes, end])
        await scope.context.close(client)
      },
    },
  ),
  property(
    'durable/positions-are-bound-to-their-data',
    'A position of other data rejects the first step, as INVALID_CURSOR.',
    {
      given: fc.constant(undefined),
      needs: 'open+follow',
      weight: 0.02,
      async holds(scope) {
        const [one, other] = [await scope.context.fresh(), await scope.context.fresh()]
        const end = scope.outcome(scope.intent('end'))
        for (const client of [one, other]) await scope.write(end, 'created', client)
        const position = (await followAll(scope, undefined, end, one)).at(-1)?.position
        const follower = startFollower(scope, position, other)
        const stopped = afterTicks(9).then(() => follower.abort())
        let failure: unknown
        try {
          await follower.next()
        } catch (error) {
          failure = error
        }
        await stopped
        const code = (failure as { failure?: { code?: unknown } } | undefined)?.failure?.code
        expectSame('the code of following from a position of other data', code, 'INVALID_CURSOR')
        for (const client of [one, other]) await scope.context.close(client)
      },
    },
  ),
  property(
    'durable/closing-one-handle-leaves-followers',
    'Closing one handle does not end the followers of others: they wait on, and are given what comes.',
    {
      given: fc.boolean(),
      needs: 'open+follow',
      weight: 0.04,
      async holds(scope, isBusy) {
        await withHandles(scope, 2, async (one, two) => {
          const leaving = await scope.context.open(scope.prefix.slice(0, -1))
          const before = scope.outcome(scope.intent('before'))
          await scope.write(before, 'created', leaving)
          const follower = startFollower(scope, undefined, one)
          try {
            if (!isBusy) await follower.until(({ id }) => id === before.id)
            const waiting = isBusy ? undefined : begun(follower.next())
            await afterTicks(9)
            await scope.context.close(leaving)
            const first = isBusy ? await follower.next() : undefined
            const after = scope.outcome(scope.intent('after'))
            await scope.write(after, 'created', two)
            if (isBusy) expectRecord('follow', first?.record, before)
            expectRecord('follow', (await (waiting ?? follower.next()))?.record, after)
          } finally {
            follower.abort()
          }
        })
      },
    },
  ),
  property(
    'durable/late-handles-follow-from-the-start',
    'A follower without a position begins with the first record, also on a handle that was opened after it was written.',
    {
      given: writeLists,
      needs: 'open+follow',
      weight: 0.05,
      async holds(scope, numbers) {
        await withHandles(scope, 1, async (first) => {
          const writes = await writeList(scope, numbers, first)
          const middle = scope.outcome(scope.intent('middle'))
          await scope.write(middle, 'created', first)
          const late = await scope.context.open(scope.prefix.slice(0, -1))
          expectChanges(await followAll(scope, undefined, middle, late), [...writes, middle])
          await scope.context.close(late)
        })
      },
    },
  ),
]
