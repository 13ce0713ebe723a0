/** An event as a decider yields it. */
export interface DomainEvent<Type extends string = string, Data = unknown> {
  readonly type: Type
  readonly data: Data
}

/** Where an event comes from: the command whose handler appended it, and what that command carried. */
export interface EventMetadata {
  readonly commandId: string
  readonly correlationId: string
  readonly causationId?: string
  readonly tenantId?: string
  readonly userId?: string
  /** Epoch ms. */
  readonly recordedAt: number
}

/** An event that is ready to be appended. */
export interface NewEvent<Event extends DomainEvent = DomainEvent> {
  /** Unique in the store. */
  readonly id: string
  readonly type: Event['type']
  readonly data: Event['data']
  readonly metadata: EventMetadata
}

/** An event as it is read back. */
export interface RecordedEvent<Event extends DomainEvent = DomainEvent> extends NewEvent<Event> {
  readonly stream: string
  /** Its place in the stream: 1, 2, 3, without gaps. */
  readonly version: number
}

export interface ReadOptions {
  /** The first version to read, 1 by default. */
  readonly from?: number
}

export interface AppendOptions {
  /** The version of the last event of the stream, 0 where there must be none; any if absent. */
  readonly expectedVersion?: number
  /** What the command answers with: for a store that writes its outcome together with its events. Others ignore it. */
  readonly result?: unknown
}

/** Keeps events in streams. Appends to one stream are one after the other, each whole or not at all. */
export interface EventStore {
  /** The events of a stream in the order of their versions; none for a stream that nobody has appended to. */
  read(stream: string, options?: ReadOptions): Promise<readonly RecordedEvent[]>
  /**
   * Appends all events or none, and gives the version of the last event of the stream back. An `EventStoreError` with the
   * code `VERSION_CONFLICT` where the stream is not at `expectedVersion`.
   */
  append(stream: string, events: readonly NewEvent[], options?: AppendOptions): Promise<number>
  /** Resolves once accepted appends are done. */
  close(): Promise<void>
}

/** A store that can say for sure what a command has appended. */
export interface Fenceable {
  /**
   * The events that carry the id of this command, in the order of appending. From then on an append with this command's id
   * is refused with the code `FENCED`, so that "none" stays true. Fencing twice gives the same.
   */
  fence(commandId: string): Promise<readonly RecordedEvent[]>
}
