import { kindOf } from './kind-of.ts'
import type { Problem } from './problem.ts'
import type { EventRef, RecordedError } from './record.ts'

/** An argument of the wrong kind, named with what was expected; of options only, so a number may show. Nothing ran. */
export class InvalidArgument extends TypeError {
  override readonly name = 'InvalidArgument'
  readonly code = 'INVALID_ARGUMENT'
  readonly argument: string
  constructor(argument: string, expected: string, received: unknown) {
    super(`${argument}: expected ${expected}, received ${typeof received === 'number' ? received : kindOf(received)}`)
    this.argument = argument
  }
}

/** An id, type or reference that is too long, empty where it must not be, or not well-formed text. Nothing ran. */
export class InvalidIdentifier extends RangeError {
  override readonly name = 'InvalidIdentifier'
  readonly code = 'INVALID_IDENTIFIER'
  readonly field: string
  constructor(field: string, reason: string) {
    super(`${field}: expected at most 256 bytes of well-formed text without NUL, ${reason}`)
    this.field = field
  }
}

/** Metadata or attributes that are not plain JSON (attributes: a flat record). Nothing ran. */
export class InvalidMetadata extends TypeError {
  override readonly name = 'InvalidMetadata'
  readonly code = 'INVALID_METADATA'
  readonly field: 'metadata' | 'attributes'
  constructor(field: 'metadata' | 'attributes', reason: string) {
    super(`${field}: ${reason}`)
    this.field = field
  }
}

/** Metadata or attributes beyond their limit. Nothing ran. */
export class MetadataTooLarge extends RangeError {
  override readonly name = 'MetadataTooLarge'
  readonly code = 'METADATA_TOO_LARGE'
  readonly field: 'metadata' | 'attributes'
  readonly limit: number
  constructor(field: 'metadata' | 'attributes', limit: number, bytes: number) {
    super(`${field}: expected at most ${limit} bytes as JSON, received ${bytes} or more`)
    this.field = field
    this.limit = limit
  }
}

/** No handler is registered for this type. Nothing ran and nothing was recorded. */
export class UnknownCommand extends Error {
  override readonly name = 'UnknownCommand'
  readonly code = 'UNKNOWN_COMMAND'
  readonly type: string
  constructor(type: string) {
    super(`No handler is registered for the command type '${type}'`)
    this.type = type
  }
}

/** A second handler for a type that has one. */
export class HandlerExists extends Error {
  override readonly name = 'HandlerExists'
  readonly code = 'HANDLER_EXISTS'
  readonly type: string
  constructor(type: string) {
    super(`A handler is already registered for the command type '${type}'`)
    this.type = type
  }
}

/** A command of scope `tenant` was sent without a tenant. Nothing ran. */
export class MissingTenant extends Error {
  override readonly name = 'MissingTenant'
  readonly code = 'MISSING_TENANT'
  constructor(type: string) {
    super(`The command type '${type}' belongs to a tenant: send it with a tenantId`)
  }
}

/** A command of scope `user` was sent without a user. Nothing ran. */
export class MissingUser extends Error {
  override readonly name = 'MissingUser'
  readonly code = 'MISSING_USER'
  constructor(type: string) {
    super(`The command type '${type}' belongs to a user: send it with a userId`)
  }
}

/** A function that a definition, an option or a decider carries threw, or answered with something unusable. */
export class TraitFailed extends Error {
  override readonly name = 'TraitFailed'
  readonly code = 'TRAIT_FAILED'
  readonly trait: string
  constructor(trait: string, reason: string, options?: ErrorOptions) {
    super(`${trait}: ${reason}`, options)
    this.trait = trait
  }
}

/** A handler or middleware answered with something that is not a decision. It has run. */
export class InvalidDecision extends TypeError {
  override readonly name = 'InvalidDecision'
  readonly code = 'INVALID_DECISION'
  /** Those of its events that can be referred to: they have happened, and the record keeps them. */
  readonly events: readonly EventRef[]
  constructor(reason: string, events: readonly EventRef[] = []) {
    super(`Expected a decision ({ events?, result? }) or nothing: ${reason}`)
    this.events = events
  }
}

/** A middleware called `next` a second time. */
export class NextCalledTwice extends Error {
  override readonly name = 'NextCalledTwice'
  readonly code = 'NEXT_CALLED_TWICE'
  constructor() {
    super('A middleware called next() again: mark it with mayRepeat() if it retries, and call it only after a failure')
  }
}

/** A middleware settled while what it wraps was still running. */
export class NextNotAwaited extends Error {
  override readonly name = 'NextNotAwaited'
  readonly code = 'NEXT_NOT_AWAITED'
  constructor(options?: ErrorOptions) {
    super('A middleware settled before what it wraps: await next(), or mark it with mayLeave()', options)
  }
}

/** The command took longer than it may. Its handler may still be running: its signal is aborted. */
export class CommandTimeout extends Error {
  override readonly name = 'CommandTimeout'
  readonly code = 'COMMAND_TIMEOUT'
  readonly timeoutMs: number
  readonly problem: Problem
  constructor(timeoutMs: number) {
    super(`The command took longer than ${timeoutMs} ms`)
    this.timeoutMs = timeoutMs
    this.problem = { type: 'about:blank', title: 'Timeout', status: 504, code: 'timeout', detail: this.message }
  }
}

