// Odd in when things happen, and in what is heard of it.

import { type CommandRecord, type RecordResult, StoreError } from '../../src/index.ts'
import { base } from '../saboteurs/base-steps.ts'
import { pause, sleep } from '../saboteurs/saboteur.ts'
import type { Handle, Steps } from '../saboteurs/steps.ts'
import { type OddStore, oddStore, type Random } from './odd-store.ts'

/** A store whose reads and writes are wrapped after the input is copied, so that a delay cannot alias it. */
function delayed(before: () => Promise<void>, after: () => Promise<void>): Partial<Steps> {
  const during = async <T>(call: () => Promise<T>): Promise<T> => {
    await before()
    const result = await call()
    await after()
    return result
  }
  return {
    write: (handle, record) => during(() => base.write(handle, record)),
    get: (handle, id) => during(() => base.get(handle, id)),
    correlated: (handle, id) => during(() => base.correlated(handle, id)),
    page: (handle, query) => during(() => base.page(handle, query)),
    purge: (handle, options) => during(() => base.purge(handle, options)),
  }
}

const jittering = (random: Random) => () => pause(Math.floor(random() * 4))

/** A store some of whose writes end in an error. */
function stumbling(
  random: Random,
  stumble: (handle: Handle, record: CommandRecord) => Promise<RecordResult>,
): Partial<Steps> {
  return { write: (handle, record) => (random() < 0.15 ? stumble(handle, record) : base.write(handle, record)) }
}

const unknown = (): StoreError =>
  new StoreError('STORE_UNAVAILABLE', 'The connection was lost before the answer came', 'unknown')

/** Slow, late, interleaved, unsure. */
export const timingOddities: readonly OddStore[] = [
  oddStore('slow', 'Every call takes some milliseconds.', (random) =>
    delayed(
      () => sleep(random()),
      () => sleep(1),
    ),
  ),
  oddStore(
    'jittery',
    'Every call waits for some turns before and after its work, so that calls interleave at random.',
    (random) => delayed(jittering(random), jittering(random)),
  ),
  oddStore('one-at-a-time', 'All calls of a name wait for each other.', () => {
    let last: Promise<unknown> = Promise.resolve()
    const queued = <T>(call: () => Promise<T>): Promise<T> => {
      const result = last.then(call)
      last = result.catch(() => undefined)
      return result
    }
    return {
      write: (handle, record) => queued(() => base.write(handle, record)),
      get: (handle, id) => queued(() => base.get(handle, id)),
      correlated: (handle, id) => queued(() => base.correlated(handle, id)),
      page: (handle, query) => queued(() => base.page(handle, query)),
      purge: (handle, options) => queued(() => base.purge(handle, options)),
    }
  }),
  oddStore(
    'indefinite-but-stored',
    'Some writes fail as unknown although they are done; a retry hears unchanged.',
    (random) =>
      stumbling(random, async (handle, record) => {
        await base.write(handle, record)
        throw unknown()
      }),
  ),
  oddStore('indefinite-not-stored', 'Some writes fail as unknown and were not done.', (random) =>
    stumbling(random, async () => {
      throw unknown()
    }),
  ),
  oddStore(
    'indefinite-and-late',
    'Some writes fail as unknown and are done some milliseconds later; close waits for them.',
    (random) =>
      stumbling(random, (handle, record) => {
        const late = sleep(random() * 8).then(() => base.write(handle, record))
        handle.inFlight.add(late)
        void late.finally(() => handle.inFlight.delete(late))
        return Promise.reject(unknown())
      }),
  ),
  oddStore('transient-failures', 'Some writes fail as not written, and were not.', (random) =>
    stumbling(random, async () => {
      throw new StoreError('STORE_UNAVAILABLE', 'There was no connection', 'no')
    }),
  ),
  oddStore('batches', 'The writes of one macrotask are done together, last called first.', () => batching()),
  oddStore(
    'two-phases',
    'A write reserves its id, is committed some turns later, and only then seen; a rival waits for it.',
    (random) => {
      const reserved = new Map<string, Promise<unknown>>()
      return {
        write(handle, record) {
          const key = `${handle.data.scope} ${record.id}`
          const committed = (reserved.get(key) ?? Promise.resolve()).then(async () => {
            await pause(1 + Math.floor(random() * 3))
            return base.write(handle, record)
          })
          reserved.set(key, committed)
          return committed
        },
      }
    },
  ),
  oddStore('late-answers', 'Writes are done at once and answered in any order some turns later.', (random) => ({
    async write(handle, record) {
      const result = await base.write(handle, record)
      await pause(Math.floor(random() * 5))
      return result
    },
  })),
  oddStore('closes-slowly', 'close takes some milliseconds, and refuses calls from its beginning.', () => ({
    async close(handle) {
      await base.close(handle)
      await sleep(4)
    },
  })),
]

function batching(): Partial<Steps> {
  const batches = new WeakMap<object, (() => void)[]>()
  return {
    write: (handle, record) =>
      new Promise((resolve, reject) => {
        const commit = (): void => void base.write(handle, record).then(resolve, reject)
        const open = batches.get(handle.data)
        if (open !== undefined) return void open.push(commit)
        const batch = [commit]
        batches.set(handle.data, batch)
        setImmediate(() => {
          batches.delete(handle.data)
          for (const each of batch.reverse()) each()
        })
      }),
  }
}
