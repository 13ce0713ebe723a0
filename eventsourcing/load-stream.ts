import { refusePromise } from '../src/admit.ts'
import type { DomainEvent, EventStore, RecordedEvent } from './event-store.ts'
import { EventStoreError } from './event-store-error.ts'
import { findSnapshot, keepSnapshot, type SnapshotPolicy } from './snapshot.ts'

/** How a stream becomes a state. */
export interface Folding<Event extends DomainEvent, State> {
  readonly store: EventStore
  readonly initialState: () => State
  readonly evolve: (state: State, event: Event) => State
  readonly snapshot?: SnapshotPolicy | undefined
}

/** A stream as it was when it was read. */
export interface Loaded<State> {
  readonly state: State
  /** The version of its last event, 0 without any. */
  readonly version: number
  /** What had to be read of it: everything, or what came after a snapshot. */
  readonly events: readonly RecordedEvent[]
}

/** Reads a stream and folds it, from a snapshot on where there is one that fits the stream. */
export async function loadStream<Event extends DomainEvent, State>(
  folding: Folding<Event, State>,
  stream: string,
): Promise<Loaded<State>> {
  const { store, initialState, snapshot } = folding
  const found = snapshot === undefined ? undefined : await findSnapshot(snapshot, stream)
  if (found !== undefined) {
    // Its last event is read again: a stream without that very event is not the one that the snapshot was taken of.
    const [last, ...events] = await readStream(store, stream, found.version)
    if (last?.id === found.eventId && last.version === found.version) {
      return await fold(folding, { state: found.state as State, version: found.version, events })
    }
  }
  const state = initialState()
  refusePromise('initialState', state)
  return await fold(folding, { state, version: 0, events: await readStream(store, stream, 1) })
}

/** Reads a stream; `STORE_INCOMPATIBLE` where a store gives something else, on which nobody could decide. */
export async function readStream(store: EventStore, stream: string, from: number): Promise<readonly RecordedEvent[]> {
  const events = await store.read(stream, { from })
  const isStream = Array.isArray(events) && events.every((event, index) => isAt(event, from + index))
  if (isStream) return events
  throw new EventStoreError('STORE_INCOMPATIBLE', 'The event store read something else than events without gaps')
}

function isAt(event: RecordedEvent | undefined, version: number): boolean {
  return event?.version === version && typeof event.id === 'string' && typeof event.metadata === 'object'
}

async function fold<Event extends DomainEvent, State>(
  { evolve, snapshot }: Folding<Event, State>,
  { state: start, version, events }: Loaded<State>,
): Promise<Loaded<State>> {
  let state = start
  for (const event of events) {
    state = evolve(state, event as unknown as Event)
    refusePromise('evolve', state)
  }
  // Before anybody decides on it: what a decision does to the state must not be kept.
  if (snapshot !== undefined) await keepSnapshot(snapshot, state, events)
  return { state, version: events.at(-1)?.version ?? version, events }
}
