import { setImmediate as nextTurn } from 'node:timers/promises'
import { type CommandRecord, StoreError } from '../../src/index.ts'
import { type checkPurge, parseJson } from '../../storekit/index.ts'
import type { Connection } from './connection.ts'
import { toAttributeRows } from './rows.ts'
import { removeEvents } from './write.ts'

const keepNumbers = `UPDATE command_log_meta
  SET next = max(next, coalesce((SELECT max(change) FROM command_log), 0) + 1)`

/** As many rows go in one transaction: other writers and the event loop get their turn between two. */
const batchSize = 100
/** As many are looked up at once. */
const most = 10_000

/** Removes what is due, oldest first, until there is nothing left, or `isOver`; how many this call removed. */
export async function purgeRows(
  connection: Connection,
  options: ReturnType<typeof checkPurge>,
  isOver: () => boolean,
): Promise<number> {
  const { limit = Number.POSITIVE_INFINITY } = options
  let removed = 0
  try {
    for (;;) {
      const rows = await dueRows(connection, options, Math.min(limit - removed, most))
      if (rows.length === 0) return removed
      for (let index = 0; index < rows.length && !isOver(); index += batchSize) {
        const batch = rows.slice(index, index + batchSize)
        removed += await connection.write(() => {
          // Numbers are never used twice, also where the last of them goes.
          connection.prepare(keepNumbers).run()
          return batch.filter((sequence) => removeRow(connection, sequence)).length
        })
        await nextTurn()
      }
      if (isOver() || removed >= limit) return removed
    }
  } catch (thrown) {
    const { code, message } = thrown as StoreError
    throw removed === 0 ? thrown : new StoreError(code, `${message}; ${removed} records were removed before`, 'unknown')
  }
}

/**
 * The next that are due. Where only some of them go these must be the oldest: they are looked for among the oldest of all,
 * and only where there are not enough all that is due is put in order.
 */
async function dueRows(
  connection: Connection,
  { retention, before, limit }: ReturnType<typeof checkPurge>,
  wanted: number,
): Promise<readonly number[]> {
  const isDue = "retention = +? AND received_at < +? AND state <> 'created'"
  const ask = async (sql: string): Promise<readonly number[]> => {
    const rows = await connection.read(() => connection.prepare(sql).all(retention, before, wanted))
    return (rows as { readonly sequence: number }[]).map(({ sequence }) => sequence)
  }
  const all = `SELECT sequence FROM command_log INDEXED BY command_log_received WHERE ${isDue}`
  if (limit === undefined) return await ask(`${all} LIMIT +?`)
  const oldest = await ask(`SELECT sequence FROM (SELECT sequence, retention, received_at, state FROM command_log
    ORDER BY sequence LIMIT ${most}) WHERE ${isDue} ORDER BY sequence LIMIT +?`)
  return oldest.length === wanted ? oldest : await ask(`${all} ORDER BY sequence LIMIT +?`)
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
