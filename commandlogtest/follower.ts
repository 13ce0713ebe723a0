import type { Change, CommandRecord } from '../src/index.ts'
import { readRecord } from './answers.ts'
import { type Client, letOthers } from './client.ts'
import { limitReached, withLimit } from './limit.ts'
import type { Scope } from './scope.ts'
import { show } from './show.ts'
import { isTransient, type StoreFailure, storeFailure } from './store-failure.ts'
import { expectTrue, Violation } from './violation.ts'

// Far more than any execution writes.
const mostChanges = 20_000

/** One follower of a store, seen by one execution: the changes of strangers are passed over. */
export interface Follower {
  /** The next change of our own; undefined when it ended. */
  next(): Promise<Change | undefined>
  /** Every change of our own up to and with the first that this holds for. */
  until(isLast: (record: CommandRecord) => boolean): Promise<readonly Change[]>
  /** Ends it by its signal, and demands that it ends quietly. */
  stop(): Promise<void>
  /** Ends it by its signal, and nothing else: for `finally`. */
  abort(reason?: unknown): void
  readonly signal: AbortSignal
  readonly iterator: AsyncIterator<Change>
}

/** Begins to follow, after a position or from the start. */
export function startFollower(scope: Scope, after?: string, client: Client = scope.client): Follower {
  const stopping = new AbortController()
  const { signal } = stopping
  const steps = ownSteps(scope, client, { after, signal })
  return {
    next: steps.next,
    async until(isLast) {
      const changes: Change[] = []
      for (;;) {
        const change = await steps.next()
        if (change === undefined) {
          throw new Violation('a follower ended by itself', { actual: show(changes.map(nameOf)) })
        }
        changes.push(change)
        if (isLast(change.record)) return changes
      }
    },
    async stop() {
      stopping.abort()
      for (let left = 1000; left > 0; left--) if ((await stepOf(client, steps.iterator())).done === true) return
      throw new Violation('a follower goes on after its signal was aborted')
    },
    abort: (reason) => stopping.abort(reason),
    signal,
    get iterator() {
      return steps.iterator()
    },
  }
}

/** The changes of our own, one by one: those of strangers are passed over, and bad luck on the way is made good. */
function ownSteps(scope: Scope, client: Client, { after, signal }: { after: string | undefined; signal: AbortSignal }) {
  const begin = (from: string | undefined): AsyncIterator<Change> =>
    client.follow(from === undefined ? { signal } : { after: from, signal })[Symbol.asyncIterator]()
  const seen = new Set<string>()
  let iterator = begin(after)
  let last = after
  let failures = 0
  return {
    iterator: () => iterator,
    async next(): Promise<Change | undefined> {
      for (;;) {
        try {
          const result = await stepOf(client, iterator)
          if (result.done === true) return undefined
          const change = readChange(result.value)
          const { position } = change
          if (seen.has(position)) throw new Violation('two changes have the same position', { actual: show(position) })
          seen.add(position)
          last = position
          if (!scope.isOwn(change.record)) continue
          expectTrue(client.wiring.ownChanges++ < mostChanges, 'followers give changes without end')
          return change
        } catch (error) {
          const failure = (error as { failure?: StoreFailure }).failure
          if (failure === undefined || !isTransient(failure) || ++failures > 20) throw error
          // Whoever follows goes on from where they were.
          iterator = begin(last)
        }
      }
    },
  }
}

/** One step within the limit of a call. */
export async function stepOf({ wiring }: Client, iterator: AsyncIterator<Change>): Promise<IteratorResult<Change>> {
  if (wiring.isExpired) throw new Violation('the check went on after its time limit', { isHang: true })
  wiring.operations++
  const note = wiring.trace.call('', 'next', [])
  try {
    const result: unknown = await withLimit((async () => await iterator.next())(), wiring.callLimitMs)
    note(shownStep(result))
    await letOthers(wiring)
    if (typeof result === 'object' && result !== null) return result as IteratorResult<Change>
    throw new Violation('a step of a follower is no iterator result', { actual: show(result) })
  } catch (error) {
    if (error instanceof Violation) throw error
    if (error === limitReached) {
      throw new Violation(`a follower gave nothing within ${wiring.callLimitMs} ms`, {
        expected: 'the next change, or its end',
        isHang: true,
      })
    }
    note(error, true)
    throw storeFailure('a step of follow', error)
  }
}

function shownStep(result: unknown): unknown {
  const { done, value } = (result ?? {}) as { done?: unknown; value?: Partial<Change> }
  return done === true ? 'the end' : { position: value?.position, id: value?.record?.id, state: value?.record?.state }
}

function readChange(value: unknown): Change {
  const { position, record } = (value ?? {}) as { position?: unknown; record?: unknown }
  if (typeof position !== 'string' || position === '') {
    throw new Violation('a change has no position', { expected: 'a text that is not empty', actual: show(position) })
  }
  readRecord('follow', record)
  return value as Change
}

/** A change in short. */
export function nameOf({ record }: Change): string {
  return `${record.id.slice(record.id.indexOf('.') + 1)} ${record.state === 'created' ? 'created' : 'settled'}`
}

/** What was written, in the order in which it was acknowledged: intents and outcomes, the first write of each phase. */
export type Writes = readonly CommandRecord[]

/**
 * Demands that changes are what a follower may see of these writes: all of them in this order, each once, where the
 * `created` change of a record that is settled later may be left out, but for those of `due`.
 */
export function expectChanges(changes: readonly Change[], writes: Writes, due: readonly string[] = []): void {
  const [read, all] = [changes.map(nameOf), writes.map((record) => nameOf({ position: '', record }))]
  const details = { expected: show(all), actual: show(read) }
  const settled = new Set(writes.filter(({ state }) => state !== 'created').map(({ id }) => id))
  let at = 0
  for (const [index, name] of all.entries()) {
    if (read[at] === name) at++
    else {
      const { id, state } = writes[index] as CommandRecord
      const mayBeLeftOut = state === 'created' && settled.has(id) && !due.includes(id)
      if (!mayBeLeftOut)
        throw new Violation(`a follower gives ${show(read[at] ?? 'nothing')} where ${show(name)} is due`, details)
    }
  }
  if (at < read.length) throw new Violation(`a follower gives ${show(read[at])}, which is not due`, details)
}
