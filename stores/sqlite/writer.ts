import { Worker } from 'node:worker_threads'
import { StoreError } from '../../src/index.ts'
import {
  Deadline,
  type GroupResult,
  type GroupWrite,
  type SqliteFileChecked,
  type SqlitePlace,
} from '../../storekit/index.ts'
import type { Connection } from './connection.ts'
import type { Row } from './rows.ts'
import { writeRows } from './write.ts'

/** Writes groups. */
export interface Writer {
  write(writes: readonly GroupWrite<Row>[]): Promise<readonly GroupResult[]>
  /** Resolves once the thread, if there is one, has closed its file, or the time is over. */
  close(): Promise<void>
}

/** What a thread needs to know: which file, and that it must be this very one. */
export interface ThreadData {
  readonly options: SqliteFileChecked
  readonly place: SqlitePlace
}

/** A record on its way to the thread: its phase, and what becomes its row. */
export type Packed = readonly [intent: Row | undefined, outcome: Row | undefined]

/** What the thread says: that it has the file open, or what came of a group. */
export type Answer = 'open' | { readonly results: readonly PackedResult[] } | { readonly failure: PackedResult }

/** A result, or a `StoreError` taken apart: classes do not come through. */
export type PackedResult = string | readonly [code: string, message: string, written: 'no' | 'unknown']

/** Groups smaller than both are written before a thread would have heard of them. */
const smallest = { records: 16, bytes: 64 * 1024 }
/** A thread that could not be started, or died, is tried again after this time. */
const pauseMs = 10_000

/**
 * Small groups are written right here: with one command in flight nothing is faster. Larger ones go to a thread with a
 * connection of its own, which is started by the first of them, so that neither their rows nor the disk hold up the event
 * loop. A borrowed handle is of this thread, and so is all that is written through it.
 */
export function makeWriter(connection: Connection, options: SqliteFileChecked): Writer {
  const ending = new Set<Promise<void>>()
  let thread: Thread | undefined
  let notBefore = options.database === undefined ? 0 : Number.POSITIVE_INFINITY

  function drop(old: Thread): void {
    thread = undefined
    const ended = old.close(options.deadlineMs).finally(() => ending.delete(ended))
    ending.add(ended)
  }

  /** The thread for this file, if it is up; starts it otherwise. */
  function threadFor(place: SqlitePlace): Thread | undefined {
    if (thread?.isDead) {
      notBefore = performance.now() + pauseMs
      thread = undefined
    }
    // The file is another than the thread has open.
    if (thread !== undefined && thread.place.join() !== place.join()) drop(thread)
    if (thread === undefined && performance.now() >= notBefore) thread = new Thread({ options, place })
    return thread?.isOpen ? thread : undefined
  }

  return {
    async write(writes) {
      if ((isLarge(writes) || thread?.isBusy || connection.isLogLong) && performance.now() >= notBefore) {
        const open = threadFor(await connection.place())
        if (open !== undefined) {
          try {
            return await open.write(writes)
          } catch (thrown) {
            // What the thread no longer knows of the disk, the handle here does not know either.
            if ((thrown as StoreError).written === 'unknown') connection.doubt()
            throw thrown
          }
        }
      }
      return await writeRows(connection, writes)
    },
    async close() {
      if (thread !== undefined) drop(thread)
      await Promise.all(ending)
    },
  }
}

function isLarge(writes: readonly GroupWrite<Row>[]): boolean {
  if (writes.length >= smallest.records) return true
  const bytes = writes.map(({ intent, outcome }) => (intent?.bytes ?? 0) + (outcome?.bytes ?? 0))
  return bytes.reduce((sum, each) => sum + each, 0) >= smallest.bytes
}

class Thread {
  readonly place: SqlitePlace
  isOpen = false
  isDead = false
  #worker: Worker | undefined
  #isClosing = false
  /** Those whose groups it has, in the order in which it writes them. */
  readonly #waiting: PromiseWithResolvers<readonly GroupResult[]>[] = []
  readonly #ended = Promise.withResolvers<void>()

  constructor(data: ThreadData) {
    this.place = data.place
    try {
      // As it is in the sources, or built. Flags of the process, such as code to run first, are not for this thread.
      const file = import.meta.url.endsWith('.ts') ? './writer-thread.ts' : './writer-thread.js'
      this.#worker = new Worker(new URL(file, import.meta.url), { workerData: data, execArgv: [] })
    } catch {
      // Threads may be forbidden, or too many. Then everything is written here.
      this.#die()
      return
    }
    this.#worker.on('message', (answer: Answer) => this.#hear(answer))
    this.#worker.on('error', () => this.#die())
    this.#worker.on('exit', () => this.#die())
    this.#worker.unref()
  }

  /** Whether it has groups to write: no other connection should get in its way. */
  get isBusy(): boolean {
    return this.#waiting.length > 0
  }

  async write(writes: readonly GroupWrite<Row>[]): Promise<readonly GroupResult[]> {
    const waiting = Promise.withResolvers<readonly GroupResult[]>()
    this.#waiting.push(waiting)
    // What has been accepted keeps the process alive until it is written.
    this.#worker?.ref()
    this.#worker?.postMessage(writes.map(({ intent, outcome }): Packed => [intent, outcome]))
    try {
      return await waiting.promise
    } finally {
      if (!this.#isClosing && !this.isBusy) this.#worker?.unref()
    }
  }

  async close(deadlineMs: number): Promise<void> {
    if (this.isDead) return
    this.#isClosing = true
    this.#worker?.ref()
    // Ended from within: a thread that is stopped in the middle of a driver's call may bring the process down.
    this.#worker?.postMessage('close')
    const deadline = new Deadline(
      deadlineMs,
      () => new StoreError('STORE_TIMEOUT', 'The disk does not answer', 'unknown'),
    )
    await deadline.limit(this.#ended.promise).catch(() => this.#worker?.unref())
  }

  #hear(answer: Answer): void {
    if (answer === 'open') this.isOpen = true
    else if ('failure' in answer) this.#waiting.shift()?.reject(unpack(answer.failure))
    else this.#waiting.shift()?.resolve(answer.results.map(unpack))
  }

  #die(): void {
    this.isDead = true
    this.isOpen = false
    this.#ended.resolve()
    for (const { reject } of this.#waiting.splice(0)) {
      reject(new StoreError('STORE_UNAVAILABLE', 'The thread that writes has died', 'unknown'))
    }
  }
}

function unpack(result: PackedResult): GroupResult {
  return typeof result === 'string' ? (result as GroupResult) : new StoreError(...result)
}
