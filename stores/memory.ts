// Order       one array in the order of recording; a record never moves, purging closes its gap.
// Uniqueness  one Map by id, read and written within one turn of the event loop, so no two writers can meet.
// Durability  none: the log lives with the process.
// Paging      keyset by a sequence number that is never used twice.
// Lookups     by correlation, causation and event in indexes that are brought up to date when somebody asks; all else scans.
// Not promised: more than one handle on the same data; room for more than `capacity` records.

import { randomUUID } from 'node:crypto'
import {
  type Change,
  type CommandLogStore,
  type CommandQuery,
  type CommandRecord,
  copyRecord,
  type Followable,
  type FollowOptions,
  type Page,
  type Purgeable,
  type PurgeOptions,
  type RecordResult,
  StoreError,
} from '../src/index.ts'
import {
  type CheckedQuery,
  checkPurge,
  checkQuery,
  checkText,
  checkTypeQuery,
  cursorScope,
  type FollowSource,
  followChanges,
  isSettled,
  matches,
  openPosition,
  sealPosition,
  settle,
  takeRecord,
  wakes,
} from '../storekit/index.ts'

/** What `memoryStore` takes. */
export interface MemoryStoreOptions {
  /** The most records that it holds; one more is refused with `STORE_FULL`. Unbounded when absent. */
  readonly capacity?: number | undefined
}

/** A log in memory: core contract, `follow` and `purge`. */
export type MemoryStore = CommandLogStore & Followable & Purgeable

interface Row {
  readonly sequence: number
  record: CommandRecord
  /** The place of this row's latest change among all changes. */
  change: number
}

const batchSize = 256
const bySequence = ({ sequence }: Row): number => sequence

/** Makes a log that lives with the process: for tests, demos, and as the reference of the contract. */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  const { capacity } = checkOptions(options)
  const data = randomUUID()
  const closed = new AbortController()
  const rows = new Map<string, Row>()
  const changes = changeLog(data)
  const byCorrelation = lookup(changes, ({ correlationId }) => [correlationId])
  const byCausation = lookup(changes, ({ causationId }) => (causationId === undefined ? [] : [causationId]))
  const byEvent = lookup(changes, ({ events }) => events.map(({ id }) => id))
  let ordered: Row[] = []
  let nextSequence = 1

  /** Every row that may fit, in the order of recording. */
  function candidates({ eventId, equal: { causationId, correlationId } }: CheckedQuery): readonly Row[] {
    if (eventId !== undefined) return byEvent.find(eventId)
    if (causationId !== undefined) return byCausation.find(causationId)
    return correlationId === undefined ? ordered : byCorrelation.find(correlationId)
  }

  function page(query: CheckedQuery): Page {
    const scope = cursorScope(data, query)
    const step = query.order === 'oldest' ? 1 : -1
    const found = candidates(query)
    let index = step === 1 ? 0 : found.length - 1
    if (query.cursor !== undefined) {
      const last = Number(openPosition(scope, query.cursor))
      index = step === 1 ? indexAfter(found, last, bySequence) : indexAfter(found, last - 1, bySequence) - 1
    }
    const records: CommandRecord[] = []
    for (; index >= 0 && index < found.length; index += step) {
      const row = found[index] as Row
      if (!matches(query, row.record)) continue
      records.push(copyRecord(row.record))
      if (records.length === query.limit) return { records, next: sealPosition(scope, String(row.sequence)) }
    }
    return { records }
  }

  function checkOpen(): void {
    if (closed.signal.aborted) throw new StoreError('STORE_CLOSED', 'The store is closed')
  }

  return {
    async record(record: CommandRecord): Promise<RecordResult> {
      checkOpen()
      const own = takeRecord(record)
      const row = rows.get(own.id)
      if (row !== undefined) {
        if (isSettled(row.record) || !isSettled(own)) return 'unchanged'
        row.record = settle(row.record, own)
        changes.add(row)
        return 'settled'
      }
      if (rows.size >= capacity)
        throw new StoreError('STORE_FULL', `The store holds its capacity of ${capacity} records`)
      const added: Row = { sequence: nextSequence++, record: own, change: 0 }
      rows.set(own.id, added)
      ordered.push(added)
      changes.add(added)
      return 'created'
    },

    async get(id: string): Promise<CommandRecord | undefined> {
      checkOpen()
      checkText('id', id)
      const row = rows.get(id)
      return row === undefined ? undefined : copyRecord(row.record)
    },

    async findByCorrelation(correlationId: string): Promise<readonly CommandRecord[]> {
      checkOpen()
      checkText('correlationId', correlationId)
      return byCorrelation.find(correlationId).map(({ record }) => copyRecord(record))
    },

    async findByType(type: string, query?: Omit<CommandQuery, 'type'>): Promise<Page> {
      checkOpen()
      return page(checkTypeQuery(type, query))
    },

    async list(query?: CommandQuery): Promise<Page> {
      checkOpen()
      return page(checkQuery(query))
    },

    async close(): Promise<void> {
      closed.abort()
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
      const { retention, before, limit = Number.POSITIVE_INFINITY } = checkPurge(options)
      const purged: Row[] = []
      ordered = ordered.filter((row) => {
        const { record } = row
        const isDue = record.retention === retention && isSettled(record) && record.receivedAt < before
        if (!isDue || purged.length >= limit) return true
        purged.push(row)
        rows.delete(record.id)
        return false
      })
      if (purged.length > 0) {
        changes.drop(purged)
        for (const each of [byCorrelation, byCausation, byEvent]) each.forget()
      }
      return purged.length
    },
  }
}

