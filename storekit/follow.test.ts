import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Change, CommandRecord } from '../src/index.ts'
import { type FollowPlace, followChanges } from './follow.ts'
import { wakes } from './wakes.ts'

const limited = { timeout: 10_000 }

/** A log of places, some without a change, that is read so many at a time. */
function newLog(size: number) {
  const { wakeAll, wait } = wakes()
  const places: FollowPlace<number>[] = []
  let reads = 0
  return {
    reads: () => reads,
    add(...ids: readonly (string | undefined)[]): void {
      for (const id of ids) {
        const at = places.length + 1
        places.push(id === undefined ? { at } : { at, change: changeOf(id, at) })
      }
      wakeAll()
    },
    source: {
      async read(after: number) {
        reads++
        return places.slice(after, after + size)
      },
      wait,
    },
  }
}

function changeOf(id: string, at: number): Change {
  return { position: String(at), record: { id } as CommandRecord }
}

function following(log: ReturnType<typeof newLog>, from = 0) {
  const stopping = new AbortController()
  const life = { signal: stopping.signal, closed: new AbortController().signal }
  return { changes: followChanges(() => from, log.source, life), stop: () => stopping.abort() }
}

async function idsOf(changes: AsyncIterator<Change>, count: number): Promise<readonly string[]> {
  const ids: string[] = []
  while (ids.length < count) {
    const step = await changes.next()
    if (step.done === true) break
    ids.push(step.value.record.id)
  }
  return ids
}

test(
  'Given batches that hold nothing but places without a change, when followed, then the follower reads on',
  limited,
  async () => {
    const log = newLog(4)
    log.add(...Array<undefined>(9).fill(undefined), 'a', undefined, 'b')
    const { changes, stop } = following(log)
    assert.deepEqual(await idsOf(changes, 2), ['a', 'b'])
    assert.equal(log.reads(), 3)
    stop()
  },
)

test(
  'Given a backlog that ends in places without a change, when more comes, then the follower goes on behind them',
  limited,
  async () => {
    const log = newLog(4)
    log.add('a', undefined, undefined, undefined, undefined, undefined)
    const { changes, stop } = following(log)
    assert.deepEqual(await idsOf(changes, 1), ['a'])
    const next = changes.next()
    await new Promise(setImmediate)
    log.add('b')
    assert.deepEqual(await next, { done: false, value: changeOf('b', 7) })
    stop()
  },
)

test(
  'Given a follower that waits behind places without a change, when aborted, then it ends quietly',
  limited,
  async () => {
    const log = newLog(4)
    log.add(undefined, undefined)
    const { changes, stop } = following(log)
    const next = changes.next()
    await new Promise(setImmediate)
    stop()
    assert.deepEqual(await next, { done: true, value: undefined })
  },
)
