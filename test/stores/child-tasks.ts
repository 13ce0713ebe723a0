import type { CommandLogStore, Followable, Purgeable } from 'commandlog'
import { outcomeOf } from './outcome.ts'
import { ids, made, settled } from './samples.ts'

/** Opens the log that the process was told of. */
export type Open = (options?: { readonly deadlineMs?: number }) => Promise<CommandLogStore & Followable & Purgeable>

/** What a process can be asked to do with any log. */
export type TaskName = 'open' | 'race' | 'follow' | 'purge' | 'write' | 'outlive'

/** What is done, with a number whose meaning is the task's. */
export const tasks: Readonly<Record<TaskName, (open: Open, count: number) => Promise<unknown>>> = {
  /** Opens, writes one record, closes; gives what that record's write did. */
  async open(open) {
    const store = await open()
    const result = await store.record(made(`by-${process.pid}`))
    await store.close()
    return result
  },

  /** Half of the intents are waited for; the others are sent together with their outcomes. */
  race: (open, count) => race(open, count, (at) => at % 128 === 0),

  /** Follows until so many are settled; gives what it saw, and leaves and resumes now and then. */
  async follow(open, count) {
    const store = await open()
    const seen: string[] = []
    for (let after: string | undefined; seen.length < count; ) {
      let steps = 0
      for await (const { position, record } of store.follow({ after })) {
        after = position
        if (record.state !== 'created') seen.push(record.id)
        if (++steps === 150 || seen.length === count) break
      }
    }
    await store.close()
    return seen
  },

  /** Purges everything that is due. */
  async purge(open) {
    const store = await open({ deadlineMs: 30_000 })
    const removed = await store.purge({ retention: 'long-lived', before: 2000 })
    await store.close()
    return removed
  },

  /** Writes so many, all at once, while somebody follows, and closes with the follower under way. */
  async write(open, count) {
    const store = await open()
    const following = store.follow()[Symbol.asyncIterator]().next()
    const results = await Promise.all(ids(count).map((id) => store.record(made(id))))
    await following
    const waiting = store.follow()[Symbol.asyncIterator]()
    for (let step = 0; step < count; step++) await waiting.next()
    const last = waiting.next()
    await store.close()
    return [results.length, (await last).done]
  },

  /** Writes one record after the other until one fails, and closes; gives what it failed with. */
  async outlive(open) {
    const store = await open({ deadlineMs: 700 })
    for (let n = 0; ; n++) {
      const outcome = await outcomeOf(store.record(made(`c${n}`)))
      if (outcome === 'created') continue
      await store.close()
      return outcome
    }
  },
}

/** Writes the intent and the outcome of all ids, many at once, in an order of its own; gives the answers by id. */
export async function race(open: Open, count: number, waitsAt: (at: number) => boolean): Promise<unknown> {
  const store = await open({ deadlineMs: 30_000 })
  const results: Record<string, unknown[]> = {}
  const shuffled = ids(count).sort(() => Math.random() - 0.5)
  for (let at = 0; at < count; at += 64) {
    const part = shuffled.slice(at, at + 64)
    await Promise.all(
      part.map(async (id) => {
        const intent = store.record(made(id))
        if (waitsAt(at)) await intent
        results[id] = await Promise.all([intent, store.record(settled(id))])
      }),
    )
  }
  await store.close()
  return results
}
