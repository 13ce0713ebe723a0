import { type CommandRecord, StoreError } from '../../src/index.ts'
import {
  type GroupItem,
  type GroupWrite,
  groupCommit,
  isSqliteFailure,
  type SettlesTogether,
  toSqliteError,
} from '../../storekit/index.ts'
import type { Connection } from './connection.ts'
import { toRow } from './rows.ts'
import { writeOutcome } from './write.ts'

type Work = Parameters<SettlesTogether['settleTogether']>[0]

interface Task extends GroupItem {
  readonly work: Work
  /** The record that it settled, or why it was rolled back. */
  answer: { readonly record: CommandRecord } | { readonly refusal: unknown } | undefined
}

/** What settles records with rows of others. */
export interface Together extends SettlesTogether {
  /** Resolves once everything that was taken is done. */
  close(): Promise<void>
}

/** About what a record and its events take: they are not known before their turn. */
const bytes = 4096

/** Work that arrives together shares a transaction, in which each can be rolled back alone. */
export function makeTogether(connection: Connection, deadlineMs: number, onWritten: () => void): Together {
  let count = 0
  const commit = groupCommit<Task>({
    maxRecords: 128,
    deadlineMs,
    async write(writes: readonly GroupWrite<Task>[]) {
      await connection.write(() => {
        for (const { intent } of writes) perform(connection, intent as Task)
      })
      onWritten()
      return writes.map(() => 'created' as const)
    },
  })
  return {
    async settleTogether(work) {
      const task: Task = { id: String(count++), isSettled: false, bytes, work, answer: undefined }
      await commit.add(task)
      const answer = task.answer as NonNullable<Task['answer']>
      if ('refusal' in answer) throw answer.refusal
      return answer.record
    },
    close: () => commit.close(),
  }
}

function perform(connection: Connection, task: Task): void {
  connection.prepare('SAVEPOINT together').run()
  try {
    const record = task.work(connection)
    if (writeOutcome(connection, toRow(record)) === 'unchanged') {
      throw new StoreError('ALREADY_SETTLED', 'The command has an outcome already')
    }
    task.answer = { record }
  } catch (thrown) {
    const refusal = refusalOf(thrown)
    // The file is at fault, and with it the whole transaction.
    if (refusal === undefined) throw thrown
    connection.prepare('ROLLBACK TO together').run()
    task.answer = { refusal }
  }
  connection.prepare('RELEASE together').run()
}

/** What is wrong with this one alone; undefined where it is not about this one. */
function refusalOf(thrown: unknown): unknown {
  if (!isSqliteFailure(thrown)) return thrown
  const error = toSqliteError(thrown)
  const isOwn = error.code === 'INVALID_RECORD' || error.code === 'RECORD_TOO_LARGE'
  // A statement that is none was never run.
  return isOwn || (thrown as { readonly code?: unknown }).code === 'SQLITE_ERROR' ? error : undefined
}
