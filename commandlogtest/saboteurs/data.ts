import { randomUUID } from 'node:crypto'
import type { CommandRecord } from '../../src/index.ts'

/** One record as the base store keeps it. */
export interface Row {
  readonly sequence: number
  record: CommandRecord
  /** The place of this row's latest change among all changes; 0 once it is purged. */
  change: number
}

/** What every handle of one name shares: it outlives its handles, as a database would. */
export interface Data {
  readonly name: string
  /** What cursors and positions are bound to. */
  readonly scope: string
  rows: Map<string, Row>
  /** By sequence. */
  ordered: Row[]
  /** Every change in commit order, of which only a row's latest counts. */
  log: { readonly at: number; readonly row: Row }[]
  nextSequence: number
  nextChange: number
  /** How many handles are open. */
  handles: number
  readonly waiting: Set<() => void>
}

/** New, empty data of this name. */
export function newData(name: string): Data {
  return {
    name,
    scope: `${name} ${randomUUID()}`,
    rows: new Map(),
    ordered: [],
    log: [],
    nextSequence: 1,
    nextChange: 1,
    handles: 0,
    waiting: new Set(),
  }
}

/** Notes that this row has changed, and wakes whoever follows. */
export function noteChange(data: Data, row: Row): void {
  row.change = data.nextChange++
  data.log.push({ at: row.change, row })
  wakeAll(data)
}

/** Wakes whoever waits for a change. */
export function wakeAll(data: Data): void {
  for (const wake of [...data.waiting]) wake()
}

/** Forgets everything, as a store that never wrote to its disk does. */
export function emptyData(data: Data): void {
  data.rows = new Map()
  data.ordered = []
  data.log = []
}

/** Keeps only the rows for which `isKept` holds, in the given order. */
export function keepRows(data: Data, isKept: (row: Row) => boolean): void {
  data.ordered = data.ordered.filter(isKept)
  data.rows = new Map(data.ordered.map((row) => [row.record.id, row]))
  data.log = data.log.filter(({ row }) => data.rows.get(row.record.id) === row)
}

/** The index of the first element whose key, which ascends, is beyond this one. */
export function indexAfter<T>(elements: readonly T[], key: number, keyOf: (element: T) => number): number {
  let [low, high] = [0, elements.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (keyOf(elements[middle] as T) <= key) low = middle + 1
    else high = middle
  }
  return low
}
