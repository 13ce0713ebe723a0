import type { AttributeValue, CommandRecord, CommandState, Importance, Retention } from './record.ts'

/**
 * What a write did: `created` (first write of this id, in whatever state), `settled` (an outcome replaced `created`),
 * `unchanged` (this id already had that phase: the first write of each phase wins).
 */
export type RecordResult = 'created' | 'settled' | 'unchanged'

/** One page of records. Only a missing `next` ends the walk: a page may be shorter than its limit, even empty. */
export interface Page {
  readonly records: readonly CommandRecord[]
  /** The `cursor` of the next page. */
  readonly next?: string
}

/** Filters, exact and joined by AND; an `undefined` one counts as absent. */
export interface CommandQuery {
  readonly type?: string | readonly string[] | undefined
  readonly state?: CommandState | readonly CommandState[] | undefined
  readonly correlationId?: string | undefined
  /** What this command or event caused directly. */
  readonly causationId?: string | undefined
  /** The record that this event came out of. */
  readonly eventId?: string | undefined
  /** The `code` of the record's problem. */
  readonly problemCode?: string | undefined
  readonly tenantId?: string | undefined
  readonly userId?: string | undefined
  readonly clientRef?: string | undefined
  readonly importance?: Importance | undefined
  readonly retention?: Retention | undefined
  /** Without it, dry runs are among the records. */
  readonly dryRun?: boolean | undefined
  /** Every one of these values. */
  readonly attributes?: Readonly<Record<string, AttributeValue>> | undefined
  /** `receivedAt` at or after this time. */
  readonly from?: number | Date | undefined
  /** `receivedAt` before this time. */
  readonly to?: number | Date | undefined
  /** By the order of recording; default `newest`. */
  readonly order?: 'newest' | 'oldest' | undefined
  /** 1 to 1000, default 100. */
  readonly limit?: number | undefined
  /** The `next` of an earlier page of the same query. */
  readonly cursor?: string | undefined
}

/** Where records live. Every rule of this contract is a check of `commandlog/commandlogtest`. */
export interface CommandLogStore {
  /** Resolves only when the write is as durable as the store promises, and says what it did. */
  record(record: CommandRecord): Promise<RecordResult>
  /** One record by its id. */
  get(id: string): Promise<CommandRecord | undefined>
  /** Every record of one correlation, oldest first. */
  findByCorrelation(correlationId: string): Promise<readonly CommandRecord[]>
  /** What `list` gives for this type. */
  findByType(type: string, query?: Omit<CommandQuery, 'type'>): Promise<Page>
  /** A page of the records that the query asks for, the newest first unless it says otherwise. */
  list(query?: CommandQuery): Promise<Page>
  /** Resolves once accepted writes are done; later calls reject with `STORE_CLOSED`. */
  close(): Promise<void>
}

/** One step of a follower. */
export interface Change {
  /** Resumes after this change when given as `after`. */
  readonly position: string
  readonly record: CommandRecord
}

/** What `follow` takes. */
export interface FollowOptions {
  readonly after?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** A store that can be followed: the backlog first, then every record's latest change in commit order. */
export interface Followable {
  /** Never ends by itself, only by abort, `close`, or leaving the loop; `after` is an earlier change's position. */
  follow(options?: FollowOptions): AsyncIterable<Change>
}

/** What `purge` takes. */
export interface PurgeOptions {
  readonly retention: Retention
  /** Removes what has `receivedAt` before this time. */
  readonly before: number | Date
  /** At most this many, oldest first; all when absent. */
  readonly limit?: number | undefined
}

/** A store that can forget settled records. */
export interface Purgeable {
  /** Resolves to the number of records that this call removed. */
  purge(options: PurgeOptions): Promise<number>
}
