// What one handle keeps from another, what is forgotten between two openings, and what a name stands for.

import type { CommandRecord } from '../../src/index.ts'
import { isSettled } from '../../storekit/index.ts'
import { base } from './base-steps.ts'
import { baseStore } from './base-store.ts'
import type { Data } from './data.ts'
import { pause, type SaboteurOptions, type Suspect, suspect } from './saboteur.ts'
import type { Handle, Method, Steps } from './steps.ts'

const several: SaboteurOptions = { needs: 'open' }
const purging: SaboteurOptions = { needs: 'open', bricks: ['purge'] }
const following: SaboteurOptions = { needs: 'open', bricks: ['follow'] }

/** A store that finds by one kind of filter only what was written since it was opened. */
function losingIndex(isAsked: (query: Parameters<Steps['matches']>[0]) => boolean): Partial<Steps> {
  const lost = new WeakSet<CommandRecord>()
  return {
    reopen(data) {
      for (const { record } of data.ordered) lost.add(record)
    },
    matches: (query, record) => base.matches(query, record) && !(isAsked(query) && lost.has(record)),
  }
}

/** What each handle keeps for itself. */
function perHandle<T>(make: () => T): (handle: Handle) => T {
  const all = new WeakMap<AbortController, T>()
  return ({ closed }) => {
    const own = all.get(closed) ?? make()
    all.set(closed, own)
    return own
  }
}

/** What is forgotten between two openings. */
const reopenSuspects: readonly Suspect[] = [
  suspect(
    'reopen/event-index-is-not-rebuilt',
    'After opening again nothing from before is found by an event.',
    () => losingIndex(({ eventId }) => eventId !== undefined),
    several,
  ),
  suspect(
    'reopen/attribute-index-is-not-rebuilt',
    'After opening again nothing from before is found by attributes.',
    () => losingIndex(({ attributes }) => attributes.length > 0),
    several,
  ),
  suspect(
    'reopen/sequence-from-the-count',
    'After opening again the sequence goes on with the number of records, which purges have made smaller.',
    () => ({
      reopen(data) {
        data.nextSequence = data.ordered.length + 1
      },
    }),
    { needs: 'open', bricks: ['follow', 'purge'] },
  ),
]

/** What a name stands for. */
const nameSuspects: readonly Suspect[] = [
  {
    name: 'names/opened-at-once-are-two',
    breaks: 'A new name that is opened twice at once becomes two data.',
    ...{ needs: 'open', bricks: [] },
    make() {
      const open = baseStore({ bricks: [] })
      const known = new Set<string>()
      let races = 0
      return async (name) => {
        const isNew = !known.has(name)
        await pause()
        if (isNew && known.has(name)) return open(`${name} ${++races}`)
        known.add(name)
        return open(name)
      }
    },
  },
  suspect(
    'names/case-folded',
    'Names that differ by case are the same data.',
    () => ({ dataName: (name) => name.toLowerCase() }),
    several,
  ),
  suspect(
    'names/dash-is-underscore',
    'A name with - is the data of the one with _.',
    () => ({ dataName: (name) => name.replaceAll('-', '_') }),
    several,
  ),
  suspect(
    'names/cut-at-63',
    'Names that differ beyond 63 characters are the same data.',
    () => ({ dataName: (name) => name.slice(0, 63) }),
    several,
  ),
  suspect(
    'names/purge-takes-them-all',
    'purge without a limit purges the data of other names too.',
    () => {
      const all = new Set<Data>()
      return {
        expose(store, { data }) {
          all.add(data)
          return store
        },
        async purge(handle, options) {
          const count = await base.purge(handle, options)
          if (options.limit !== undefined) return count
          for (const data of all) if (data !== handle.data) await base.purge({ ...handle, data }, options)
          return count
        },
      }
    },
    purging,
  ),
]

/** What one handle keeps from another. */
const siblingSuspects: readonly Suspect[] = [
  suspect(
    'handles/remember-settled-ids',
    'A handle remembers which ids are settled, and does not hear of a purge by another.',
    () => {
      const settled = perHandle(() => new Set<string>())
      return {
        async write(handle, record) {
          if (settled(handle).has(record.id)) return 'unchanged'
          const result = await base.write(handle, record)
          if (isSettled(record)) settled(handle).add(record.id)
          return result
        },
        async purge(handle, options) {
          settled(handle).clear()
          return base.purge(handle, options)
        },
      }
    },
    purging,
  ),
  suspect(
    'handles/remember-correlations',
    'A handle remembers what findByCorrelation gave until somebody writes, and does not hear of a purge by another.',
    () => {
      const found = perHandle(() => new Map<string, readonly CommandRecord[]>())
      return {
        async correlated(handle, correlationId) {
          const key = `${handle.data.nextChange} ${correlationId}`
          const records = found(handle).get(key) ?? (await base.correlated(handle, correlationId))
          found(handle).set(key, records)
          return records.map(base.copyOut)
        },
        async purge(handle, options) {
          found(handle).clear()
          return base.purge(handle, options)
        },
      }
    },
    purging,
  ),
  suspect(
    'handles/closing-one-ends-all-followers',
    'Closing a handle ends the followers of every handle on its data.',
    () => {
      const ends = new Map<Data, AbortController>()
      const endOf = (data: Data): AbortController => {
        const end = ends.get(data) ?? new AbortController()
        ends.set(data, end)
        return end
      }
      return {
        follow(handle, { after, signal }) {
          const signals = [endOf(handle.data).signal, ...(signal === undefined ? [] : [signal])]
          return base.follow(handle, { ...(after !== undefined && { after }), signal: AbortSignal.any(signals) })
        },
        async close(handle) {
          endOf(handle.data).abort()
          ends.delete(handle.data)
          return base.close(handle)
        },
      }
    },
    following,
  ),
  suspect(
    'handles/follow-from-their-own-opening',
    'A follower without a position begins with what was written since its handle was opened.',
    () => {
      const opened = new WeakMap<AbortController, number>()
      return {
        expose(store, { data, closed }) {
          opened.set(closed, data.nextChange - 1)
          return store
        },
        start: (handle, after) => (after === undefined ? (opened.get(handle.closed) ?? 0) : base.start(handle, after)),
      }
    },
    following,
  ),
]

/** What is answered after close. */
const closedSuspects: readonly Suspect[] = [
  suspect(
    'close/get-answers-from-its-cache',
    'After close get still gives what it gave before.',
    () => {
      const cached = perHandle(() => new Map<string, CommandRecord>())
      return {
        admit: (handle, called: Method) => (called === 'get' ? undefined : base.admit(handle, called)),
        async get(handle, id) {
          const known = cached(handle).get(id)
          if (handle.closed.signal.aborted && known !== undefined) return base.copyOut(known)
          base.admit(handle, 'get')
          const found = await base.get(handle, id)
          if (found !== undefined) cached(handle).set(id, found)
          return found
        },
      }
    },
    several,
  ),
  suspect(
    'close/empty-correlation-is-answered',
    'After close findByCorrelation of the empty text finds nothing instead of failing.',
    () => ({
      admit: (handle, called: Method) => (called === 'findByCorrelation' ? undefined : base.admit(handle, called)),
      async correlated(handle, correlationId) {
        if (handle.closed.signal.aborted && correlationId === '') return []
        base.admit(handle, 'findByCorrelation')
        return base.correlated(handle, correlationId)
      },
    }),
    several,
  ),
]

/** Several handles, several openings, several names. */
export const handleSuspects: readonly Suspect[] = [
  ...[...reopenSuspects, ...nameSuspects],
  ...[...siblingSuspects, ...closedSuspects],
]
