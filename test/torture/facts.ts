import type { Change, CommandLogStore, CommandRecord, Followable } from 'commandlog'
import { walk } from '../stores/walk.ts'
import type { History } from './history.ts'

/** All that was said about a place, and all that its log gives back. */
export interface Facts {
  readonly history: History
  /** A walk over all pages, oldest first. */
  readonly walked: readonly CommandRecord[]
  /** What `get` gives for every id that was asked or walked over. */
  readonly got: ReadonlyMap<string, CommandRecord | undefined>
  /** The ids that the lookup by event gives, for every event of a record. */
  readonly byEvent: ReadonlyMap<string, readonly string[]>
  /** The backlog of `follow`. */
  readonly changes: readonly Change[]
}

/** How long a follower may take for the backlog, and is listened to after it for what it should not give. */
const patienceMs = 20_000
const afterwardsMs = 5

/** Reads everything, in every way that there is. */
export async function readFacts(store: CommandLogStore & Followable, history: History): Promise<Facts> {
  const walked = await walk(store)
  const got = new Map<string, CommandRecord | undefined>()
  for (const id of [...history.asked.keys(), ...walked.map((record) => record.id)]) {
    if (!got.has(id)) got.set(id, await store.get(id))
  }
  const byEvent = new Map<string, readonly string[]>()
  for (const { id } of walked.flatMap((record) => record.events)) {
    const { records } = await store.list({ eventId: id })
    byEvent.set(
      id,
      records.map((record) => record.id),
    )
  }
  return { history, walked, got, byEvent, changes: await followed(store, walked.length) }
}

async function followed(store: Followable, expected: number): Promise<readonly Change[]> {
  const over = new AbortController()
  const changes: Change[] = []
  let timer = setTimeout(() => over.abort(), expected === 0 ? afterwardsMs : patienceMs)
  for await (const change of store.follow({ signal: over.signal })) {
    changes.push(change)
    if (changes.length < expected) continue
    clearTimeout(timer)
    timer = setTimeout(() => over.abort(), afterwardsMs)
  }
  clearTimeout(timer)
  return changes
}
