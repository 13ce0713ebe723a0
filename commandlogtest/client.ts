import type {
  Change,
  CommandLogStore,
  CommandQuery,
  CommandRecord,
  Followable,
  FollowOptions,
  Page,
  Purgeable,
  PurgeOptions,
  RecordResult,
} from '../src/index.ts'
import { readCount, readFound, readPage, readRecords, readResult } from './answers.ts'
import { limitReached, sleep, withLimit } from './limit.ts'
import { show } from './show.ts'
import { FailedCall, isTransient, type StoreFailure, storeFailure } from './store-failure.ts'
import type { Trace } from './trace.ts'
import { Violation } from './violation.ts'

/** A store with any of the further bricks. */
export type AnyStore = CommandLogStore & Partial<Followable & Purgeable>

/** A method of a store that settles a promise. */
export type Method = 'record' | 'get' | 'findByCorrelation' | 'findByType' | 'list' | 'purge' | 'close'

/** What a write said. */
export interface Written {
  readonly result: RecordResult
  /** An earlier attempt ended with `written: 'unknown'`: the result may be about our own write. */
  readonly isUnsure: boolean
}

/** What every client of a check shares. */
export interface Wiring {
  trace: Trace
  callLimitMs: number
  isExpired: boolean
  operations: number
  /** Changes of our own that followers gave in this execution. */
  ownChanges: number
  /** A write of this execution ended with `written: 'unknown'`: it may still take effect, even after its record was purged. */
  wasUnsure: boolean
}

/** A store as the checks call it: every answer is checked for its shape, every call has a limit, bad luck is retried. */
export interface Client {
  readonly store: AnyStore
  readonly wiring: Wiring
  record(record: CommandRecord, again?: CommandRecord): Promise<Written>
  get(id: string): Promise<CommandRecord | undefined>
  findByCorrelation(correlationId: string): Promise<readonly CommandRecord[]>
  findByType(type: string, query?: Omit<CommandQuery, 'type'>): Promise<Page>
  list(query?: CommandQuery): Promise<Page>
  purge(options: PurgeOptions): Promise<{ readonly count: number; readonly isUnsure: boolean }>
  close(): Promise<void>
  follow(options?: FollowOptions): AsyncIterable<Change>
  /** What a call fails with; a violation when it does not fail, or with no `StoreError`. */
  failure(method: Method, ...args: readonly unknown[]): Promise<StoreFailure>
  /** One call, not repeated: bad luck is an answer too. */
  once(
    method: Method,
    ...args: readonly unknown[]
  ): Promise<{ readonly value?: unknown; readonly failure?: StoreFailure }>
  /** One call whose failure is an answer too. */
  attempt(
    method: Method,
    ...args: readonly unknown[]
  ): Promise<{ readonly value?: unknown; readonly failure?: StoreFailure }>
}

const mostAttempts = 25

const unsureStores = new WeakSet<AnyStore>()

/** Whether a write to this store, in whichever check, may still take effect. */
export function wasEverUnsure(store: AnyStore): boolean {
  return unsureStores.has(store)
}

function noteUnsure(store: AnyStore, wiring: Wiring): void {
  wiring.wasUnsure = true
  unsureStores.add(store)
}

/** Wraps a store; `handle` names it in traces, such as `b.`, where there are several. */
export function newClient(store: AnyStore, wiring: Wiring, handle = ''): Client {
  const call = caller(store, wiring, handle)
  return {
    store,
    wiring,
    async record(record, again = record) {
      const { value, isUnsure } = await insist('record', (attempt) => call('record', [attempt === 1 ? record : again]))
      return { result: readResult(value), isUnsure }
    },
    get: async (id) => readFound('get', (await insist('get', () => call('get', [id]))).value),
    findByCorrelation: async (id) =>
      readRecords((await insist('findByCorrelation', () => call('findByCorrelation', [id]))).value),
    findByType: async (...args) =>
      readPage('findByType', (await insist('findByType', () => call('findByType', args))).value),
    list: async (...args) => readPage('list', (await insist('list', () => call('list', args))).value),
    async purge(options) {
      const { value, isUnsure } = await insist('purge', () => call('purge', [options]))
      return { count: readCount(value), isUnsure }
    },
    async close() {
      await insist('close', () => call('close', []))
    },
    follow: (options) => startFollow(store, wiring, handle, options),
    async failure(method, ...args) {
      const { value, failure } = await settleOne(method, () => call(method, args))
      if (failure !== undefined) return failure
      const expected = 'a rejection with a StoreError'
      throw new Violation(`${method}(${args.map((each) => show(each)).join(', ')}) did not fail`, {
        expected,
        actual: show(value),
      })
    },
    once: (method, ...args) => orFailure(() => call(method, args)),
    attempt: (method, ...args) => settleOne(method, () => call(method, args)),
  }
}

