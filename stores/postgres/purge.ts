import type { checkPurge } from '../../storekit/index.ts'
import type { Connection } from './connection.ts'
import { shortSql } from './rows.ts'

/** As many rows go in one statement, so that no lock is held for long and a replica keeps up. */
const batchSize = 1000

/** Removes what is due, oldest first, until there is nothing left, or `isOver`; how many this call removed. */
export async function purgeRows(
  connection: Connection,
  { retention, before, limit = Number.POSITIVE_INFINITY }: ReturnType<typeof checkPurge>,
  isOver: () => boolean,
): Promise<number> {
  const { log, event, attribute } = connection.names
  // Where all of them go the order shows nowhere, and need not be made.
  const order = Number.isFinite(limit) ? 'ORDER BY sequence' : ''
  // Rows that another purge has in hand are its own; that one also counts them.
  const sql = `WITH due AS (
      SELECT sequence FROM ${log} WHERE retention = $1 AND received_at < $2::bigint AND state <> 'created'
      ${order} LIMIT $3::int FOR UPDATE SKIP LOCKED
    ), purged AS (
      DELETE FROM ${log} l USING due WHERE l.sequence = due.sequence RETURNING l.sequence, l.events, l.attributes
    ), events AS (
      DELETE FROM ${event} e USING purged p, jsonb_array_elements(p.events) AS x (event)
      WHERE e.event_id = ${shortSql("x.event ->> 'id'")} AND e.sequence = p.sequence
    ), attributes AS (
      DELETE FROM ${attribute} a USING purged p, jsonb_each(p.attributes) AS x (name, value)
      WHERE a.name = ${shortSql('x.name')} AND a.value = ${shortSql('x.value::text')} AND a.sequence = p.sequence
    )
    SELECT count(*)::text AS count FROM purged`
  let removed = 0
  for (;;) {
    const wanted = Math.min(limit - removed, batchSize)
    const [result] = (await connection.change(sql, [retention, before, wanted])) as readonly {
      readonly count: string
    }[]
    const count = Number(result?.count)
    removed += count
    if (count < wanted || removed >= limit || isOver()) return removed
  }
}
