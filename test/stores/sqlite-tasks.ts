import { existsSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { type SqliteStore, sqliteStore } from 'commandlog/sqlite'
import { race } from './child-tasks.ts'
import { ids, made, settled } from './samples.ts'

/** A file, and how it is opened. */
export interface SqlitePlace {
  readonly path: string
  readonly durability?: 'power' | 'process'
}

/** What a process can be asked to do with a file alone, or does in another way than with a server. */
export type SqliteTaskName = 'tryToOpen' | 'race' | 'write' | 'lock' | 'fill'

/** Each gets ready, and gives what is to be done then. */
export const sqliteTasks: Readonly<
  Record<SqliteTaskName, (place: SqlitePlace, count: number) => Promise<() => Promise<unknown>>>
> = {
  /** Opens when it begins. */
  tryToOpen: async (place) => async () =>
    outcomeOf(sqliteStore(place).then((store) => store.close().then(() => 'opened'))),

  /** Every intent is waited for, so that each of them comes before its outcome. */
  race: async (place, count) => () =>
    race(
      (options) => sqliteStore({ ...place, ...options }),
      count,
      () => true,
    ),

  /** Is open when it begins; writes so many, one after the other, and gives what came of each. */
  async write(place, count) {
    const store = await sqliteStore(place)
    return async () => {
      const results: unknown[] = []
      for (const id of ids(count)) results.push(await outcomeOf(store.record(made(id))))
      const stored = await outcomeOf(store.list({ order: 'oldest' }).then(({ records }) => records.map(({ id }) => id)))
      await store.close()
      return { results, stored }
    }
  },

  /** Holds the write lock for so many milliseconds. */
  async lock({ path }, count) {
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

/** What came of a call, errors as the caller sees them, for a test that looks for what they may not tell. */
async function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  try {
    return await call
  } catch (thrown) {
    const { name, code, written, message, cause } = thrown as Record<string, unknown>
    return { name, code, written, text: [message, String(cause), JSON.stringify(thrown)].join(' ') }
  }
}

async function fill(store: SqliteStore): Promise<{ full: unknown; acknowledged: number }> {
  const payload = { status: 'full', format: 'text', data: 'secret'.repeat(2000), bytes: 12_000 } as const
  for (let n = 0; ; n++) {
    const result = await outcomeOf(store.record(settled(`f${n}`, { payload })))
    if (result !== 'created') return { full: result, acknowledged: n }
  }
}
