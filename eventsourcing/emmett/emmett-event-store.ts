import {
  type Event as EmmettEvent,
  type EventStore as EmmettEventStore,
  isExpectedVersionConflictError,
  NO_CONCURRENCY_CHECK,
} from '@event-driven-io/emmett'
import type { AppendOptions, EventMetadata, EventStore, NewEvent, ReadOptions, RecordedEvent } from '../event-store.ts'
import { EventStoreError } from '../event-store-error.ts'
import { checkAppend, checkRead, type TakenEvent, takeEvents } from '../take-events.ts'

/** What is used of a store of Emmett's, in memory or on any database. */
export type AnyEmmettStore = Pick<EmmettEventStore, 'readStream' | 'appendToStream'>

/** What `emmettEventStore` takes besides a store. */
export interface EmmettStoreOptions {
  /** Told what Emmett's store failed with: the `EventStoreError` that comes of it carries no error of a driver. */
  readonly onFailure?: ((error: unknown) => void) | undefined
}

/** An event of Emmett's with what we add to its metadata. */
interface Stored {
  readonly type: string
  readonly data: unknown
  readonly metadata: Partial<EventMetadata> & {
    readonly eventId?: string
    readonly messageId: string
    readonly streamPosition: bigint
  }
}

interface Theirs extends EmmettStoreOptions {
  readonly store: AnyEmmettStore
}

/**
 * A store of Emmett's as an event store for deciders. The metadata of our events becomes metadata of Emmett's, with the id
 * as `eventId`. Not promised: that an event's id is known again; a `fence`, since Emmett's stores can neither refuse a
 * command nor find its events, so `reconcile` leaves everything undecided. Closing it leaves Emmett's store open.
 *
 * Events that were appended past it are read too: their id is Emmett's, and their command's id is the empty text, which
 * no command has.
 */
export function emmettEventStore(store: AnyEmmettStore, options: EmmettStoreOptions = {}): EventStore {
  const theirs: Theirs = { ...options, store }
  const appending = new Set<Promise<unknown>>()
  let isClosed = false

  function checkOpen(): void {
    if (isClosed) throw new EventStoreError('STORE_CLOSED', 'The event store is closed')
  }

  return {
    async read(stream: string, readOptions?: ReadOptions): Promise<readonly RecordedEvent[]> {
      checkOpen()
      return await readFrom(theirs, stream, checkRead(stream, readOptions))
    },

    async append(stream: string, events: readonly NewEvent[], appendOptions?: AppendOptions): Promise<number> {
      checkOpen()
      const expected = checkAppend(stream, appendOptions)
      const taken = takeEvents(events)
      const appended = taken.length === 0 ? versionOf(theirs, stream) : appendTo(theirs, stream, { taken, expected })
      appending.add(appended)
      try {
        const version = await appended
        if (taken.length === 0 && expected !== undefined && expected !== version) throw conflict(expected)
        return version
      } finally {
        appending.delete(appended)
      }
    },

    async close(): Promise<void> {
      isClosed = true
      await Promise.allSettled(appending)
    },
  }
}

async function readFrom({ store, onFailure }: Theirs, stream: string, from: number): Promise<readonly RecordedEvent[]> {
  // Where `from` counts from differs between Emmett's stores: one earlier is early enough for all.
  const options = from > 1 ? { from: BigInt(from - 1) } : undefined
  try {
    const { events } = await store.readStream<EmmettEvent>(stream, options)
    return events.map((event) => toRecorded(stream, event as Stored)).filter(({ version }) => version >= from)
  } catch (error) {
    onFailure?.(error)
    throw new EventStoreError('STORE_UNAVAILABLE', 'The store of Emmett could not be read')
  }
}

/** Emmett has no append of nothing, which in our contract gives the version back. */
async function versionOf(theirs: Theirs, stream: string): Promise<number> {
  return (await readFrom(theirs, stream, 1)).at(-1)?.version ?? 0
}

async function appendTo(
  { store, onFailure }: Theirs,
  stream: string,
  { taken, expected }: { readonly taken: readonly TakenEvent[]; readonly expected: number | undefined },
): Promise<number> {
  try {
    // Not STREAM_DOES_NOT_EXIST, which the store on Postgres takes for no check at all.
    const options = { expectedStreamVersion: expected === undefined ? NO_CONCURRENCY_CHECK : BigInt(expected) }
    const { nextExpectedStreamVersion } = await store.appendToStream(stream, taken.map(toEmmett), options)
    return Number(nextExpectedStreamVersion)
  } catch (error) {
    if (isExpectedVersionConflictError(error)) throw conflict(expected)
    onFailure?.(error)
    throw new EventStoreError('STORE_UNAVAILABLE', 'The store of Emmett failed', { written: 'unknown' })
  }
}

function conflict(expected: number | undefined): EventStoreError {
  return new EventStoreError('VERSION_CONFLICT', 'The stream is not at the expected version', { expected })
}

function toEmmett({ id, type, data, metadata }: TakenEvent): EmmettEvent {
  const own = { ...metadata, eventId: id, messageId: id }
  // Emmett's types know data as a record only; its stores take any JSON.
  return { type, data: data === null ? null : JSON.parse(data), metadata: own } as EmmettEvent
}

function toRecorded(stream: string, { type, data, metadata }: Stored): RecordedEvent {
  const { eventId, messageId, streamPosition, causationId, tenantId, userId } = metadata
  return {
    id: eventId ?? messageId,
    type,
    data,
    metadata: {
      commandId: metadata.commandId ?? '',
      correlationId: metadata.correlationId ?? '',
      ...(causationId === undefined ? {} : { causationId }),
      ...(tenantId === undefined ? {} : { tenantId }),
      ...(userId === undefined ? {} : { userId }),
      recordedAt: metadata.recordedAt ?? 0,
    },
    stream,
    version: Number(streamPosition),
  }
}
