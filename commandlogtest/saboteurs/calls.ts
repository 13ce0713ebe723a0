// Calls that never settle, or not as they should.

import { type CommandLogStore, StoreError } from '../../src/index.ts'
import { checkText } from '../../storekit/index.ts'
import { base } from './base-steps.ts'
import { pause, type Suspect, suspect } from './saboteur.ts'
import type { Handle, Steps, TestStore } from './steps.ts'

/** A store whose finished object is changed. */
function exposing(change: (store: TestStore, handle: Handle) => Partial<CommandLogStore>): Partial<Steps> {
  return { expose: (store, handle) => ({ ...store, ...change(store, handle) }) }
}

/** Calls that never settle, or not as promises. */
export const callSuspects: readonly Suspect[] = [
  suspect('calls/pool-of-ten', 'The eleventh call at once never settles.', () => ({
    async write(handle, record) {
      if (handle.inFlight.size >= 10) return never()
      await pause()
      return base.write(handle, record)
    },
  })),
  suspect('calls/deadlock-on-one-id', 'Two writes of one id at once never settle.', () => {
    const busy = new Set<string>()
    return {
      async write(handle, record) {
        const key = `${handle.data.scope} ${record.id}`
        if (busy.has(key)) return never()
        busy.add(key)
        await pause()
        busy.delete(key)
        return base.write(handle, record)
      },
    }
  }),
  suspect('calls/slower-than-the-deadline', 'Every tenth read takes a minute.', () => {
    let reads = 0
    return {
      async get(handle, id) {
        if (++reads % 10 === 0) await sleepUnheld(60_000)
        return base.get(handle, id)
      },
    }
  }),
  suspect('calls/get-unknown-hangs', 'get of an id that is not there never settles.', () => ({
    get: (handle, id) => (base.find(handle, id) === undefined ? never() : base.get(handle, id)),
  })),
  suspect('calls/get-unknown-rejects', 'get of an id that is not there fails.', () => ({
    async get(handle, id) {
      const found = await base.get(handle, id)
      if (found === undefined) throw new StoreError('NOT_FOUND', 'There is no such record')
      return found
    },
  })),
  suspect('calls/get-unknown-is-null', 'get of an id that is not there gives null.', () => ({
    get: async (handle, id) => (await base.get(handle, id)) ?? (null as unknown as undefined),
  })),
  suspect('calls/throws-at-once', 'A refused query is thrown, not a promise that rejects.', () =>
    exposing((store) => ({
      list(query) {
        base.checkQuery(query)
        return store.list(query)
      },
    })),
  ),
  suspect('calls/get-is-no-promise', 'get gives the record itself, not a promise of it.', () =>
    exposing((_store, handle) => ({
      get(id) {
        base.admit(handle, 'get')
        checkText('id', id)
        const row = base.find(handle, id)
        return (row && base.copyOut(row.record)) as never
      },
    })),
  ),
  suspect('calls/a-page-is-a-list', 'list gives an array of records, not a page.', () =>
    exposing((store) => ({ list: async (query) => (await store.list(query)).records as never })),
  ),
  suspect('calls/by-correlation-is-a-page', 'findByCorrelation gives a page, not an array.', () =>
    exposing((store) => ({
      findByCorrelation: async (id) => ({ records: await store.findByCorrelation(id) }) as never,
    })),
  ),
]

function never<T>(): Promise<T> {
  return new Promise(() => undefined)
}

function sleepUnheld(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}
