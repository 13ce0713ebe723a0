import assert from 'node:assert/strict'
import type { CommandLogStore } from 'commandlog'
import postgres from 'postgres'
import { type Answers, settleAll as settle } from './load.ts'

/** Connections of the driver for `use`, ended afterwards. */
export async function withSql<T>(url: string, use: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, fetch_types: false, onnotice: () => {} })
  try {
    return await use(sql)
  } finally {
    await sql.end({ timeout: 1 })
  }
}

/** Does this on a database, in the simple protocol: several statements may be in it. */
export async function run(url: string, statements: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  return await withSql(url, async (sql) => [...(await sql.unsafe(statements))])
}

/** The same server and database for another user. */
export function asUser(url: string, user: string, password: string): string {
  const changed = new URL(url)
  changed.username = user
  changed.password = password
  return changed.href
}

/** Settles what a load has left open, as for every store; then no id is in the table twice. */
export async function settleAll(
  store: CommandLogStore,
  url: string,
  answers: Answers,
): Promise<Record<string, number>> {
  const kinds = await settle(store, answers)
  const twice = await run(url, 'SELECT id FROM command_log GROUP BY id HAVING count(*) > 1')
  assert.deepEqual(twice, [])
  return kinds
}
