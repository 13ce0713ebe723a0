import fc from 'fast-check'
import type { CommandQuery, CommandRecord } from '../../src/index.ts'
import { oneOf } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import { expectSnapshot, inOrder, many, order } from '../paging.ts'
import { expectRecords } from '../scope.ts'
import { Violation } from '../violation.ts'
import { expectPage, walk, walkType } from '../walk.ts'

/** Walks next to each other, and over time. */
export const walkChecks: readonly Check[] = [
  property(
    'paging/cursors-can-be-used-again',
    'A cursor gives the same page again, later, in any order, and among many others.',
    {
      given: fc.record({
        count: fc.integer({ min: 2, max: 8 }),
        limit: fc.integer({ min: 1, max: 2 }),
        order,
        others: oneOf([0, 3, 130]),
      }),
      weight: 0.2,
      async holds(scope, { count, limit, order: way, others }) {
        await scope.writeAll(many(scope, count))
        const query = { tenantId: scope.tenant, order: way, limit }
        const pages: { cursor: string | undefined; records: readonly CommandRecord[]; next: string | undefined }[] = []
        for (let cursor: string | undefined, pageCount = 0; pageCount < 50; pageCount++) {
          const page = await scope.client.list(cursor === undefined ? query : { ...query, cursor })
          pages.push({ cursor, records: page.records, next: page.next })
          cursor = page.next
          if (cursor === undefined) break
        }
        for (let other = 0; other < others; other++) await scope.client.list({ ...query, limit: 1 })
        for (const { cursor, records } of pages.toReversed()) {
          if (cursor === undefined) continue
          const again = await scope.client.list({ ...query, cursor })
          // How full a page is may differ, what it begins with may not.
          const shared = Math.min(again.records.length, records.length)
          expectRecords('a page read again', again.records.slice(0, shared), records.slice(0, shared))
        }
      },
    },
  ),
  property(
    'paging/walks-do-not-meet',
    'Several walks at once, of other orders and filters, each give their own records.',
    {
      given: fc.tuple(fc.integer({ min: 2, max: 9 }), fc.integer({ min: 1, max: 3 })),
      weight: 0.2,
      async holds(scope, [count, limit]) {
        const records = many(scope, count).map((record, index) => ({
          ...record,
          type: index % 2 === 0 ? 'even' : 'odd',
        }))
        await scope.writeAll(records)
        const own = { tenantId: scope.tenant, limit }
        const even = records.filter(({ type }) => type === 'even')
        await Promise.all([
          scope.expectWalk({ ...own, order: 'oldest' }, records),
          scope.expectWalk({ ...own, order: 'newest' }, records.toReversed()),
          scope.expectWalk({ ...own, order: 'oldest', type: 'even' }, even),
          scope.expectWalk({ ...own, order: 'newest', type: 'even' }, even.toReversed()),
        ])
      },
    },
  ),
  property(
    'paging/limits-come-after-filters',
    'A limit counts the records that match, so that a rare one is found by a walk of any limit.',
    {
      given: fc.record({
        count: fc.integer({ min: 1, max: 12 }),
        rare: fc.nat(11),
        limit: fc.integer({ min: 1, max: 3 }),
        order,
      }),
      weight: 0.2,
      async holds(scope, { count, rare, limit, order: way }) {
        const records = many(scope, count).map((record, index) => ({
          ...record,
          ...(index === rare && { userId: 'rare' }),
        }))
        await scope.writeAll(records)
        const query = { tenantId: scope.tenant, userId: 'rare', limit, order: way }
        await scope.expectWalk(
          query,
          records.filter(({ userId }) => userId === 'rare'),
        )
      },
    },
  ),
  property('paging/cursors-outlive-what-follows', 'A cursor stays good after many more writes.', {
    given: fc.tuple(order, fc.integer({ min: 1, max: 3 })),
    weight: 0.05,
    async holds(scope, [way, limit]) {
      const records = many(scope, 8)
      await scope.writeAll(records)
      const later = new Set(many(scope, 150, 100).map(({ id }) => id))
      const grow = async (page: number): Promise<undefined> => {
        if (page === 1) await Promise.all(many(scope, 150, 100).map((record) => scope.write(record)))
      }
      const read = await walk(scope.client, { tenantId: scope.tenant, order: way, limit }, { between: grow })
      expectSnapshot(read, inOrder(records, way), later)
    },
  }),
  property(
    'paging/arguments-may-be-left-out',
    'list and findByType take no query, an undefined one and an empty one alike.',
    {
      given: fc.integer({ min: 1, max: 4 }),
      weight: 0.03,
      async holds(scope, count) {
        const type = scope.id('type')
        const records = many(scope, count).map((record) => ({ ...record, type }))
        await scope.writeAll(records)
        for (const args of [[], [undefined], [{}]] as const) {
          const first = await scope.client.findByType(type, ...args)
          const rest = first.next === undefined ? [] : await walkType(scope.client, type, { cursor: first.next })
          expectRecords('findByType', [...first.records, ...rest], records.toReversed())
          expectPage(await scope.client.list(...args), {})
        }
      },
    },
  ),
  property(
    'paging/no-next-where-nothing-is-there',
    'A query that matches nothing gives no records, and its walk ends.',
    {
      given: order,
      weight: 0.03,
      async holds(scope, way) {
        await scope.write(scope.intent())
        for (const query of [{ tenantId: scope.id('nobody') }, { tenantId: scope.tenant, userId: 'nobody' }]) {
          await scope.expectWalk({ ...query, order: way }, [])
          await scope.expectWalk({ ...query, order: way, limit: 1 }, [])
        }
      },
    },
  ),
  property(
    'cursors/the-same-query-in-other-words',
    'A cursor goes on where the same query is put otherwise: a Date as a number, the default order named, what is undefined left out.',
    {
      given: fc.tuple(fc.integer({ min: 2, max: 6 }), oneOf(['date', 'order', 'undefined'] as const), fc.boolean()),
      weight: 0.16,
      async holds(scope, [count, way, isTurned]) {
        const records = many(scope, count)
        await scope.writeAll(records)
        const query: CommandQuery = { tenantId: scope.tenant, from: 1, to: 6000 }
        const otherwise: Record<typeof way, CommandQuery> = {
          date: { ...query, from: new Date(1), to: new Date(6000) },
          order: { ...query, order: 'newest' },
          undefined: { ...query, userId: undefined, state: undefined, attributes: undefined },
        }
        const [first, second] = isTurned ? [otherwise[way], query] : [query, otherwise[way]]
        const page = await scope.client.list({ ...first, limit: 1 })
        expectPage(page, { limit: 1 })
        if (page.next === undefined) throw new Violation('a page gives no next although there is more')
        const rest = records.toReversed().slice(page.records.length)
        await scope.expectWalk({ ...second, limit: 2, cursor: page.next }, rest)
      },
    },
  ),
]
