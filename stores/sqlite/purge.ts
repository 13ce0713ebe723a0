import { setImmediate as nextTurn } from 'node:timers/promises'
import type { CommandRecord } from '../../src/index.ts'
import { type checkPurge, parseJson } from '../../storekit/index.ts'
import type { Connection } from './connection.ts'
import { toAttributeRows } from './rows.ts'
import { removeEvents } from './write.ts'

/** As many rows go in one transaction: other writers and the event loop get their turn between two. */
const batchSize = 100
/** As many are looked up at once. */
const most = 10_000

/** Removes what is due, oldest first, until there is nothing left, or `isOver`; how many this call removed. */
export async function purgeRows(
  connection: Connection,
  { retention, before, limit = Number.POSITIVE_INFINITY }: ReturnType<typeof checkPurge>,
  isOver: () => boolean,
): Promise<number> {
  let removed = 0
  // Where all of them go the order shows nowhere, and need not be made.
  const order = Number.isFinite(limit) ? 'ORDER BY sequence' : ''
  const due = `SELECT sequence FROM command_log INDEXED BY command_log_received
    WHERE retention = +? AND received_at < +? AND state <> 'created' ${order} LIMIT +?`
  for (;;) {
    const wanted = Math.min(limit - removed, most)
    const rows = await connection.read(() => connection.prepare(due).all(retention, before, wanted))
    if (rows.length === 0) return removed
    for (let index = 0; index < rows.length && !isOver(); index += batchSize) {
      const batch = rows.slice(index, index + batchSize) as { readonly sequence: number }[]
      removed += await connection.write(() => batch.filter(({ sequence }) => removeRow(connection, sequence)).length)
      await nextTurn()
    }
    if (isOver() || removed >= limit) return removed
  }
}

/** Whether this call removed it: another purge may have been faster. A sequence is never given to another record. */
function removeRow(connection: Connection, sequence: number): boolean {
  const removed = connection
    .prepare('DELETE FROM command_log WHERE sequence = ? RETURNING events, attributes')
    .get(sequence) as { readonly events: string; readonly attributes: string | null } | undefined
  if (removed === undefined) return false
  const events: CommandRecord['events'] = JSON.parse(removed.events)
  removeEvents(
    connection,
    sequence,
    events.map(({ id }) => id),
  )
  const attributes = (removed.attributes === null ? {} : parseJson(removed.attributes)) as CommandRecord['attributes']
  for (const [name, value] of toAttributeRows(attributes)) {
    connection
      .prepare('DELETE FROM command_log_attribute WHERE name = ? AND value = ? AND sequence = ?')
      .run(name, value, sequence)
  }
  return true
}
