// Errors that say too much, too little or the wrong thing.

import { type CommandLogStore, StoreError } from '../../src/index.ts'
import { base } from './base-steps.ts'
import { type Suspect, suspect } from './saboteur.ts'
import type { Handle, Steps, TestStore } from './steps.ts'

/** A store whose finished object is changed. */
function exposing(change: (store: TestStore, handle: Handle) => Partial<CommandLogStore>): Partial<Steps> {
  return { expose: (store, handle) => ({ ...store, ...change(store, handle) }) }
}

/** A store whose StoreErrors are replaced. */
function failing(fail: (error: StoreError) => unknown): Partial<Steps> {
  return exposing((store) => {
    const rejecting =
      <A extends unknown[], T>(method: (...args: A) => Promise<T>) =>
      (...args: A): Promise<T> =>
        method(...args).catch((error: StoreError) => {
          throw fail(error)
        })
    const { record, get, findByCorrelation, findByType, list } = store
    return {
      record: rejecting(record),
      get: rejecting(get),
      findByCorrelation: rejecting(findByCorrelation),
      findByType: rejecting(findByType),
      list: rejecting(list),
    }
  })
}

/** Errors that say too much, too little or the wrong thing. */
export const errorSuspects: readonly Suspect[] = [
  suspect('errors/raw', 'What fails, fails with a plain Error.', () => failing(({ message }) => new Error(message))),
  suspect('errors/text', 'What fails, rejects with a text.', () => failing(({ code }) => code)),
  suspect('errors/undefined', 'What fails, rejects with nothing.', () => failing(() => undefined)),
  suspect('errors/no-code', 'What fails, fails with a StoreError without a code.', () =>
    failing(({ message }) => Object.assign(new Error(message), { name: 'StoreError', written: 'no' })),
  ),
  suspect('errors/one-code', 'Whatever is refused has the code STORE_UNAVAILABLE.', () =>
    failing(({ message, written }) => new StoreError('STORE_UNAVAILABLE', message, written)),
  ),
  suspect('errors/no-written', 'A StoreError does not say whether anything was written.', () =>
    failing(({ message, code }) => Object.assign(new Error(message), { name: 'StoreError', code })),
  ),
  suspect('errors/written-yes', 'A StoreError says written: "yes".', () =>
    failing(({ message, code }) => Object.assign(new Error(message), { name: 'StoreError', code, written: 'yes' })),
  ),
  suspect(
    'errors/leaks-the-query',
    'A StoreError carries the driver’s error, with its SQL and parameters, as cause.',
    () =>
      failing(
        ({ code, message, written }) =>
          new StoreError(code, message, written, {
            cause: Object.assign(new Error('syntax error'), {
              query: 'select * from records where id = $1',
              parameters: ['secret'],
            }),
          }),
      ),
  ),
  suspect('errors/leaks-the-url', 'The message of a StoreError names the URL of the server, password included.', () =>
    failing(
      ({ code, message, written }) => new StoreError(code, `${message} (postgres://user:secret@db:5432/log)`, written),
    ),
  ),
  suspect('errors/definite-though-stored', 'Now and then a write fails as not written, although it is.', () => {
    let writes = 0
    return {
      async write(handle, record) {
        const result = await base.write(handle, record)
        if (++writes % 7 === 0) throw new StoreError('STORE_UNAVAILABLE', 'The connection was lost', 'no')
        return result
      },
    }
  }),
  suspect(
    'errors/definite-then-stored',
    'Now and then a write fails as not written, and is written a moment later.',
    () => {
      let writes = 0
      return {
        async write(handle, record) {
          if (++writes % 7 !== 0) return base.write(handle, record)
          setTimeout(() => void base.write(handle, record), 3)
          throw new StoreError('STORE_TIMEOUT', 'The write took too long', 'no')
        },
      }
    },
  ),
  suspect('errors/swallowed', 'Now and then a write fails inside and is acknowledged.', () => {
    let writes = 0
    return {
      async write(handle, record) {
        if (++writes % 13 !== 0) return base.write(handle, record)
        return base.find(handle, record.id) === undefined ? 'created' : 'unchanged'
      },
    }
  }),
  suspect(
    'errors/retry-under-a-new-id',
    'Now and then a write is retried inside, and leaves a second record with an id of its own.',
    () => {
      let writes = 0
      return {
        async write(handle, record) {
          if (++writes % 13 === 0) await base.write(handle, { ...record, id: `${record.id}-retry` })
          return base.write(handle, record)
        },
      }
    },
  ),
  suspect('errors/invalid-record-poisons', 'After a refused record the next write is lost.', () => {
    let isPoisoned = false
    return {
      checkRecord(record) {
        try {
          base.checkRecord(record)
        } catch (error) {
          isPoisoned = true
          throw error
        }
      },
      async write(handle, record) {
        if (!isPoisoned) return base.write(handle, record)
        isPoisoned = false
        return 'created'
      },
    }
  }),
]
