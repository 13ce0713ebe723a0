import type { CheckedQuery, checkPurge } from '../../storekit/index.ts'
import type { Connection } from './connection.ts'
import { isOfRecord, matching } from './queries.ts'
import type { Reader, Standing } from './reads.ts'
import { fromIndex, type Message } from './rows.ts'
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
  const names = new Names(connection, reader)
  let removed = 0
  for (let low = Math.max(1, state.first_seq); low <= state.last_seq; ) {
    const until = connection.until()
    const looked = await reader.window(low, state.last_seq, until, window)
    names.add(looked.messages)
    const due = await matching(reader, query, looked, { until })
    for (let at = 0; at < due.length; ) {
      const some = due.slice(at, at + Math.min(atOnce, limit - removed))
      const each = await Promise.all(some.map((standing) => purgeOne(connection, standing)))
      removed += each.filter(Boolean).length
      at += some.length
      if (at === due.length || removed >= limit || isOver()) await names.forget(due.slice(0, at))
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

/** So many names are kept in mind, which are those of many windows. */
const mostNames = 10_000

/** What names records among their correlations. Without its record a name says nothing, so that it may go late. */
class Names {
  readonly #connection: Connection
  readonly #reader: Reader
  /** By id: a name comes shortly before its record, and so has most likely been seen. */
  readonly #seen = new Map<string, Message>()

  constructor(connection: Connection, reader: Reader) {
    this.#connection = connection
    this.#reader = reader
  }

  add(messages: readonly Message[]): void {
    if (this.#seen.size > mostNames) this.#seen.clear()
    for (const message of messages) {
      const id = isOfRecord(message) ? undefined : fromIndex(message)
      if (id !== undefined) this.#seen.set(id, message)
    }
  }

  /** Removes those of records that are gone. */
  async forget(gone: readonly Standing[]): Promise<void> {
    const others = gone.filter(({ record }) => record.correlationId !== record.id)
    for (let at = 0; at < others.length; at += atOnce) {
      await Promise.all(others.slice(at, at + atOnce).map((each) => this.#forgetOne(each)))
    }
  }

  async #forgetOne({ record: { id, correlationId }, last }: Standing): Promise<void> {
    const { stream } = this.#connection.options
    const subject = correlationSubject(stream, correlationId)
    const seen = this.#seen.get(id)
    const isSeen = seen !== undefined && seen.subject === subject && seen.seq <= last
    const names = isSeen ? [seen] : await this.#reader.all(subject, this.#connection.until())
    for (const name of names) {
      if (name.seq > last || fromIndex(name) !== id) continue
      const body = { seq: name.seq, no_erase: true }
      // Somebody else may have removed it meanwhile, which is as good.
      await this.#connection.api(`STREAM.MSG.DELETE.${stream}`, body).catch(() => {})
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
