import type { Change, FollowOptions, PurgeOptions } from '../../src/index.ts'
import { checkText } from '../../storekit/index.ts'
import { base } from './base-steps.ts'
import { type Data, newData } from './data.ts'
import type { Handle, Method, OpenTestStore, Steps, TestStore } from './steps.ts'

/** A brick beyond the core contract. */
export type Brick = 'follow' | 'purge'

/** What a base store is made of. */
export interface BaseOptions {
  /** Steps that replace those of the correct store. */
  readonly steps?: Partial<Steps>
  /** The further bricks that it has. */
  readonly bricks?: readonly Brick[]
}

/**
 * An open function of a straightforward store in memory, whose data outlive their handles: the same name is the same
 * data for as long as the function lives. Correct, but for the steps that are replaced.
 */
export function baseStore({ steps, bricks = ['follow', 'purge'] }: BaseOptions = {}): OpenTestStore {
  const all: Steps = { ...base, ...steps }
  const named = new Map<string, Data>()
  return async (name) => {
    const key = all.dataName(name)
    let data = named.get(key)
    if (data === undefined) {
      data = newData(key)
      named.set(key, data)
    } else if (data.handles === 0) all.reopen(data)
    data.handles++
    const handle: Handle = { data, steps: all, closed: new AbortController(), inFlight: new Set() }
    return all.expose({ ...coreOf(handle), ...bricksOf(handle, bricks) }, handle)
  }
}

/** Runs a call of this handle: refused after close, and waited for by it. */
async function call<T>(handle: Handle, method: Method, action: () => Promise<T>): Promise<T> {
  handle.steps.admit(handle, method)
  const running = action()
  handle.inFlight.add(running)
  try {
    return await running
  } finally {
    handle.inFlight.delete(running)
  }
}

function coreOf(handle: Handle): TestStore {
  const { steps } = handle
  return {
    record: (record) =>
      call(handle, 'record', async () => {
        steps.checkRecord(record)
        return steps.write(handle, steps.copyIn(record))
      }),
    get: (id) =>
      call(handle, 'get', async () => {
        checkText('id', id)
        return steps.get(handle, id)
      }),
    findByCorrelation: (correlationId) =>
      call(handle, 'findByCorrelation', async () => {
        checkText('correlationId', correlationId)
        return steps.correlated(handle, correlationId)
      }),
    findByType: (type, query) =>
      call(handle, 'findByType', async () => steps.page(handle, steps.checkTypeQuery(type, query))),
    list: (query) => call(handle, 'list', async () => steps.page(handle, steps.checkQuery(query))),
    close: () => steps.close(handle),
  }
}

function bricksOf(handle: Handle, bricks: readonly Brick[]): Partial<TestStore> {
  const { steps } = handle
  const follow = (options: FollowOptions = {}): AsyncIterable<Change> => steps.follow(handle, options)
  const purge = (options: PurgeOptions): Promise<number> =>
    call(handle, 'purge', async () => steps.purge(handle, steps.checkPurge(options)))
  return { ...(bricks.includes('follow') && { follow }), ...(bricks.includes('purge') && { purge }) }
}
