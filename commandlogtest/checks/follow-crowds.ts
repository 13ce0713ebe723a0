import fc from 'fast-check'
import { oneOf } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import { startFollower } from '../follower.ts'
import { endOf, expectEachOnce, followAll, positionBefore, withFollower } from '../following.ts'
import { afterTicks, begun } from '../limit.ts'
import { settledBy } from '../model.ts'
import { expectRecord, type Fields } from '../scope.ts'
import { expectTrue } from '../violation.ts'

/** Many followers, many changes, large ones, and what an outcome makes of a record. */
export const followCrowdChecks: readonly Check[] = [
  property(
    'follow/every-waiting-follower-is-woken',
    'However many followers wait for the next change, each of them is given it, and the one after it.',
    {
      given: fc.constant(12),
      needs: 'follow',
      weight: 0.03,
      async holds(scope, count) {
        const position = await positionBefore(scope)
        const followers = Array.from({ length: count }, () => startFollower(scope, position))
        try {
          for (const text of ['a', 'b']) {
            const waiting = followers.map((follower) => begun(follower.next()))
            // Until all of them have looked in vain.
            await afterTicks(9)
            const record = scope.outcome(scope.intent(text))
            await scope.write(record)
            for (const change of await Promise.all(waiting)) expectRecord('follow', change?.record, record)
          }
        } finally {
          for (const follower of followers) follower.abort()
        }
      },
    },
  ),
  property(
    'follow/falling-behind-loses-nothing',
    'A follower that has read and then falls more than a thousand changes behind is still given every one.',
    {
      given: fc.constant(1200),
      needs: 'follow',
      weight: 0.01,
      async holds(scope, count) {
        await withFollower(scope, await positionBefore(scope), async (follower) => {
          await scope.write(scope.outcome(scope.intent('first')))
          await follower.next()
          const records = Array.from({ length: count }, (_, index) => scope.outcome(scope.intent(`${index}`)))
          for (let from = 0; from < count; from += 200)
            await Promise.all(records.slice(from, from + 200).map((record) => scope.write(record)))
          const end = await endOf(scope)
          expectEachOnce(await follower.until(({ id }) => id === end.id), count + 1)
        })
      },
    },
  ),
  property('follow/large-changes-are-whole', 'A change of a large record has all of it, live and in a backlog.', {
    given: fc.boolean(),
    needs: 'follow',
    weight: 0.03,
    async holds(scope, isText) {
      const size = 100 * 1024
      const data = isText ? JSON.stringify('x'.repeat(size)) : new Uint8Array(size).fill(7)
      const body = { status: 'full', format: isText ? 'json' : 'cbor', data, bytes: size } as const
      const intent = scope.intent('a', { payload: body, metadata: { text: 'y'.repeat(10_000) } })
      const record = scope.outcome(intent, { result: body })
      const position = await positionBefore(scope)
      await withFollower(scope, position, async (follower) => {
        for (const written of [intent, record]) {
          const waiting = begun(follower.next())
          await scope.write(written, written === intent ? 'created' : 'settled')
          expectRecord('follow', (await waiting)?.record, written)
        }
      })
      const end = await endOf(scope)
      const changes = await followAll(scope, position, end)
      expectRecord('follow from before', changes.at(-2)?.record, record)
    },
  }),
  property(
    'follow/changes-are-whole-records',
    'The change of an outcome is the record as it is stored: of who asked, for what and when it has what the first write said.',
    {
      given: oneOf(['payload', 'receivedAt', 'userId', 'tenantId', 'all'] as const),
      needs: 'follow',
      weight: 0.06,
      async holds(scope, which) {
        const intent = scope.intent('a', { userId: 'asked', attributes: { of: 'intent' } })
        const other: Fields = {
          payload: { status: 'omitted', format: 'json', bytes: 0 },
          receivedAt: 5,
          userId: 'other',
          tenantId: scope.id('other'),
          ...{ attributes: {}, type: 'other' },
        }
        const fields = which === 'all' ? other : { [which]: other[which] }
        const outcome = scope.outcome(intent, fields)
        const settled = settledBy(intent, outcome)
        const position = await positionBefore(scope)
        await withFollower(scope, position, async (follower) => {
          await scope.write(intent)
          expectRecord('follow', (await follower.next())?.record, intent)
          const waiting = begun(follower.next())
          await scope.write(outcome, 'settled')
          expectRecord('follow', (await waiting)?.record, settled)
        })
        const changes = await followAll(scope, position, await endOf(scope))
        const given = changes.filter(({ record }) => record.id === intent.id)
        expectTrue(given.length > 0, 'a follower misses the settled record')
        expectRecord('follow from before', given.at(-1)?.record, settled)
      },
    },
  ),
]
