import { StoreError } from '../../src/index.ts'

/** Codes of SQLite, extended ones included, by their beginning. The first that fits counts. */
const kinds: readonly (readonly [begin: string, code: string, message: string])[] = [
  ['SQLITE_TOOBIG', 'RECORD_TOO_LARGE', 'The record is larger than SQLite takes'],
  ['SQLITE_CONSTRAINT', 'INVALID_RECORD', 'A field of the record is not of the kind that its column holds'],
  ['SQLITE_FULL', 'STORE_FULL', 'The disk, or the room given to the file, is full'],
  ['SQLITE_READONLY', 'STORE_READ_ONLY', 'The file cannot be written to'],
  ['SQLITE_PERM', 'STORE_READ_ONLY', 'The file cannot be written to'],
  ['SQLITE_CORRUPT', 'STORE_CORRUPT', 'The file is damaged'],
  ['SQLITE_NOTADB', 'STORE_CORRUPT', 'The file is no SQLite database'],
  ['SQLITE_CANTOPEN', 'STORE_UNAVAILABLE', 'The file, or one beside it, cannot be opened: is its folder there?'],
  ['SQLITE_IOERR', 'STORE_UNAVAILABLE', 'The disk failed'],
]

/** A record that cannot be written, so that its whole group was rolled back. */
export class SqliteRefused extends Error {
  readonly index: number
  readonly error: StoreError
  constructor(index: number, error: StoreError) {
    super()
    this.index = index
    this.error = error
  }
}

/** What SQLite failed with. Tells of the driver's error its code alone: its message may hold values. */
export function toSqliteError(thrown: unknown, written: 'no' | 'unknown' = 'no'): StoreError {
  if (thrown instanceof StoreError) return thrown
  const code = codeOf(thrown)
  const [, ours, message] = kinds.find(([begin]) => code.startsWith(begin)) ?? [
    '',
    'STORE_UNAVAILABLE',
    'SQLite failed',
  ]
  return new StoreError(ours, `${message} (${code})`, written)
}

/** Whether another connection has the lock: waiting helps. */
export function isBusy(thrown: unknown): boolean {
  const code = codeOf(thrown)
  return code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED') || code === 'SQLITE_PROTOCOL'
}

/** Whether the connection should be made anew: what it holds in memory may not be what is on the disk. */
export function isLost(thrown: unknown): boolean {
  return /^SQLITE_(?:IOERR|CORRUPT|NOTADB|CANTOPEN|READONLY)/.test(codeOf(thrown)) || codeOf(thrown) === 'CLOSED'
}

/** Whether SQLite or its driver failed, and not the code that called it. */
export function isSqliteFailure(thrown: unknown): boolean {
  return codeOf(thrown) !== 'UNKNOWN'
}

function codeOf(thrown: unknown): string {
  if (typeof thrown !== 'object' || thrown === null) return 'UNKNOWN'
  const { name, code, message } = thrown as { name?: unknown; code?: unknown; message?: unknown }
  if (name === 'SqliteError' && typeof code === 'string') return code
  // What better-sqlite3 itself refuses, before SQLite: a text too long, a handle that its owner has closed or reads from.
  if (name === 'RangeError' && message === 'The bound string, buffer, or bigint is too big') return 'SQLITE_TOOBIG'
  if (name === 'TypeError' && message === 'The database connection is not open') return 'CLOSED'
  if (name === 'TypeError' && message === 'This database connection is busy executing a query') return 'SQLITE_BUSY'
  if (name === 'TypeError' && message === 'Cannot open database because the directory does not exist')
    return 'SQLITE_CANTOPEN'
  return 'UNKNOWN'
}
