// Order       an array a stream; an append is checked and done within one turn of the event loop.
// Uniqueness  one Map by event id.
// Durability  none: the events live with the process.
// Not promised: more than one handle on the same events.

import type { AppendOptions, EventStore, Fenceable, NewEvent, ReadOptions, RecordedEvent } from './event-store.ts'
import { EventStoreError, versionConflict } from './event-store-error.ts'
import {
  checkAppend,
  checkFence,
  checkRead,
  duplicateEvent,
  fenced,
  recordedEvent,
  type TakenEvent,
  takeEvents,
} from './take-events.ts'

/** Events in memory, which a command can be fenced from. */
export type MemoryEventStore = EventStore & Fenceable

interface Kept {
  readonly event: TakenEvent
  readonly stream: string
  readonly version: number
}

/** Makes an event store that lives with the process: for tests, demos, and as the reference of the contract. */
export function memoryEventStore(): MemoryEventStore {
  const streams = new Map<string, Kept[]>()
  const commands = new Map<string, Kept[]>()
  const ids = new Set<string>()
  const fences = new Set<string>()
  let isClosed = false

  function checkOpen(): void {
    if (isClosed) throw new EventStoreError('STORE_CLOSED', 'The event store is closed')
  }

  return {
    async read(stream: string, options?: ReadOptions): Promise<readonly RecordedEvent[]> {
      checkOpen()
      const from = checkRead(stream, options)
      return (streams.get(stream) ?? []).slice(from - 1).map(toEvent)
    },

    async append(stream: string, events: readonly NewEvent[], options?: AppendOptions): Promise<number> {
      checkOpen()
      const expected = checkAppend(stream, options)
      const taken = takeEvents(events)
      if (taken.some(({ metadata }) => fences.has(metadata.commandId))) throw fenced()
      if (taken.some(({ id }) => ids.has(id))) throw duplicateEvent()
      const version = streams.get(stream)?.length ?? 0
      if (expected !== undefined && expected !== version) throw versionConflict(expected, version)
      for (const [index, event] of taken.entries()) {
        const kept: Kept = { event, stream, version: version + 1 + index }
        addTo(streams, stream, kept)
        addTo(commands, event.metadata.commandId, kept)
        ids.add(event.id)
      }
      return version + taken.length
    },

    async close(): Promise<void> {
      isClosed = true
    },

    async fence(commandId: string): Promise<readonly RecordedEvent[]> {
      checkOpen()
      checkFence(commandId)
      fences.add(commandId)
      return (commands.get(commandId) ?? []).map(toEvent)
    },
  }
}

function addTo(lists: Map<string, Kept[]>, key: string, kept: Kept): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [kept])
  else list.push(kept)
}

function toEvent({ event, stream, version }: Kept): RecordedEvent {
  return recordedEvent(event, stream, version)
}
