import { type Stats, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { StoreError } from '../../src/index.ts'
import type { SqliteDatabase, SqliteStatement } from './driver.ts'
import type { CheckedOptions } from './options.ts'
import { checkSchema, migrate } from './schema.ts'
import { isBusy, isLost, toStoreError } from './store-error.ts'

/** Before it SQLite could lose a write when a log was reset while another process wrote (sqlite.org/wal.html#walresetbug). */
const oldestSqlite = [3, 51, 3]
const oldestNode = 22

const megabyte = 1024 * 1024
/** The write-ahead log is moved into the file whenever it has this many pages, and cut back to this size after a peak. */
const settings = [
  'wal_autocheckpoint = 2000',
  `journal_size_limit = ${16 * megabyte}`,
  'cache_size = -32000',
  'fullfsync = ON',
  'checkpoint_fullfsync = ON',
]

/** How long one may go on without looking whether the file is still in its place. */
const longestTrustMs = 250

/**
 * A file, and what stands between it and the store: settings that keep the promise, patience with other connections that
 * never blocks the event loop, and a new handle after a failure. SQLite is synchronous, so nothing here is interleaved.
 */
export class Connection {
  /** What the log in this file is called. */
  readonly data: string
  readonly #options: CheckedOptions
  readonly #path: string
  readonly #statements = new Map<string, SqliteStatement>()
  #database: SqliteDatabase | undefined
  #place: readonly (number | undefined)[] = []
  #trustedUntil = 0
  /** After a disk failure nobody knows what of the write-ahead log is on the disk. */
  #isDiskSuspect = false
  #isClosed = false

  static async open(options: CheckedOptions): Promise<Connection> {
    checkNode()
    return await patiently(options.deadlineMs, () => {
      try {
        return new Connection(options)
      } catch (thrown) {
        throw isBusy(thrown) ? thrown : toStoreError(thrown)
      }
    })
  }

  private constructor(options: CheckedOptions) {
    this.#options = options
    this.#path = resolve(options.database?.name ?? options.path)
    this.data = this.#connect(false)
  }

  /** Reads in one statement, or more that need not agree with each other. */
  read<T>(work: () => T): Promise<T> {
    return patiently(this.#options.deadlineMs, () => {
      this.#ensure()
      try {
        return work()
      } catch (thrown) {
        throw this.#failure(thrown, 'no')
      }
    })
  }

  /** Makes what `work` does durable as a whole, and gives back what it gives. It may run again after it was rolled back. */
  write<T>(work: () => T): Promise<T> {
    return patiently(this.#options.deadlineMs, () => {
      const database = this.#ensure()
      if (database.inTransaction) throw ownersTransaction
      let isCommitting = false
      try {
        this.prepare('BEGIN IMMEDIATE').run()
        const result = work()
        isCommitting = true
        this.prepare('COMMIT').run()
        this.#checkPlace(database, 'unknown')
        return result
      } catch (thrown) {
        throw this.#failure(thrown, isCommitting && !isRolledBackForSure(thrown) ? 'unknown' : 'no')
      }
    })
  }

  /** A statement, made once. */
  prepare(sql: string): SqliteStatement {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    if (this.#statements.size >= 200) this.#statements.clear()
    const made = (this.#database as SqliteDatabase).prepare(sql).safeIntegers(false)
    this.#statements.set(sql, made)
    return made
  }

  /** Later calls are `STORE_CLOSED`. */
  close(): void {
    this.#isClosed = true
    this.#drop()
  }

  #ensure(): SqliteDatabase {
    if (this.#isClosed) throw new StoreError('STORE_CLOSED', 'The store is closed')
    if (this.#database === undefined) {
      try {
        if (this.#connect(true) !== this.data) {
          throw new StoreError('STORE_INCOMPATIBLE', 'The file of another log has been put in the place of this one')
        }
      } catch (thrown) {
        this.#drop()
        throw isBusy(thrown) ? thrown : toStoreError(thrown)
      }
    }
    const database = this.#database as unknown as SqliteDatabase
    if (performance.now() > this.#trustedUntil) this.#checkPlace(database, 'no')
    return database
  }

  #connect(isAgain: boolean): string {
    const database = this.#options.database ?? openFile(this.#path, isAgain)
    try {
      const data = prepareDatabase(database, this.#options)
      if (this.#isDiskSuspect) {
        // What could not be synced may never have reached the disk, and nothing may be built upon it.
        const [checkpoint] = database.pragma('wal_checkpoint(TRUNCATE)') as { readonly busy: number }[]
        if (checkpoint?.busy !== 0) throw Object.assign(new Error(), { name: 'SqliteError', code: 'SQLITE_BUSY' })
        this.#isDiskSuspect = false
      }
      this.#place = placeOf(this.#path)
      this.#trustedUntil = performance.now() + longestTrustMs
      this.#database = database
      return data
    } catch (thrown) {
      if (this.#options.database === undefined) database.close()
      throw thrown
    }
  }

  /** What is written to a file that was deleted or replaced is lost, although SQLite does not notice. */
  #checkPlace(database: SqliteDatabase, written: 'no' | 'unknown'): void {
    const now = placeOf(this.#path)
    if (now.every((each, index) => each === this.#place[index])) {
      this.#trustedUntil = performance.now() + longestTrustMs
      return
    }
    this.#trustedUntil = 0
    if (database !== this.#options.database) this.#drop()
    throw new StoreError('STORE_UNAVAILABLE', 'The file, or its write-ahead log, was deleted or replaced', written)
  }

  #failure(thrown: unknown, written: 'no' | 'unknown'): unknown {
    const database = this.#database
    try {
      if (database?.inTransaction && thrown !== ownersTransaction) database.exec('ROLLBACK')
    } catch {
      // The handle is beyond repair: the next call makes a new one, and closing this one rolls back.
      this.#drop()
    }
    if (isBusy(thrown)) return thrown
    const error = toStoreError(thrown, written)
    if (isLost(thrown)) {
      this.#isDiskSuspect ||= written === 'unknown'
      this.#drop()
    }
    return error
  }

  #drop(): void {
    const database = this.#database
    this.#statements.clear()
    this.#database = undefined
    if (database === undefined || database === this.#options.database) return
    try {
      database.close()
    } catch {
      // Its data could not be tidied up; whoever opens the file next does that.
    }
  }
}

/** A borrowed handle whose owner is in the middle of something: our write would be part of that. */
const ownersTransaction = Object.assign(new Error(), { name: 'SqliteError', code: 'SQLITE_BUSY' })

/** Tries until no other connection is in the way, or the time is over, and lets the event loop go on meanwhile. */
async function patiently<T>(deadlineMs: number, work: () => T): Promise<T> {
  // A little earlier than a caller's own deadline, who would otherwise have to say that it may have been written.
  const until = performance.now() + deadlineMs * 0.95
  for (;;) {
    try {
      return work()
    } catch (thrown) {
      if (!isBusy(thrown)) throw thrown
    }
    const pause = 1 + Math.random() * 4
    if (performance.now() + pause > until) {
      throw new StoreError('STORE_TIMEOUT', `Another connection had the file locked for ${deadlineMs} ms`)
    }
    await sleep(pause)
  }
}

function openFile(path: string, isAgain: boolean): SqliteDatabase {
  return new Database(path, { timeout: 0, fileMustExist: isAgain }) as SqliteDatabase
}

/** Checks and sets what the promise needs; gives back what the log is called. */
function prepareDatabase(database: SqliteDatabase, { durability, database: borrowed }: CheckedOptions): string {
  const version = (database.prepare('SELECT sqlite_version() AS version').get() as { version: string }).version
  if (isOlder(version.split('.').map(Number), oldestSqlite)) {
    throw new StoreError(
      'STORE_INCOMPATIBLE',
      `SQLite ${version} is too old: expected ${oldestSqlite.join('.')} or later`,
    )
  }
  if (database.memory)
    throw new StoreError('STORE_INCOMPATIBLE', 'A database in memory is not durable: use memoryStore')
  if (database.inTransaction) throw ownersTransaction
  // First of all: nothing is changed in a file that is not ours.
  checkSchema(database)
  if (database.pragma('journal_mode = WAL', { simple: true }) !== 'wal') {
    throw new StoreError('STORE_INCOMPATIBLE', 'The file cannot have a write-ahead log, which needs a local disk')
  }
  if (borrowed === undefined) for (const setting of settings) database.pragma(setting)
  const level = durability === 'process' ? 1 : 2
  // The first write in a new log sets the level to what SQLite was built with, so the second time counts.
  for (let attempt = 1; ; attempt++) {
    database.pragma(`synchronous = ${level}`)
    database.exec('BEGIN IMMEDIATE')
    let data: string
    try {
      data = migrate(database)
      database.exec('COMMIT')
    } catch (thrown) {
      if (database.inTransaction) database.exec('ROLLBACK')
      throw thrown
    }
    if (database.pragma('synchronous', { simple: true }) === level) return data
    if (attempt === 2) throw new StoreError('STORE_INCOMPATIBLE', 'SQLite does not keep the level of durability')
  }
}

function isRolledBackForSure(thrown: unknown): boolean {
  // The mark of a commit comes last, so where there was no room to write it all, it is not there.
  return isBusy(thrown) || toStoreError(thrown).code === 'STORE_FULL'
}

/** Which file, and which write-ahead log, are in the place. */
function placeOf(path: string): readonly (number | undefined)[] {
  const [file, log] = [path, `${path}-wal`].map((each): Stats | undefined => statSync(each, { throwIfNoEntry: false }))
  return [file?.dev, file?.ino, log?.ino]
}

function isOlder(version: readonly number[], oldest: readonly number[]): boolean {
  const index = oldest.findIndex((part, at) => part !== version[at])
  return index !== -1 && (version[index] ?? 0) < (oldest[index] ?? 0)
}

/** The driver brings an older Node down at the first handle, without an error. */
function checkNode(): void {
  const { node } = process.versions
  if (Number.parseInt(node, 10) >= oldestNode) return
  throw new StoreError('STORE_INCOMPATIBLE', `Node ${node} is too old: expected ${oldestNode} or later`)
}
