import assert from 'node:assert/strict'
import type { CommandRecord } from '../../../src/index.ts'
import { type NatsStore, type NatsStoreOptions, natsStore } from '../index.ts'
import { made, outcomeOf, settled, until } from './samples.ts'

/** What came of every write: its id and phase, and the answer. */
export type Answers = Map<string, unknown>

/** Keeps so many commands in flight, each an intent and then its outcome, until it is stopped. */
export function startLoad(stores: readonly NatsStore[], inFlight = 24): { stop(): Promise<Answers> } {
  const answers: Answers = new Map()
  let count = 0
  let isOver = false
  const senders = Array.from({ length: inFlight }, async (_, index) => {
    const store = stores[index % stores.length] as NatsStore
    while (!isOver) {
      const id = `load${count++}`
      answers.set(`${id} intent`, await outcomeOf(store.record(made(id))))
      answers.set(`${id} outcome`, await outcomeOf(store.record(settled(id))))
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
export async function settleAll(store: NatsStore, answers: Answers): Promise<Record<string, number>> {
  const kinds: Record<string, number> = {}
  const ids = new Set<string>()
  for (const [key, answer] of answers) {
    kinds[String(answer)] = (kinds[String(answer)] ?? 0) + 1
    const [id = '', phase] = key.split(' ')
    ids.add(id)
    if (['created', 'settled', 'unchanged'].includes(String(answer))) continue
    assert.match(String(answer), /^STORE_(UNAVAILABLE|TIMEOUT) (no|unknown)$/)
    const write = (): Promise<unknown> => outcomeOf(store.record(phase === 'intent' ? made(id) : settled(id)))
    await until(async () => ['created', 'settled', 'unchanged'].includes(String(await write())))
  }
  const found = (await walk(store)).filter(({ id }) => id.startsWith('load'))
  const counts = [found.length, new Set(found.map(({ id }) => id)).size]
  assert.deepEqual([...counts, found.filter(({ state }) => state === 'successful').length], Array(3).fill(ids.size))
  return kinds
}

/** All records, oldest first. */
export async function walk(store: NatsStore): Promise<readonly CommandRecord[]> {
  const walked: CommandRecord[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await store.list({ order: 'oldest', limit: 500, ...(cursor !== undefined && { cursor }) })
    walked.push(...page.records)
    cursor = page.next
    if (cursor === undefined) return walked
  }
}

/** How long a call took, and what came of it. */
export async function timed(call: Promise<unknown>): Promise<readonly [outcome: unknown, ms: number]> {
  const startedAt = performance.now()
  const outcome = await outcomeOf(call)
  return [outcome, performance.now() - startedAt]
}

/** What the server's monitor says of its connections. */
interface Connections {
  readonly server_id: string
  readonly connections: readonly { readonly cid: number; readonly name?: string }[]
}

/** Asks the server that has this monitoring port. */
export async function connectionsAt(monitorPort: number): Promise<Connections> {
  const answer = await fetch(`http://127.0.0.1:${monitorPort}/connz`, { signal: AbortSignal.timeout(5000) })
  return (await answer.json()) as Connections
}

/** How many connections of stores the server has. */
export async function connectionsOf({ monitorPort }: { readonly monitorPort: number }): Promise<number> {
  return (await connectionsAt(monitorPort)).connections.filter(({ name }) => name === 'commandlog').length
}

/** Opens stores, and closes those that a test has left open: one would keep its process from ending. */
export function stores(): { open(options: NatsStoreOptions): Promise<NatsStore>; close(): Promise<void> } {
  const opened: NatsStore[] = []
  return {
    async open(options) {
      const store = await natsStore(options)
      opened.push(store)
      return store
    },
    async close() {
      await Promise.all(opened.map((store) => store.close()))
    },
  }
}
