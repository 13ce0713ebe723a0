import assert from 'node:assert/strict'
import type { StoreError } from 'commandlog'

/** What no error may tell: where the log is, its secrets, and how a store speaks to its server. */
const leaks =
  /(nats|postgres(ql)?):\/\/|127\.0\.0\.1|secret|\$JS|\.record\.|log-[0-9a-f]{12}|INSERT|UPDATE|SELECT|DELETE|command_log\W/

/** What came of a call: its value, or the code and `written` of its error, which has told no more than it should. */
export async function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  try {
    return await call
  } catch (thrown) {
    const error = thrown as StoreError
    const told = [error.message, String(error.cause), JSON.stringify(error), error.stack?.split('\n')[0]].join(' ')
    assert.doesNotMatch(told, leaks)
    assert.equal(error.name, 'StoreError', told)
    return `${error.code} ${error.written}`
  }
}

/** How long a call took, and what came of it. */
export async function timed(call: Promise<unknown>): Promise<readonly [outcome: unknown, ms: number]> {
  const startedAt = performance.now()
  const outcome = await outcomeOf(call)
  return [outcome, performance.now() - startedAt]
}

/** Waits until it holds, at most ten seconds. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 10_000
  while (!(await holds())) {
    assert.ok(performance.now() < end, `never came about: ${holds}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
