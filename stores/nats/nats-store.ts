// Order       the sequence in the stream of the first message of an id; the outcome is a second message on the same subject.
// Uniqueness  every write expects what the last message on the subject of its id is: the server lets the first one win.
// Durability  in files, acknowledged by the server, or by most of its replicas: what arrives together in one atomic batch. The
//             death of a server takes nothing that was acknowledged, since its writes are with the operating system.
// Paging      keyset by sequence: windows of the stream, those of newest first stepping back.
// Not promised: that power loss takes nothing unless the server syncs always; that filters other than id and correlation do
//   not scan; that a leader which was cut off and does not know it yet reads what others have written meanwhile; that an
//   election ends before the deadline, so that writes during one may be unknown.

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
  groupCommit,
  openPosition,
  sealPosition,
} from '../../storekit/index.ts'
import { Connection } from './connection.ts'
import { followStream } from './follow.ts'
import { Intents } from './intents.ts'
import { checkOptions, type NatsStoreOptions } from './options.ts'
import { prepareStream } from './prepare-stream.ts'
import { purgeRows } from './purge.ts'
import { readCorrelation, readPage } from './queries.ts'
import { Reader } from './reader.ts'
import { type Row, toRow } from './rows.ts'
import { toStoreError } from './store-error.ts'
import { writeRows } from './write.ts'

/** A log in a JetStream stream: core contract, `follow` (with what other processes write) and `purge`. */
export type NatsStore = CommandLogStore & Followable & Purgeable

/** As many batches at once: while the server writes one it can take in the next. */
const writers = 4
/** Half of what the server takes in a batch, since a record may need two messages. */
const maxRecords = 500

/** Opens a log in a stream, which is made where there is none, its settings checked; a `StoreError` where that fails. */
export async function natsStore(options: NatsStoreOptions): Promise<NatsStore> {
  const checked = checkOptions(options)
  const connection = new Connection(checked)
  const reader = new Reader(connection)
  const data = await prepareStream(connection, reader).catch(async (thrown) => {
    await connection.close()
    throw toStoreError(thrown, true)
  })
  const { stream, deadlineMs } = checked
  const closed = new AbortController()
  const intents = new Intents()
  const deadline = new Deadline(
    deadlineMs,
    () => new StoreError('STORE_TIMEOUT', `The server did not answer within ${deadlineMs} ms`),
  )
  const commit = groupCommit<Row>({
    writers,
    maxRecords,
    deadlineMs,
    async write(writes) {
      await reader.checkAside(connection.until()).catch((thrown) => {
        throw toStoreError(thrown, false)
      })
      return await writeRows({ connection, reader, intents }, writes)
    },
  })
  const calls = new Set<Promise<unknown>>()
  let closing: Promise<void> | undefined

  function checkOpen(): void {
    if (closed.signal.aborted) throw new StoreError('STORE_CLOSED', 'The store is closed')
  }

  async function read<T>(answer: Promise<T>): Promise<T> {
    const limited = deadline.limit(answer)
    calls.add(limited)
    try {
      return await limited
    } catch (thrown) {
      throw toStoreError(thrown, false)
    } finally {
      calls.delete(limited)
    }
  }

  async function page(query: CheckedQuery): Promise<Page> {
    const scope = cursorScope(data, query)
    const after = query.cursor === undefined ? undefined : openPosition(scope, query.cursor)
    const { records, last } = await read(readPage(reader, stream, query, { after, until: connection.until() }))
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
      const until = connection.until()
      return (await read(reader.check(until).then(() => reader.one(id, until))))?.record
    },

    async findByCorrelation(correlationId: string): Promise<readonly CommandRecord[]> {
      checkOpen()
      checkText('correlationId', correlationId)
      const until = connection.until()
      return await read(reader.check(until).then(() => readCorrelation(reader, stream, correlationId, until)))
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
      closing ??= Promise.allSettled([commit.close(), ...calls]).then(() => connection.close())
      return closing
    },

    follow(options: FollowOptions = {}): AsyncIterable<Change> {
      return followStream({ connection, reader, data, checkOpen, closed: closed.signal, calls }, options)
    },

    async purge(options: PurgeOptions): Promise<number> {
      checkOpen()
      const purged = purgeRows(connection, reader, checkPurge(options), () => closed.signal.aborted)
      calls.add(purged)
      try {
        return await purged
      } catch (thrown) {
        throw toStoreError(thrown, true)
      } finally {
        calls.delete(purged)
      }
    },
  }
}
