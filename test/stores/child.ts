// A process of its own for the tests: `node child.ts <task> <options as JSON>`. Says `ready`, waits for a line, does the
// task, and prints what came of it as JSON. It ends by itself, so that what a store leaves running would be seen.
import { once } from 'node:events'
import { type Open, type TaskName, tasks } from './child-tasks.ts'
import type { SqlitePlace, SqliteTaskName } from './sqlite-tasks.ts'

/** Where the log is: a file, a database or a stream. */
type Place =
  | SqlitePlace
  | { readonly url: string; readonly prepare?: boolean }
  | { readonly servers: readonly string[]; readonly stream: string }

/** What a task is given: where the log is, and a number whose meaning is the task's. */
export type TaskOptions = Place & { readonly count?: number }

/** Only the store that is asked for is loaded: it must work, and end, without the drivers of the others. */
async function opener(place: Place): Promise<Open> {
  if ('path' in place) {
    const { sqliteStore } = await import('commandlog/sqlite')
    return (options) => sqliteStore({ ...place, ...options })
  }
  if ('url' in place) {
    const { postgresStore } = await import('commandlog/postgres')
    return (options) => postgresStore({ ...place, ...options })
  }
  const { natsStore } = await import('commandlog/nats')
  return (options) => natsStore({ ...place, ...options })
}

async function prepare(name: string, { count = 0, ...place }: TaskOptions): Promise<() => Promise<unknown>> {
  const open = await opener(place)
  if ('path' in place) {
    const { sqliteTasks } = await import('./sqlite-tasks.ts')
    if (name in sqliteTasks) return await sqliteTasks[name as SqliteTaskName](place, count)
  }
  return () => tasks[name as TaskName](open, count)
}

const [name = '', options = ''] = process.argv.slice(2)
const act = await prepare(name, JSON.parse(options))
process.stdout.write('ready\n')
await once(process.stdin, 'data')
process.stdin.destroy()
process.stdout.write(`${JSON.stringify(await act())}\n`)
