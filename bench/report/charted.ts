import type { View } from './views.ts'

/** What is told in tables only: figures to be looked up, of which nobody wants to see the shape. */
const tablesOnly: ReadonlySet<string> = new Set([
  'collector',
  'heap',
  'loop delay p99',
  'allocated',
  'found',
  'growth',
  'time p99',
  'writes beside raw rows',
])

/** Whether a view has charts beside its tables. */
export function isCharted({ measure, groups }: View): boolean {
  return !tablesOnly.has(measure) && groups.some(({ rows }) => rows.length > 0)
}
