import type { StoreError } from '../../src/index.ts'
import {
  type GroupItem,
  groupCommit,
  type SqliteConnection,
  SqliteRefused,
  toSqliteError,
} from '../../storekit/index.ts'
import { EventStoreError } from '../event-store-error.ts'
import { rethrow } from './to-error.ts'

/** Work on a file, done in groups. */
export interface TaskGroup {
  /** Resolves with what `run` gave once that is durable; `run` may run again, and throws before it writes anything. */
  perform<T>(bytes: number, run: (file: SqliteConnection) => T): Promise<T>
  /** Resolves once everything that was taken is done. */
  close(): Promise<void>
}

interface Task extends GroupItem {
  run(file: SqliteConnection): unknown
  /** What it gave back, or was refused with. */
  answer: { readonly value: unknown } | { readonly refusal: EventStoreError } | undefined
}

/** A group is one transaction: large enough to share a sync, small enough that the event loop does not notice. */
const groupSize = 128

/** Work that arrives together, or while other work is under way, shares a transaction. */
export function taskGroup(file: SqliteConnection, deadlineMs: number): TaskGroup {
  const commit = groupCommit<Task>({
    maxRecords: groupSize,
    deadlineMs,
    write: (writes) =>
      runTasks(
        file,
        writes.map(({ intent }) => intent as Task),
      ),
  })
  let count = 0
  return {
    async perform<T>(bytes: number, run: (file: SqliteConnection) => T): Promise<T> {
      const task: Task = { id: String(count++), isSettled: false, bytes, run, answer: undefined }
      await commit.add(task).catch(rethrow)
      const answer = task.answer as NonNullable<Task['answer']>
      if ('refusal' in answer) throw answer.refusal
      return answer.value as T
    },
    close: () => commit.close(),
  }
}

/** One transaction for all of them. One that is at fault is left out and told so; its neighbours are written. */
async function runTasks(file: SqliteConnection, tasks: readonly Task[]): Promise<('created' | StoreError)[]> {
  const refused = new Map<number, StoreError>()
  for (;;) {
    try {
      await file.write(() => {
        for (const [index, task] of tasks.entries()) if (!refused.has(index)) runTask(file, task, index)
      })
      // Readers of other processes may have kept it from starting over.
      file.cutLog()
      return tasks.map((_, index) => refused.get(index) ?? 'created')
    } catch (thrown) {
      if (!(thrown instanceof SqliteRefused)) throw thrown
      refused.set(thrown.index, thrown.error)
    }
  }
}

function runTask(file: SqliteConnection, task: Task, index: number): void {
  try {
    task.answer = { value: task.run(file) }
  } catch (thrown) {
    if (!(thrown instanceof EventStoreError)) {
      const error = toSqliteError(thrown)
      throw error.code === 'INVALID_RECORD' || error.code === 'RECORD_TOO_LARGE'
        ? new SqliteRefused(index, error)
        : thrown
    }
    // It wrote nothing yet.
    task.answer = { refusal: thrown }
  }
}
