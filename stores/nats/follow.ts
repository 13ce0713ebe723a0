import type { Change, FollowOptions } from '../../src/index.ts'
import { followChanges, openPosition, sealPosition } from '../../storekit/index.ts'
import type { Connection } from './connection.ts'
import { latest } from './queries.ts'
import type { Reader, Standing } from './reader.ts'
import { type Headed, toHeaded } from './rows.ts'
import { toStoreError } from './store-error.ts'
import { Tail, type Taken } from './tail.ts'

/** What following needs. */
export interface Following {
  readonly connection: Connection
  readonly reader: Reader
  /** What the log is called. */
  readonly data: string
  /** Throws once the store is closed. */
  readonly checkOpen: () => void
  /** Aborted when the store closes. */
  readonly closed: AbortSignal
  /** What closing waits for. */
  readonly calls: Set<Promise<unknown>>
}

/** Changes in the order of the stream: every message of a record is one, but for an intent whose outcome is in sight. */
export function followStream(
  { connection, reader, data, checkOpen, closed, calls }: Following,
  { after, signal }: FollowOptions,
): AsyncIterableIterator<Change> {
  const scope = `follow ${data}`
  const left = new AbortController()
  const ended = AbortSignal.any([left.signal, closed, ...(signal === undefined ? [] : [signal])])
  const tail = new Tail(connection, reader)
  let place: number | undefined
  const over = Promise.withResolvers<readonly Standing[]>()
  ended.addEventListener('abort', () => {
    over.resolve([])
    const parting = tail.end().finally(() => calls.delete(parting))
    calls.add(parting)
  })

  /** The next changes after the place; none where nothing comes for a while. */
  async function next(): Promise<readonly Standing[]> {
    for (;;) {
      const until = connection.until()
      const from = place ?? 0
      const taken = await connection.patiently(until, () => tail.take(from, until))
      const found = await changesOf(reader, taken, until)
      place = taken.messages.at(-1)?.seq ?? from
      if (found.length > 0 || place === from) return found
    }
  }

  function start(): number {
    checkOpen()
    return after === undefined ? 0 : Number(openPosition(scope, after))
  }

  async function read(from: number): Promise<readonly { readonly at: number; readonly change: Change }[]> {
    place ??= from
    try {
      const standings = await Promise.race([next(), over.promise])
      return standings.map(({ last: at, record }) => ({
        at,
        change: { position: sealPosition(scope, String(at)), record },
      }))
    } catch (thrown) {
      // Closing ends followers quietly, also in the middle of a step.
      if (ended.aborted) return []
      left.abort()
      throw toStoreError(thrown, false)
    }
  }

  // Reading is what waits.
  const changes = followChanges(start, { read, wait: async () => {} }, { signal, closed })
  return {
    next: () => changes.next(),
    return() {
      left.abort()
      return changes.return?.() ?? Promise.resolve({ done: true, value: undefined })
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

async function changesOf(reader: Reader, { messages, isMore }: Taken, until: number): Promise<readonly Standing[]> {
  const near = new Map(messages.map((message) => [message.seq, message]))
  const heads = messages.flatMap((message) => toHeaded(message) ?? [])
  const settled = new Set(heads.map(({ head }) => head.of))
  const changes = heads.filter(({ seq }) => !settled.has(seq))
  const standings = await Promise.all(
    changes.map(async (last: Headed) => {
      // An intent whose outcome comes after these is no change any more: the outcome is.
      const isOpen = last.head.of === undefined && last.head.outcomeBy === undefined
      if (isOpen && isMore && (await latest(reader, last, until)) !== last) return undefined
      const first = last.head.of === undefined ? last : await reader.intentOf(last, near, until)
      return first && (await reader.standing(first, last, near, until))
    }),
  )
  // What was purged since it was read is no change any more.
  return standings.filter((each) => each !== undefined)
}
