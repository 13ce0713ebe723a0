import fc from 'fast-check'
import type { CommandRecord } from '../../src/index.ts'
import { oneOf } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import type { Client } from '../client.ts'
import { nameOf } from '../follower.ts'
import { followAll } from '../following.ts'
import { closeAll, reopenable, withHandles } from '../handles.ts'
import { expectRecords, type Scope } from '../scope.ts'
import { expectSame } from '../violation.ts'
import { walk, walkType } from '../walk.ts'

const old = { retention: 'short-lived', receivedAt: 1000 } as const
const due = { retention: 'short-lived', before: 2000 } as const

/** Settled records that are due. */
function oldOnes(scope: Scope, count: number): CommandRecord[] {
  return Array.from({ length: count }, (_, index) => scope.outcome(scope.intent(`${index}`, old)))
}

function fromOldest(scope: Scope): { readonly tenantId: string; readonly order: 'oldest' } {
  return { tenantId: scope.tenant, order: 'oldest' }
}

/** Demands that every way to read gives these, and nothing of those that are gone. */
async function expectLeft(
  scope: Scope,
  client: Client,
  left: readonly CommandRecord[],
  gone: readonly CommandRecord[],
): Promise<void> {
  for (const { id } of gone) expectSame('get of a purged record', await client.get(id), undefined)
  for (const record of left) await scope.expectStored(record, client)
  await scope.expectWalk({ tenantId: scope.tenant, order: 'oldest' }, left, client)
  expectRecords('findByCorrelation', await client.findByCorrelation(scope.id('c')), left)
  expectRecords('findByType', await walkType(client, 'commandlogtest.plain', fromOldest(scope)), left)
}

