// Positions, and how a follower ends.

import type { Change, FollowOptions } from '../../src/index.ts'
import { openPosition } from '../../storekit/index.ts'
import { base } from './base-steps.ts'
import { type SaboteurOptions, type Suspect, suspect } from './saboteur.ts'
import type { Handle, Steps } from './steps.ts'

const follow: SaboteurOptions = { bricks: ['follow'] }
const several: SaboteurOptions = { ...follow, needs: 'open' }

/** A store whose follower is wrapped. */
function wrapped(
  wrap: (changes: AsyncIterable<Change>, options: FollowOptions, handle: Handle) => AsyncIterable<Change>,
): Partial<Steps> {
  return { follow: (handle, options) => wrap(base.follow(handle, options), options, handle) }
}

/** Positions, and how a follower ends. */
export const followEndSuspects: readonly Suspect[] = [
  suspect(
    'follow/damaged-starts-over',
    'A damaged position starts from the beginning.',
    () => ({
      start(handle, after) {
        try {
          return base.start(handle, after)
        } catch {
          return 0
        }
      },
    }),
    follow,
  ),
  suspect(
    'follow/damaged-starts-live',
    'A damaged position starts with what comes next.',
    () => ({
      start(handle, after) {
        try {
          return base.start(handle, after)
        } catch {
          return handle.data.nextChange - 1
        }
      },
    }),
    follow,
  ),
  suspect(
    'follow/damaged-ends-quietly',
    'A follower with a damaged position ends at once.',
    () => ({
      follow(handle, options) {
        try {
          base.start(handle, options.after)
          return base.follow(handle, options)
        } catch {
          return { [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true as const, value: undefined }) }) }
        }
      },
    }),
    follow,
  ),
  suspect(
    'follow/position-of-other-data',
    'A position of other data is accepted.',
    () => ({
      start: (_handle, after) => (after === undefined ? 0 : Number(openPosition('follow', after))),
      readChanges: async (handle, after) =>
        (await base.readChanges(handle, after)).map((each) => ({
          ...each,
          change: { ...each.change, position: base.seal('follow', String(each.at)) },
        })),
    }),
    several,
  ),
  suspect(
    'follow/position-of-this-handle',
    'A position is refused by another handle of the same data.',
    () => {
      const own = new WeakMap<AbortController, string>()
      let opened = 0
      return {
        expose(store, handle) {
          own.set(handle.closed, `follow ${opened++}`)
          return store
        },
        start: (handle, after) => (after === undefined ? 0 : Number(openPosition(own.get(handle.closed) ?? '', after))),
        readChanges: async (handle, after) =>
          (await base.readChanges(handle, after)).map((each) => ({
            ...each,
            change: { ...each.change, position: base.seal(own.get(handle.closed) ?? '', String(each.at)) },
          })),
      }
    },
    several,
  ),
  suspect(
    'follow/shared-position',
    'Two followers share one position: each change goes to one of them.',
    () => {
      const taken = new Map<string, number>()
      return {
        async readChanges(handle, after) {
          const own = Math.max(after, taken.get(handle.data.scope) ?? 0)
          const batch = (await base.readChanges(handle, own)).slice(0, 1)
          const last = batch.at(-1)
          if (last !== undefined) taken.set(handle.data.scope, last.at)
          return batch
        },
      }
    },
    follow,
  ),
  suspect(
    'follow/ignores-abort',
    'An aborted follower goes on waiting.',
    () => ({
      follow: (handle, { after }) => base.follow(handle, after === undefined ? {} : { after }),
    }),
    follow,
  ),
  suspect(
    'follow/throws-on-abort',
    'An aborted follower fails with an AbortError.',
    () =>
      wrapped(async function* (changes, { signal }) {
        yield* changes
        if (signal?.aborted) throw new DOMException('This operation was aborted', 'AbortError')
      }),
    follow,
  ),
  suspect(
    'follow/aborted-before-delivers',
    'A signal that is aborted beforehand does not stop the backlog.',
    () => ({
      follow: (handle, options) => {
        const { after, signal } = options
        return base.follow(handle, signal?.aborted ? (after === undefined ? {} : { after }) : options)
      },
    }),
    follow,
  ),
  suspect(
    'follow/outlives-close',
    'close does not end a follower.',
    () => ({
      follow: (handle, options) => base.follow({ ...handle, closed: new AbortController() }, options),
    }),
    several,
  ),
  suspect(
    'follow/close-waits-for-followers',
    'close never settles while a follower watches.',
    () => {
      const watching = new WeakMap<AbortController, number>()
      return {
        follow(handle, options) {
          watching.set(handle.closed, (watching.get(handle.closed) ?? 0) + 1)
          return base.follow(handle, options)
        },
        close: (handle) => (watching.has(handle.closed) ? new Promise(() => undefined) : base.close(handle)),
      }
    },
    several,
  ),
  suspect(
    'follow/throws-on-close',
    'A follower fails when the store is closed.',
    () =>
      wrapped(async function* (changes, _options, handle) {
        yield* changes
        base.admit(handle, 'follow')
      }),
    several,
  ),
  suspect(
    'follow/return-hangs',
    'Leaving the loop never settles while the follower waits.',
    () =>
      wrapped((changes) => ({
        [Symbol.asyncIterator]() {
          const inner = changes[Symbol.asyncIterator]()
          return { next: () => inner.next(), return: () => new Promise(() => undefined) }
        },
      })),
    follow,
  ),
]
