import { Worker } from 'node:worker_threads'
import { StoreError } from '../../src/index.ts'
import type { GroupResult, GroupWrite } from '../../storekit/index.ts'
import type { Connection } from './connection.ts'
import type { CheckedOptions } from './options.ts'
import type { Row } from './rows.ts'
import { writeRows } from './write.ts'

/** Writes groups. */
export interface Writer {
  write(writes: readonly GroupWrite<Row>[]): Promise<readonly GroupResult[]>
  /** Resolves once the thread, if there is one, has closed its file. */
  close(): Promise<void>
}

/** A record on its way to the thread: its phase, and what becomes its row. */
export type Packed = readonly [intent: Row | undefined, outcome: Row | undefined]

/** What the thread says: which log it has open, or what came of a group. */
export type Answer =
  | { readonly data: string }
  | { readonly results: readonly PackedResult[] }
  | { readonly failure: PackedResult }

/** A result, or a `StoreError` taken apart: classes do not come through. */
export type PackedResult = string | readonly [code: string, message: string, written: 'no' | 'unknown']

/** Smaller groups are written before a thread would have heard of them. */
const smallest = 16

/**
 * Small groups are written right here: with one command in flight nothing is faster. Larger ones go to a thread with a
 * connection of its own, which is started by the first of them, so that neither their rows nor the disk hold up the event
 * loop. A borrowed handle is of this thread, and so is all that is written through it.
 */
export function makeWriter(connection: Connection, options: CheckedOptions): Writer {
  let thread: Thread | undefined
  let isUsable = options.database === undefined
  return {
    async write(writes) {
      if (isUsable && writes.length >= smallest) {
        thread ??= new Thread(options)
        // Another log has taken the place of the file, or the thread is gone: here it is noticed, or does not matter.
        if (thread.isDead || (thread.data !== undefined && thread.data !== connection.data)) isUsable = false
        else if (thread.data !== undefined) return await thread.write(writes)
      }
      return await writeRows(connection, writes)
    },
    async close() {
      isUsable = false
      await thread?.close()
    },
  }
}

class Thread {
  /** What the log is called that it has open; undefined while it opens. */
  data: string | undefined
  isDead = false
  readonly #worker: Worker
  #waiting: PromiseWithResolvers<readonly GroupResult[]> | undefined

  constructor(options: CheckedOptions) {
    // As it is in the sources, or built.
    const file = import.meta.url.endsWith('.ts') ? './writer-thread.ts' : './writer-thread.js'
    this.#worker = new Worker(new URL(file, import.meta.url), { workerData: options })
    this.#worker.on('message', (answer: Answer) => this.#hear(answer))
    this.#worker.on('error', () => this.#die())
    this.#worker.on('exit', () => this.#die())
    this.#worker.unref()
  }

  /** One group at a time. */
  async write(writes: readonly GroupWrite<Row>[]): Promise<readonly GroupResult[]> {
    this.#waiting = Promise.withResolvers()
    // What has been accepted keeps the process alive until it is written.
    this.#worker.ref()
    this.#worker.postMessage(writes.map(({ intent, outcome }): Packed => [intent, outcome]))
    try {
      return await this.#waiting.promise
    } finally {
      this.#worker.unref()
    }
  }

  async close(): Promise<void> {
    if (this.isDead) return
    const ended = new Promise((resolve) => this.#worker.once('exit', resolve))
    this.#worker.ref()
    // Ended from within: a thread that is stopped in the middle of a driver's call brings the process down.
    this.#worker.postMessage('close')
    await ended
  }

  #hear(answer: Answer): void {
    if ('data' in answer) this.data = answer.data
    else if ('failure' in answer) this.#waiting?.reject(unpack(answer.failure))
    else this.#waiting?.resolve(answer.results.map(unpack))
  }

  #die(): void {
    this.isDead = true
    this.#waiting?.reject(new StoreError('STORE_UNAVAILABLE', 'The thread that writes has died', 'unknown'))
  }
}

function unpack(result: PackedResult): GroupResult {
  return typeof result === 'string' ? (result as GroupResult) : new StoreError(...result)
}
