import fc from 'fast-check'
import type { Change, CommandRecord } from '../../src/index.ts'
import { oneOf, someOf } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import type { Client } from '../client.ts'
import { startFollower, stepOf } from '../follower.ts'
import { expectEachOnce, followAll, positionBefore } from '../following.ts'
import { afterTicks, begun, withLimit } from '../limit.ts'
import type { Scope } from '../scope.ts'
import { show } from '../show.ts'
import type { StoreFailure } from '../store-failure.ts'
import { expectSame, Violation } from '../violation.ts'
import { damaged } from './cursors.ts'

/** Demands that following from a damaged position is refused at the first step. */
async function expectPositionRefused(client: Client, after: string): Promise<void> {
  const stopping = new AbortController()
  try {
    const iterator = client.follow({ after, signal: stopping.signal })[Symbol.asyncIterator]()
    const step = await stepOf(client, iterator)
    const details = { expected: 'INVALID_CURSOR', actual: step.done === true ? 'the end' : show(step.value?.record.id) }
    throw new Violation(`following from ${show(after)} is not refused`, details)
  } catch (error) {
    const failure = (error as { failure?: StoreFailure }).failure
    if (failure === undefined) throw error
    expectSame('the code of following from a damaged position', failure.code, 'INVALID_CURSOR')
  } finally {
    stopping.abort()
  }
}

async function ended(client: Client, step: Promise<IteratorResult<Change>>): Promise<void> {
  const { done, value } = await step
  if (done !== true)
    throw new Violation('a follower goes on where it should have ended', {
      actual: show((value as Change).record.id),
      expected: 'the end',
    })
  void client
}

/** Why a signal is aborted: nobody but its owner cares. */
const reasons = oneOf([undefined, new Error('enough'), 'enough', null, new DOMException('late', 'TimeoutError')])

