import fc from 'fast-check'
import type { CommandQuery } from '../../src/index.ts'
import { oneOf, someOf } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import { firstCursor } from '../paging.ts'
import type { Scope } from '../scope.ts'
import { expectRefused } from './errors.ts'

const order = oneOf(['newest', 'oldest'] as const)
const alphabet = 'ABCDwxyzabcdWXYZ0189-_'

/** Texts that were this one once: one character changed, cut off, added, doubled or swapped. */
export function damaged(text: string, at: number, how: number): string {
  const index = at % text.length
  const [before, own, after] = [text.slice(0, index), text[index] ?? '', text.slice(index + 1)]
  const swapped = own === own.toUpperCase() ? own.toLowerCase() : own.toUpperCase()
  const next = String.fromCharCode(own.charCodeAt(0) + 1)
  const others = [
    `${before}${alphabet[at % alphabet.length]}${after}`,
    `${before}${swapped}${after}`,
    `${before}${next}${after}`,
  ]
  const cut = [before, `${before}${after}`, text.slice(index), text.slice(0, -1), text.slice(1)]
  const added = [
    `${text}A`,
    `${text}0`,
    `${text}=`,
    ` ${text}`,
    `${text} `,
    `${text}${text}`,
    `A${text}`,
    `${before}x${own}${after}`,
  ]
  const all = [...others, ...cut, ...added].filter((each) => each !== text)
  return all[how % all.length] ?? ''
}

async function twoPages(scope: Scope, query: CommandQuery): Promise<string> {
  const records = ['a', 'b', 'c', 'd', 'e'].map((text) =>
    scope.intent(text, { type: 'x', userId: 'u', causationId: 'k', clientRef: 'r', attributes: { a: 1 } }),
  )
  await scope.writeAll(records)
  return firstCursor(scope, query)
}

const different: readonly CommandQuery[] = [
  ...[
    { type: 'x' },
    { type: ['x', 'y'] },
    { state: 'created' } as const,
    { userId: 'u' },
    { causationId: 'k' },
    { clientRef: 'r' },
    { dryRun: false },
  ],
  ...[
    { importance: 'normal' } as const,
    { retention: 'long-lived' } as const,
    { attributes: { a: 1 } },
    { from: 0 },
    { to: 1e15 },
    { state: [] },
    { type: [] },
  ],
  ...[{ eventId: 'e' }, { problemCode: 'p' }, { tenantId: 'other' }, { correlationId: 'other' }],
]

