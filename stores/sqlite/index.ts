export type { SqliteDatabase, SqliteStatement } from '../../storekit/index.ts'
export { type SqliteStore, type SqliteStoreOptions, sqliteStore } from './sqlite-store.ts'
