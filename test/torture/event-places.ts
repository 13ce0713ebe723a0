import type { CommandLogStore } from 'commandlog'
import { type EventStore, type Fenceable, sqliteEventStore } from 'commandlog/eventsourcing'
import { sqliteStore } from 'commandlog/sqlite'
import { oneTransaction } from '../../eventsourcing/one-transaction.ts'

/** A log and events in one file. */
export interface OpenedEvents {
  readonly log: CommandLogStore
  readonly events: EventStore & Fenceable
  close(): Promise<void>
}

/** Events beside their log: written one after the other, and reconciled after a crash, or in one transaction. */
export const eventStores: readonly string[] = ['sqlite-events', 'sqlite-events-together']

/** Opens both in a file. */
export async function openEvents(store: string, path: string): Promise<OpenedEvents> {
  const log = await sqliteStore({ path })
  const apart = await sqliteEventStore({ path })
  const events = store === 'sqlite-events-together' ? oneTransaction(log, apart) : apart
  return {
    log,
    events,
    async close() {
      await apart.close()
      await log.close()
    },
  }
}
