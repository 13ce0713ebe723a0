import { limitReached, sleep, withLimit } from '../commandlogtest/limit.ts'
import { show } from '../commandlogtest/show.ts'
import type { Trace } from '../commandlogtest/trace.ts'
import { Violation } from '../commandlogtest/violation.ts'
import type {
  AppendOptions,
  EventStore,
  Fenceable,
  NewEvent,
  ReadOptions,
  RecordedEvent,
} from '../eventsourcing/event-store.ts'

/** An event store with or without a fence. */
export type AnyEventStore = EventStore & Partial<Fenceable>

/** A method of an event store. */
export type Method = 'read' | 'append' | 'close' | 'fence'

/** What an `EventStoreError` says. */
export interface EventStoreFailure {
  readonly code: string
  readonly written: 'no' | 'unknown'
  readonly expected: unknown
  readonly actual: unknown
  /** Everything that can be read of it. */
  readonly text: string
}

/** How a call ended. */
export interface Answer<T = unknown> {
  readonly value?: T
  readonly failure?: EventStoreFailure
}

/** What every client of a check shares. */
export interface Wiring {
  trace: Trace
  callLimitMs: number
  isExpired: boolean
  operations: number
}

/** An event store as the checks call it: every answer has its shape, every call a limit, bad luck is retried. */
export interface Client {
  readonly store: AnyEventStore
  append(stream: string, events: readonly NewEvent[], options?: AppendOptions): Promise<number>
  read(stream: string, options?: ReadOptions): Promise<readonly RecordedEvent[]>
  fence(commandId: string): Promise<readonly RecordedEvent[]>
  close(): Promise<void>
  /** An append whose failure is an answer too. */
  tryAppend(stream: string, events: readonly NewEvent[], options?: AppendOptions): Promise<Answer<number>>
  /** Any call with any arguments, whose failure is an answer too. */
  attempt(method: Method, ...args: readonly unknown[]): Promise<Answer>
}

const transient = ['STORE_UNAVAILABLE', 'STORE_TIMEOUT', 'STORE_OVERLOADED', 'STORE_FULL']
const mostAttempts = 25

/** Wraps a store; `handle` names it in traces, such as `b.`, where there are several. */
export function newClient(store: AnyEventStore, wiring: Wiring, handle = ''): Client {
  const call = async (method: Method, args: readonly unknown[]): Promise<Answer> => {
    for (let attempt = 1; ; attempt++) {
      const answer = await callOnce({ store, wiring, handle }, method, args)
      const { failure } = answer
      if (failure === undefined || !transient.includes(failure.code) || attempt === mostAttempts) return answer
      // What may have been written is for the caller to find out.
      if (failure.written === 'unknown' && method === 'append') return answer
      if (attempt > 3) await sleep(attempt)
    }
  }
  const versionOf = async (stream: string, id: string | undefined): Promise<number | undefined> => {
    const all = readEvents('read', orThrow('read', await call('read', [stream])))
    return all.find((event) => event.id === id)?.version
  }
  const tryAppend: Client['tryAppend'] = async (stream, events, options) => {
    const args = options === undefined ? [stream, events] : [stream, events, options]
    let answer = await call('append', args)
    if (answer.failure?.written === 'unknown') {
      answer = await call('append', args)
      // The first try was written after all: its version is where its last event is.
      const written = answer.failure === undefined ? undefined : await versionOf(stream, events.at(-1)?.id)
      if (written !== undefined) answer = { value: written }
    }
    return answer.failure === undefined ? { value: readVersion(answer.value) } : { failure: answer.failure }
  }
  return {
    store,
    tryAppend,
    append: async (...args) => orThrow('append', await tryAppend(...args)) as number,
    read: async (...args) => readEvents('read', orThrow('read', await call('read', args))),
    fence: async (id) => readEvents('fence', orThrow('fence', await call('fence', [id]))),
    async close() {
      orThrow('close', await call('close', []))
    },
    attempt: (method, ...args) => call(method, args),
  }
}

interface Target {
  readonly store: AnyEventStore
  readonly wiring: Wiring
  readonly handle: string
}

async function callOnce({ store, wiring, handle }: Target, method: Method, args: readonly unknown[]): Promise<Answer> {
  if (wiring.isExpired) throw new Violation('the check went on after its time limit', { isHang: true })
  wiring.operations++
  // A store that answers within the turn would let no timer fire, that of the time limit included.
  if (wiring.operations % 500 === 0) await new Promise((resolve) => setImmediate(resolve))
  const note = wiring.trace.call(handle, method, args)
  let returned: unknown
  try {
    returned = (store as unknown as Record<Method, (...args: readonly unknown[]) => unknown>)[method](...args)
  } catch (error) {
    note(error, true)
    throw new Violation(`${method} threw instead of returning a promise that rejects`, { actual: show(error) })
  }
  if (typeof (returned as { then?: unknown } | null | undefined)?.then !== 'function') {
    throw new Violation(`${method} did not return a promise`, { actual: show(returned) })
  }
  try {
    const value = await withLimit(returned as Promise<unknown>, wiring.callLimitMs)
    note(value)
    return { value }
  } catch (error) {
    if (error === limitReached) {
      throw new Violation(`${method} did not settle within ${wiring.callLimitMs} ms`, { isHang: true })
    }
    note(error, true)
    return { failure: failureOf(method, error) }
  }
}

function failureOf(method: Method, error: unknown): EventStoreFailure {
  const { name, code, written, expected, actual, message, stack } = (error ?? {}) as Record<string, unknown>
  if (name !== 'EventStoreError' || typeof code !== 'string' || (written !== 'no' && written !== 'unknown')) {
    const details = { expected: 'an EventStoreError with a code and what was written', actual: show(error) }
    throw new Violation(`${method} failed with something else`, details)
  }
  return { code, written, expected, actual, text: `${message} ${stack} ${textOf(error)}` }
}

function textOf(error: unknown): string {
  const { cause } = error as { cause?: unknown }
  return `${JSON.stringify(error)} ${cause === undefined ? '' : `${cause} ${JSON.stringify(cause)}`}`
}

function orThrow(method: Method, { value, failure }: Answer): unknown {
  if (failure === undefined) return value
  throw new Violation(`${method} failed`, {
    expected: 'an answer',
    actual: `${failure.code}, written ${failure.written}`,
  })
}

function readVersion(value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number
  throw new Violation('append gave no version', { expected: 'a whole number from 0', actual: show(value) })
}

function readEvents(method: Method, value: unknown): readonly RecordedEvent[] {
  if (Array.isArray(value) && value.every((each) => typeof each === 'object' && each !== null)) return value
  throw new Violation(`${method} gave no events`, { expected: 'an array of events', actual: show(value) })
}
