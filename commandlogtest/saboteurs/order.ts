import type { CommandRecord } from '../../src/index.ts'
import { base } from './base-steps.ts'
import type { Row } from './data.ts'
import { pause, type Suspect, suspect } from './saboteur.ts'
import type { Steps } from './steps.ts'

/** A store that sorts its rows by a key, ties in the order of recording. */
export function sortedBy(compare: (a: CommandRecord, b: CommandRecord) => number): Partial<Steps> {
  return {
    rows: (handle) => [...base.rows(handle)].sort((a, b) => compare(a.record, b.record)),
    locate: (rows, sequence, order) =>
      rows.findIndex((row) => row.sequence === sequence) + (order === 'oldest' ? 1 : -1),
  }
}

/** A store whose rows of each query stand in an order of their own. */
function arranged(arrange: (rows: readonly Row[], order: 'newest' | 'oldest') => readonly Row[]): Partial<Steps> {
  return {
    page(handle, query) {
      const rows = arrange(base.rows(handle), query.order)
      const { locate } = sortedBy(() => 0)
      return base.page({ ...handle, steps: { ...handle.steps, rows: () => rows, ...(locate && { locate }) } }, query)
    },
  }
}

const byText = (a: string, b: string): number => (a < b ? -1 : Number(a > b))

/** Orders that are not the order of recording. */
export const orderSuspects: readonly Suspect[] = [
  suspect('order/by-time', 'Records are ordered by the time of receipt.', () =>
    sortedBy((a, b) => a.receivedAt - b.receivedAt),
  ),
  suspect('order/by-time-then-id', 'Records of one time are ordered by id.', () =>
    sortedBy((a, b) => a.receivedAt - b.receivedAt || byText(a.id, b.id)),
  ),
  suspect('order/by-id', 'Records are ordered by id.', () => sortedBy((a, b) => byText(a.id, b.id))),
  suspect('order/by-type', 'Records are ordered by type, as an index on it gives them.', () =>
    sortedBy((a, b) => byText(a.type, b.type)),
  ),
  suspect('order/by-time-of-settling', 'Records are ordered by the time of settling.', () =>
    sortedBy((a, b) => (a.settledAt ?? a.receivedAt) - (b.settledAt ?? b.receivedAt)),
  ),
  suspect('order/created-first', 'What is still created comes before what is settled.', () =>
    sortedBy((a, b) => Number(a.state !== 'created') - Number(b.state !== 'created')),
  ),
  suspect('order/settling-moves', 'Settling moves a record to the end.', () => ({
    replace(handle, row, record) {
      const { data } = handle
      data.ordered = data.ordered.filter((other) => other !== row)
      const moved: Row = { sequence: data.nextSequence++, record, change: 0 }
      row.change = 0
      data.ordered.push(moved)
      data.rows.set(record.id, moved)
      base.replace(handle, moved, record)
    },
  })),
  suspect('order/repeat-moves', 'A repeated write moves its record to the end.', () => ({
    async write(handle, record) {
      const row = base.find(handle, record.id)
      const result = await base.write(handle, record)
      if (row === undefined || result !== 'unchanged') return result
      const { data } = handle
      const moved: Row = { ...row, sequence: data.nextSequence++ }
      data.ordered = [...data.ordered.filter((other) => other !== row), moved]
      data.rows.set(record.id, moved)
      return result
    },
  })),
  suspect('order/oldest-is-newest', 'order: oldest gives the newest first.', () => ({
    checkQuery: (query) => ({ ...base.checkQuery(query), order: 'newest' }),
  })),
  suspect('order/default-is-oldest', 'Without an order the oldest comes first.', () => ({
    checkQuery: (query) => ({ ...base.checkQuery(query), order: query?.order ?? 'oldest' }),
  })),
  suspect('order/page-reversed', 'The newest page is right, but turned round within.', () => ({
    async page(handle, query) {
      const page = await base.page(handle, query)
      return query.order === 'oldest' ? page : { ...page, records: [...page.records].reverse() }
    },
  })),
  suspect('order/ties-turn-with-order', 'Records of one time come in the same direction for both orders.', () =>
    arranged((rows, order) => {
      if (order === 'oldest') return rows
      const turned = [...rows]
      for (let at = 1; at < turned.length; at++) {
        const [a, b] = [turned[at - 1], turned[at]] as [Row, Row]
        if (a.record.receivedAt === b.record.receivedAt) [turned[at - 1], turned[at], at] = [b, a, at + 1]
      }
      return turned
    }),
  ),
  suspect(
    'order/sequence-before-commit',
    'The place is taken before a wait that differs: a later write overtakes an acknowledged one.',
    () => {
      let turn = 0
      return {
        async write(handle, record) {
          if (base.find(handle, record.id) !== undefined) return base.write(handle, record)
          await pause(1 + (turn++ % 3))
          const { data } = handle
          const result = await base.write(handle, record)
          const last = data.ordered.length - 1
          if (result === 'created' && turn % 3 === 0 && last > 0) {
            const [before, own] = data.ordered.slice(-2) as [Row, Row]
            // The number was given out earlier, so the row shows up before one that readers have seen already.
            const [first, second] = [
              { ...own, sequence: before.sequence },
              { ...before, sequence: own.sequence },
            ]
            data.ordered.splice(-2, 2, first, second)
            for (const row of [first, second]) data.rows.set(row.record.id, row)
          }
          return result
        },
      }
    },
  ),
  suspect(
    'order/each-handle-its-own',
    'Every second handle has its clock an hour ahead, and order goes by that clock.',
    () => {
      const handles = new WeakMap<object, number>()
      const place = new Map<string, number>()
      let opened = 0
      return {
        expose(store, handle) {
          handles.set(handle, opened++ % 2)
          return store
        },
        add(handle, record) {
          place.set(record.id, (handles.get(handle) ?? 0) * 1e9 + handle.data.nextSequence)
          base.add(handle, record)
        },
        ...sortedBy((a, b) => (place.get(a.id) ?? 0) - (place.get(b.id) ?? 0)),
      }
    },
    { needs: 'open' },
  ),
]
