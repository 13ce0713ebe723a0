import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
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

/** Names of streams that nobody else has on this server. */
export function streamNames(): () => string {
  const prefix = `log-${randomBytes(6).toString('hex')}`
  let count = 0
  return () => `${prefix}-${count++}`
}

/** What came of a call: its value, or the code and `written` of its error, which has told no more than it should. */
export async function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  try {
    return await call
  } catch (thrown) {
    const error = thrown as StoreError
    const told = [error.message, String(error.cause), JSON.stringify(error), error.stack?.split('\n')[0]].join(' ')
    assert.doesNotMatch(told, /nats:\/\/|127\.0\.0\.1|secret|\$JS|\.record\.|log-[0-9a-f]{12}/)
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
