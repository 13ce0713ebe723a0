import { setTimeout as sleep } from 'node:timers/promises'
import { StoreError } from '../../src/index.ts'
import { Deadline } from '../../storekit/index.ts'
import type { CheckedOptions } from './options.ts'
import { type Lane, openLane, Pool } from './pool.ts'
import { type Names, namesOf } from './schema.ts'
import { isBroken, isOfConnection, isTransient, toStoreError } from './store-error.ts'

type Parameters = (string | number | null)[]
type Rows = readonly object[]

/** A statement, and how it is sent. */
interface Call {
  readonly text: string
  readonly values: Parameters
  readonly isWrite: boolean
  readonly prepare: boolean
  readonly pool: Pool
  /** What it is being sent on; undefined while surely nothing of it is under way. */
  lane: Lane | undefined
  isOver: boolean
}

/**
 * What stands between the driver and the store: a deadline for every call, since the driver has none, new connections for
 * those that hang or break, and patience where nothing was done yet.
 */
export class Connection {
  readonly names: Names
  readonly options: CheckedOptions
  /** Where records are written, which shall not wait for those who read much. */
  readonly #writing: Pool
  /** For everything else. */
  readonly #reading: Pool
  readonly #deadline: Deadline
  readonly #calls = new Set<Promise<unknown>>()
  #stopListening: (() => void) | undefined
  #isClosed = false

  constructor(options: CheckedOptions) {
    this.options = options
    this.names = namesOf(options)
    const ofWriters = Math.floor(options.connections / 2)
    this.#reading = new Pool(options, options.connections - ofWriters)
    this.#writing = ofWriters === 0 ? this.#reading : new Pool(options, ofWriters)
    this.#deadline = new Deadline(options.deadlineMs, () => this.#late('unknown'))
  }

  /** Reads, prepared where the text is always the same: whatever happens, nothing is lost by asking again while there is time. */
  read(text: string, values: Parameters = [], isFixed = false): Promise<Rows> {
    return this.#call({ text, values, isWrite: false, prepare: isFixed, pool: this.#reading })
  }

  /** Writes in one statement. Tries again only what surely did nothing. */
  write(text: string, values: Parameters): Promise<Rows> {
    return this.#call({ text, values, isWrite: true, prepare: true, pool: this.#writing })
  }

  /** The same for what nobody waits for before they go on: migrations and purges. */
  change(text: string, values: Parameters): Promise<Rows> {
    return this.#call({ text, values, isWrite: true, prepare: true, pool: this.#reading })
  }

  /** Calls back whenever another process tells of changes; does nothing where nobody may listen, or somebody does already. */
  listen(wake: () => void): void {
    const { sql, prepare } = this.options
    if (!prepare || this.#isClosed || this.#stopListening !== undefined) return
    const lane = sql === undefined ? openLane(this.options) : { sql, discard: () => {} }
    // Where it fails the poll finds what there is.
    const listening = lane.sql.listen(this.names.channel, wake).catch(() => undefined)
    this.#stopListening = () => {
      lane.discard()
      if (sql !== undefined) listening.then((it) => it?.unlisten()).catch(() => {})
    }
  }

  /** Tells whoever listens. A poll finds what this does not tell, so that its failures do not matter. */
  async notify(): Promise<void> {
    if (!this.options.prepare || this.#isClosed) return
    await this.read('SELECT pg_notify($1, $2)', [this.names.channel, ''], true).catch(() => {})
  }

  /** Resolves once every call has settled, which is at their deadline at the latest. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#stopListening?.()
    await Promise.allSettled(this.#calls)
    for (const pool of [this.#reading, this.#writing]) pool.close()
  }

  #call(given: Omit<Call, 'lane' | 'isOver'>): Promise<Rows> {
    if (this.#isClosed) return Promise.reject(new StoreError('STORE_CLOSED', 'The store is closed'))
    const call: Call = { ...given, lane: undefined, isOver: false }
    const limited = this.#deadline.limit(this.#patiently(call), () => this.#expire(call))
    this.#calls.add(limited)
    const leave = (): boolean => this.#calls.delete(limited)
    limited.then(leave, leave)
    return limited
  }

  async #patiently(call: Call): Promise<Rows> {
    const until = performance.now() + this.options.deadlineMs * 0.9
    for (let pause = 5; ; pause = Math.min(250, pause * 2)) {
      try {
        return await this.#send(call)
      } catch (thrown) {
        const isWorthwhile = isTransient(thrown) || (!call.isWrite && isBroken(thrown))
        const isLate = call.isOver || this.#isClosed || performance.now() + pause > until
        if (isLate || !isWorthwhile) throw toStoreError(thrown, call.isWrite)
      }
      await sleep(pause * (0.5 + Math.random()))
    }
  }

  async #send(call: Call): Promise<Rows> {
    const { pool } = call
    const lane = await pool.take()
    try {
      if (call.isOver) throw this.#late('no')
      call.lane = lane
      const prepare = call.prepare && this.options.prepare
      const rows = await lane.sql.unsafe(call.text, call.values, { prepare })
      pool.give(lane)
      return rows
    } catch (thrown) {
      if (isOfConnection(thrown)) pool.discard(lane)
      else pool.give(lane)
      throw thrown
    } finally {
      call.lane = undefined
    }
  }

  /** What does not answer is thrown away, and so is what may have been cut off with it unnoticed. */
  #expire(call: Call): StoreError {
    call.isOver = true
    if (call.lane === undefined) return this.#late('no')
    call.pool.discard(call.lane)
    for (const pool of [this.#reading, this.#writing]) pool.discardIdle()
    return this.#late(call.isWrite ? 'unknown' : 'no')
  }

  #late(written: 'no' | 'unknown'): StoreError {
    return new StoreError('STORE_TIMEOUT', `The server did not answer within ${this.options.deadlineMs} ms`, written)
  }
}
