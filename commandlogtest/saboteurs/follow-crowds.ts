// Followers that fall behind, come in crowds, or give another record than the one that is stored.

import type { Change, CommandRecord } from '../../src/index.ts'
import { isSettled } from '../../storekit/index.ts'
import { base } from './base-steps.ts'
import type { Row } from './data.ts'
import { type SaboteurOptions, type Suspect, suspect } from './saboteur.ts'
import type { Handle, PlacedChange, Steps } from './steps.ts'

const follow: SaboteurOptions = { bricks: ['follow'] }
const both: SaboteurOptions = { bricks: ['follow', 'purge'] }

/** A store whose followers give another record than the one that is stored. */
function giving(change: (record: CommandRecord, handle: Handle) => CommandRecord): Pick<Steps, 'readChanges'> {
  return {
    async readChanges(handle, after) {
      const batch = await base.readChanges(handle, after)
      return batch.map(({ at, change: { position, record } }) => ({
        at,
        change: { position, record: change(record, handle) },
      }))
    },
  }
}

/** A store whose followers mix the outcome as it was written into the record. */
function givingOutcome(mix: (stored: CommandRecord, outcome: CommandRecord) => CommandRecord): Partial<Steps> {
  const outcomes = new Map<string, CommandRecord>()
  return {
    async write(handle, record) {
      const result = await base.write(handle, record)
      if (result === 'settled') outcomes.set(`${handle.data.scope} ${record.id}`, base.copyIn(record))
      return result
    },
    ...giving((record, { data }) => {
      const outcome = outcomes.get(`${data.scope} ${record.id}`)
      return outcome === undefined || !isSettled(record) ? record : base.copyOut(mix(record, outcome))
    }),
  }
}

function placed({ data, steps }: Handle, { at, row }: { at: number; row: Row }): PlacedChange {
  const position = steps.seal(`follow ${data.scope}`, String(at))
  return { at, change: { position, record: steps.copyOut(row.record) } }
}

/** What followers give, and how many of them at once. */
const changeSuspects: readonly Suspect[] = [
  suspect(
    'follow/gives-the-outcome-as-written',
    'A follower is given the outcome as it was written, not the record that it settled.',
    () => givingOutcome((_stored, outcome) => outcome),
    follow,
  ),
  suspect(
    'follow/payload-of-the-outcome',
    'A follower is given the payload and the time of the outcome.',
    () => givingOutcome((stored, { payload, receivedAt }) => ({ ...stored, payload, receivedAt })),
    follow,
  ),
  suspect(
    'follow/large-payload-left-out',
    'A follower is given a payload of more than 8,000 characters without its data.',
    () =>
      giving((record) => {
        const { data, ...payload } = record.payload
        return (data?.length ?? 0) > 8000 ? { ...record, payload } : record
      }),
    follow,
  ),
  suspect(
    'follow/wakes-ten',
    'Of many waiting followers only the first ten are woken.',
    () => ({
      waitForChange(handle, signal) {
        if (handle.data.waiting.size < 10) return base.waitForChange(handle, signal)
        return new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve())
          if (signal.aborted) resolve()
        })
      },
    }),
    follow,
  ),
  suspect(
    'follow/ring-of-1000',
    'A follower that has begun and falls more than 1,000 changes behind goes on with the last 1,000.',
    () => ({
      readChanges(handle, after) {
        const first = handle.data.nextChange - 1000
        return base.readChanges(handle, after === 0 ? 0 : Math.max(after, first))
      },
    }),
    follow,
  ),
  suspect(
    'follow/rejects-with-the-reason',
    'A follower that is aborted with a reason rejects with it.',
    () => ({
      async *follow(handle, options): AsyncGenerator<Change> {
        yield* base.follow(handle, options)
        const { aborted, reason } = options.signal ?? {}
        if (aborted === true && (reason as Error | null)?.name !== 'AbortError') throw reason
      },
    }),
    follow,
  ),
]

/** What a purge does to those who follow. */
const purgeSuspects: readonly Suspect[] = [
  suspect(
    'purge/backlog-by-offset',
    'A long backlog is read by offset, fifty at a time: a purge moves it, and changes are missed.',
    () => ({
      follow(handle, options) {
        let offset: number | undefined
        const readChanges = async (_handle: Handle, after: number): Promise<readonly PlacedChange[]> => {
          const list = handle.data.log.filter(({ at, row }) => row.change === at)
          offset ??= list.filter(({ at }) => at <= after).length
          if (list.length - offset <= 50) {
            return list.filter(({ at }) => at > after).map((each) => placed(handle, each))
          }
          offset += 50
          return list.slice(offset - 50, offset).map((each) => placed(handle, each))
        }
        return base.follow({ ...handle, steps: { ...handle.steps, readChanges } }, options)
      },
    }),
    both,
  ),
  suspect(
    'purge/position-by-id',
    'A position is looked up by its id and state: where the id was purged and lives again it jumps to the new life.',
    () => ({
      async readChanges(handle, after) {
        const batch = await base.readChanges(handle, after)
        return batch.map(({ at, change: { record } }) => {
          const position = base.seal(`follow ${handle.data.scope}`, `${at} ${record.state} ${record.id}`)
          return { at, change: { position, record } }
        })
      },
      start({ data }, after) {
        if (after === undefined) return 0
        const [at = '', state, ...id] = base.unseal(`follow ${data.scope}`, after).split(' ')
        const row = data.rows.get(id.join(' '))
        return row?.record.state === state ? Math.max(Number(at), row?.change ?? 0) : Number(at)
      },
    }),
    both,
  ),
]

/** An index that comes late. */
const lagSuspects: readonly Suspect[] = [
  suspect(
    'replica/correlation-with-state-lags',
    'For five milliseconds a settled record is looked for by correlation and state as if it were created.',
    () => {
      const late = new WeakMap<CommandRecord, { readonly before: CommandRecord; readonly until: number }>()
      return {
        replace(handle, row, record) {
          late.set(record, { before: row.record, until: performance.now() + 5 })
          base.replace(handle, row, record)
        },
        matches(query, record) {
          const lag = query.equal.correlationId === undefined ? undefined : late.get(record)
          if (lag === undefined || performance.now() > lag.until) return base.matches(query, record)
          return base.matches(query, record) && base.matches(query, lag.before)
        },
      }
    },
  ),
]

/** Followers and readers that are given too little, or something else. */
export const followCrowdSuspects: readonly Suspect[] = [...changeSuspects, ...purgeSuspects, ...lagSuspects]
