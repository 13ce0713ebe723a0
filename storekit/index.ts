export { Deadline } from '../src/deadline.ts'
export { parseJson } from '../src/parse-json.ts'
export { cursorScope, openPosition, sealPosition } from './cursor.ts'
export { type FollowLife, type FollowPlace, type FollowSource, followChanges } from './follow.ts'
export {
  type GroupAnswer,
  type GroupCommit,
  type GroupCommitOptions,
  type GroupItem,
  type GroupResult,
  type GroupWrite,
  groupCommit,
} from './group-commit.ts'
export {
  type CheckedQuery,
  checkPurge,
  checkQuery,
  checkText,
  checkTypeQuery,
  type EqualField,
  matches,
} from './query.ts'
export { checkRecord, isSettled, settle, takeRecord } from './record.ts'
export { SqliteConnection, type SqliteParts, type SqlitePlace } from './sqlite/connection.ts'
export type { SqliteDatabase, SqliteStatement } from './sqlite/driver.ts'
export { checkFileOptions, type SqliteFileChecked, type SqliteFileOptions } from './sqlite/options.ts'
export { pragmaNumber, type SqliteSchema } from './sqlite/prepare-database.ts'
export type { SettlesTogether } from './sqlite/settles-together.ts'
export { isSqliteFailure, SqliteRefused, toSqliteError } from './sqlite/store-error.ts'
export { type Wakes, wakes } from './wakes.ts'
