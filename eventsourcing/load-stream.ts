import type { DomainEvent, EventStore, RecordedEvent } from './event-store.ts'
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
    const [last, ...events] = await store.read(stream, { from: found.version })
    if (last?.id === found.eventId && last.version === found.version) {
      return await fold(folding, { state: found.state as State, version: found.version, events })
    }
  }
  return await fold(folding, { state: initialState(), version: 0, events: await store.read(stream) })
}

async function fold<Event extends DomainEvent, State>(
  { evolve, snapshot }: Folding<Event, State>,
  { state: start, version, events }: Loaded<State>,
): Promise<Loaded<State>> {
  let state = start
  for (const event of events) state = evolve(state, event as unknown as Event)
  // Before anybody decides on it: what a decision does to the state must not be kept.
  if (snapshot !== undefined) await keepSnapshot(snapshot, state, events)
  return { state, version: events.at(-1)?.version ?? version, events }
}
