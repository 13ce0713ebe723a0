import type { CheckedQuery, checkPurge } from '../../storekit/index.ts'
import type { Connection } from './connection.ts'
import { matching } from './queries.ts'
import type { Reader, Standing } from './reads.ts'
import { fromIndex } from './rows.ts'
import { correlationSubject, recordSubject } from './schema.ts'

/** As many messages are looked at in one step. */
const window = 1024
/** So many records are removed at once. */
const atOnce = 64

/** Removes what is due, oldest first, until there is nothing left, or `isOver`; how many this call removed. */
export async function purgeRows(
  connection: Connection,
  reader: Reader,
  { retention, before, limit = Number.POSITIVE_INFINITY }: ReturnType<typeof checkPurge>,
  isOver: () => boolean,
): Promise<number> {
  const query = dueQuery(retention, before)
  const { state } = await reader.info(connection.until())
  let removed = 0
  for (let low = Math.max(1, state.first_seq); low <= state.last_seq; ) {
    const until = connection.until()
    const looked = await reader.window(low, Math.min(state.last_seq, low + window - 1), until)
    const due = await matching(reader, query, looked, { until })
    for (let at = 0; at < due.length; ) {
      const some = due.slice(at, at + Math.min(atOnce, limit - removed))
      const each = await Promise.all(some.map((standing) => purgeOne(connection, standing)))
      removed += each.filter(Boolean).length
      at += some.length
      if (at === due.length || removed >= limit || isOver()) await forget(connection, reader, due.slice(0, at))
      if (removed >= limit || isOver()) return removed
    }
    low = looked.upTo + 1
    if (looked.messages.length === 0) {
      low = (await reader.nextAny(low, connection.until()))?.seq ?? state.last_seq + 1
    }
  }
  return removed
}

/**
 * Whether this call removed it. One request takes all messages of the id, so that nobody reads a half; those that a new
 * record of this id may have written since come later in the stream and stay.
 */
async function purgeOne(connection: Connection, { last, record }: Standing): Promise<boolean> {
  const { stream } = connection.options
  const body = { filter: recordSubject(stream, record.id), seq: last + 1 }
  const { purged } = await connection.api<{ readonly purged: number }>(`STREAM.PURGE.${stream}`, body)
  return purged > 0
}

/** Removes what named these among their correlations. Without its record a name says nothing, so that this may come late. */
async function forget(connection: Connection, reader: Reader, gone: readonly Standing[]): Promise<void> {
  const { stream } = connection.options
  const lasts = new Map(gone.map(({ record, last }) => [record.id, last]))
  const others = gone.filter(({ record }) => record.correlationId !== record.id)
  for (const correlationId of new Set(others.map(({ record }) => record.correlationId))) {
    const until = connection.until()
    const names = await reader.all(correlationSubject(stream, correlationId), until)
    const old = names.filter((name) => name.seq <= (lasts.get(fromIndex(name)) ?? 0))
    for (let at = 0; at < old.length; at += atOnce) {
      await Promise.all(
        // Somebody else may have removed it meanwhile, which is as good.
        old
          .slice(at, at + atOnce)
          .map(({ seq }) => connection.api(`STREAM.MSG.DELETE.${stream}`, { seq, no_erase: true }).catch(() => {})),
      )
    }
  }
}

function dueQuery(retention: CheckedQuery['equal']['retention'], to: number): CheckedQuery {
  return {
    types: undefined,
    states: ['successful', 'cancelled', 'rejected', 'conflict', 'failed'],
    equal: { ...(retention !== undefined && { retention }) },
    ...{ eventId: undefined, problemCode: undefined, attributes: [], from: undefined, to },
    ...{ order: 'oldest', limit: 1000, cursor: undefined },
  }
}
