import type { Change } from '../src/index.ts'

/** What a store tells a follower: the next changes after a position, and when there may be more. */
export interface FollowSource<Position> {
  /** The next changes in commit order, each with the position after it; empty only when no later one is there yet. */
  read(after: Position): Promise<readonly { readonly change: Change; readonly at: Position }[]>
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
  let batch: readonly { readonly change: Change; readonly at: Position }[] = []
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
