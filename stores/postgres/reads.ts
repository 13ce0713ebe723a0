import type { CommandRecord } from '../../src/index.ts'
import type { CheckedQuery } from '../../storekit/index.ts'
import type { Connection } from './connection.ts'
import { type Bounds, boundsSql, canMatch, isPlain, pageSql } from './queries.ts'
import { cutSql, fromRow, type StoredRow, selected } from './rows.ts'
import type { Names } from './schema.ts'

/** How many records of a time are looked at to find where it lies. */
const mostInTime = 100_000
const changesAtOnce = 256

/** Records, and where the last of them stands if there may be more. */
export interface Found {
  readonly records: readonly CommandRecord[]
  readonly last: string | undefined
}

/** What a query asks for, after a sequence in its order. */
export async function readPage(connection: Connection, query: CheckedQuery, after: string | undefined): Promise<Found> {
  const bounds = canMatch(query) ? await boundsOf(connection, query, after) : undefined
  if (bounds === undefined) return { records: [], last: undefined }
  const { text, values, isFixed } = pageSql(connection.names, query, bounds)
  const rows = (await connection.read(text, values, isFixed)) as readonly StoredRow[]
  const end = rows.at(-1)
  const hits = Number(end?.hits ?? 0)
  return {
    records: rows.map(fromRow),
    last: hits === query.limit || rows.length < hits ? (end?.sequence ?? undefined) : undefined,
  }
}

/** The records of one correlation, oldest first. */
export async function readCorrelation(
  connection: Connection,
  correlationId: string,
): Promise<readonly CommandRecord[]> {
  if (!isPlain(correlationId)) return []
  const sql = `SELECT ${selected} FROM ${connection.names.log} l WHERE l.correlation_id = $1 ORDER BY l.sequence`
  return ((await connection.read(sql, [correlationId], true)) as readonly StoredRow[]).map(fromRow)
}

/** The record of an id. */
export async function readOne(connection: Connection, id: string): Promise<CommandRecord | undefined> {
  if (!isPlain(id)) return undefined
  const sql = `SELECT ${selected} FROM ${connection.names.log} l WHERE l.id = $1`
  const [row] = (await connection.read(sql, [id], true)) as readonly StoredRow[]
  return row === undefined ? undefined : fromRow(row)
}

/** The next latest changes after one of them. They become visible in the order of their numbers, see `turnSql`. */
export function changesSql(names: Names): string {
  const next = `SELECT l.* FROM ${names.log} l WHERE l.change > $1::bigint ORDER BY l.change LIMIT ${changesAtOnce}`
  return cutSql(next, 'change')
}

/** What `changesSql` finds, each with its number. */
export async function readChanges(
  connection: Connection,
  after: string,
): Promise<readonly { readonly at: string; readonly record: CommandRecord }[]> {
  const rows = (await connection.read(changesSql(connection.names), [after], true)) as readonly StoredRow[]
  return rows.map((row) => ({ at: row.change ?? '', record: fromRow(row) }))
}

/** Between which sequences to look; undefined where there is nothing. */
async function boundsOf(
  connection: Connection,
  query: CheckedQuery,
  after: string | undefined,
): Promise<Bounds | undefined> {
  let [low, high] = [0n, 2n ** 63n - 1n]
  if (query.from !== undefined || query.to !== undefined) {
    const { text, values } = boundsSql(connection.names, query, mostInTime)
    const [found] = (await connection.read(text, values)) as readonly { low: string; high: string; count: string }[]
    if (found === undefined || found.count === '0') return undefined
    // What is written from here on was not there when the walk began.
    if (Number(found.count) < mostInTime) [low, high] = [BigInt(found.low), BigInt(found.high)]
  }
  const last = after === undefined ? undefined : BigInt(after)
  if (last !== undefined && query.order === 'oldest' && last >= low) low = last + 1n
  if (last !== undefined && query.order === 'newest' && last <= high) high = last - 1n
  return { low: String(low), high: String(high) }
}
