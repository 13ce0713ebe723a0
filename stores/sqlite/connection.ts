import Database from 'better-sqlite3'
import {
  SqliteConnection,
  type SqliteDatabase,
  type SqliteFileChecked,
  type SqliteParts,
  type SqlitePlace,
} from '../../storekit/index.ts'
import { checkSchema, migrate } from './schema.ts'

/** The file of a log. */
export type Connection = SqliteConnection

const parts: SqliteParts = {
  schema: { check: checkSchema, migrate },
  open: (path, fileMustExist) => new Database(path, { timeout: 0, fileMustExist }) as SqliteDatabase,
}

/** Opens the file of a log, and makes one where there is none; with a place, opens the file that is in it, and no other. */
export function openConnection(options: SqliteFileChecked, place?: SqlitePlace): Promise<Connection> {
  return SqliteConnection.open(options, parts, place)
}
