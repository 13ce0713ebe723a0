import type { Change } from '../../src/index.ts'
import { type FollowSource, openPosition, sealPosition } from '../../storekit/index.ts'
import type { Connection } from './connection.ts'
import { isOfRecord, latest } from './queries.ts'
import type { Reader, Standing } from './reads.ts'
import { type Headed, type Message, toHeaded } from './rows.ts'
import { toStoreError } from './store-error.ts'

/** How often a waiting follower looks for what other handles write. */
const pollMs = 50
/** As many messages are read at once. */
const atOnce = 512

/** Changes in the order of the stream, by the sequence of their last message. */
export interface ChangeSource extends FollowSource<number> {
  /** Wakes the followers of this handle. */
  tell(): void
  open(after: string): number
}

/** What followers read: every message of a record is a change, but for an intent whose outcome is in sight already. */
export function changeSource(connection: Connection, reader: Reader, data: string, closed: AbortSignal): ChangeSource {
  const scope = `follow ${data}`
  const waiting = new Set<() => void>()
  return {
    open: (after) => Number(openPosition(scope, after)),
    tell() {
      for (const wake of [...waiting]) wake()
    },
    async read(after) {
      try {
        const standings = await readChanges(connection, reader, after)
        return standings.map(({ last, record }) => ({ at: last, change: { position: sealed(last), record } }))
      } catch (thrown) {
        // Closing ends followers quietly, also in the middle of a step.
        if (closed.aborted) return []
        throw toStoreError(thrown, false)
      }
    },
    wait: (signal) =>
      new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer)
          waiting.delete(wake)
          signal.removeEventListener('abort', wake)
          resolve()
        }
        const timer = setTimeout(wake, pollMs)
        waiting.add(wake)
        signal.addEventListener('abort', wake)
        if (signal.aborted) wake()
      }),
  }

  function sealed(last: number): Change['position'] {
    return sealPosition(scope, String(last))
  }
}

/** The next changes after a sequence; none only where there are none yet. */
async function readChanges(connection: Connection, reader: Reader, after: number): Promise<readonly Standing[]> {
  const until = connection.until()
  const { state } = await reader.info(until)
  for (let low = Math.max(after + 1, state.first_seq, 1); low <= state.last_seq; ) {
    const { messages, upTo } = await reader.window(low, state.last_seq, until, atOnce)
    const changes = await changesOf(reader, messages, { isLast: upTo >= state.last_seq, until })
    if (changes.length > 0) return changes
    low = upTo + 1
    if (messages.length === 0) low = (await reader.nextAny(low, until))?.seq ?? state.last_seq + 1
  }
  return []
}

async function changesOf(
  reader: Reader,
  messages: readonly Message[],
  { isLast, until }: { readonly isLast: boolean; readonly until: number },
): Promise<readonly Standing[]> {
  const near = new Map(messages.map((message) => [message.seq, message]))
  const heads = messages.flatMap((message) => (isOfRecord(message) ? (toHeaded(message) ?? []) : []))
  const settled = new Set(heads.map(({ head }) => head.of))
  const changes = heads.filter(({ seq }) => !settled.has(seq))
  const standings = await Promise.all(
    changes.map(async (last: Headed) => {
      // An intent whose outcome comes after this window is no change any more: the outcome is.
      const isOpen = last.head.of === undefined && last.head.outcomeBy === undefined
      if (isOpen && !isLast && (await latest(reader, last, until)) !== last) return undefined
      const first = last.head.of === undefined ? last : await reader.intentOf(last, near, until)
      return first && (await reader.standing(first, last, near, until))
    }),
  )
  // What was purged since it was read is no change any more.
  return standings.filter((each) => each !== undefined)
}