function startFollow(store: AnyStore, wiring: Wiring, handle: string, options?: FollowOptions): AsyncIterable<Change> {
  if (store.follow === undefined) throw new Violation('the store has no follow')
  wiring.operations++
  const note = wiring.trace.call(handle, 'follow', options?.after === undefined ? [] : [{ after: options.after }])
  const changes: unknown = options === undefined ? store.follow() : store.follow(options)
  note('its changes')
  const isIterable = typeof changes === 'object' && changes !== null && Symbol.asyncIterator in changes
  if (!isIterable)
    throw new Violation('follow gave nothing to iterate', { expected: 'an AsyncIterable', actual: show(changes) })
  return changes as AsyncIterable<Change>
}

/** One call: within its limit, asynchronous whatever happens, and on the trace. */
function caller(store: AnyStore, wiring: Wiring, handle: string) {
  return async (method: Method, args: readonly unknown[]): Promise<unknown> => {
    if (wiring.isExpired) throw new Violation('the check went on after its time limit', { isHang: true })
    wiring.operations++
    const note = wiring.trace.call(handle, method, args)
    let returned: unknown
    try {
      returned = (store as unknown as Record<Method, (...args: readonly unknown[]) => unknown>)[method](...args)
    } catch (error) {
      note(error, true)
      throw new Violation(`${method} threw instead of returning a promise that rejects`, { actual: show(error) })
    }
    if (!isThenable(returned)) {
      note(returned)
      throw new Violation(`${method} did not return a promise`, { expected: 'a promise', actual: show(returned) })
    }
    try {
      const value = await withLimit(returned, wiring.callLimitMs)
      note(value)
      await letOthers(wiring)
      return value
    } catch (error) {
      if (error === limitReached) {
        throw new Violation(`${method} did not settle within ${wiring.callLimitMs} ms`, { isHang: true })
      }
      note(error, true)
      const failure = storeFailure(method, error)
      if (method === 'record' && failure instanceof FailedCall && failure.failure.written === 'unknown')
        noteUnsure(store, wiring)
      throw failure
    }
  }
}

/** A store that answers within the turn would let no timer fire, that of the time limit included. */
export async function letOthers({ operations }: Wiring): Promise<void> {
  if (operations % 500 === 0) await new Promise((resolve) => setImmediate(resolve))
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

/** Repeats a call that met bad luck: a store may be unavailable, or unsure, for a while. */
async function insist(
  method: Method,
  call: (attempt: number) => Promise<unknown>,
): Promise<{ value: unknown; isUnsure: boolean }> {
  let isUnsure = false
  for (let attempt = 1; ; attempt++) {
    try {
      return { value: await call(attempt), isUnsure }
    } catch (error) {
      const failure = (error as { failure?: StoreFailure }).failure
      if (failure === undefined) throw error
      // What an earlier attempt may have written is not undone by what a later one says.
      const told = isUnsure ? ({ ...failure, written: 'unknown' } as const) : failure
      if (!isTransient(failure)) throw new FailedCall(method, told)
      if (attempt === mostAttempts) throw new FailedCall(`${mostAttempts} times in a row ${method}`, told, true)
      if (failure.written === 'unknown') isUnsure = true
      if (attempt > 3) await sleep(Math.min(attempt, 8))
    }
  }
}

/** One call whose `StoreError` is an answer; what may pass by itself is tried again. */
function settleOne(method: Method, call: () => Promise<unknown>): Promise<{ value?: unknown; failure?: StoreFailure }> {
  return orFailure(async () => (await insist(method, call)).value)
}

async function orFailure(call: () => Promise<unknown>): Promise<{ value?: unknown; failure?: StoreFailure }> {
  try {
    return { value: await call() }
  } catch (error) {
    const failure = (error as { failure?: StoreFailure }).failure
    if (failure === undefined) throw error
    return { failure }
  }
}
