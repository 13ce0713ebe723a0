import { setTimeout as sleep } from 'node:timers/promises'
import { Deadline } from '../deadline.ts'
import type { CommandRecord, Payload } from '../record.ts'
import type { CommandLogStore, RecordResult } from '../store.ts'
import { StoreError } from '../store-error.ts'
import { Backlog, type BacklogLimits, type BacklogOptions } from './backlog.ts'
import { isLasting, toStoreError } from './store-failure.ts'

/** What a writer needs to know. */
export interface WriterOptions {
  readonly store: CommandLogStore
  readonly deadlineMs: number
  readonly limits: BacklogLimits
  readonly onFailure: BacklogOptions['onFailure']
  readonly onDone: BacklogOptions['onDone']
}

/** How an intent fared: durable (and by whose hand), or not. */
export type IntentResult =
  | { readonly result: RecordResult; readonly record: CommandRecord; readonly afterUnknown: boolean }
  | { readonly error: StoreError; readonly written: 'no' | 'unknown' }

const pauses = [20, 80, 320] as const

/** Talks to the store: every call has a deadline, every failure is reported, nothing is tried for ever. */
export class Writer {
  readonly backlog: Backlog
  readonly #options: WriterOptions
  readonly #deadline: Deadline

  constructor(options: WriterOptions) {
    const { deadlineMs, limits, onFailure, onDone } = options
    this.#options = options
    this.#deadline = new Deadline(
      deadlineMs,
      () => new StoreError('STORE_TIMEOUT', `The store did not answer within ${deadlineMs} ms`, 'unknown'),
    )
    this.backlog = new Backlog({ write: (record) => this.#writeTrimmed(record), limits, onFailure, onDone })
  }

  get(id: string): Promise<CommandRecord | undefined> {
    try {
      return this.#deadline.limit(promised(this.#options.store.get(id)))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** One write, or rejects with whatever the store said. */
  write(record: CommandRecord): Promise<RecordResult> {
    try {
      return this.#deadline.limit(promised(this.#options.store.record(record)))
    } catch (error) {
      // A store that throws instead of rejecting.
      return Promise.reject(error)
    }
  }

  /** Writes an intent. A `no` is final; an `unknown` is tried again, since that is safe and may settle it. */
  async intent(first: CommandRecord): Promise<IntentResult> {
    const startedAt = performance.now()
    let record = first
    let unknown = false
    for (let attempt = 0; ; attempt++) {
      try {
        return { result: await this.write(record), record, afterUnknown: unknown }
      } catch (thrown) {
        const error = toStoreError(thrown)
        this.#options.onFailure(record, error, false)
        const trimmed = error.code === 'RECORD_TOO_LARGE' ? withoutBodies(record) : undefined
        if (trimmed !== undefined) {
          record = trimmed
          continue
        }
        unknown ||= error.written === 'unknown'
        const pause = pauses[attempt]
        if (!unknown || isLasting(error) || pause === undefined || this.#isOver(startedAt, pause)) {
          return { error, written: unknown ? 'unknown' : 'no' }
        }
        await sleep(pause)
      }
    }
  }

  /**
   * After the first write of an outcome failed: tries a few times more within the deadline. What cannot be written by
   * then stays in the backlog, which goes on trying; what does not fit there is lost, and said to be. Never rejects.
   */
  async recover(record: CommandRecord, thrown: unknown): Promise<RecordResult | 'left'> {
    const startedAt = performance.now()
    let error = toStoreError(thrown)
    for (const pause of pauses) {
      if (error.code !== 'RECORD_TOO_LARGE' && isLasting(error)) break
      // A write that took its whole time has used up that of the sender too.
      if (error.code === 'STORE_TIMEOUT' || this.#isOver(startedAt, pause)) break
      this.#options.onFailure(record, error, false)
      if (error.code !== 'RECORD_TOO_LARGE') await sleep(pause)
      try {
        return await this.#writeTrimmed(record, error)
      } catch (again) {
        error = toStoreError(again)
      }
    }
    if (isLasting(error)) this.backlog.lose(record, error)
    else this.#leave(record, error)
    return 'left'
  }

  #leave(record: CommandRecord, error: StoreError): void {
    if (this.backlog.isFull) {
      this.backlog.lose(record, error)
      return
    }
    this.#options.onFailure(record, error, false)
    this.backlog.add(record)
  }

  #isOver(startedAt: number, pause: number): boolean {
    return performance.now() - startedAt + pause >= this.#options.deadlineMs
  }

  /** A record too large for the store is written without its bodies: who asked and what came of it matter more. */
  async #writeTrimmed(record: CommandRecord, before?: StoreError): Promise<RecordResult> {
    let failure = before
    if (failure?.code !== 'RECORD_TOO_LARGE') {
      try {
        return await this.write(record)
      } catch (thrown) {
        failure = toStoreError(thrown)
      }
    }
    const trimmed = failure.code === 'RECORD_TOO_LARGE' ? withoutBodies(record) : undefined
    if (trimmed === undefined) throw failure
    return await this.write(trimmed)
  }
}

/** Refuses what a store of no types may answer with. */
function promised<T>(answer: Promise<T>): Promise<T> {
  if (typeof answer?.then !== 'function') throw new TypeError('expected a promise')
  return answer
}

function withoutBodies(record: CommandRecord): CommandRecord | undefined {
  if (record.payload.data === undefined && record.result?.data === undefined) return undefined
  const payload = tooLarge(record.payload)
  return record.result === undefined ? { ...record, payload } : { ...record, payload, result: tooLarge(record.result) }
}

function tooLarge({ format, bytes }: Payload): Payload {
  return { status: 'too-large', format, bytes }
}
