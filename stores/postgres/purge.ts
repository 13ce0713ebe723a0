import type { checkPurge } from '../../storekit/index.ts'
import type { Connection } from './connection.ts'
import { addMissingMonths, dropMonths, type IdRange, isPartitioned, rangesOf } from './partitions.ts'
import type { Sql } from './queries.ts'
import { shortSql } from './rows.ts'
import type { Names } from './schema.ts'

/** As many rows go in one statement, so that no lock is held for long and a replica keeps up. */
const batchSize = 1000

/** What goes next: so many of this retention, received before a time. */
export interface Batch {
  readonly retention: string
  readonly before: number
  readonly count: number
  /** The oldest ones, by the order of recording; else those received first, from `from` on. */
  readonly isOldestFirst: boolean
  readonly from: string
  readonly range: IdRange
}

/** Removes what is due, oldest first, until there is nothing left, or `isOver`; how many this call removed. */
export async function purgeRows(
  connection: Connection,
  { retention, before, limit = Number.POSITIVE_INFINITY }: ReturnType<typeof checkPurge>,
  isOver: () => boolean,
): Promise<number> {
  const { names } = connection
  const isOldestFirst = Number.isFinite(limit)
  let removed = 0
  // Where all of them go the order shows nowhere: a month after the other, and in each the ones received first.
  let ranges: readonly IdRange[] = [{}]
  if (isPartitioned(connection)) {
    await addMissingMonths(connection)
    if (!isOldestFirst) {
      removed = await dropMonths(connection, retention, before)
      ranges = await rangesOf(connection)
    }
  }
  for (const range of ranges) {
    // Each batch begins where the one before it ended, past what is dead.
    for (let from = String(Number.MIN_SAFE_INTEGER); ; ) {
      const count = Math.min(limit - removed, batchSize)
      const { text, values } = purgeSql(names, { retention, before, count, isOldestFirst, from, range })
      const [gone] = (await connection.change(text, [...values])) as readonly { count: string; last: string | null }[]
      removed += Number(gone?.count)
      from = isOldestFirst ? from : (gone?.last ?? from)
      if (removed >= limit || isOver()) return removed
      if (Number(gone?.count) < count) break
    }
  }
  return removed
}

/** Removes a batch with its lookups; tells how many there were, and when the last of them was received. */
export function purgeSql(names: Names, { retention, before, count, isOldestFirst, from, range }: Batch): Sql {
  const { log, event, attribute, place } = names
  const key = place.at(-1)
  const bounds = Object.entries({ '>=': range.low, '<': range.high }).filter(([, bound]) => bound !== undefined)
  // Said of every table, so that no other partition is looked at.
  const within = (table: string): string =>
    bounds.map(([operator], index) => ` AND ${table}.id ${operator} $${5 + index}`).join('')
  // Rows that another purge has in hand are its own; that one also counts them.
  const text = `WITH due AS (
      SELECT ${key} FROM ${log} d WHERE retention = $1 AND received_at < $2::bigint AND received_at >= $3::bigint
      AND state <> 'created'${within('d')} ORDER BY ${isOldestFirst ? 'sequence' : 'received_at'} LIMIT $4::int FOR UPDATE SKIP LOCKED
    ), purged AS (
      DELETE FROM ${log} l WHERE l.${key} = ANY (ARRAY (SELECT ${key} FROM due))${within('l')}
      RETURNING ${place.map((column) => `l.${column}`).join(', ')}, l.received_at, l.attributes,
        l.events || coalesce(l.intent_events, '[]') AS events
    ), events AS (
      ${lookupsSql(event, `jsonb_array_elements(p.events) AS x (event)`, `t.event_id = ${shortSql("x.event ->> 'id'")}`)}
    ), attributes AS (
      ${lookupsSql(attribute, 'jsonb_each(p.attributes) AS x (name, value)', `t.name = ${shortSql('x.name')} AND t.value = ${shortSql('x.value::text')}`)}
    )
    SELECT count(*)::text AS count, max(received_at)::text AS last FROM purged`
  return { text, values: [retention, before, from, count, ...bounds.map(([, bound]) => bound ?? '')] }

  /**
   * Looks up one by one, since the planner takes documents to be full of elements and would rather read the whole table. What
   * is in the same place of another partition is of another record, unless that one goes too.
   */
  function lookupsSql(table: string, elements: string, same: string): string {
    const ofRecord = place.map((column) => `t.${column} = p.${column}`).join(' AND ')
    return `DELETE FROM ${table} g WHERE g.ctid = ANY (ARRAY (
        SELECT found.ctid FROM purged p CROSS JOIN LATERAL ${elements} CROSS JOIN LATERAL (
          SELECT t.ctid FROM ${table} t WHERE ${same} AND ${ofRecord}${within('t')} OFFSET 0) AS found
      )) AND g.sequence = ANY (ARRAY (SELECT sequence FROM purged))${within('g')}`
  }
}
