export {
  type CausalityOptions,
  type CausalNode,
  type CommandNode,
  type CommandReads,
  causes,
  type EventNode,
  effects,
  type LooseEnd,
} from './causality.ts'
export type { Decided, EventsAndResult } from './decided.ts'
export { type DeciderOptions, decider } from './decider.ts'
export type {
  AppendOptions,
  DomainEvent,
  EventMetadata,
  EventStore,
  Fenceable,
  NewEvent,
  ReadOptions,
  RecordedEvent,
} from './event-store.ts'
export {
  EventStoreError,
  type EventStoreErrorCode,
  type EventStoreErrorFacts,
  versionConflict,
} from './event-store-error.ts'
export { type FormatOptions, formatTree } from './format-tree.ts'
export { type MemoryEventStore, memoryEventStore } from './memory-event-store.ts'
export { oneTransaction } from './one-transaction.ts'
export { type Finding, type Reconciled, type ReconcileOptions, type ReconcileReport, reconcile } from './reconcile.ts'
export { memorySnapshotStore, type Snapshot, type SnapshotPolicy, type SnapshotStore } from './snapshot.ts'
export { type SqliteEventStore, type SqliteEventStoreOptions, sqliteEventStore } from './sqlite-event-store.ts'
export {
  checkAppend,
  checkFence,
  checkRead,
  duplicateEvent,
  fenced,
  recordedEvent,
  type TakenEvent,
  takeEvents,
} from './take-events.ts'