/** Cursors are bound to their query, and hard to make up. */
export const cursorsChecks: readonly Check[] = [
  property(
    'cursors/damaged-is-invalid',
    'A cursor with any one character changed, missing or added is INVALID_CURSOR, never a page.',
    {
      given: fc.tuple(order, fc.array(fc.tuple(fc.nat(400), fc.nat(15)), { minLength: 4, maxLength: 12 })),
      weight: 0.5,
      async holds(scope, [way, damages]) {
        const query: CommandQuery = { tenantId: scope.tenant, order: way, limit: 2 }
        const cursor = await twoPages(scope, query)
        for (const [at, how] of damages) {
          await expectRefused(scope.client, ['INVALID_CURSOR'], 'list', { ...query, cursor: damaged(cursor, at, how) })
        }
      },
    },
  ),
  property('cursors/every-character-counts', 'No character of a cursor may be changed, the last one included.', {
    given: order,
    weight: 0.03,
    async holds(scope, way) {
      const query: CommandQuery = { tenantId: scope.tenant, order: way, limit: 2 }
      const cursor = await twoPages(scope, query)
      for (let at = 0; at < Math.min(cursor.length, 600); at++) {
        const other = cursor[at] === 'A' ? 'B' : 'A'
        await expectRefused(scope.client, ['INVALID_CURSOR'], 'list', {
          ...query,
          cursor: `${cursor.slice(0, at)}${other}${cursor.slice(at + 1)}`,
        })
      }
    },
  }),
  property(
    'cursors/made-up-is-invalid',
    'A text that never was a cursor is INVALID_CURSOR: the empty one, numbers, base64, JSON and ids too.',
    {
      given: fc.tuple(
        someOf([
          '',
          ' ',
          '0',
          '1',
          '-1',
          '999999999',
          'abc',
          'null',
          'undefined',
          '{}',
          '[]',
          'e30',
          'MA==',
          'MQ',
          'eyJvZmZzZXQiOjB9',
          '%',
          "' or 1=1 --",
          '\u0000',
          '\ud800',
          'x'.repeat(5000),
        ]),
        fc.array(fc.string({ maxLength: 30 }), { maxLength: 3 }),
        fc.array(fc.base64String({ minLength: 4, maxLength: 60 }), { maxLength: 3 }),
      ),
      weight: 0.12,
      async holds(scope, made) {
        const records = [scope.intent('a'), scope.intent('b')]
        await scope.writeAll(records)
        const own = { tenantId: scope.tenant }
        for (const cursor of made.flat()) {
          await expectRefused(scope.client, ['INVALID_CURSOR'], 'list', { ...own, limit: 1, cursor })
          await expectRefused(scope.client, ['INVALID_CURSOR'], 'findByType', scope.intent().type, { ...own, cursor })
        }
        await expectRefused(scope.client, ['INVALID_CURSOR'], 'list', {
          tenantId: scope.tenant,
          cursor: records[0]?.id,
        })
      },
    },
  ),
  property('cursors/bound-to-their-filters', 'A cursor with any filter added, left out or changed is INVALID_CURSOR.', {
    given: fc.tuple(order, someOf(different, 1, 9), oneOf(different)),
    weight: 0.4,
    async holds(scope, [way, some, other]) {
      const own: CommandQuery = { tenantId: scope.tenant, order: way, limit: 2 }
      const cursor = await twoPages(scope, own)
      for (const one of some) await expectRefused(scope.client, ['INVALID_CURSOR'], 'list', { ...own, ...one, cursor })
      const matching = [
        { type: 'x' },
        { userId: 'u' },
        { state: 'created' } as const,
        { attributes: { a: 1 } },
        { dryRun: false },
        { from: 5 },
      ]
      for (const filter of matching) {
        const narrower = { ...own, ...filter }
        const narrow = await firstCursor(scope, narrower)
        await expectRefused(scope.client, ['INVALID_CURSOR'], 'list', { ...own, cursor: narrow })
        const [changed, isChanged] = [{ ...narrower, ...other }, Object.keys(other)[0] !== Object.keys(filter)[0]]
        if (isChanged) await expectRefused(scope.client, ['INVALID_CURSOR'], 'list', { ...changed, cursor: narrow })
      }
    },
  }),
  property(
    'cursors/bound-to-the-value-of-a-filter',
    'A cursor of one value of a filter is INVALID_CURSOR for another value.',
    {
      given: someOf<readonly [CommandQuery, CommandQuery]>([
        ...([
          [{ type: 'x' }, { type: 'y' }],
          [{ type: 'x' }, { type: 'X' }],
          [{ userId: 'u' }, { userId: 'U' }],
        ] as const),
        ...([
          [{ state: 'created' }, { state: 'failed' }],
          [{ state: 'created' }, { state: ['created', 'failed'] }],
        ] as const),
        ...([
          [{ attributes: { a: 1 } }, { attributes: { a: '1' } }],
          [{ attributes: { a: 1 } }, { attributes: { a: 1, b: 1 } }],
        ] as const),
        ...([
          [{ from: 5 }, { from: 6 }],
          [{ to: 2e12 }, { to: 2e12 + 1 }],
          [{ from: 5 }, { to: 2e12 }],
          [{ dryRun: false }, { dryRun: true }],
        ] as const),
        ...([
          [{ importance: 'normal' }, { importance: 'low' }],
          [{ retention: 'long-lived' }, { retention: 'permanent' }],
        ] as const),
        ...([
          [{ type: ['x', 'y'] }, { type: ['x,y'] }],
          [{ causationId: 'k' }, { clientRef: 'k' }],
          [{ clientRef: 'r' }, { clientRef: '' }],
        ] as const),
      ]),
      weight: 0.12,
      async holds(scope, pairs) {
        const own: CommandQuery = { tenantId: scope.tenant, order: 'oldest', limit: 2 }
        await twoPages(scope, own)
        for (const [one, other] of pairs) {
          const cursor = await firstCursor(scope, { ...own, ...one })
          await expectRefused(scope.client, ['INVALID_CURSOR'], 'list', { ...own, ...other, cursor })
        }
      },
    },
  ),
  property(
    'cursors/bound-to-tenant-and-correlation',
    'A cursor of one tenant or correlation is INVALID_CURSOR for another one.',
    {
      given: order,
      weight: 0.06,
      async holds(scope, way) {
        const own: CommandQuery = { tenantId: scope.tenant, correlationId: scope.id('c'), order: way, limit: 2 }
        const cursor = await twoPages(scope, own)
        await scope.write(scope.intent('other', { tenantId: scope.id('other') }))
        await expectRefused(scope.client, ['INVALID_CURSOR'], 'list', { ...own, tenantId: scope.id('other'), cursor })
        await expectRefused(scope.client, ['INVALID_CURSOR'], 'list', {
          ...own,
          correlationId: scope.id('other'),
          cursor,
        })
        await expectRefused(scope.client, ['INVALID_CURSOR'], 'list', { order: way, limit: 2, cursor })
      },
    },
  ),
  property('cursors/bound-to-their-order', 'A cursor of one order is INVALID_CURSOR for the other.', {
    given: order,
    weight: 0.06,
    async holds(scope, way) {
      const own: CommandQuery = { tenantId: scope.tenant, limit: 2 }
      const cursor = await twoPages(scope, { ...own, order: way })
      await expectRefused(scope.client, ['INVALID_CURSOR'], 'list', {
        ...own,
        order: way === 'newest' ? 'oldest' : 'newest',
        cursor,
      })
    },
  }),
  property(
    'cursors/bound-to-their-type',
    'A cursor of findByType is INVALID_CURSOR for another type, and with other filters.',
    {
      given: order,
      weight: 0.06,
      async holds(scope, way) {
        await twoPages(scope, { tenantId: scope.tenant, limit: 2 })
        const query = { tenantId: scope.tenant, order: way, limit: 2 }
        const cursor = await firstCursor(scope, query, 'x')
        await expectRefused(scope.client, ['INVALID_CURSOR'], 'findByType', 'y', { ...query, cursor })
        await expectRefused(scope.client, ['INVALID_CURSOR'], 'findByType', 'x', { ...query, userId: 'u', cursor })
        await expectRefused(scope.client, ['INVALID_CURSOR'], 'list', { ...query, cursor })
      },
    },
  ),
  property('cursors/not-bound-to-limit', 'A cursor goes with any limit, and with filters that are undefined.', {
    given: fc.tuple(order, fc.integer({ min: 1, max: 4 }), oneOf([undefined, 1, 2, 100, 1000])),
    weight: 0.2,
    async holds(scope, [way, first, second]) {
      const own: CommandQuery = { tenantId: scope.tenant, order: way, limit: first }
      await twoPages(scope, own)
      const records = ['a', 'b', 'c', 'd', 'e'].map((text) =>
        scope.intent(text, { type: 'x', userId: 'u', causationId: 'k', clientRef: 'r', attributes: { a: 1 } }),
      )
      const page = await scope.client.list(own)
      const rest = { tenantId: scope.tenant, order: way, type: undefined, userId: undefined, cursor: page.next }
      const expected = (way === 'oldest' ? records : records.toReversed()).slice(page.records.length)
      if (page.next !== undefined)
        await scope.expectWalk(second === undefined ? rest : { ...rest, limit: second }, expected)
    },
  }),
]
