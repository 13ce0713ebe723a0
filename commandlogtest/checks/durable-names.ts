import fc from 'fast-check'
import { oneOf } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import type { Client } from '../client.ts'
import { closeAll } from '../handles.ts'
import { expectRecords } from '../scope.ts'
import { expectSame } from '../violation.ts'

const long = 'x'.repeat(50)
// Equal to whoever folds case, takes - for _, or cuts a name after 63 characters.
const names = ['a', 'A', 'aa', 'a1', 'a-1', 'a_1', `${long}1`, `${long}2`]

/** Which data a name stands for. */
export const durableNameChecks: readonly Check[] = [
  property(
    'durable/other-names-are-other-data',
    'Data of another name are other data: the same id is new there, and nothing is seen or changed across.',
    {
      given: oneOf([
        ['a', 'b'],
        ['a', 'aa'],
        ['a', 'a1'],
        ['1', '10'],
        ['a_1', 'a_11'],
      ] as const),
      needs: 'open',
      weight: 0.15,
      async holds(scope, names) {
        const [one, other] = (await Promise.all(
          names.map((name) => scope.context.open(`${scope.prefix.slice(0, -1)}_${name}`)),
        )) as [Client, Client]
        const records = [scope.intent('a'), scope.intent('b'), scope.intent('c')]
        await scope.writeAll(records, one)
        expectSame('get of an id of other data', await other.get(scope.id('a')), undefined)
        await scope.expectWalk({ tenantId: scope.tenant }, [], other)
        await scope.expectWalk({}, [], other)
        expectRecords('findByCorrelation', await other.findByCorrelation(scope.id('c')), [])
        const theirs = scope.outcome(scope.intent('a', { type: 'other' }), { state: 'failed' })
        await scope.write(theirs, 'created', other)
        await scope.expectStored(scope.intent('a'), one)
        await scope.expectWalk({ tenantId: scope.tenant, order: 'oldest' }, records, one)
        await scope.expectWalk({ tenantId: scope.tenant }, [theirs], other)
        await closeAll(scope, [one, other])
      },
    },
  ),
  property(
    'durable/names-are-exact',
    'Names that differ at all are other data: by case, by - and _, and to the last of up to 100 characters.',
    {
      given: fc.constant(names),
      needs: 'open',
      weight: 0.02,
      async holds(scope, all) {
        const clients: Client[] = []
        const records = all.map((text) => scope.intent('a', { userId: text }))
        for (const [index, text] of all.entries()) {
          const client = await scope.context.open(`${scope.prefix.slice(0, -1)}_${text}`)
          clients.push(client)
          await scope.expectWalk({}, [], client)
          await scope.write(records[index] ?? scope.intent(), 'created', client)
        }
        for (const [index, client] of clients.entries())
          await scope.expectWalk({}, records.slice(index, index + 1), client)
        await closeAll(scope, clients)
      },
    },
  ),
  property(
    'durable/opened-at-once-is-one-data',
    'Where a new name is opened several times at once all handles share its data.',
    {
      given: fc.integer({ min: 2, max: 4 }),
      needs: 'open',
      weight: 0.05,
      async holds(scope, count) {
        const opened = Array.from({ length: count }, () => scope.context.open(scope.prefix.slice(0, -1)))
        const handles = await Promise.all(opened)
        const records = handles.map((_, index) => scope.intent(`${index}`))
        for (const [index, record] of records.entries()) await scope.write(record, 'created', handles[index])
        for (const handle of handles) await scope.expectWalk({ order: 'oldest' }, records, handle)
        await closeAll(scope, handles)
      },
    },
  ),
]
