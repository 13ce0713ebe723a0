// A process of its own for the tests: `node child.ts <task> <options as JSON>`. Says `ready`, waits for a line, does the
// task, and prints what came of it as JSON. It ends by itself, so that what a store leaves running would be seen.
import { once } from 'node:events'
import { natsStore } from '../index.ts'
import { ids, made, outcomeOf, settled } from './samples.ts'

/** What a task is given: the servers, the stream, and a number whose meaning is the task's. */
export interface TaskOptions {
  readonly servers: readonly string[]
  readonly stream: string
  readonly count?: number
}

export type TaskName = 'open' | 'race' | 'follow' | 'purge' | 'write' | 'outlive'

const tasks: Readonly<Record<TaskName, (options: TaskOptions) => Promise<unknown>>> = {
  /** Opens, writes one record, closes; gives what that record's write did. */
  async open(options) {
    const store = await natsStore(options)
    const result = await store.record(made(`by-${process.pid}`))
    await store.close()
    return result
  },

  /** Writes the intent and the outcome of all ids, many at once, in an order of its own. */
  async race({ servers, stream, count = 0 }) {
    const store = await natsStore({ servers, stream, deadlineMs: 30_000 })
    const results: Record<string, unknown[]> = {}
    const shuffled = ids(count).sort(() => Math.random() - 0.5)
    for (let at = 0; at < count; at += 64) {
      const part = shuffled.slice(at, at + 64)
      await Promise.all(
        part.map(async (id) => {
          // Half of them wait for the intent; the others send both at once.
          const intent = store.record(made(id))
          if (at % 128 === 0) await intent
          results[id] = await Promise.all([intent, store.record(settled(id))])
        }),
      )
    }
    await store.close()
    return results
  },

  /** Follows until so many are settled; gives what it saw, and leaves and resumes now and then. */
  async follow({ servers, stream, count = 0 }) {
    const store = await natsStore({ servers, stream })
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
  async purge({ servers, stream }) {
    const store = await natsStore({ servers, stream, deadlineMs: 30_000 })
    const removed = await store.purge({ retention: 'long-lived', before: 2000 })
    await store.close()
    return removed
  },

  /** Writes so many, all at once, while somebody follows, and closes with the follower under way. */
  async write({ servers, stream, count = 0 }) {
    const store = await natsStore({ servers, stream })
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
  async outlive({ servers, stream }) {
    const store = await natsStore({ servers, stream, deadlineMs: 700 })
    for (let n = 0; ; n++) {
      const outcome = await outcomeOf(store.record(made(`c${n}`)))
      if (outcome === 'created') continue
      await store.close()
      return outcome
    }
  },
}

const [name, options] = process.argv.slice(2)
process.stdout.write('ready\n')
await once(process.stdin, 'data')
process.stdin.destroy()
process.stdout.write(`${JSON.stringify(await tasks[name as TaskName](JSON.parse(options ?? '')))}\n`)
