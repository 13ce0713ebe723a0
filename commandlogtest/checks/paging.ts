import fc from 'fast-check'
import type { CommandQuery, CommandRecord } from '../../src/index.ts'
import { type Check, property } from '../check.ts'
import { expectSnapshot, inOrder, many, order } from '../paging.ts'
import { expectRecords } from '../scope.ts'
import { expectSame } from '../violation.ts'
import { expectPage, walk, walkType } from '../walk.ts'

/** Pages and walks. */
export const pagingChecks: readonly Check[] = [
  property('paging/limits-are-honoured', 'A page never has more records than its limit, from 1 to 1000.', {
    given: fc.tuple(fc.integer({ min: 1, max: 7 }), fc.nat(12), order),
    weight: 0.3,
    async holds(scope, [limit, count, way]) {
      const records = many(scope, count)
      await scope.writeAll(records)
      await scope.expectWalk({ tenantId: scope.tenant, limit, order: way }, inOrder(records, way))
      const type = scope.intent().type
      const byType = await walkType(scope.client, type, { tenantId: scope.tenant, limit, order: way })
      expectRecords('findByType', byType, inOrder(records, way))
    },
  }),
  property('paging/default-limit-is-100', 'Without a limit a page has at most 100 records; 1000 is a limit too.', {
    given: fc.constant(1003),
    weight: 0.01,
    async holds(scope, count) {
      const records = many(scope, count)
      for (let from = 0; from < count; from += 100)
        await Promise.all(records.slice(from, from + 100).map((each) => scope.write(each)))
      const own = { tenantId: scope.tenant }
      expectPage(await scope.client.list(own), {})
      expectPage(await scope.client.list({ ...own, limit: undefined }), {})
      expectPage(await scope.client.findByType(scope.intent().type, own), {})
      expectPage(await scope.client.list({ ...own, limit: 1000 }), { limit: 1000 })
      const all = await walk(scope.client, { ...own, limit: 1000 })
      expectSame('how many records a walk with limit 1000 gives', all.length, count)
      expectRecords('a walk without a limit', await walk(scope.client, own), all)
    },
  }),
  property(
    'paging/any-page-size-gives-the-same',
    'The pages of a walk join to the same records for any limit, also one that changes on the way.',
    {
      given: fc.record({
        count: fc.nat(14),
        limits: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
        order,
      }),
      weight: 0.3,
      async holds(scope, { count, limits, order: way }) {
        const records = many(scope, count)
        await scope.writeAll(records)
        const query = { tenantId: scope.tenant, order: way, limit: limits[0] }
        const read = await walk(scope.client, query, { between: (page) => limits[page % limits.length] })
        expectRecords('a walk with changing limits', read, inOrder(records, way))
      },
    },
  ),
  property('paging/exact-multiples-end', 'A walk whose last page is just full ends, and gives nothing twice.', {
    given: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }), order),
    weight: 0.15,
    async holds(scope, [limit, pages, way]) {
      const records = many(scope, limit * pages)
      await scope.writeAll(records)
      await scope.expectWalk({ tenantId: scope.tenant, limit, order: way }, inOrder(records, way))
    },
  }),
  property(
    'paging/new-records-do-not-disturb',
    'A walk sees every record that was there when it began exactly once, while others are added.',
    {
      given: fc.record({
        count: fc.integer({ min: 1, max: 9 }),
        limit: fc.integer({ min: 1, max: 3 }),
        added: fc.integer({ min: 1, max: 4 }),
        order,
      }),
      weight: 0.3,
      async holds(scope, { count, limit, added, order: way }) {
        const records = many(scope, count)
        await scope.writeAll(records)
        const later = new Set<string>()
        const add = async (page: number): Promise<undefined> => {
          if (page > 6) return
          for (const record of many(scope, added, 1000 * page)) {
            later.add(record.id)
            await scope.write(record)
          }
        }
        const query = { tenantId: scope.tenant, order: way, limit }
        const read = await walk(scope.client, query, { between: add })
        expectSnapshot(read, inOrder(records, way), later)
        const whole = await walk(scope.client, { tenantId: scope.tenant, order: way })
        const due = new Set(read.map(({ id }) => id))
        expectRecords(
          'a walk, against the order of the log',
          read,
          whole.filter(({ id }) => due.has(id)),
        )
      },
    },
  ),
  property(
    'paging/settling-does-not-disturb',
    'A walk sees every record exactly once while records before and behind it are settled.',
    {
      given: fc.record({
        count: fc.integer({ min: 2, max: 9 }),
        limit: fc.integer({ min: 1, max: 3 }),
        picks: fc.array(fc.nat(8), { minLength: 1, maxLength: 5 }),
        order,
      }),
      weight: 0.3,
      async holds(scope, { count, limit, picks, order: way }) {
        const records = many(scope, count)
        await scope.writeAll(records)
        const left = [...new Set(picks.map((pick) => pick % count))]
        const settle = async (): Promise<undefined> => {
          const pick = left.pop()
          if (pick !== undefined)
            await scope.write(scope.outcome(records[pick] as CommandRecord, { settledAt: 1 }), 'settled')
        }
        const read = await walk(scope.client, { tenantId: scope.tenant, order: way, limit }, { between: settle })
        expectSnapshot(read, inOrder(records, way), new Set())
      },
    },
  ),
  property(
    'paging/leaving-a-filter-does-not-disturb',
    'A walk by state keeps its place while records it has seen leave that state.',
    {
      given: fc.record({ count: fc.integer({ min: 2, max: 9 }), limit: fc.integer({ min: 1, max: 3 }), order }),
      weight: 0.2,
      async holds(scope, { count, limit, order: way }) {
        const records = many(scope, count)
        await scope.writeAll(records)
        const read: CommandRecord[] = []
        const query: CommandQuery = { tenantId: scope.tenant, state: 'created', order: way, limit }
        let page = await scope.client.list(query)
        for (;;) {
          read.push(...page.records)
          for (const record of page.records) await scope.write(scope.outcome(record), 'settled')
          if (page.next === undefined) break
          page = await scope.client.list({ ...query, cursor: page.next })
        }
        expectRecords('a walk by state', read, inOrder(records, way))
      },
    },
  ),
]
