// What happens at close and after it.

import { StoreError } from '../../src/index.ts'
import { isSettled } from '../../storekit/index.ts'
import { base } from './base-steps.ts'
import { keepRows } from './data.ts'
import { pause, type SaboteurOptions, type Suspect, suspect } from './saboteur.ts'
import type { Handle, Method } from './steps.ts'

const methods = ['record', 'get', 'findByCorrelation', 'findByType', 'list'] as const

const several: SaboteurOptions = { needs: 'open' }

/** What happens at close and after it. */
export const closeSuspects: readonly Suspect[] = [
  ...methods.map((method) =>
    suspect(
      `close/${method.toLowerCase()}-still-works`,
      `${method} still works after close.`,
      () => ({
        admit: (handle, called: Method) => (called === method ? undefined : base.admit(handle, called)),
      }),
      several,
    ),
  ),
  suspect(
    'close/follow-still-works',
    'follow still works after close.',
    () => ({
      admit: (handle, called: Method) => (called === 'follow' ? undefined : base.admit(handle, called)),
      follow: (handle, options) =>
        base.follow(handle.closed.signal.aborted ? { ...handle, closed: new AbortController() } : handle, options),
    }),
    { needs: 'open', bricks: ['follow'] },
  ),
  suspect(
    'close/purge-still-works',
    'purge still works after close.',
    () => ({
      admit: (handle, called: Method) => (called === 'purge' ? undefined : base.admit(handle, called)),
    }),
    { needs: 'open', bricks: ['purge'] },
  ),
  suspect(
    'close/record-lies',
    'After close a write is acknowledged and not done.',
    () => ({
      admit: (handle, called) => (called === 'record' ? undefined : base.admit(handle, called)),
      write: async (handle, record) => (handle.closed.signal.aborted ? 'created' : base.write(handle, record)),
    }),
    several,
  ),
  suspect(
    'close/get-finds-nothing',
    'After close get finds nothing instead of failing.',
    () => ({
      admit: (handle, called) => (called === 'get' ? undefined : base.admit(handle, called)),
      get: async (handle, id) => (handle.closed.signal.aborted ? undefined : base.get(handle, id)),
    }),
    several,
  ),
  suspect(
    'close/drops-accepted-writes',
    'close does not wait: what is under way is acknowledged and lost.',
    () => ({
      async write(handle, record) {
        await pause(2)
        return handle.closed.signal.aborted ? 'created' : base.write(handle, record)
      },
    }),
    several,
  ),
  suspect(
    'close/loses-the-last-batch',
    'close empties the buffer: the writes of the last turn are lost.',
    () => {
      const fresh = new Map<string, number>()
      return {
        async write(handle, record) {
          await pause()
          const result = await base.write(handle, record)
          if (result === 'created') fresh.set(record.id, handle.inFlight.size)
          setImmediate(() => setImmediate(() => setImmediate(() => fresh.delete(record.id))))
          return result
        },
        async close(handle) {
          await base.close(handle)
          keepRows(handle.data, ({ record }) => !fresh.has(record.id))
        },
      }
    },
    several,
  ),
  suspect(
    'close/rejects-accepted-writes',
    'A write that was accepted before close fails as closed, although it is done.',
    () => ({
      async write(handle, record) {
        const result = await base.write(handle, record)
        await pause(2)
        if (handle.closed.signal.aborted) throw new StoreError('STORE_CLOSED', 'The store is closed')
        return result
      },
    }),
    several,
  ),
  suspect(
    'close/does-not-wait',
    'close resolves before the writes that it accepted are done.',
    () => ({
      async write(handle, record) {
        await pause(3)
        return base.write(handle, record)
      },
      async close(handle) {
        const isFirst = !handle.closed.signal.aborted
        handle.closed.abort()
        if (isFirst) handle.data.handles--
      },
    }),
    several,
  ),
  suspect(
    'close/second-close-rejects',
    'A second close fails.',
    () => ({
      async close(handle) {
        base.admit(handle, 'close')
        return base.close(handle)
      },
    }),
    several,
  ),
  suspect(
    'close/second-close-hangs',
    'A second close never settles.',
    () => ({
      close: (handle) => (handle.closed.signal.aborted ? never() : base.close(handle)),
    }),
    several,
  ),
  suspect(
    'close/hangs',
    'close never settles when writes are under way.',
    () => ({
      async write(handle, record) {
        await pause()
        return base.write(handle, record)
      },
      close: (handle) => (handle.inFlight.size > 0 ? never() : base.close(handle)),
    }),
    several,
  ),
  suspect(
    'close/closes-every-handle',
    'Closing one handle closes all others of its data.',
    () => {
      const handles = new Map<string, Set<Handle>>()
      return {
        expose(store, handle) {
          handles.set(handle.data.scope, (handles.get(handle.data.scope) ?? new Set()).add(handle))
          return store
        },
        async close(handle) {
          for (const each of handles.get(handle.data.scope) ?? []) await base.close(each)
        },
      }
    },
    several,
  ),
  suspect(
    'close/closes-other-names',
    'Closing a handle closes those of other names, which share its connection.',
    () => {
      const handles = new Set<Handle>()
      return {
        expose(store, handle) {
          handles.add(handle)
          return store
        },
        async close(handle) {
          await base.close(handle)
          for (const each of handles) if (each.data !== handle.data) await base.close(each)
        },
      }
    },
    several,
  ),
  suspect(
    'close/forgets-created',
    'close cancels what is still created: those records are gone.',
    () => ({
      async close(handle) {
        await base.close(handle)
        keepRows(handle.data, ({ record }) => isSettled(record))
      },
    }),
    several,
  ),
  suspect(
    'close/raw-error-when-closed',
    'Calls after close fail with a plain Error.',
    () => ({
      admit({ closed }) {
        if (closed.signal.aborted) throw new Error('Connection terminated')
      },
    }),
    several,
  ),
]

function never<T>(): Promise<T> {
  return new Promise(() => undefined)
}
