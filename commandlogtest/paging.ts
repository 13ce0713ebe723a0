import type { Arbitrary } from 'fast-check'
import type { CommandQuery, CommandRecord } from '../src/index.ts'
import { oneOf } from './arbitraries.ts'
import type { Scope } from './scope.ts'
import { expectSame, expectTrue, Violation } from './violation.ts'

/** Either order. */
export const order: Arbitrary<'newest' | 'oldest'> = oneOf(['newest', 'oldest'] as const)

/** So many intents, whose clocks say nothing of their order. */
export function many(scope: Scope, count: number, from = 0): CommandRecord[] {
  return Array.from({ length: count }, (_, index) =>
    scope.intent(`${from + index}`, { receivedAt: 5000 - ((index * 7) % 11) }),
  )
}

/** These records in the order that is asked for. */
export function inOrder(records: readonly CommandRecord[], way: 'newest' | 'oldest'): readonly CommandRecord[] {
  return way === 'oldest' ? records : records.toReversed()
}

/** Demands that a walk gave every record that was there when it began exactly once and in order, and nothing else but newer ones. */
export function expectSnapshot(
  read: readonly CommandRecord[],
  before: readonly CommandRecord[],
  later: ReadonlySet<string>,
): void {
  const ids = read.map(({ id }) => id)
  const known = ids.filter((id) => !later.has(id))
  expectSame(
    'what a walk sees of the records that were there when it began',
    known,
    before.map(({ id }) => id),
  )
}

/** The first cursor of a query, by `findByType` where a type is given apart. */
export async function firstCursor({ client }: Scope, query: CommandQuery, type?: string): Promise<string> {
  const { type: _type, ...ofType } = query
  const { next } = type === undefined ? await client.list(query) : await client.findByType(type, ofType)
  if (next === undefined) throw new Violation('a page gives no next although there is more', { actual: 'no next' })
  expectTrue(next !== '', 'a cursor is empty', { expected: 'an opaque text' })
  return next
}
