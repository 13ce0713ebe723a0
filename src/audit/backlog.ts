import { startTimer } from '../deadline.ts'
import type { CommandRecord } from '../record.ts'
import type { RecordResult } from '../store.ts'
import type { StoreError } from '../store-error.ts'
import { isLasting, toStoreError } from './store-failure.ts'

/** How much may wait to be written. */
export interface BacklogLimits {
  readonly records: number
  readonly bytes: number
}

/** What a backlog needs to know. */
export interface BacklogOptions {
  readonly write: (record: CommandRecord) => Promise<RecordResult>
  readonly limits: BacklogLimits
  /** Told of every record's first failed write; `lost` once nobody will try again. */
  readonly onFailure: (record: CommandRecord, error: StoreError, lost: boolean) => void
  /** Told when a record has left the backlog, by a write or by being lost. */
  readonly onDone: (record: CommandRecord, result: RecordResult | 'lost') => void
}

interface Waiting {
  readonly record: CommandRecord
  readonly bytes: number
  /** The order of arrival. */
  readonly arrival: number
  failed: boolean
}

const mostInFlight = 128
const firstPauseMs = 100
const longestPauseMs = 5000

/**
 * Outcomes on their way to a store that need not, or could not, be waited for. Bounded in records and bytes; begun in
 * order of arrival, many at once; tried again with growing pauses while the store fails.
 */
export class Backlog {
  /** Records that no attempt will write any more. */
  lost = 0
  readonly #options: BacklogOptions
  readonly #queue: Waiting[] = []
  readonly #roomWaiters = new Waiters()
  readonly #emptyWaiters = new Waiters()
  #arrivals = 0
  #records = 0
  #bytes = 0
  /** Places kept for commands that are running. */
  #reserved = 0
  #inFlight = 0
  #pauseMs = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: BacklogOptions) {
    this.#options = options
  }

  /** How many records are waiting or being written. */
  get size(): number {
    return this.#records
  }

  get isFull(): boolean {
    const { records, bytes } = this.#options.limits
    return this.#records + this.#reserved >= records || this.#bytes >= bytes
  }

  /** Whether the store failed last, so that there is nothing to gain by waiting. */
  get isFailing(): boolean {
    return this.#timer !== undefined
  }

  /** Keeps a place for a command that is about to run; says whether there was one. */
  reserve(): boolean {
    if (this.isFull) return false
    this.#reserved++
    return true
  }

  /** The same, as soon as there is a place within the time. */
  reserveWithin(ms: number): Promise<boolean> {
    return this.#roomWaiters.until(() => this.reserve(), ms)
  }

  /** Resolves to whether there was room within the time. */
  room(ms: number): Promise<boolean> {
    return this.#roomWaiters.until(() => !this.isFull, ms)
  }

  /** Gives a place back. */
  release(): void {
    this.#reserved--
    this.#roomWaiters.wake()
  }

  /** Takes a record, however full it is. */
  add(record: CommandRecord): void {
    const waiting = { record, bytes: sizeOf(record), arrival: this.#arrivals++, failed: false }
    this.#records++
    this.#bytes += waiting.bytes
    this.#queue.push(waiting)
    if (this.#timer === undefined) this.#pump()
  }

  /** Counts a record as lost, and says so. */
  lose(record: CommandRecord, error: StoreError): void {
    this.lost++
    this.#options.onFailure(record, error, true)
    this.#options.onDone(record, 'lost')
  }

  /** Tries everything again at once, and resolves when nothing is left or the time is over. */
  flush(ms: number): Promise<boolean> {
    this.stop()
    this.#pump()
    return this.#emptyWaiters.until(() => this.#records === 0, ms)
  }

  /** Stops trying. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #pump(): void {
    while (this.#inFlight < mostInFlight) {
      const waiting = this.#queue.shift()
      if (waiting === undefined) return
      this.#inFlight++
      this.#options.write(waiting.record).then(
        (result) => this.#written(waiting, result),
        (error: unknown) => this.#failed(waiting, toStoreError(error)),
      )
    }
  }

  #written(waiting: Waiting, result: RecordResult): void {
    this.#inFlight--
    this.#pauseMs = 0
    this.#forget(waiting)
    this.#options.onDone(waiting.record, result)
    if (this.#timer === undefined) this.#pump()
  }

  #failed(waiting: Waiting, error: StoreError): void {
    this.#inFlight--
    if (isLasting(error)) {
      this.#forget(waiting)
      this.lose(waiting.record, error)
      if (this.#timer === undefined) this.#pump()
      return
    }
    if (!waiting.failed) this.#options.onFailure(waiting.record, error, false)
    waiting.failed = true
    this.#putBack(waiting)
    if (this.#timer !== undefined) return
    this.#pauseMs = Math.min(longestPauseMs, Math.max(firstPauseMs, this.#pauseMs * 2))
    this.#timer = startTimer(this.#pauseMs, () => {
      this.#timer = undefined
      this.#pump()
    })
    // A dead store must not keep a process alive that has nothing else to do: whoever cares closes the bus.
    this.#timer.unref()
  }

  #putBack(waiting: Waiting): void {
    const index = this.#queue.findIndex(({ arrival }) => arrival > waiting.arrival)
    this.#queue.splice(index === -1 ? this.#queue.length : index, 0, waiting)
  }

  #forget(waiting: Waiting): void {
    this.#records--
    this.#bytes -= waiting.bytes
    this.#roomWaiters.wake()
    this.#emptyWaiters.wake()
  }
}

interface Waiter {
  readonly isSo: () => boolean
  readonly resolve: (isSo: boolean) => void
}

/** Those who wait for the same thing, served first come, first served. */
class Waiters {
  readonly #waiting = new Set<Waiter>()

  /** Serves as many as can be, in order; the first that cannot be keeps the others waiting. */
  wake(): void {
    for (const waiter of this.#waiting) {
      if (!waiter.isSo()) return
      this.#waiting.delete(waiter)
      waiter.resolve(true)
    }
  }

  /** Resolves to true once it is so, to false when the time is over. */
  async until(isSo: () => boolean, ms: number): Promise<boolean> {
    if (this.#waiting.size === 0 && isSo()) return true
    return await new Promise<boolean>((resolve) => {
      const waiter: Waiter = {
        isSo,
        resolve: (is) => {
          clearTimeout(timer)
          resolve(is)
        },
      }
      const timer = startTimer(ms, () => {
        this.#waiting.delete(waiter)
        resolve(false)
      })
      this.#waiting.add(waiter)
    })
  }
}

/** About what a record takes in memory: its bodies and texts, and a flat amount for the rest. */
function sizeOf(record: CommandRecord): number {
  const { payload, result, events, error, metadata, attributes, problem } = record
  const bodies = (payload.data === undefined ? 0 : payload.bytes) + (result?.data === undefined ? 0 : result.bytes)
  const texts = (error?.message.length ?? 0) + (error?.stack?.length ?? 0)
  const extras = [metadata, attributes, problem].filter((extra) => extra !== undefined)
  return 512 + bodies + texts + events.length * 64 + (extras.length > 0 ? JSON.stringify(extras).length : 0)
}
