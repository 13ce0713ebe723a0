import {
  type Event as EmmettEvent,
  type EventStore as EmmettEventStore,
  isExpectedVersionConflictError,
  NO_CONCURRENCY_CHECK,
} from '@event-driven-io/emmett'
import type { AppendOptions, EventMetadata, EventStore, NewEvent, ReadOptions, RecordedEvent } from '../event-store.ts'
import { EventStoreError, versionConflict } from '../event-store-error.ts'
import { checkAppend, checkRead, type TakenEvent, takeEvents } from '../take-events.ts'
import { tell } from '../tell.ts'

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
  readonly metadata: {
    readonly messageId: string
    readonly streamPosition: bigint
    readonly commandlog?: unknown
  }
}

/** What `commandlog` holds, as JSON: the store on Postgres makes numbers of other texts that are digits. */
interface Own {
  readonly eventId: string
  readonly hasData: boolean
  readonly metadata: EventMetadata
}

interface Theirs extends EmmettStoreOptions {
  readonly store: AnyEmmettStore
}

/**
 * A store of Emmett's as an event store for deciders. The metadata of our events becomes metadata of Emmett's, with the id
 * as `eventId`. Not promised: `DUPLICATE_EVENT`, since no store of Emmett's knows an id again in every stream; a `fence`,
 * since none can refuse a command or find its events, so that `reconcile` leaves everything undecided; data that Emmett
 * itself reads back as something else, such as long texts of digits on Postgres. Closing it leaves Emmett's store open.
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
      const appended =
        taken.length === 0 ? appendNothing(theirs, stream, expected) : appendTo(theirs, stream, { taken, expected })
      appending.add(appended)
      return await appended.finally(() => appending.delete(appended))
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
    tell(onFailure, error)
    throw new EventStoreError('STORE_UNAVAILABLE', 'The store of Emmett could not be read')
  }
}

/** Emmett has no append of nothing, which in our contract gives the version back. */
async function appendNothing(theirs: Theirs, stream: string, expected: number | undefined): Promise<number> {
  const version = await versionOf(theirs, stream)
  if (expected !== undefined && expected !== version) throw versionConflict(expected, version)
  return version
}

async function versionOf(theirs: Theirs, stream: string): Promise<number> {
  return (await readFrom(theirs, stream, 1)).at(-1)?.version ?? 0
}

interface Append {
  readonly taken: readonly TakenEvent[]
  readonly expected: number | undefined
}

async function appendTo(theirs: Theirs, stream: string, { taken, expected }: Append): Promise<number> {
  // Not STREAM_DOES_NOT_EXIST, which the store on Postgres takes for no check at all.
  const expectedStreamVersion = expected === undefined ? NO_CONCURRENCY_CHECK : BigInt(expected)
  for (;;) {
    try {
      const appended = await theirs.store.appendToStream(stream, taken.map(toEmmett), { expectedStreamVersion })
      return Number(appended.nextExpectedStreamVersion)
    } catch (error) {
      if (!isExpectedVersionConflictError(error)) {
        tell(theirs.onFailure, error)
        throw new EventStoreError('STORE_UNAVAILABLE', 'The store of Emmett failed', { written: 'unknown' })
      }
      if (expected !== undefined) throw await conflict(theirs, stream, expected)
      // The store on Postgres has races even where no version is expected; each one that is lost is somebody's append.
    }
  }
}

async function conflict(theirs: Theirs, stream: string, expected: number): Promise<EventStoreError> {
  try {
    return versionConflict(expected, await versionOf(theirs, stream))
  } catch {
    // That it is a conflict is known all the same; what failed has been told to `onFailure`.
    return new EventStoreError('VERSION_CONFLICT', 'The stream is not at the expected version', { expected })
  }
}

function toEmmett({ id, type, data, metadata }: TakenEvent): EmmettEvent {
  const own: Own = { eventId: id, hasData: data !== null, metadata }
  const shown = { ...metadata, eventId: id, messageId: id, commandlog: JSON.stringify(own) }
  // Emmett's types know data as a record only; its stores take any JSON.
  return { type, data: data === null ? null : JSON.parse(data), metadata: shown } as EmmettEvent
}

function toRecorded(stream: string, { type, data, metadata }: Stored): RecordedEvent {
  const { messageId, streamPosition, commandlog } = metadata
  const {
    eventId,
    hasData,
    metadata: own,
  }: Own = typeof commandlog === 'string' ? JSON.parse(commandlog) : foreign(messageId)
  // The store in memory gives its own data away.
  return {
    id: eventId,
    type,
    data: hasData ? structuredClone(data) : undefined,
    metadata: own,
    stream,
    version: Number(streamPosition),
  }
}

function foreign(eventId: string): Own {
  return { eventId, hasData: true, metadata: { commandId: '', correlationId: '', recordedAt: 0 } }
}
