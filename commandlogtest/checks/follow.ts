import fc from 'fast-check'
import type { Change, CommandRecord } from '../../src/index.ts'
import { intentFields, oneOf, outcomeFields } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import { expectChanges, nameOf, stepOf } from '../follower.ts'
import { endOf, followAll, positionBefore, withFollower, writeList, writeLists, writeMore } from '../following.ts'
import { afterTicks, begun } from '../limit.ts'
import { settledBy } from '../model.ts'
import { expectRecord, type Scope } from '../scope.ts'
import { expectSame, Violation } from '../violation.ts'

/** What a follower gives. */
export const followChangeChecks: readonly Check[] = [
  property(
    'follow/backlog-first',
    'Without after, a follower begins with everything that is there, in commit order, whole.',
    {
      given: writeLists,
      needs: 'follow',
      weight: 0.03,
      async holds(scope, numbers) {
        const writes = await writeList(scope, numbers)
        const end = await endOf(scope)
        await withFollower(scope, undefined, async (follower) => {
          const changes = await follower.until(({ id }) => id === end.id)
          expectChanges(changes, [...writes, end])
          expectWholeLast(changes, [...writes, end])
          // The end of the backlog is not that of the follower.
          const waiting = begun(follower.next())
          const later = await endOf(scope, 'later')
          expectRecord('a follower that began without after', (await waiting)?.record, later)
        })
        if (!scope.context.isLive) await expectFirstStep(scope)
      },
    },
  ),
  property(
    'follow/then-live',
    'A follower that has caught up gives what is written later, by itself, in commit order.',
    {
      given: fc.tuple(writeLists, writeLists),
      needs: 'follow',
      weight: 0.2,
      async holds(scope, [before, after]) {
        const position = await positionBefore(scope)
        const writes = await writeList(scope, before)
        const middle = await endOf(scope, 'middle')
        await withFollower(scope, position, async (follower) => {
          const seen = [...(await follower.until(({ id }) => id === middle.id))]
          expectChanges(seen, [...writes, middle])
          const waiting = begun(follower.next())
          const later = after.map((number) => number + 10)
          const written = [...(await writeList(scope, later)), await endOf(scope)]
          const first = await waiting
          if (first === undefined) throw new Violation('a follower ended by itself')
          const rest =
            first.record.id === scope.id('end') ? [] : await follower.until(({ id }) => id === scope.id('end'))
          expectChanges([...seen, first, ...rest], [...writes, middle, ...written])
        })
      },
    },
  ),
  property(
    'follow/settled-once',
    'A settled record is given as settled exactly once, and its created change never after that.',
    {
      given: fc.tuple(writeLists, writeLists),
      needs: 'follow',
      weight: 0.2,
      async holds(scope, [before, after]) {
        const position = await positionBefore(scope)
        const writes = await writeList(scope, before)
        const middle = await endOf(scope, 'middle')
        const first = await followAll(scope, position, middle)
        // The same records go on changing: who was created may be settled now.
        const more = await writeMore(scope, writes, after)
        const end = await endOf(scope)
        const second = await followAll(scope, (first.at(-1) as Change).position, end)
        expectChanges(first, [...writes, middle])
        expectChanges(second, [...more, end])
        const settled = [...first, ...second].filter(({ record }) => record.state !== 'created').map(nameOf)
        expectSame('the settled changes', settled.toSorted(), [...new Set(settled)].toSorted())
      },
    },
  ),
  property('follow/unsettled-is-given-as-created', 'A record that is not settled is given as created, once.', {
    given: fc.integer({ min: 1, max: 6 }),
    needs: 'follow',
    weight: 0.06,
    async holds(scope, count) {
      const position = await positionBefore(scope)
      const records = Array.from({ length: count }, (_, index) => scope.intent(`${index}`))
      await scope.writeAll(records)
      const end = await endOf(scope)
      expectChanges(
        await followAll(scope, position, end),
        [...records, end],
        records.map(({ id }) => id),
      )
    },
  }),
  property(
    'follow/settling-is-a-change',
    'A follower that has given a record as created gives it again once it is settled, whole.',
    {
      given: fc.record({ intent: intentFields, outcome: outcomeFields }),
      needs: 'follow',
      weight: 0.2,
      async holds(scope, fields) {
        const intent = scope.intent('a', fields.intent)
        const outcome = scope.outcome(intent, fields.outcome)
        await withFollower(scope, await positionBefore(scope), async (follower) => {
          await scope.write(intent)
          const first = await follower.next()
          expectRecord('follow', first?.record, intent)
          const waiting = begun(follower.next())
          // Until it has looked in vain.
          await afterTicks(9)
          await scope.write(outcome, 'settled')
          expectRecord('follow', (await waiting)?.record, settledBy(intent, outcome))
        })
      },
    },
  ),
  property(
    'follow/commit-order',
    'Changes come in the order in which they were acknowledged, never in that of any clock, id or record.',
    {
      given: fc.array(fc.tuple(fc.nat(5), fc.nat(2e9)), { minLength: 2, maxLength: 12 }),
      needs: 'follow',
      weight: 0.2,
      async holds(scope, steps) {
        const position = await positionBefore(scope)
        const writes: CommandRecord[] = []
        for (const [number, time] of steps) {
          const intent = scope.intent(`${9 - number}`, { receivedAt: time, correlationId: scope.id(`c${number}`) })
          const before = writes.filter(({ id }) => id === intent.id)
          if (before.length > 1) continue
          const record = before[0] === undefined ? intent : scope.outcome(before[0], { settledAt: time })
          await scope.write(record, before.length === 0 ? 'created' : 'settled')
          writes.push(record)
        }
        const end = await endOf(scope)
        expectChanges(await followAll(scope, position, end), [...writes, end])
      },
    },
  ),
  property('follow/repeats-are-no-changes', 'A write that is unchanged is no change: nothing is given again.', {
    given: fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
    needs: 'follow',
    weight: 0.06,
    async holds(scope, repeats) {
      const intent = scope.intent()
      await withFollower(scope, await positionBefore(scope), async (follower) => {
        const outcome = scope.outcome(intent)
        await scope.write(intent)
        const seen = [await follower.next()]
        await scope.write(outcome, 'settled')
        seen.push(await follower.next())
        for (const isIntent of repeats)
          await scope.write(isIntent ? intent : scope.outcome(intent, { state: 'failed' }), 'unchanged')
        const end = await endOf(scope)
        seen.push(...(await follower.until(({ id }) => id === end.id)))
        expectChanges(seen as Change[], [intent, outcome, end], [intent.id])
      })
    },
  }),
  property(
    'follow/records-are-copies',
    'Changing what a follower gave changes nothing that is stored, or given to another.',
    {
      given: oneOf([true, false]),
      needs: 'follow',
      weight: 0.04,
      async holds(scope, isSettled) {
        const position = await positionBefore(scope)
        const intent = scope.intent('a', { metadata: { list: [1] }, attributes: { a: 1 } })
        const record = isSettled ? scope.outcome(intent) : intent
        const expected = structuredClone(record)
        await scope.write(record)
        for (let time = 0; time < 2; time++) {
          await withFollower(scope, position, async (follower) => {
            const change = await follower.next()
            expectRecord('follow', change?.record, expected)
            if (change !== undefined) spoilRecord(change)
          })
        }
        await scope.expectStored(expected)
      },
    },
  ),
]

/** Options that are undefined are none. */
async function expectFirstStep({ client }: Scope): Promise<void> {
  const stopping = new AbortController()
  const changes = client.follow({ after: undefined, signal: stopping.signal })
  const { done } = await stepOf(client, changes[Symbol.asyncIterator]())
  stopping.abort()
  expectSame('the end of a follower with undefined options', done === true, false)
}

function spoilRecord({ record }: Change): void {
  const { metadata, attributes, events } = record as unknown as {
    metadata?: { list: unknown[] }
    attributes?: Record<string, unknown>
    events: unknown[]
  }
  try {
    Object.assign(record, { type: 'spoilt', state: 'failed' })
    metadata?.list.push('spoilt')
    Object.assign(attributes ?? {}, { a: 'spoilt' })
    events.push({ id: 'spoilt' })
  } catch (error) {
    // Frozen results are fine.
    if (!(error instanceof TypeError)) throw error
  }
}

function expectWholeLast(changes: readonly Change[], writes: readonly CommandRecord[]): void {
  for (const { record } of changes) {
    const expected = writes.find(
      ({ id, state }) => id === record.id && (state === 'created') === (record.state === 'created'),
    )
    expectRecord('follow', record, expected)
  }
}
