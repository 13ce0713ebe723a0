import { type Stats, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { StoreError } from '../../src/index.ts'
import type { SqliteDatabase, SqliteStatement } from './driver.ts'
import type { SqliteFileChecked } from './options.ts'
import { patiently } from './patience.ts'
import {
  checkNode,
  checkWritable,
  ownersTransaction,
  pragmaNumber,
  prepareDatabase,
  type SqliteSchema,
  setLevel,
} from './prepare-database.ts'
import { isBusy, isLost, SqliteRefused, toSqliteError } from './store-error.ts'

/** Readers that overlap keep a log from being used from its start again; one that is longer than this is cut. */
const longestLog = 64 * 1024 * 1024
/** How long whoever cuts it waits for those that read it just then, and how long it does not try again. */
const [cutMs, cutEveryMs] = [200, 1000]

/** How long one may go on without looking whether the file is still in its place. */
const longestTrustMs = 250

/** Which file it is, which write-ahead log, and where that lies. */
export type SqlitePlace = readonly (number | string | undefined)[]

/** What a store brings along: its tables, and a driver's handle that does not wait for locks. */
export interface SqliteParts {
  readonly schema: SqliteSchema
  /** Opens a file; where `mustExist`, never makes one. */
  open(path: string, mustExist: boolean): SqliteDatabase
}

/**
 * A file, and what stands between it and the store: settings that keep the promise, patience with other connections that
 * never blocks the event loop, and a new handle after a failure. SQLite is synchronous, so nothing here is interleaved.
 */
export class SqliteConnection {
  /** What the data in this file are called. */
  readonly data: string
  readonly #options: SqliteFileChecked
  readonly #parts: SqliteParts
  readonly #path: string
  /** The write-ahead log, which lies beside the file itself where the path is a link to it. */
  #log = ''
  readonly #statements = new Map<string, SqliteStatement>()
  #database: SqliteDatabase | undefined
  #place: SqlitePlace = []
  #trustedUntil = 0
  #logSize = 0
  #cutAgainAt = 0
  /** After a disk failure nobody knows what of the write-ahead log is on the disk. */
  #isDiskSuspect = false
  #isClosed = false

  /** Makes a file where there is none; with a place, opens the file that is in it, and no other. */
  static async open(options: SqliteFileChecked, parts: SqliteParts, place?: SqlitePlace): Promise<SqliteConnection> {
    checkNode()
    return await patiently(options.deadlineMs, () => {
      try {
        return new SqliteConnection(options, parts, place)
      } catch (thrown) {
        throw isBusy(thrown) ? thrown : toSqliteError(thrown)
      }
    })
  }

  private constructor(options: SqliteFileChecked, parts: SqliteParts, place: SqlitePlace | undefined) {
    this.#options = options
    this.#parts = parts
    this.#path = resolve(options.database?.name ?? options.path)
    if (place !== undefined) {
      this.#log = String(place.at(-1))
      if (this.#placeNow().join() !== place.join()) throw replaced('no')
    }
    this.data = this.#connect(place !== undefined)
  }

  /** Where the file is that calls work on now. */
  place(): Promise<SqlitePlace> {
    return this.read(() => [...this.#place, this.#log])
  }

  /** Whether the write-ahead log is so long that it should be cut. */
  get isLogLong(): boolean {
    return this.#logSize > longestLog && performance.now() >= this.#cutAgainAt
  }

  /** Moves a long write-ahead log into the file, waiting for those that read it: not for the thread of the event loop. */
  cutLog(): void {
    const database = this.#database
    if (database === undefined || !this.isLogLong) return
    this.#cutAgainAt = performance.now() + cutEveryMs
    try {
      database.pragma(`busy_timeout = ${cutMs}`)
      database.pragma('wal_checkpoint(TRUNCATE)')
    } catch {
      // What is wrong shows at the next write, and a log that could not be cut is tried again.
    } finally {
      database.pragma('busy_timeout = 0')
    }
  }

  /** After a failure elsewhere that leaves open what is on the disk. */
  doubt(): void {
    this.#isDiskSuspect = true
    this.#drop()
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
        return this.#withoutWaiting(database, () => {
          if (database === this.#options.database) setLevel(database, this.#options)
          this.prepare('BEGIN IMMEDIATE').run()
          const result = work()
          isCommitting = true
          this.prepare('COMMIT').run()
          this.#checkPlace(database, 'unknown')
          return result
        })
      } catch (thrown) {
        this.#rollBack()
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
        throw isBusy(thrown) ? thrown : toSqliteError(thrown)
      }
    }
    const database = this.#database as unknown as SqliteDatabase
    if (performance.now() > this.#trustedUntil) this.#checkPlace(database, 'no')
    return database
  }

  #connect(isAgain: boolean): string {
    if (isAgain) this.#checkMix()
    const database = this.#options.database ?? this.#open(isAgain)
    try {
      const data = this.#withoutWaiting(database, () => {
        const name = prepareDatabase(database, this.#options, this.#parts.schema)
        if (this.#isDiskSuspect) this.#emptyLog(database)
        return name
      })
      const [main] = database.pragma('database_list') as { readonly file: string }[]
      this.#log = `${main?.file}-wal`
      this.#place = this.#placeNow().slice(0, -1)
      this.#trustedUntil = performance.now() + longestTrustMs
      this.#database = database
      return data
    } catch (thrown) {
      if (this.#options.database === undefined) database.close()
      throw thrown
    }
  }

  #open(isAgain: boolean): SqliteDatabase {
    checkWritable(this.#path)
    return this.#parts.open(this.#path, isAgain)
  }

  /** What could not be synced may never have reached the disk, and nothing may be built upon it. */
  #emptyLog(database: SqliteDatabase): void {
    const [checkpoint] = database.pragma('wal_checkpoint(TRUNCATE)') as { readonly busy: number | bigint }[]
    if (Number(checkpoint?.busy) !== 0) throw Object.assign(new Error(), { name: 'SqliteError', code: 'SQLITE_BUSY' })
    this.#isDiskSuspect = false
  }

  /** What is in the write-ahead log of one file, SQLite would put in any other that has taken its place. */
  #checkMix(): void {
    const [device, file, log] = this.#placeNow()
    const [itsDevice, itsFile, itsLog] = this.#place
    const isOther = file !== undefined && (file !== itsFile || device !== itsDevice)
    if (isOther && log !== undefined && log === itsLog) throw replaced('no')
  }

  /** What is written to a file that was deleted or replaced is lost, although SQLite does not notice. */
  #checkPlace(database: SqliteDatabase, written: 'no' | 'unknown'): void {
    const now = this.#placeNow()
    if (this.#place.every((each, index) => each === now[index])) {
      this.#trustedUntil = performance.now() + longestTrustMs
      return
    }
    this.#trustedUntil = 0
    if (database !== this.#options.database) this.#drop()
    throw replaced(written)
  }

  /** Which file, and which write-ahead log, are in the place. */
  #placeNow(): SqlitePlace {
    const [file, log] = [this.#path, this.#log].map((path): Stats | undefined => {
      return path === '' ? undefined : statSync(path, { throwIfNoEntry: false })
    })
    this.#logSize = log?.size ?? 0
    return [file?.dev, file?.ino, log?.ino, this.#log]
  }

  /** A borrowed handle with a timeout of its own would hold up the event loop while it waits for a lock. */
  #withoutWaiting<T>(database: SqliteDatabase, work: () => T): T {
    const timeout = database === this.#options.database ? pragmaNumber(database, 'busy_timeout') : 0
    if (timeout === 0) return work()
    database.pragma('busy_timeout = 0')
    try {
      return work()
    } finally {
      database.pragma(`busy_timeout = ${timeout}`)
    }
  }

  #rollBack(): void {
    try {
      if (this.#database?.inTransaction) this.#database.exec('ROLLBACK')
    } catch {
      // The handle is beyond repair: the next call makes a new one, and closing this one rolls back.
      this.#drop()
    }
  }

  #failure(thrown: unknown, written: 'no' | 'unknown'): unknown {
    if (isBusy(thrown) || thrown instanceof SqliteRefused) return thrown
    const error = toSqliteError(thrown, written)
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

function replaced(written: 'no' | 'unknown'): StoreError {
  return new StoreError('STORE_UNAVAILABLE', 'The file, or its write-ahead log, was deleted or replaced', written)
}

function isRolledBackForSure(thrown: unknown): boolean {
  // The mark of a commit comes last, so where there was no room to write it all, it is not there.
  return isBusy(thrown) || toSqliteError(thrown).code === 'STORE_FULL'
}
