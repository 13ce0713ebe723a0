import type { Change } from '../src/index.ts'

/** One place in the order of changes that a store has looked at. */
export interface FollowPlace<Position> {
  /** The position after it, from where the next read goes on. */
  readonly at: Position
  /** What a follower is given there; absent where a later change has taken its place, or its record was purged. */
  readonly change?: Change | undefined
}

/** What a store tells a follower: the next changes after a position, and when there may be more. */
export interface FollowSource<Position> {
  /**
   * The next places in commit order. A store that reads a batch gives every place of it, those without a change too: it
   * says how far it has looked. Empty only when no later place is there yet, since a follower then waits.
   */
  read(after: Position): Promise<readonly FollowPlace<Position>[]>
  /** Resolves when there may be more, or the signal is aborted. */
  wait(signal: AbortSignal): Promise<void>
}

/** What ends a follower. */
export interface FollowLife {
  readonly signal: AbortSignal | undefined
  /** Aborted when the store closes. */
  readonly closed: AbortSignal
}

/**
 * Follows a source from a position: its backlog, then whatever comes. `start` runs at the first step, and its error
 * rejects that step. Ends quietly on abort, when the store closes, and when its reader leaves, even in mid-wait.
 */
export function followChanges<Position>(
  start: () => Position | Promise<Position>,
  source: FollowSource<Position>,
  { signal, closed }: FollowLife,
): AsyncIterableIterator<Change> {
  const left = new AbortController()
  const ended = AbortSignal.any(signal === undefined ? [left.signal, closed] : [left.signal, closed, signal])
  let batch: readonly FollowPlace<Position>[] = []
  let index = 0
  let position: { readonly at: Position } | undefined
  // Steps asked for at once are answered one after the other.
  let last: Promise<unknown> = Promise.resolve()

  async function step(): Promise<IteratorResult<Change, undefined>> {
    // A store that was closed before the first step says so; one that closes later ends its followers quietly.
    if (position === undefined && !left.signal.aborted && !signal?.aborted) position = { at: await start() }
    while (!ended.aborted && position !== undefined) {
      const next = batch[index]
      if (next !== undefined) {
        index++
        position = { at: next.at }
        if (next.change === undefined) continue
        return { done: false, value: next.change }
      }
      // Waiting begins before reading, so that what is written between the two is not missed.
      const looked = new AbortController()
      const more = source.wait(AbortSignal.any([ended, looked.signal]))
      try {
        batch = await source.read(position.at)
        index = 0
        if (batch.length === 0) await more
      } finally {
        looked.abort()
      }
    }
    return { done: true, value: undefined }
  }

  return {
    next() {
      const result = last.then(step)
      last = result.catch(() => left.abort())
      return result
    },
    return() {
      left.abort()
      return Promise.resolve({ done: true, value: undefined })
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
