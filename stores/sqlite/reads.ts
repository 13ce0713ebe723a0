import type { CommandRecord } from '../../src/index.ts'
import type { CheckedQuery } from '../../storekit/index.ts'
import type { Connection } from './connection.ts'
import {
  type Bounds,
  boundsSql,
  canMatch,
  countSql,
  everywhere,
  pageSql,
  selected,
  type Way,
  waysOf,
} from './queries.ts'
import { fromRow, type StoredRow, sizeOfRow } from './rows.ts'

/** A page or a batch is cut off here, so that large payloads do not add up. */
const mostBytes = 16 * 1024 * 1024
/** How many records of a time are looked at to find where it lies. */
const mostInTime = 100_000
/** How many entries of an index are counted to find the one that finds least. */
const mostCounted = 1000
const changesAtOnce = 256

/** Records, and where the last of them stands if there may be more. */
export interface Found {
  readonly records: readonly CommandRecord[]
  readonly last: number | undefined
}

/** What a query asks for, after a sequence in its order. */
export function readPage(connection: Connection, query: CheckedQuery, after: number | undefined): Found {
  const bounds = canMatch(query) ? boundsOf(connection, query, after) : undefined
  if (bounds === undefined) return { records: [], last: undefined }
  const { text, values } = pageSql(query, shortestWay(connection, query), bounds)
  const { rows, isCut } = take(connection.prepare(text).iterate(...values))
  return { records: rows.map(fromRow), last: isCut || rows.length === query.limit ? rows.at(-1)?.sequence : undefined }
}

/** The records of one correlation, oldest first. */
export function readCorrelation(connection: Connection, correlationId: string): readonly CommandRecord[] {
  if (!correlationId.isWellFormed()) return []
  const sql = `SELECT ${selected} FROM command_log l WHERE l.correlation_id = +? ORDER BY l.sequence`
  return (connection.prepare(sql).all(correlationId) as StoredRow[]).map(fromRow)
}

/** The record of an id. */
export function readOne(connection: Connection, id: string): CommandRecord | undefined {
  if (!id.isWellFormed()) return undefined
  const row = connection.prepare(`SELECT ${selected} FROM command_log l WHERE l.id = ?`).get(id)
  return row === undefined ? undefined : fromRow(row as StoredRow)
}

/** The next latest changes after a change, in commit order, each with its number. */
export function readChanges(
  connection: Connection,
  after: number,
): readonly { change: number; record: CommandRecord }[] {
  const sql = `SELECT ${selected} FROM command_log l WHERE l.change > +? ORDER BY l.change LIMIT ${changesAtOnce}`
  const { rows } = take(connection.prepare(sql).iterate(after))
  return rows.map((row) => ({ change: row.change, record: fromRow(row) }))
}

function take(rows: Iterable<unknown>): { readonly rows: readonly StoredRow[]; readonly isCut: boolean } {
  const taken: StoredRow[] = []
  let bytes = 0
  for (const row of rows as Iterable<StoredRow>) {
    taken.push(row)
    bytes += sizeOfRow(row)
    if (bytes >= mostBytes) return { rows: taken, isCut: true }
  }
  return { rows: taken, isCut: false }
}

/** The index with the fewest entries for the query; what it leaves open is looked at row by row. */
function shortestWay(connection: Connection, query: CheckedQuery): Way {
  const [first = everywhere, ...others] = waysOf(query)
  if (others.length === 0) return first
  const count = (way: Way): number => {
    const { text, values } = countSql(way, mostCounted)
    return (connection.prepare(text).get(...values) as { readonly count: number }).count
  }
  let shortest = { way: first, count: count(first) }
  for (const way of others) {
    // A page's worth is read as fast as another index is asked.
    if (shortest.count <= 100) break
    const counted = count(way)
    if (counted < shortest.count) shortest = { way, count: counted }
  }
  return shortest.way
}

/** Between which sequences to look; undefined where there is nothing. */
function boundsOf(connection: Connection, query: CheckedQuery, after: number | undefined): Bounds | undefined {
  let [low, high] = [0, Number.MAX_SAFE_INTEGER]
  if (query.from !== undefined || query.to !== undefined) {
    const { text, values } = boundsSql(query, mostInTime)
    const found = connection.prepare(text).get(...values) as { low: number; high: number; count: number }
    if (found.count === 0) return undefined
    if (found.count < mostInTime) [low, high] = [found.low, found.high]
  }
  if (after !== undefined && query.order === 'oldest') low = Math.max(low, after + 1)
  if (after !== undefined && query.order === 'newest') high = Math.min(high, after - 1)
  return { low, high }
}