/** Nobody knows whether what the command has begun to write arrives: its event store does not answer. */
export class OutcomeUnknown extends Error {
  override readonly name = 'OutcomeUnknown'
  readonly code = 'OUTCOME_UNKNOWN'
  readonly problem: Problem = { type: 'about:blank', title: 'Outcome unknown', status: 504, code: 'outcome-unknown' }
  constructor(options?: ErrorOptions) {
    super('The command may have written its events, or may still do so', options)
  }
}

/** The handler refuses: the command breaks a rule, or asks for what is not there. */
export class CommandRejected extends Error {
  override readonly name = 'CommandRejected'
  readonly code = 'COMMAND_REJECTED'
  readonly problem: Problem
  constructor(problem: Problem, options?: ErrorOptions) {
    super(messageOf(problem, 'CommandRejected'), options)
    this.problem = problem
  }
}

/** The handler gives up because the state it decided on has changed meanwhile. */
export class CommandConflict extends Error {
  override readonly name = 'CommandConflict'
  readonly code = 'COMMAND_CONFLICT'
  readonly problem: Problem
  constructor(problem: Problem, options?: ErrorOptions) {
    super(messageOf(problem, 'CommandConflict'), options)
    this.problem = problem
  }
}

/** The command was given up on purpose, by its handler or by its sender. */
export class CommandCancelled extends Error {
  override readonly name = 'CommandCancelled'
  readonly code = 'COMMAND_CANCELLED'
  readonly problem: Problem
  constructor(problem: Problem, options?: ErrorOptions) {
    super(messageOf(problem, 'CommandCancelled'), options)
    this.problem = problem
  }
}

/** A repeated id whose first run failed: the problem, and the name and message of its error, as recorded. Nothing ran. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
  readonly code = 'COMMAND_FAILED'
  readonly problem: Problem | undefined
  readonly recorded: RecordedError | undefined
  constructor(problem: Problem | undefined, recorded: RecordedError | undefined) {
    super(recorded?.message ?? problem?.detail ?? problem?.title ?? 'The command failed')
    this.problem = problem
    this.recorded = recorded
  }
}

/** The intent could not be made durable, so the command did not run. */
export class AuditUnavailable extends Error {
  override readonly name = 'AuditUnavailable'
  readonly code = 'AUDIT_UNAVAILABLE'
  readonly commandId: string
  /** The code of the store's error. */
  readonly storeCode: string
  /** `unknown`: the intent may be on the record, as `created`, although the command did not run. */
  readonly written: 'no' | 'unknown'
  constructor(commandId: string, storeCode: string, written: 'no' | 'unknown') {
    super(`The command did not run: its audit is unavailable (${storeCode})`)
    this.commandId = commandId
    this.storeCode = storeCode
    this.written = written
  }
}

/** The audited bus is closed. The command did not run. */
export class AuditClosed extends Error {
  override readonly name = 'AuditClosed'
  readonly code = 'AUDIT_CLOSED'
  constructor() {
    super('The command did not run: the audited bus is closed')
  }
}

/** This bus is already audited into this store: a second layer would record every command twice. */
export class AlreadyAudited extends Error {
  override readonly name = 'AlreadyAudited'
  readonly code = 'ALREADY_AUDITED'
  constructor() {
    super('This bus is already audited into this store')
  }
}

/** This id is on the record as `created`: it runs right now, or its process died. The handler did not run again. */
export class CommandInFlight extends Error {
  override readonly name = 'CommandInFlight'
  readonly code = 'COMMAND_IN_FLIGHT'
  readonly commandId: string
  constructor(commandId: string) {
    super(`The command '${commandId}' has no outcome yet: it is running, or its process died`)
    this.commandId = commandId
  }
}

/** This id is on the record with another type, payload or tenant, or belongs to another user. The handler did not run. */
export class CommandIdReused extends Error {
  override readonly name = 'CommandIdReused'
  readonly code = 'COMMAND_ID_REUSED'
  readonly commandId: string
  constructor(commandId: string) {
    super(`The id '${commandId}' belongs to another command: a repeat must have the same type, payload and tenant`)
    this.commandId = commandId
  }
}

/** A body that a codec cannot carry, or bytes that it could not have written. Never quotes the body. */
export class CodecError extends Error {
  override readonly name = 'CodecError'
  readonly code: 'NOT_ENCODABLE' | 'NOT_DECODABLE'
  readonly format: string
  constructor(code: 'NOT_ENCODABLE' | 'NOT_DECODABLE', format: string, reason: string) {
    super(`${format}: ${reason}`)
    this.code = code
    this.format = format
  }
}

function messageOf(problem: Problem, name: string): string {
  if (typeof problem !== 'object' || problem === null)
    throw new InvalidArgument(`new ${name}(problem)`, 'a Problem object', problem)
  return String(problem.detail ?? problem.title ?? problem.code ?? name)
}
