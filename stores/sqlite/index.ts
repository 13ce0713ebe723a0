export type { SqliteDatabase, SqliteStatement } from './driver.ts'
export type { SqliteStoreOptions } from './options.ts'
export { type SqliteStore, sqliteStore } from './sqlite-store.ts'
