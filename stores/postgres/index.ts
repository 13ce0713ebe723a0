export type { PostgresQuery, PostgresSql } from './driver.ts'
export type { PostgresStoreOptions } from './options.ts'
export { type PostgresStore, postgresStore } from './postgres-store.ts'
