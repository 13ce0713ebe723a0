export type { BacklogLimits } from './audit/backlog.ts'
export type { AuditCounters, AuditEmitter, AuditEvents, AuditMode, AuditOptions, Flushed } from './audit/options.ts'
export { type AnyBus, type AuditControls, type AuditedBus, type SendOf, withCommandAudit } from './audit.ts'
export { CommandBus, type CommandOfType, type Results, type ResultThrough, type TypedSend } from './bus.ts'
export type { Clock } from './clock.ts'
export { type Codec, jsonCodec } from './codec.ts'
export {
  type AnyDefinition,
  type Command,
  type CommandDefinition,
  type CommandOf,
  type CommandTraits,
  type Decision,
  defineCommand,
  type Receipt,
  type ResultOf,
  type Scope,
  type Scoped,
  type SendArguments,
  type SendOptions,
} from './command.ts'
export { type Handler, type Middleware, mayLeave, mayRepeat } from './compose.ts'
export type { CommandContext, CommandParams } from './context.ts'
export { copyRecord } from './copy-record.ts'
export {
  AlreadyAudited,
  AuditClosed,
  AuditUnavailable,
  CodecError,
  CommandCancelled,
  CommandConflict,
  CommandFailed,
  CommandIdReused,
  CommandInFlight,
  CommandRejected,
  CommandTimeout,
  HandlerExists,
  InvalidArgument,
  InvalidDecision,
  InvalidIdentifier,
  InvalidMetadata,
  MetadataTooLarge,
  MissingTenant,
  MissingUser,
  NextCalledTwice,
  NextNotAwaited,
  OutcomeUnknown,
  TraitFailed,
  UnknownCommand,
} from './errors.ts'
export { uuidv7 } from './identifier.ts'
export type { JsonObject, JsonValue } from './json.ts'
export { type RetryOptions, retry } from './middleware/retry.ts'
export { timeout } from './middleware/timeout.ts'
export type { Problem } from './problem.ts'
export {
  type Attributes,
  type AttributeValue,
  type CommandRecord,
  type CommandState,
  type EventRef,
  type Importance,
  type Keep,
  type Payload,
  type RecordedError,
  type Retention,
  retentionOf,
  type Source,
} from './record.ts'
export type { SchemaIssue, SchemaResult, StandardSchema } from './schema.ts'
export type {
  Change,
  CommandLogStore,
  CommandQuery,
  Followable,
  FollowOptions,
  Page,
  Purgeable,
  PurgeOptions,
  RecordResult,
} from './store.ts'
export { StoreError, type StoreErrorCode } from './store-error.ts'
