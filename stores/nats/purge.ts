import type { CheckedQuery, checkPurge } from '../../storekit/index.ts'
import type { Connection } from './connection.ts'
import { farthest, idsIn, isName, placeOf } from './names.ts'
import { matching } from './queries.ts'
import type { Reader, Standing } from './reader.ts'
import type { Message } from './rows.ts'
import { recordSubject, toToken } from './schema.ts'

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
  const names = new Forgetting(connection, reader)
  let removed = 0
  for (let low = Math.max(1, state.first_seq); low <= state.last_seq; ) {
    const until = connection.until()
    const looked = await reader.window(low, state.last_seq, until, window)
    names.add(looked.messages)
    const due = await matching(reader, query, looked, { until })
    let at = 0
    while (at < due.length && removed < limit && !isOver()) {
      const some = due.slice(at, at + Math.min(atOnce, limit - removed))
      const each = await Promise.all(some.map((standing) => purgeOne(connection, standing)))
      removed += each.filter(Boolean).length
      at += some.length
    }
    names.see(looked.messages, due.slice(0, at))
    await names.forget(looked.upTo)
    if (removed >= limit || isOver()) break
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

/**
 * What names records, forgotten once none of them is there. Without its records a name says nothing, so that it may go late:
 * an interrupted purge leaves some, which the next one takes.
 */
class Forgetting {
  readonly #connection: Connection
  readonly #reader: Reader
  /** By their sequences: those that records may still come for, and the tokens of those not known to be gone. */
  readonly #open = new Map<number, { readonly tokens: Set<string>; readonly ids: readonly string[] }>()
  /** By token: the names that it is in. */
  readonly #of = new Map<string, number[]>()

  constructor(connection: Connection, reader: Reader) {
    this.#connection = connection
    this.#reader = reader
  }

  /** Before what is due in it is removed. */
  add(messages: readonly Message[]): void {
    for (const message of messages) {
      if (!isName(message)) continue
      const ids = idsIn(message)
      const tokens = new Set(ids.map(toToken))
      this.#open.set(message.seq, { tokens, ids })
      for (const token of tokens) this.#of.set(token, [...(this.#of.get(token) ?? []), message.seq])
    }
  }

  /** Of the records that begin in these messages, those that are `gone` have been removed, and the others stay. */
  see(messages: readonly Message[], gone: readonly Standing[]): void {
    const removed = new Map(gone.map(({ seq, record }) => [toToken(record.id), seq]))
    for (const [token, record] of removed) {
      const named = this.#of.get(token) ?? []
      for (const seq of named) if (seq < record) this.#open.get(seq)?.tokens.delete(token)
      // What comes after it may be for a new record of this id.
      const later = named.filter((seq) => seq > record)
      if (later.length === 0) this.#of.delete(token)
      else this.#of.set(token, later)
    }
    for (const { kind, token = '' } of messages.map(placeOf)) {
      if (kind === 'record' && !removed.has(token)) this.#keep(token)
    }
  }

  /** A name of which one record stays will stay. */
  #keep(token: string): void {
    for (const seq of this.#of.get(token) ?? []) this.#open.delete(seq)
    this.#of.delete(token)
  }

  /** Removes the names that are of no use now that all up to a sequence has been seen: no record may come for them. */
  async forget(upTo: number): Promise<void> {
    const done = [...this.#open].filter(([seq, { tokens }]) => tokens.size === 0 || seq + farthest <= upTo)
    for (let at = 0; at < done.length; at += atOnce) {
      await Promise.all(done.slice(at, at + atOnce).map(([seq, { tokens, ids }]) => this.#forgetOne(seq, tokens, ids)))
    }
  }

  async #forgetOne(seq: number, tokens: ReadonlySet<string>, ids: readonly string[]): Promise<void> {
    const { options } = this.#connection
    this.#open.delete(seq)
    for (const token of tokens) this.#of.delete(token)
    // What was not come across may be elsewhere, or was removed before.
    const left = ids.filter((id) => tokens.has(toToken(id)))
    const states = await this.#reader.states(left, this.#connection.until())
    if (states.some((state) => state instanceof Error || state.phase !== 'none')) return
    // Somebody else may have removed it meanwhile, which is as good.
    const body = { seq, no_erase: true }
    await this.#connection.api(`STREAM.MSG.DELETE.${options.stream}`, body).catch(() => {})
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
