import assert from 'node:assert/strict'
import postgres from 'postgres'
import type { CommandRecord, StoreError } from '../../../src/index.ts'

const empty: CommandRecord = {
  id: 'c',
  type: 'order',
  state: 'created',
  correlationId: 'k',
  payload: { status: 'full', format: 'json', data: '{}', bytes: 2 },
  events: [],
  importance: 'normal',
  retention: 'long-lived',
  dryRun: false,
  receivedAt: 1000,
}

/** An intent. */
export function made(id: string, fields: Partial<CommandRecord> = {}): CommandRecord {
  return { ...empty, id, ...fields }
}

/** An outcome. */
export function settled(id: string, fields: Partial<CommandRecord> = {}): CommandRecord {
  return made(id, { state: 'successful', events: [{ id: `e-${id}` }], settledAt: 1001, durationMs: 0.25, ...fields })
}

/** So many ids: c0, c1, c2. */
export function ids(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `c${n}`)
}

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

/** What came of a call: its value, or the code and `written` of its error, which has told no more than it should. */
export async function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  try {
    return await call
  } catch (thrown) {
    const error = thrown as StoreError
    const told = [error.message, String(error.cause), JSON.stringify(error), error.stack?.split('\n')[0]].join(' ')
    assert.doesNotMatch(told, /postgres(ql)?:\/\/|127\.0\.0\.1|secret|INSERT|UPDATE|SELECT|DELETE|command_log\W/)
    assert.equal(error.name, 'StoreError', told)
    return `${error.code} ${error.written}`
  }
}

/** Waits until it holds, at most ten seconds. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 10_000
  while (!(await holds())) {
    assert.ok(performance.now() < end, `never came about: ${holds}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
