// Order       `sequence` and `change`, drawn under a lock that is held until all can see them: visible in their order.
// Uniqueness  a UNIQUE column, and an upsert that lets the first write of each phase win.
// Durability  one statement for all that arrive together, committed before it answers; settings that could break it are refused.
// Paging      keyset by `sequence`, which every index has as its last column.
// Not promised: several writes at once to one log. They take turns, each for as long as its sync takes.

import {
  type Change,
  type CommandLogStore,
  type CommandQuery,
  type CommandRecord,
  type Followable,
  type FollowOptions,
  type Page,
  type Purgeable,
  type PurgeOptions,
  type RecordResult,
  StoreError,
} from '../../src/index.ts'
import {
  type CheckedQuery,
  checkPurge,
  checkQuery,
  checkText,
  checkTypeQuery,
  cursorScope,
  Deadline,
  type FollowSource,
  followChanges,
  groupCommit,
  openPosition,
  sealPosition,
  wakes,
} from '../../storekit/index.ts'
import { Connection } from './connection.ts'
import { checkOptions, type PostgresStoreOptions } from './options.ts'
import { prepareDatabase } from './prepare-database.ts'
import { purgeRows } from './purge.ts'
import { readChanges, readCorrelation, readOne, readPage } from './reads.ts'
import { type Row, toRow } from './rows.ts'
import { writeRows, writeSql } from './write.ts'

/** A log in a Postgres database: core contract, `follow` (with what other processes write) and `purge`. */
export type PostgresStore = CommandLogStore & Followable & Purgeable

/** As many statements at once: while the server syncs one group it can take in the next. */
const writers = 2
/** How often a waiting follower looks, told of changes or not. */
const pollMs = 100
/** Whoever listens is told of changes no more often than this. */
const notifyMs = 20

/** Opens a log in a Postgres database, its tables made or migrated, its settings checked; a `StoreError` where that fails. */
export async function postgresStore(options: PostgresStoreOptions): Promise<PostgresStore> {
  const checked = checkOptions(options)
  const connection = new Connection(checked)
  const data = await prepareDatabase(connection).catch(async (thrown) => {
    await connection.close()
    throw thrown
  })
  const closed = new AbortController()
  const changes = changeSource(connection, data)
  const deadline = new Deadline(
    checked.deadlineMs,
    () => new StoreError('STORE_TIMEOUT', `No page within ${checked.deadlineMs} ms`),
  )
  const sql = writeSql(connection.names)
  const commit = groupCommit<Row>({
    writers,
    deadlineMs: checked.deadlineMs,
    async write(writes) {
      const results = await writeRows(connection, sql, writes)
      changes.tell()
      return results
    },
  })
  let closing: Promise<void> | undefined

  function checkOpen(): void {
    if (closed.signal.aborted) throw new StoreError('STORE_CLOSED', 'The store is closed')
  }

  async function page(query: CheckedQuery): Promise<Page> {
    const scope = cursorScope(data, query)
    const after = query.cursor === undefined ? undefined : openPosition(scope, query.cursor)
    const { records, last } = await deadline.limit(readPage(connection, query, after))
    return last === undefined ? { records } : { records, next: sealPosition(scope, last) }
  }

  return {
    async record(record: CommandRecord): Promise<RecordResult> {
      checkOpen()
      return await commit.add(toRow(record))
    },

    async get(id: string): Promise<CommandRecord | undefined> {
      checkOpen()
      checkText('id', id)
      return await readOne(connection, id)
    },

    async findByCorrelation(correlationId: string): Promise<readonly CommandRecord[]> {
      checkOpen()
      checkText('correlationId', correlationId)
      return await readCorrelation(connection, correlationId)
    },

    async findByType(type: string, query?: Omit<CommandQuery, 'type'>): Promise<Page> {
      checkOpen()
      return await page(checkTypeQuery(type, query))
    },

    async list(query?: CommandQuery): Promise<Page> {
      checkOpen()
      return await page(checkQuery(query))
    },

    close(): Promise<void> {
      closed.abort()
      closing ??= commit.close().then(() => connection.close())
      return closing
    },

    follow({ after, signal }: FollowOptions = {}): AsyncIterable<Change> {
      const start = async (): Promise<string> => {
        checkOpen()
        const change = after === undefined ? '0' : changes.open(after)
        changes.listen()
        return change
      }
      return followChanges(start, changes, { signal, closed: closed.signal })
    },

    async purge(options: PurgeOptions): Promise<number> {
      checkOpen()
      return await purgeRows(connection, checkPurge(options), () => closed.signal.aborted)
    },
  }
}

interface ChangeSource extends FollowSource<string> {
  /** Wakes the followers of this process, and soon those of others. */
  tell(): void
  listen(): void
  open(after: string): string
}

/** Every record's latest change, by its number. */
function changeSource(connection: Connection, data: string): ChangeSource {
  const scope = `follow ${data}`
  const { wakeAll, wait } = wakes(pollMs)
  let isTold = false
  return {
    open: (after) => openPosition(scope, after),
    tell() {
      wakeAll()
      if (isTold) return
      isTold = true
      const timer = setTimeout(() => {
        isTold = false
        void connection.notify()
      }, notifyMs)
      timer.unref()
    },
    listen: () => connection.listen(wakeAll),
    async read(after) {
      const changes = await readChanges(connection, after)
      return changes.map(({ at, record }) => ({
        at,
        change: { position: sealPosition(scope, at), record },
      }))
    },
    wait,
  }
}
