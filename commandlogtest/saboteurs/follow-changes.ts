// Followers that miss, repeat or misplace a change.

import type { Change, FollowOptions } from '../../src/index.ts'
import { isSettled } from '../../storekit/index.ts'
import { base } from './base-steps.ts'
import { type SaboteurOptions, type Suspect, suspect } from './saboteur.ts'
import type { Handle, PlacedChange, Steps } from './steps.ts'

const follow: SaboteurOptions = { bricks: ['follow'] }

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

/** A store whose follower is wrapped. */
function wrapped(
  wrap: (changes: AsyncIterable<Change>, options: FollowOptions, handle: Handle) => AsyncIterable<Change>,
): Partial<Steps> {
  return { follow: (handle, options) => wrap(base.follow(handle, options), options, handle) }
}

/** What is delivered. */
export const followSuspects: readonly Suspect[] = [
  suspect(
    'follow/no-backlog',
    'A follower without a position starts with what comes next.',
    () => ({
      start: (handle, after) => (after === undefined ? handle.data.nextChange - 1 : base.start(handle, after)),
    }),
    follow,
  ),
  suspect(
    'follow/backlog-only',
    'A follower ends when the backlog is over.',
    () =>
      wrapped(async function* (changes, options, handle) {
        let left = handle.data.log.filter(({ at, row }) => row.change === at).length
        if (options.after !== undefined) return yield* changes
        if (left === 0) return
        for await (const change of changes) {
          yield change
          if (--left <= 0) return
        }
      }),
    follow,
  ),
  suspect(
    'follow/deaf-to-live',
    'A follower that has seen its backlog is not woken by new changes.',
    () => ({
      waitForChange: (_handle, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
    }),
    follow,
  ),
  suspect(
    'follow/no-settled',
    'What is settled while a follower watches is not delivered.',
    () => ({
      replace(_handle, row, record) {
        row.record = record
      },
    }),
    follow,
  ),
  suspect(
    'follow/settled-as-created',
    'A settled record of the backlog is delivered as created.',
    () =>
      batches((batch) =>
        batch.map((each) => ({
          ...each,
          change: { ...each.change, record: { ...each.change.record, state: 'created' } },
        })),
      ),
    follow,
  ),
  suspect(
    'follow/hides-outcomes-alone',
    'An outcome that was written without its intent is not delivered.',
    () => {
      const alone = new Set<string>()
      return {
        add(handle, record) {
          if (isSettled(record)) alone.add(record.id)
          base.add(handle, record)
        },
        ...batches((batch) => batch.filter(({ change }) => !alone.has(change.record.id))),
      }
    },
    follow,
  ),
  suspect(
    'follow/settled-twice',
    'A settled record is delivered twice.',
    () => batches((batch) => batch.flatMap((each) => (isSettled(each.change.record) ? [each, each] : [each]))),
    follow,
  ),
  suspect(
    'follow/repeat-is-a-change',
    'A repeated write delivers the settled record again.',
    () => ({
      async write(handle, record) {
        const result = await base.write(handle, record)
        const row = base.find(handle, record.id)
        if (result === 'unchanged' && row !== undefined) base.replace(handle, row, row.record)
        return result
      },
    }),
    follow,
  ),
  suspect(
    'follow/created-after-settled',
    'A created change comes once more after its settled one.',
    () =>
      batches((batch) =>
        batch.flatMap((each) =>
          isSettled(each.change.record)
            ? [
                each,
                {
                  ...each,
                  change: { ...each.change, record: { ...each.change.record, state: 'created', events: [] } },
                },
              ]
            : [each],
        ),
      ),
    follow,
  ),
  suspect(
    'follow/inclusive',
    'A follower begins with the change of its position.',
    () => ({
      start: (handle, after) => base.start(handle, after) - (after === undefined ? 0 : 1),
    }),
    follow,
  ),
  suspect(
    'follow/skips-one-at-resume',
    'A follower that resumes skips one change.',
    () => ({
      start: (handle, after) => base.start(handle, after) + (after === undefined ? 0 : 1),
    }),
    follow,
  ),
  suspect(
    'follow/position-of-the-batch',
    'Every change of a batch carries the position of its last one.',
    () =>
      batches((batch) =>
        batch.map((each) => ({ ...each, change: { ...each.change, position: batch.at(-1)?.change.position ?? '' } })),
      ),
    follow,
  ),
  suspect(
    'follow/resumes-live',
    'A follower that resumes starts with what comes next.',
    () => ({
      start: (handle, after) => (after === undefined ? 0 : handle.data.nextChange - 1),
    }),
    follow,
  ),
]
