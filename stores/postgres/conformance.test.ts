import { after, describe, test } from 'node:test'
import postgres from 'postgres'
import {
  type CheckOptions,
  checks,
  durableChecks,
  followChecks,
  purgeChecks,
  runCheck,
  type StoreOrOpen,
} from '../../commandlogtest/index.ts'
import { sharedPostgres } from '../../test/servers/postgres.ts'
import { type PostgresStore, type PostgresStoreOptions, postgresStore } from './index.ts'

const server = await sharedPostgres()
after(() => server.end())

const live = [...checks, ...followChecks, ...purgeChecks]
const all = [...live, ...durableChecks]

function conforms(list: typeof all, storeOrOpen: StoreOrOpen, options?: CheckOptions): void {
  for (const check of list) {
    test(`${check.name}: ${check.rule}`, async () => {
      await runCheck(check, storeOrOpen, options)
    })
  }
}

/** Opens logs in one database, a table for each name: names are longer, and richer in letters, than tables' may be. */
function opener(
  url: string,
  options: Pick<PostgresStoreOptions, 'prepare' | 'partitions'> = {},
): (name: string) => Promise<PostgresStore> {
  const tables = new Map<string, string>()
  return (name) => {
    const table = tables.get(name) ?? `log_${tables.size}`
    tables.set(name, table)
    return postgresStore({ url, table, connections: 2, ...options })
  }
}

describe('a store that opens its own connections keeps every rule', async () => {
  conforms(all, opener(await server.database()), { runs: 8 })
})

describe('a store without prepared statements and listening keeps every rule', async () => {
  conforms(all, opener(await server.database(), { prepare: false }), { runs: 3 })
})

describe('a log in partitions keeps every rule', async () => {
  conforms(all, opener(await server.database(), { partitions: 'month' }), { runs: 3 })
})

describe('a store on borrowed connections keeps every rule of a live store', async () => {
  const sql = postgres(await server.database(), { max: 4, onnotice: () => {} })
  after(() => sql.end())
  conforms(live, await postgresStore({ sql }), { runs: 3 })
})
