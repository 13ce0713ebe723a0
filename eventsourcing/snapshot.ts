import { InvalidArgument } from '../src/index.ts'
import type { RecordedEvent } from './event-store.ts'
import { tell } from './tell.ts'

/** What a stream's events amount to at one version. A shortcut for reading, never the truth: that is the stream. */
export interface Snapshot<State = unknown> {
  readonly stream: string
  /** The last event that is part of the state, by its place and its id. */
  readonly version: number
  readonly eventId: string
  /** The shape of the state, and the way of folding, as the application counts them. */
  readonly schemaVersion: number
  readonly state: State
}

/** Keeps the latest snapshot of each stream; losing one, or giving back an older one, costs time and nothing else. */
export interface SnapshotStore {
  load(stream: string): Promise<Snapshot | undefined>
  save(snapshot: Snapshot): Promise<void>
}

/** When snapshots are taken, and which are used. */
export interface SnapshotPolicy {
  readonly store: SnapshotStore
  /** A snapshot is saved where a command had to read at least this many events. */
  readonly every: number
  /** Count it up whenever `evolve` or the state changes: snapshots of another number are not used. */
  readonly schemaVersion: number
  /** Told when the snapshot store fails: the command goes on without. */
  readonly onFailure?: ((error: unknown) => void) | undefined
}

/** A snapshot store that lives with the process. Keeps copies of states, by structured clone. */
export function memorySnapshotStore(): SnapshotStore {
  const snapshots = new Map<string, Snapshot>()
  return {
    async load(stream: string): Promise<Snapshot | undefined> {
      return structuredClone(snapshots.get(stream))
    },
    async save(snapshot: Snapshot): Promise<void> {
      const known = snapshots.get(snapshot.stream)
      // A slow writer must not put an older state in a newer one's place.
      const isOlder = known?.schemaVersion === snapshot.schemaVersion && known.version > snapshot.version
      if (!isOlder) snapshots.set(snapshot.stream, structuredClone(snapshot))
    },
  }
}

/** Refuses a policy that is none. */
export function checkPolicy({ store, every, schemaVersion }: SnapshotPolicy): void {
  if (typeof store?.load !== 'function' || typeof store.save !== 'function')
    throw new InvalidArgument('snapshot.store', 'a SnapshotStore', store)
  if (!(Number.isSafeInteger(every) && every >= 1))
    throw new InvalidArgument('snapshot.every', 'a whole number from 1', every)
  if (!Number.isSafeInteger(schemaVersion))
    throw new InvalidArgument('snapshot.schemaVersion', 'a whole number', schemaVersion)
}

/** The snapshot of this stream, where there is one that this policy can use. */
export async function findSnapshot(policy: SnapshotPolicy, stream: string): Promise<Snapshot | undefined> {
  try {
    const found = await policy.store.load(stream)
    const isUsable =
      found !== undefined &&
      found.stream === stream &&
      found.schemaVersion === policy.schemaVersion &&
      Number.isSafeInteger(found.version) &&
      found.version >= 1
    return isUsable ? found : undefined
  } catch (error) {
    tell(policy.onFailure, error)
    return undefined
  }
}

/** Saves what these events have led to, where they were many enough. */
export async function keepSnapshot(
  policy: SnapshotPolicy,
  state: unknown,
  events: readonly RecordedEvent[],
): Promise<void> {
  const last = events.at(-1)
  if (last === undefined || events.length < policy.every) return
  const { stream, version, id } = last
  try {
    await policy.store.save({ stream, version, eventId: id, schemaVersion: policy.schemaVersion, state })
  } catch (error) {
    tell(policy.onFailure, error)
  }
}