/** How following ends, and what others make of it. */
export const followEndChecks: readonly Check[] = [
  property(
    'follow/damaged-positions-are-refused',
    'A position with any one character changed, missing or added rejects the first step, as INVALID_CURSOR.',
    {
      given: fc.array(fc.tuple(fc.nat(400), fc.nat(15)), { minLength: 3, maxLength: 8 }),
      needs: 'follow',
      weight: 0.3,
      async holds(scope, damages) {
        const position = await positionBefore(scope)
        for (const [at, how] of damages) await expectPositionRefused(scope.client, damaged(position, at, how))
      },
    },
  ),
  property(
    'follow/made-up-positions-are-refused',
    'A text that never was a position rejects the first step: the empty one, numbers and ids too.',
    {
      given: someOf([
        '',
        '0',
        '1',
        '-1',
        '999999',
        'latest',
        'null',
        'MA',
        '{}',
        'e30',
        ' ',
        '$',
        '0-0',
        '\u0000',
        'x'.repeat(3000),
      ]),
      needs: 'follow',
      weight: 0.1,
      async holds(scope, made) {
        await scope.write(scope.intent())
        for (const after of made) await expectPositionRefused(scope.client, after)
        await expectPositionRefused(scope.client, scope.id())
      },
    },
  ),
  property(
    'follow/abort-ends-a-waiting-follower',
    'Aborting ends a follower quietly while it waits for the next change, whatever the reason.',
    {
      given: fc.tuple(fc.integer({ min: 0, max: 15 }), reasons),
      needs: 'follow',
      weight: 0.15,
      async holds(scope, [ticks, reason]) {
        const follower = startFollower(scope, await positionBefore(scope))
        const waiting = begun(follower.next())
        await afterTicks(ticks)
        follower.abort(reason)
        const change = await waiting
        if (change !== undefined)
          throw new Violation('an aborted follower gives a change', { actual: show(change.record.id) })
        await ended(scope.client, stepOf(scope.client, follower.iterator))
      },
    },
  ),
  property(
    'follow/abort-ends-a-busy-follower',
    'Aborting ends a follower quietly between two changes, also before its first step.',
    {
      given: fc.integer({ min: 0, max: 4 }),
      needs: 'follow',
      weight: 0.1,
      async holds(scope, taken) {
        const position = await positionBefore(scope)
        await scope.writeAll(Array.from({ length: 5 }, (_, index) => scope.intent(`${index}`)))
        const follower = startFollower(scope, position)
        for (let index = 0; index < taken; index++) await follower.next()
        await follower.stop()
      },
    },
  ),
  property(
    'follow/an-aborted-signal-ends-at-once',
    'A follower whose signal is aborted already ends at its first step, and gives nothing.',
    {
      given: fc.tuple(fc.boolean(), reasons),
      needs: 'follow',
      weight: 0.06,
      async holds(scope, [withPosition, reason]) {
        const after = await positionBefore(scope)
        await scope.write(scope.intent())
        const changes = scope.client.follow({ signal: AbortSignal.abort(reason), ...(withPosition && { after }) })
        await ended(scope.client, stepOf(scope.client, changes[Symbol.asyncIterator]()))
      },
    },
  ),
  property(
    'follow/leaving-the-loop-ends-it',
    'break ends a follower, and the store works on, for other followers too.',
    {
      given: fc.integer({ min: 1, max: 4 }),
      needs: 'follow',
      weight: 0.06,
      async holds(scope, taken) {
        const position = await positionBefore(scope)
        await scope.writeAll(Array.from({ length: 5 }, (_, index) => scope.intent(`${index}`)))
        const iterator = scope.client.follow({ after: position })[Symbol.asyncIterator]()
        for (let index = 0; index < taken; index++) await stepOf(scope.client, iterator)
        const left = withLimit((async () => await iterator.return?.())(), scope.client.wiring.callLimitMs)
        await left.catch((error: unknown) => {
          throw new Violation('leaving a follower does not end it', { actual: show(error), isHang: true })
        })
        await ended(scope.client, stepOf(scope.client, iterator))
        const end = scope.outcome(scope.intent('end'))
        await scope.write(end)
        await followAll(scope, position, end)
      },
    },
  ),
  property(
    'follow/close-ends-followers',
    'close ends followers quietly, those that wait and those that are between two changes.',
    {
      given: fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 3 })),
      needs: 'open+follow',
      weight: 0.06,
      async holds(scope, [isWaiting, followers]) {
        const client = await scope.context.fresh()
        await scope.writeAll([scope.intent('a'), scope.intent('b')], client)
        const all = Array.from({ length: followers }, () => startFollower(scope, undefined, client))
        for (const follower of all) for (let taken = 0; taken < (isWaiting ? 2 : 1); taken++) await follower.next()
        const waiting = isWaiting ? all.map((follower) => begun(stepOf(client, follower.iterator))) : []
        await afterTicks(9)
        await client.close()
        for (const step of isWaiting ? waiting : all.map((follower) => begun(stepOf(client, follower.iterator))))
          await ended(client, step)
      },
    },
  ),
  property(
    'follow/followers-are-independent',
    'Several followers each get every change, however slow one of them is or whenever one leaves.',
    {
      given: fc.tuple(fc.integer({ min: 2, max: 4 }), fc.integer({ min: 3, max: 30 })),
      needs: 'follow',
      weight: 0.1,
      async holds(scope, [followers, count]) {
        const position = await positionBefore(scope)
        const all = Array.from({ length: followers }, () => startFollower(scope, position))
        try {
          const leaving = startFollower(scope, position)
          const first = begun(leaving.next())
          const records = Array.from({ length: count }, (_, index) => scope.outcome(scope.intent(`${index}`)))
          const slow = begun(readSlowly(scope, all[0] as (typeof all)[number], count))
          await Promise.all(records.map((record) => scope.write(record)))
          await first
          leaving.abort()
          const end = scope.outcome(scope.intent('end'))
          await scope.write(end)
          for (const follower of all.slice(1))
            expectEachOnce(await follower.until(({ id }) => id === end.id), count + 1)
          expectEachOnce(await slow, count)
        } finally {
          for (const follower of all) follower.abort()
        }
      },
    },
  ),
  property(
    'follow/a-long-backlog-is-whole',
    'A backlog of many hundreds of records is given whole and in order, also where half of them were settled later.',
    {
      given: fc.constant(700),
      needs: 'follow',
      weight: 0.01,
      async holds(scope, count) {
        const records = Array.from({ length: count }, (_, index) => scope.intent(`${index}`))
        for (let from = 0; from < count; from += 100)
          await Promise.all(records.slice(from, from + 100).map((record) => scope.write(record)))
        const settled = records.filter((_, index) => index % 2 === 0)
        for (let from = 0; from < settled.length; from += 50) {
          await Promise.all(
            settled.slice(from, from + 50).map((record) => scope.write(scope.outcome(record), 'settled')),
          )
        }
        const end = scope.outcome(scope.intent('end'))
        await scope.write(end)
        const changes = await followAll(scope, undefined, end)
        const open = changes.filter(
          ({ record }) => record.state === 'created' && Number(record.id.slice(scope.prefix.length)) % 2 === 1,
        )
        expectSame('how many unsettled records are given', new Set(open.map(({ record }) => record.id)).size, count / 2)
        expectEachOnce(changes, count / 2 + 1)
        expectTurns(
          changes
            .filter(({ record }) => record.state !== 'created')
            .slice(0, -1)
            .map(({ record }) => record),
          scope,
        )
      },
    },
  ),
]

/** Demands that records of one turn after another are in the order of the turns. */
function expectTurns(records: readonly CommandRecord[], { prefix }: Scope): void {
  const turns = records.map(({ id }) => Math.floor(Number(id.slice(prefix.length)) / 100))
  expectSame(
    'the turns in the order of the changes',
    turns.every((turn, index) => index === 0 || turn >= (turns[index - 1] ?? 0)),
    true,
  )
}

async function readSlowly(
  scope: Scope,
  follower: ReturnType<typeof startFollower>,
  count: number,
): Promise<readonly Change[]> {
  const seen: Change[] = []
  while (seen.length < count) {
    const change = await follower.next()
    if (change === undefined) throw new Violation('a slow follower ended by itself')
    if (scope.isOwn(change.record)) seen.push(change)
    await afterTicks(8)
  }
  return seen
}
