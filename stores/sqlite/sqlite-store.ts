// Order       `sequence`, given out inside the write transaction, of which SQLite has one at a time; never used twice.
// Uniqueness  a UNIQUE column, looked up in the same transaction.
// Durability  WAL with synchronous = FULL, read back after a write; one transaction for all that arrive together.
// Paging      keyset by `sequence`, each filter by an index of its own or row by row.
// Not promised: network file systems; that a slow disk never holds up the event loop, since the driver is synchronous.

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
  checkFileOptions,
  checkPurge,
  checkQuery,
  checkText,
  checkTypeQuery,
  cursorScope,
  type FollowSource,
  followChanges,
  groupCommit,
  openPosition,
  type SettlesTogether,
  type SqliteFileOptions,
  sealPosition,
  wakes,
} from '../../storekit/index.ts'
import { type Connection, openConnection } from './connection.ts'
import { purgeRows } from './purge.ts'
import { readChanges, readCorrelation, readOne, readPage } from './reads.ts'
import { type Row, toRow } from './rows.ts'
import { makeTogether } from './together.ts'
import { makeWriter } from './writer.ts'

/** A log in an SQLite file: core contract, `follow` (with what other processes write), `purge` and `settleTogether`. */
export type SqliteStore = CommandLogStore & Followable & Purgeable & SettlesTogether

/** What `sqliteStore` takes: a path, for a file of its own, or a handle that its owner closes. */
export type SqliteStoreOptions = SqliteFileOptions

/** A group is one transaction: large enough to share a sync, small enough that those who wait for it do not notice. */
const groupSize = 128
/** How often a waiting follower looks for what other processes have written. */
const pollMs = 50

/** Opens a log in an SQLite file, made or migrated, with settings that keep the promise; a `StoreError` where that fails. */
export async function sqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const checked = checkFileOptions(options)
  const connection = await openConnection(checked)
  const closed = new AbortController()
  const changes = changeSource(connection)
  const writer = makeWriter(connection, checked)
  const commit = groupCommit<Row>({
    maxRecords: groupSize,
    writers: 2,
    deadlineMs: checked.deadlineMs,
    async write(writes) {
      const results = await writer.write(writes)
      changes.wake()
      return results
    },
  })
  const together = makeTogether(connection, checked.deadlineMs, () => changes.wake())
  const purges = new Set<Promise<number>>()
  let closing: Promise<void> | undefined

  function checkOpen(): void {
    if (closed.signal.aborted) throw new StoreError('STORE_CLOSED', 'The store is closed')
  }

  async function page(query: CheckedQuery): Promise<Page> {
    const scope = cursorScope(connection.data, query)
    const after = query.cursor === undefined ? undefined : Number(openPosition(scope, query.cursor))
    const { records, last } = await connection.read(() => readPage(connection, query, after))
    return last === undefined ? { records } : { records, next: sealPosition(scope, String(last)) }
  }

  return {
    async record(record: CommandRecord): Promise<RecordResult> {
      checkOpen()
      return await commit.add(toRow(record))
    },

    async get(id: string): Promise<CommandRecord | undefined> {
      checkOpen()
      checkText('id', id)
      return await connection.read(() => readOne(connection, id))
    },

    async findByCorrelation(correlationId: string): Promise<readonly CommandRecord[]> {
      checkOpen()
      checkText('correlationId', correlationId)
      return await connection.read(() => readCorrelation(connection, correlationId))
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
      closing ??= Promise.allSettled([commit.close(), together.close(), ...purges])
        .then(() => writer.close())
        .then(() => connection.close())
      return closing
    },

    follow({ after, signal }: FollowOptions = {}): AsyncIterable<Change> {
      const start = (): number => {
        checkOpen()
        return after === undefined ? 0 : changes.open(after)
      }
      return followChanges(start, changes, { signal, closed: closed.signal })
    },

    async purge(options: PurgeOptions): Promise<number> {
      checkOpen()
      const purged = purgeRows(connection, checkPurge(options), () => closed.signal.aborted)
      purges.add(purged)
      try {
        return await purged
      } finally {
        purges.delete(purged)
      }
    },

    async settleTogether(work): Promise<CommandRecord> {
      checkOpen()
      return await together.settleTogether(work)
    },
  }
}

interface ChangeSource extends FollowSource<number> {
  wake(): void
  open(after: string): number
}

/** Every record's latest change, by its number. */
function changeSource(connection: Connection): ChangeSource {
  const scope = `follow ${connection.data}`
  const { wakeAll, wait } = wakes(pollMs)
  return {
    open: (after) => Number(openPosition(scope, after)),
    wake: wakeAll,
    async read(after) {
      const changes = await connection.read(() => readChanges(connection, after))
      return changes.map(({ change, record }) => ({
        at: change,
        change: { position: sealPosition(scope, String(change)), record },
      }))
    },
    wait,
  }
}
