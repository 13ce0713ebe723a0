import { resolve } from 'node:path'
import type { SqliteDatabase } from './driver.ts'

interface CommonOptions {
  /** `power` (default): what was acknowledged survives power loss. `process`: only the death of the process. */
  readonly durability?: 'power' | 'process' | undefined
  /** How long a call may wait for other connections and for its turn; default 5,000. */
  readonly deadlineMs?: number | undefined
}

/** A path, for a file that the store opens and closes, or a handle that its owner closes. */
export type SqliteFileOptions = CommonOptions &
  (
    | { readonly path: string; readonly database?: undefined }
    | { readonly database: SqliteDatabase; readonly path?: undefined }
  )

/** Options with every default in place. */
export interface SqliteFileChecked {
  readonly path: string
  readonly database: SqliteDatabase | undefined
  readonly durability: 'power' | 'process'
  readonly deadlineMs: number
}

/** Refuses what a store cannot work with, before any file is touched. */
export function checkFileOptions(options: SqliteFileOptions): SqliteFileChecked {
  if (typeof options !== 'object' || options === null) throw new TypeError('options: expected an object')
  const { path, database, durability = 'power', deadlineMs = 5000 } = options
  if ((path === undefined) === (database === undefined)) throw new TypeError('expected either path or database')
  if (path !== undefined && !isPath(path)) {
    throw new TypeError('path: expected the path of a file: not :memory:, no URL, no white space at its ends')
  }
  if (database !== undefined && typeof database?.prepare !== 'function') {
    throw new TypeError('database: expected a database of better-sqlite3')
  }
  if (durability !== 'power' && durability !== 'process')
    throw new TypeError("durability: expected 'power' or 'process'")
  if (!(Number.isSafeInteger(deadlineMs) && deadlineMs >= 1)) {
    throw new RangeError('deadlineMs: expected a whole number from 1')
  }
  // Whoever opens it later, in another thread too, must not ask what the current folder is by then.
  return { path: path === undefined ? '' : resolve(path), database, durability, deadlineMs }
}

/** The driver would cut a path off at a NUL, trim it, and put U+FFFD for what is not well-formed. */
function isPath(path: unknown): boolean {
  if (typeof path !== 'string' || path === '' || path === ':memory:' || path !== path.trim()) return false
  return path.isWellFormed() && !path.includes('\0')
}