/** `purge` over several handles and names, and after opening again. */
export const durablePurgeChecks: readonly Check[] = [
  property(
    'durable/purged-stays-purged',
    'What was purged is gone through every handle and after opening again, its id is new, what was kept is there, and walks go on.',
    {
      given: fc.integer({ min: 1, max: 5 }),
      needs: 'open+purge',
      weight: 0.08,
      async holds(scope, count) {
        const { first, reopen } = await reopenable(scope)
        const [record, ...others] = oldOnes(scope, count) as [CommandRecord, ...CommandRecord[]]
        const records = [record, ...others]
        const kept = scope.intent('kept', old)
        await scope.writeAll([...records, kept], first)
        const begun = await first.list({ ...fromOldest(scope), limit: 1 })
        const second = await scope.context.open(scope.prefix.slice(0, -1))
        // Whatever the other handle remembers of these must not outlive them.
        await scope.write(record, 'unchanged', second)
        await expectLeft(scope, second, [...records, kept], [])
        await first.purge(due)
        await expectLeft(scope, second, [kept], records)
        await scope.write(record, 'created', second)
        await expectLeft(scope, first, [kept, record], others)
        await scope.context.close(second)
        const again = await reopen(first)
        await expectLeft(scope, again, [kept, record], others)
        if (begun.next !== undefined)
          await scope.expectWalk({ ...fromOldest(scope), limit: 2, cursor: begun.next }, [kept, record], again)
        for (const each of others) await scope.write(each, 'created', again)
        await expectLeft(scope, again, [kept, ...records], [])
        await scope.context.close(again)
      },
    },
  ),
  property(
    'durable/order-goes-on-after-a-purge',
    'After the oldest or all were purged and the data were opened again, new records still come last: for walks, cursors and followers.',
    {
      given: fc.tuple(oneOf([1, 2, 5]), oneOf([0, 0, 1, 3])),
      needs: 'open+follow+purge',
      weight: 0.1,
      async holds(scope, [count, left]) {
        const { first, reopen } = await reopenable(scope)
        const records = oldOnes(scope, count)
        const kept = Array.from({ length: left }, (_, index) => scope.outcome(scope.intent(`kept ${index}`)))
        await scope.writeAll([...records, ...kept], first)
        const last = (kept.at(-1) ?? records.at(-1)) as CommandRecord
        const position = (await followAll(scope, undefined, last, first)).at(-1)?.position
        await first.purge(due)
        const again = await reopen(first)
        const later = Array.from({ length: 3 }, (_, index) => scope.outcome(scope.intent(`later ${index}`)))
        await scope.writeAll(later, again)
        const all = [...kept, ...later]
        for (const limit of [1, 2, 100])
          await scope.expectWalk({ tenantId: scope.tenant, order: 'oldest', limit }, all, again)
        await scope.expectWalk({ tenantId: scope.tenant, limit: 1 }, all.toReversed(), again)
        const changes = await followAll(scope, position, later[2] as CommandRecord, again)
        expectSame('what a follower gives from before the purge', changes.map(nameOf), [
          'later 0 settled',
          'later 1 settled',
          'later 2 settled',
        ])
        await scope.context.close(again)
      },
    },
  ),
  property(
    'durable/an-emptied-log-goes-on',
    'Where a purge has left nothing, what is written next is newer than all that was there: a walk to the oldest does not meet it.',
    {
      given: fc.tuple(fc.integer({ min: 2, max: 5 }), fc.integer({ min: 1, max: 4 })),
      needs: 'open+purge',
      weight: 0.04,
      async holds(scope, [count, more]) {
        await withHandles(scope, 1, async (client) => {
          await scope.writeAll(oldOnes(scope, count), client)
          const query = { tenantId: scope.tenant, limit: 1 } as const
          const begun = await client.list(query)
          await client.purge(due)
          const later = Array.from({ length: more }, (_, index) => scope.intent(`later ${index}`))
          await scope.writeAll(later, client)
          // A walk that began with an empty page has not passed any of them yet.
          if (begun.next !== undefined && begun.records.length > 0)
            await scope.expectWalk({ ...query, cursor: begun.next }, [], client)
          await scope.expectWalk(fromOldest(scope), later, client)
        })
      },
    },
  ),
  property('durable/purge-leaves-other-names', 'purge removes nothing of the data of other names.', {
    given: fc.integer({ min: 1, max: 4 }),
    needs: 'open+purge',
    weight: 0.03,
    async holds(scope, limit) {
      const name = scope.prefix.slice(0, -1)
      const clients = [await scope.context.open(`${name}_a`), await scope.context.open(`${name}_b`)] as const
      const [one, other] = clients
      const records = oldOnes(scope, 5)
      for (const client of clients) await scope.writeAll(records, client)
      const first = await one.purge({ ...due, limit })
      const rest = await one.purge(due)
      if (!first.isUnsure && !rest.isUnsure)
        expectSame('how many records purge says it removed', [first.count, rest.count], [limit, 5 - limit])
      await expectLeft(scope, other, records, [])
      await expectLeft(scope, one, [], records)
      await closeAll(scope, clients)
    },
  }),
  property(
    'durable/purges-over-handles-add-up',
    'Purges through several handles at once remove each record once, and say so.',
    {
      given: fc.tuple(fc.integer({ min: 1, max: 12 }), fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined })),
      needs: 'open+purge',
      weight: 0.1,
      async holds(scope, [count, limit]) {
        await withHandles(scope, 2, async (...handles) => {
          await scope.writeAll(
            Array.from({ length: count }, (_, index) => scope.outcome(scope.intent(`${index}`, old))),
            handles[0],
          )
          const options = { retention: 'short-lived', before: 2000, ...(limit !== undefined && { limit }) } as const
          const purged = await Promise.all(handles.map((handle) => handle.purge(options)))
          const left = (await walk(handles[0] as Client, { tenantId: scope.tenant })).length
          const sum = purged.reduce((total, each) => total + each.count, 0)
          if (!purged.some(({ isUnsure }) => isUnsure))
            expectSame('what purges at once say they removed', sum, count - left)
        })
      },
    },
  ),
]