interface Lookup {
  /** The rows with this key, in the order of recording. */
  find(key: string): readonly Row[]
  /** Starts anew, without the rows that are gone. */
  forget(): void
}

/** Finds rows by keys of theirs, and by events that only their intents had. Costs nothing until somebody asks. */
function lookup(changes: ChangeLog, keysOf: (record: CommandRecord) => readonly string[]): Lookup {
  const lists = new Map<string, Row[]>()
  let upTo = 0
  return {
    find(key) {
      upTo = changes.visit(upTo, (row) => {
        for (const each of keysOf(row.record)) {
          const list = lists.get(each)
          if (list === undefined) lists.set(each, [row])
          else insert(list, row)
        }
      })
      return lists.get(key) ?? []
    },
    forget() {
      lists.clear()
      upTo = 0
    },
  }
}

/** Puts a row in its place, unless it is there. */
function insert(list: Row[], row: Row): void {
  const place = indexAfter(list, row.sequence, bySequence)
  if (list[place - 1] !== row) list.splice(place, 0, row)
}

interface ChangeLog extends FollowSource<number> {
  add(row: Row): void
  /** Visits every row that has changed after this place, as it is now; answers with the place of the last change. */
  visit(after: number, see: (row: Row) => void): number
  drop(purged: readonly Row[]): void
  open(after: string): number
}

/** Every change in commit order, of which only a row's latest counts. */
function changeLog(data: string): ChangeLog {
  const scope = `follow ${data}`
  const { wakeAll, wait } = wakes()
  let log: { readonly at: number; readonly row: Row }[] = []
  let next = 1
  let stale = 0
  function clean(): void {
    log = log.filter(({ at, row }) => at === row.change)
    stale = 0
  }
  return {
    add(row) {
      const isFirst = row.change === 0
      row.change = next++
      log.push({ at: row.change, row })
      if (!isFirst) stale++
      if (stale > 1024 && stale > log.length / 2) clean()
      wakeAll()
    },
    visit(after, see) {
      for (let index = indexAfter(log, after, ({ at }) => at); index < log.length; index++) {
        const { at, row } = log[index] as (typeof log)[number]
        if (row.change === at) see(row)
      }
      return next - 1
    },
    drop(purged) {
      for (const row of purged) row.change = 0
      clean()
    },
    open: (after) => Number(openPosition(scope, after)),
    async read(after) {
      const batch: { change: Change; at: number }[] = []
      for (
        let index = indexAfter(log, after, ({ at }) => at);
        index < log.length && batch.length < batchSize;
        index++
      ) {
        const { at, row } = log[index] as (typeof log)[number]
        if (row.change !== at) continue
        batch.push({ at, change: { position: sealPosition(scope, String(at)), record: copyRecord(row.record) } })
      }
      return batch
    },
    wait,
  }
}

/** The index of the first element whose key, which ascends, is beyond this one. */
function indexAfter<T>(elements: readonly T[], key: number, keyOf: (element: T) => number): number {
  let [low, high] = [0, elements.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (keyOf(elements[middle] as T) <= key) low = middle + 1
    else high = middle
  }
  return low
}

function checkOptions({ capacity = Number.POSITIVE_INFINITY }: MemoryStoreOptions): { capacity: number } {
  if (!(capacity === Number.POSITIVE_INFINITY || (Number.isSafeInteger(capacity) && capacity >= 1))) {
    throw new RangeError('capacity: expected a whole number from 1')
  }
  return { capacity }
}
