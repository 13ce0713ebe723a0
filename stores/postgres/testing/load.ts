import assert from 'node:assert/strict'
import type { PostgresStore } from '../index.ts'
import { made, outcomeOf, run, settled, until } from './samples.ts'

/** What came of every write: its id and phase, and the answer. */
export type Answers = Map<string, unknown>

/** Keeps so many commands in flight, each an intent and then its outcome, until it is stopped. */
export function startLoad(stores: readonly PostgresStore[], inFlight = 24): { stop(): Promise<Answers> } {
  const answers: Answers = new Map()
  let count = 0
  let isOver = false
  const senders = Array.from({ length: inFlight }, async (_, index) => {
    const store = stores[index % stores.length] as PostgresStore
    while (!isOver) {
      const id = `load${count++}`
      answers.set(`${id} intent`, await outcomeOf(store.record(made(id))))
      answers.set(`${id} outcome`, await outcomeOf(store.record(settled(id))))
      // Where a server is gone the answer comes at once.
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  })
  return {
    async stop() {
      isOver = true
      await Promise.all(senders)
      return answers
    },
  }
}

/**
 * Each answer is that it is written, or that nobody knows, or that surely nothing is; whatever was not written is written
 * again now, and then every record is there once. Gives how many answers were of which kind.
 */
export async function settleAll(store: PostgresStore, url: string, answers: Answers): Promise<Record<string, number>> {
  const kinds: Record<string, number> = {}
  const ids = new Set<string>()
  for (const [key, answer] of answers) {
    kinds[String(answer)] = (kinds[String(answer)] ?? 0) + 1
    const [id = '', phase] = key.split(' ')
    ids.add(id)
    if (['created', 'settled', 'unchanged'].includes(String(answer))) continue
    assert.match(String(answer), /^STORE_(UNAVAILABLE|TIMEOUT) (no|unknown)$/)
    // The pool may hold a connection that is broken without anybody having noticed.
    const write = (): Promise<unknown> => outcomeOf(store.record(phase === 'intent' ? made(id) : settled(id)))
    await until(async () => ['created', 'settled', 'unchanged'].includes(String(await write())))
  }
  const [found] = await run(
    url,
    "SELECT count(*)::int AS records, count(DISTINCT id)::int AS ids, count(*) FILTER (WHERE state = 'successful')::int AS settled FROM command_log WHERE id LIKE 'load%'",
  )
  assert.deepEqual(found, { records: ids.size, ids: ids.size, settled: ids.size })
  return kinds
}

/** How long a call took, and what came of it. */
export async function timed(call: Promise<unknown>): Promise<readonly [outcome: unknown, ms: number]> {
  const startedAt = performance.now()
  const outcome = await outcomeOf(call)
  return [outcome, performance.now() - startedAt]
}
