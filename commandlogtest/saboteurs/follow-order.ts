import { base } from './base-steps.ts'
import { pause, type SaboteurOptions, type Suspect, suspect } from './saboteur.ts'
import type { Handle, PlacedChange, Steps } from './steps.ts'

const follow: SaboteurOptions = { bricks: ['follow'] }
const several: SaboteurOptions = { ...follow, needs: 'open' }

/** A store that changes what a follower reads. */
function batches(
  change: (batch: readonly PlacedChange[], handle: Handle, after: number) => readonly PlacedChange[],
): Partial<Steps> {
  return {
    async readChanges(handle, after) {
      let at = after
      for (;;) {
        const batch = await base.readChanges(handle, at)
        const changed = change(batch, handle, at)
        const last = batch.at(-1)
        // A batch left empty is not the end of what there is.
        if (changed.length > 0 || last === undefined) return changed
        at = last.at
      }
    },
  }
}

/** In which order, and with what left out. */
export const followOrderSuspects: readonly Suspect[] = [
  suspect(
    'follow/newest-first',
    'The backlog comes newest first.',
    () => batches((batch) => [...batch].reverse().map((each, index) => ({ ...each, at: batch[index]?.at ?? 0 }))),
    follow,
  ),
  suspect(
    'follow/by-time',
    'The backlog is sorted by the time of receipt.',
    () =>
      batches((batch) =>
        [...batch]
          .sort((a, b) => a.change.record.receivedAt - b.change.record.receivedAt)
          .map((each, index) => ({ ...each, at: batch[index]?.at ?? 0 })),
      ),
    follow,
  ),
  suspect(
    'follow/order-of-recording',
    'The backlog comes in the order of recording, not of the changes.',
    () =>
      batches((batch, { data }) => {
        const place = ({ change }: PlacedChange): number => data.rows.get(change.record.id)?.sequence ?? 0
        return [...batch]
          .sort((a, b) => place(a) - place(b))
          .map((each, index) => ({ ...each, at: batch[index]?.at ?? 0 }))
      }),
    follow,
  ),
  suspect(
    'follow/drops-when-slow',
    'A follower that is more than 8 changes behind loses the oldest.',
    () => batches((batch, _handle, after) => (after > 0 ? batch.slice(-8) : batch)),
    follow,
  ),
  suspect(
    'follow/backlog-of-100',
    'The backlog is its last 100 changes.',
    () => ({
      start: (handle, after) =>
        after === undefined ? Math.max(0, handle.data.nextChange - 101) : base.start(handle, after),
    }),
    follow,
  ),
  suspect(
    'follow/loses-between-backlog-and-live',
    'What is written while the backlog is read is lost.',
    () => ({
      follow(handle, options) {
        const { data, steps } = handle
        const backlogEnd = data.nextChange - 1
        let liveFrom: number | undefined
        const readChanges: Steps['readChanges'] = async (own, after) => {
          if (liveFrom !== undefined) return base.readChanges(own, Math.max(after, liveFrom))
          const batch = (await base.readChanges(own, after)).filter(({ at }) => at <= backlogEnd)
          if (batch.length === 0) liveFrom = data.nextChange - 1
          return batch
        }
        return base.follow({ ...handle, steps: { ...steps, readChanges } }, options)
      },
    }),
    follow,
  ),
  suspect(
    'follow/lost-wake-up',
    'A change that comes between an empty read and the wait after it wakes nobody.',
    () => ({
      async waitForChange(handle, signal) {
        await pause()
        return base.waitForChange(handle, signal)
      },
    }),
    follow,
  ),
  suspect(
    'follow/slow-transaction-skipped',
    'Of two writers that meet, the one that commits later is skipped by a follower that saw the other.',
    () => {
      let turn = 0
      return {
        async write(handle, record) {
          if (turn++ % 4 !== 0) return base.write(handle, record)
          const { data } = handle
          const at = data.nextChange++
          await pause(2)
          const result = await base.write(handle, record)
          const row = base.find(handle, record.id)
          if (result === 'unchanged' || row === undefined || data.log.at(-1)?.row !== row) return result
          // The place was taken before the commit, so it is now behind those of others.
          data.log.pop()
          row.change = at
          data.log.push({ at, row })
          data.log.sort((a, b) => a.at - b.at)
          return result
        },
      }
    },
    follow,
  ),
  suspect(
    'follow/own-writes-only',
    'A follower sees only what its own handle wrote.',
    () => {
      const writers = new Map<string, AbortController>()
      return {
        async write(handle, record) {
          writers.set(`${handle.data.scope} ${record.id}`, handle.closed)
          return base.write(handle, record)
        },
        ...batches((batch, handle) =>
          batch.filter(({ change }) => writers.get(`${handle.data.scope} ${change.record.id}`) === handle.closed),
        ),
      }
    },
    several,
  ),
  suspect(
    'follow/live-writes-of-own-handle',
    'A follower is woken only by the writes of its own handle.',
    () => ({
      waitForChange: ({ data, inFlight }, signal) =>
        new Promise((resolve) => {
          const wake = (): void => {
            if (inFlight.size === 0 && !signal.aborted) return
            data.waiting.delete(wake)
            resolve()
          }
          data.waiting.add(wake)
          signal.addEventListener('abort', wake)
          if (signal.aborted) wake()
        }),
    }),
    several,
  ),
  suspect(
    'follow/dry-runs-hidden',
    'Dry runs are not delivered.',
    () => batches((batch) => batch.filter(({ change }) => !change.record.dryRun)),
    follow,
  ),
  suspect(
    'follow/gives-the-stored',
    'A follower is given the stored record itself.',
    () => ({
      readChanges: (handle, after) =>
        base.readChanges({ ...handle, steps: { ...handle.steps, copyOut: (record) => record } }, after),
    }),
    follow,
  ),
  suspect(
    'follow/without-events',
    'A change carries its record without the events.',
    () =>
      batches((batch) =>
        batch.map((each) => ({ ...each, change: { ...each.change, record: { ...each.change.record, events: [] } } })),
      ),
    follow,
  ),
]
