import assert from 'node:assert/strict'
import type { CommandLogStore } from 'commandlog'
import { outcomeOf, until } from './outcome.ts'
import { made, settled } from './samples.ts'
import { walk } from './walk.ts'

/** What came of every write: its id and phase, and the answer. */
export type Answers = Map<string, unknown>

/** Keeps so many commands in flight, each an intent and then its outcome, until it is stopped. */
export function startLoad(stores: readonly CommandLogStore[], inFlight = 24): { stop(): Promise<Answers> } {
  const answers: Answers = new Map()
  let count = 0
  let isOver = false
  const senders = Array.from({ length: inFlight }, async (_, index) => {
    const store = stores[index % stores.length] as CommandLogStore
    while (!isOver) {
      const id = `load${count++}`
      answers.set(`${id} intent`, await outcomeOf(store.record(made(id))))
      answers.set(`${id} outcome`, await outcomeOf(store.record(settled(id))))
      // Where a server is gone the answer comes at once.
      await new Promise((resolve) => setTimeout(resolve, 2))
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
export async function settleAll(store: CommandLogStore, answers: Answers): Promise<Record<string, number>> {
  const kinds: Record<string, number> = {}
  const ids = new Set<string>()
  for (const [key, answer] of answers) {
    kinds[String(answer)] = (kinds[String(answer)] ?? 0) + 1
    const [id = '', phase] = key.split(' ')
    ids.add(id)
    if (['created', 'settled', 'unchanged'].includes(String(answer))) continue
    assert.match(String(answer), /^STORE_(UNAVAILABLE|TIMEOUT) (no|unknown)$/)
    // The first tries may meet a connection that is broken without anybody having noticed.
    const write = (): Promise<unknown> => outcomeOf(store.record(phase === 'intent' ? made(id) : settled(id)))
    await until(async () => ['created', 'settled', 'unchanged'].includes(String(await write())))
  }
  const found = (await walk(store)).filter(({ id }) => id.startsWith('load'))
  const counts = [found.length, new Set(found.map(({ id }) => id)).size]
  assert.deepEqual([...counts, found.filter(({ state }) => state === 'successful').length], Array(3).fill(ids.size))
  return kinds
}
