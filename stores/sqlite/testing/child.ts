// A process of its own for the tests: `node child.ts <task> <options as JSON>`. Says `ready`, waits for a line, does the
// task, and prints what came of it as JSON. It ends by itself, so that what a store leaves running would be seen.
import { once } from 'node:events'
import { existsSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { type SqliteStore, sqliteStore } from '../index.ts'
import { made, settled } from './samples.ts'

/** What a task is given: the file, and a number whose meaning is the task's. */
export interface TaskOptions {
  readonly path: string
  readonly count?: number
  readonly durability?: 'power' | 'process'
}

type Task = (options: TaskOptions) => Promise<() => Promise<unknown>>

const ids = (count: number): string[] => Array.from({ length: count }, (_, n) => `c${n}`)

/** What came of a call, errors as the caller sees them. */
async function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  try {
    return await call
  } catch (thrown) {
    const { name, code, written, message, cause } = thrown as Record<string, unknown>
    return { name, code, written, text: [message, String(cause), JSON.stringify(thrown)].join(' ') }
  }
}

export type TaskName = 'open' | 'tryToOpen' | 'race' | 'follow' | 'purge' | 'write' | 'lock' | 'fill'

const tasks: Readonly<Record<TaskName, Task>> = {
  /** Opens, writes one record, closes; gives what that record's write did. */
  open: async (options) => async () => {
    const store = await sqliteStore(options)
    const result = await store.record(made(`by-${process.pid}`))
    await store.close()
    return result
  },

  /** Opens when it begins. */
  tryToOpen: async (options) => async () =>
    outcomeOf(sqliteStore(options).then((store) => store.close().then(() => 'opened'))),

  /** Writes the intent and the outcome of all ids, many at once, in an order of its own. */
  race:
    async ({ path, count = 0 }) =>
    async () => {
      const store = await sqliteStore({ path, deadlineMs: 30_000 })
      const results: Record<string, unknown[]> = {}
      const shuffled = ids(count).sort(() => Math.random() - 0.5)
      for (let at = 0; at < count; at += 16) {
        const part = shuffled.slice(at, at + 16)
        const write = (record: ReturnType<typeof made>) => outcomeOf(store.record(record))
        await Promise.all(part.map(async (id) => (results[id] = [await write(made(id)), await write(settled(id))])))
      }
      await store.close()
      return results
    },

  /** Follows until so many are settled; gives what it saw, and leaves and resumes now and then. */
  follow:
    async ({ path, count = 0 }) =>
    async () => {
      const store = await sqliteStore({ path })
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
  purge:
    async ({ path }) =>
    async () => {
      const store = await sqliteStore({ path, deadlineMs: 30_000 })
      const removed = await outcomeOf(store.purge({ retention: 'long-lived', before: 2000 }))
      await store.close()
      return removed
    },

  /** Is open when it begins; writes so many, one after the other, and gives what came of each. */
  async write(options) {
    const store = await sqliteStore(options)
    return async () => {
      const results: unknown[] = []
      for (const id of ids(options.count ?? 0)) results.push(await outcomeOf(store.record(made(id))))
      const stored = await outcomeOf(store.list({ order: 'oldest' }).then(({ records }) => records.map(({ id }) => id)))
      await store.close()
      return { results, stored }
    }
  },

  /** Holds the write lock for so many milliseconds. */
  async lock({ path, count = 0 }) {
    const database = new Database(path)
    database.exec('BEGIN IMMEDIATE')
    return async () => {
      await sleep(count)
      database.exec('COMMIT')
      database.close()
      return 'released'
    }
  },

  /** Fills a disk that has a reserve on it, purges, lets go of the reserve, and goes on. */
  async fill({ path }) {
    const store = await sqliteStore({ path })
    const reserve = join(dirname(path), 'reserve')
    return async () => {
      if (!existsSync(reserve)) throw new Error('expected a reserve')
      const { full, acknowledged } = await fill(store)
      const purged = await outcomeOf(store.purge({ retention: 'long-lived', before: 2000 }))
      rmSync(reserve)
      const again = await outcomeOf(store.record(settled('again')))
      const purgedAgain = await outcomeOf(store.purge({ retention: 'long-lived', before: 2000 }))
      const { records } = await store.list()
      await store.close()
      return { full, acknowledged, purged, again, purgedAgain, left: records.length }
    }
  },
}

async function fill(store: SqliteStore): Promise<{ full: unknown; acknowledged: number }> {
  const payload = { status: 'full', format: 'text', data: 'secret'.repeat(2000), bytes: 12_000 } as const
  for (let n = 0; ; n++) {
    const result = await outcomeOf(store.record(settled(`f${n}`, { payload })))
    if (result !== 'created') return { full: result, acknowledged: n }
  }
}

const [name, options] = process.argv.slice(2)
const act = await tasks[name as TaskName](JSON.parse(options ?? ''))
process.stdout.write('ready\n')
await once(process.stdin, 'data')
process.stdin.destroy()
process.stdout.write(`${JSON.stringify(await act())}\n`)
