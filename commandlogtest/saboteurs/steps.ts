import type {
  Change,
  CommandLogStore,
  CommandQuery,
  CommandRecord,
  Followable,
  FollowOptions,
  Page,
  Purgeable,
  PurgeOptions,
  RecordResult,
} from '../../src/index.ts'
import type { CheckedQuery } from '../../storekit/index.ts'
import type { Data, Row } from './data.ts'

/** What a test store may have: the core contract, and the further bricks. */
export type TestStore = CommandLogStore & Partial<Followable> & Partial<Purgeable>

/** Opens a handle on the data of this name. */
export type OpenTestStore = (name: string) => Promise<TestStore>

/** One open handle. */
export interface Handle {
  readonly data: Data
  readonly steps: Steps
  readonly closed: AbortController
  /** Accepted calls that have not settled yet. */
  readonly inFlight: Set<Promise<unknown>>
}

/** Every method of a handle, by name. */
export type Method = keyof CommandLogStore | 'follow' | 'purge'

/** One change as a follower reads it, and the place after it. */
export interface PlacedChange {
  readonly change: Change
  readonly at: number
}

/** What `purge` works with once its options are checked. */
export interface CheckedPurge {
  readonly retention: string
  readonly before: number
  readonly limit: number | undefined
}

/** Everything that the base store does, cut so that a broken store replaces one step and nothing else. */
export interface Steps {
  /** The data that a name stands for. */
  dataName(name: string): string
  /** Runs when a name is opened again after its last handle was closed. */
  reopen(data: Data): void
  /** The last word on what is handed out as the store. */
  expose(store: TestStore, handle: Handle): TestStore
  /** Refuses calls after close. */
  admit(handle: Handle, method: Method): void
  checkRecord(record: CommandRecord): void
  checkQuery(query: CommandQuery | undefined): CheckedQuery
  checkTypeQuery(type: string, query: Omit<CommandQuery, 'type'> | undefined): CheckedQuery
  checkPurge(options: PurgeOptions): CheckedPurge
  copyIn(record: CommandRecord): CommandRecord
  copyOut(record: CommandRecord): CommandRecord
  /** Writes a record that is checked and copied. */
  write(handle: Handle, record: CommandRecord): Promise<RecordResult>
  find(handle: Handle, id: string): Row | undefined
  settle(first: CommandRecord, outcome: CommandRecord): CommandRecord
  add(handle: Handle, record: CommandRecord): void
  replace(handle: Handle, row: Row, record: CommandRecord): void
  get(handle: Handle, id: string): Promise<CommandRecord | undefined>
  correlated(handle: Handle, correlationId: string): Promise<readonly CommandRecord[]>
  page(handle: Handle, query: CheckedQuery): Promise<Page>
  /** All rows in the order of recording. */
  rows(handle: Handle): readonly Row[]
  /** The index of the first row that a page after this sequence begins with. */
  locate(rows: readonly Row[], sequence: number, order: 'newest' | 'oldest'): number
  matches(query: CheckedQuery, record: CommandRecord): boolean
  /** What a cursor is bound to. */
  scope(handle: Handle, query: CheckedQuery): string
  seal(scope: string, position: string): string
  unseal(scope: string, sealed: string): string
  follow(handle: Handle, options: FollowOptions): AsyncIterable<Change>
  /** The place that `after` stands for. */
  start(handle: Handle, after: string | undefined): number
  readChanges(handle: Handle, after: number): Promise<readonly PlacedChange[]>
  waitForChange(handle: Handle, signal: AbortSignal): Promise<void>
  purge(handle: Handle, options: CheckedPurge): Promise<number>
  isDue(record: CommandRecord, options: CheckedPurge): boolean
  /** Takes a purged row out. */
  drop(handle: Handle, row: Row): void
  close(handle: Handle): Promise<void>
}
