import { startTimer } from '../deadline.ts'
import type { StoreError } from '../errors.ts'
import type { CommandRecord } from '../record.ts'
import { isLasting, toStoreError } from './store-failure.ts'

/** How much may wait to be written. */
export interface BacklogLimits {
  readonly records: number
  readonly bytes: number
}

/** What a backlog needs to know. */
export interface BacklogOptions {
  readonly write: (record: CommandRecord) => Promise<unknown>
  readonly limits: BacklogLimits
  /** Told of every failed write; `lost` once nobody will try again. */
  readonly onFailure: (record: CommandRecord, error: StoreError, lost: boolean) => void
}

interface Waiting {
  readonly record: CommandRecord
  readonly bytes: number
  failed: boolean
}

const mostInFlight = 128
const firstPauseMs = 100
const longestPauseMs = 5000

/**
 * Outcomes on their way to a store that need not, or could not, be waited for. Bounded in records and bytes; written in
 * order of arrival, many at once; tried again with growing pauses while the store fails.
 */
export class Backlog {
  /** Records that no attempt will write any more. */
  lost = 0
  readonly #options: BacklogOptions
  #queue: Waiting[] = []
  #records = 0
  #bytes = 0
  #inFlight = 0
  #pauseMs = 0
  #timer: NodeJS.Timeout | undefined
  #watchers: (() => void)[] = []

  constructor(options: BacklogOptions) {
    this.#options = options
  }

  /** How many records are waiting or being written. */
  get size(): number {
    return this.#records
  }

  get isFull(): boolean {
    const { records, bytes } = this.#options.limits
    return this.#records >= records || this.#bytes >= bytes
  }

  /** Takes a record, however full it is. */
  add(record: CommandRecord): void {
    const waiting = { record, bytes: sizeOf(record), failed: false }
    this.#records++
    this.#bytes += waiting.bytes
    this.#queue.push(waiting)
    if (this.#timer === undefined) this.#pump()
  }

  /** Counts a record as lost, and says so. */
  lose(record: CommandRecord, error: StoreError): void {
    this.lost++
    this.#options.onFailure(record, error, true)
  }

  /** Takes a record as soon as there is room; resolves to whether there was within the time. */
  offer(record: CommandRecord, ms: number): Promise<boolean> {
    return this.#until(() => {
      if (this.isFull) return false
      this.add(record)
      return true
    }, ms)
  }

  /** Resolves to whether there was room within the time. */
  room(ms: number): Promise<boolean> {
    return this.#until(() => !this.isFull, ms)
  }

  /** Tries everything again at once, and resolves when nothing is left or the time is over. */
  flush(ms: number): Promise<boolean> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#pump()
    return this.#until(() => this.#records === 0, ms)
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
        () => this.#written(waiting),
        (error: unknown) => this.#failed(waiting, toStoreError(error)),
      )
    }
  }

  #written(waiting: Waiting): void {
    this.#inFlight--
    this.#pauseMs = 0
    this.#forget(waiting)
    if (this.#timer === undefined) this.#pump()
  }

  #failed(waiting: Waiting, error: StoreError): void {
    this.#inFlight--
    if (isLasting(error)) {
      this.lose(waiting.record, error)
      this.#forget(waiting)
      if (this.#timer === undefined) this.#pump()
      return
    }
    if (!waiting.failed) this.#options.onFailure(waiting.record, error, false)
    waiting.failed = true
    this.#queue.unshift(waiting)
    if (this.#timer !== undefined) return
    this.#pauseMs = Math.min(longestPauseMs, Math.max(firstPauseMs, this.#pauseMs * 2))
    this.#timer = startTimer(this.#pauseMs, () => {
      this.#timer = undefined
      this.#pump()
    })
    // A dead store must not keep a process alive that has nothing else to do: whoever cares closes the bus.
    this.#timer.unref()
  }

  #forget(waiting: Waiting): void {
    this.#records--
    this.#bytes -= waiting.bytes
    const watchers = this.#watchers
    if (watchers.length === 0) return
    this.#watchers = []
    for (const watcher of watchers) watcher()
  }

  async #until(isSo: () => boolean, ms: number): Promise<boolean> {
    if (isSo()) return true
    return await new Promise<boolean>((resolve) => {
      const timer = startTimer(ms, () => {
        this.#watchers = this.#watchers.filter((each) => each !== watch)
        resolve(false)
      })
      const watch = (): void => {
        if (!isSo()) {
          this.#watchers.push(watch)
          return
        }
        clearTimeout(timer)
        resolve(true)
      }
      this.#watchers.push(watch)
    })
  }
}

/** About what a record takes in memory: its bodies, and a flat amount for the rest. */
function sizeOf(record: CommandRecord): number {
  const bodies = (record.payload.data === undefined ? 0 : record.payload.bytes) + (record.result?.bytes ?? 0)
  return 512 + bodies + record.events.length * 64
}
