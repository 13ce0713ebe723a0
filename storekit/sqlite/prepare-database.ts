import { accessSync, constants } from 'node:fs'
import { StoreError } from '../../src/index.ts'
import type { SqliteDatabase } from './driver.ts'
import type { SqliteFileChecked } from './options.ts'

/** The tables that a store has in a file. */
export interface SqliteSchema {
  /** Refuses a file that is not for these tables, or of a newer version. Changes nothing. */
  check(database: SqliteDatabase, isShared: boolean): void
  /** Makes them or brings them up to date, within a transaction, and writes in any case; gives back what the data are called. */
  migrate(database: SqliteDatabase, isShared: boolean): string
}

/** Before it SQLite could lose a write when a log was reset while another process wrote (sqlite.org/wal.html#walresetbug). */
const oldestSqlite = [3, 51, 3]
const oldestNode = 22

const megabyte = 1024 * 1024
/** The write-ahead log is moved into the file whenever it has this many pages, and cut back to this size after a peak. */
export const settings: readonly string[] = [
  'wal_autocheckpoint = 2000',
  `journal_size_limit = ${16 * megabyte}`,
  'cache_size = -32000',
]
/** Where the system does not bring to the disk what it says that it has synced, which is macOS. */
export const fullSync: readonly string[] = ['fullfsync = ON', 'checkpoint_fullfsync = ON']

/** A borrowed handle whose owner is in the middle of something: our write would be part of that. */
export const ownersTransaction: Error = Object.assign(new Error(), { name: 'SqliteError', code: 'SQLITE_BUSY' })

/** The driver brings an older Node down at the first handle, without an error. */
export function checkNode(): void {
  const { node } = process.versions
  if (Number.parseInt(node, 10) >= oldestNode) return
  throw new StoreError('STORE_INCOMPATIBLE', `Node ${node} is too old: expected ${oldestNode} or later`)
}

/** Refuses a file that cannot be written to, before it is opened. */
export function checkWritable(path: string): void {
  // SQLite would open it for reading, and leave files beside it that cannot be written to either, even when it can.
  try {
    accessSync(path, constants.W_OK)
  } catch (thrown) {
    const { code = '' } = thrown as NodeJS.ErrnoException
    if (['EACCES', 'EPERM', 'EROFS'].includes(code)) {
      throw new StoreError('STORE_READ_ONLY', `The file cannot be written to (${code})`)
    }
  }
}

/** Checks and sets what the promise needs; gives back what the data are called. */
export function prepareDatabase(
  database: SqliteDatabase,
  { durability, database: borrowed }: SqliteFileChecked,
  schema: SqliteSchema,
): string {
  const version = (database.prepare('SELECT sqlite_version() AS version').get() as { version: string }).version
  if (isOlder(version.split('.').map(Number), oldestSqlite)) {
    throw new StoreError(
      'STORE_INCOMPATIBLE',
      `SQLite ${version} is too old: expected ${oldestSqlite.join('.')} or later`,
    )
  }
  if (database.memory)
    throw new StoreError('STORE_INCOMPATIBLE', 'A database in memory is not durable: use a store in memory')
  if (database.inTransaction) throw ownersTransaction
  // First of all: nothing is changed in a file that is not ours.
  schema.check(database, borrowed !== undefined)
  if (database.pragma('journal_mode = WAL', { simple: true }) !== 'wal') {
    throw new StoreError('STORE_INCOMPATIBLE', 'The file cannot have a write-ahead log, which needs a local disk')
  }
  for (const setting of borrowed === undefined ? [...fullSync, ...settings] : fullSync) database.pragma(setting)
  // The first write in a new log sets the level to what SQLite was built with, so the second time counts.
  for (let attempt = 1; ; attempt++) {
    const level = setLevel(database, { durability })
    database.exec('BEGIN IMMEDIATE')
    let data: string
    try {
      data = schema.migrate(database, borrowed !== undefined)
      database.exec('COMMIT')
    } catch (thrown) {
      if (database.inTransaction) database.exec('ROLLBACK')
      throw thrown
    }
    if (pragmaNumber(database, 'synchronous') === level) return data
    if (attempt === 2) throw new StoreError('STORE_INCOMPATIBLE', 'SQLite does not keep the level of durability')
  }
}

/** What a commit waits for; gives the number back that SQLite has for it. */
export function setLevel(database: SqliteDatabase, { durability }: Pick<SqliteFileChecked, 'durability'>): number {
  const level = durability === 'process' ? 1 : 2
  database.pragma(`synchronous = ${level}`)
  return level
}

function isOlder(version: readonly number[], oldest: readonly number[]): boolean {
  const index = oldest.findIndex((part, at) => part !== version[at])
  return index !== -1 && (version[index] ?? 0) < (oldest[index] ?? 0)
}

/** What a setting is, also where the handle's owner has made integers bigints. */
export function pragmaNumber(
  database: SqliteDatabase,
  pragma: 'user_version' | 'application_id' | 'synchronous' | 'busy_timeout',
): number {
  return Number(database.pragma(pragma, { simple: true }))
}
