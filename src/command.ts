import { checkTraits } from './check-options.ts'
import { checkIdentifier } from './identifier.ts'
import type { JsonObject } from './json.ts'
import type { Attributes, EventRef, Importance, Keep } from './record.ts'
import type { StandardSchema } from './schema.ts'

// Type-level marks that no value carries: what a command answers with, and what its scope demands of a sender.
declare const resultMark: unique symbol
declare const needsTenantIdOrUserId: unique symbol

/** What is asked. `Result` is for the type system alone: what its handler answers with. */
export interface Command<Type extends string = string, Data = unknown, Result = unknown> {
  readonly type: Type
  readonly data: Data
  readonly [resultMark]?: Result
}

/** A command that demands no scope of its sender. */
export interface Unscoped {
  readonly [needsTenantIdOrUserId]?: never
}

/** What a command's handler answers with. */
export type ResultOf<C> = C extends { readonly [resultMark]?: infer Result } ? Result : unknown

/** Whom a command type belongs to. */
export type Scope = 'tenant' | 'user' | 'global'

/** A command whose scope the type system demands of every `send`. */
export interface Scoped<S extends Scope> {
  readonly [needsTenantIdOrUserId]?: S
}

/** What one call of `send` says about its command; everything has a default. Unset (`undefined`) means the default. */
export interface SendOptions {
  /** Identity and idempotency key, unique in the whole log, across tenants; default: a new UUIDv7, monotonic in the process. */
  readonly id?: string | undefined
  /** Default: the sender's, else this command's id. */
  readonly correlationId?: string | undefined
  /** What triggered it, usually another command's id; default: the command whose handler sends this one. */
  readonly causationId?: string | undefined
  /** The originating client (browser, machine, panel); copied unchanged down the chain. */
  readonly clientRef?: string | undefined
  /** For whom it is done; default: the sender's. */
  readonly tenantId?: string | undefined
  /** Who asked; default: the sender's. */
  readonly userId?: string | undefined
  /** Decides the record's retention; default: the command type's. */
  readonly importance?: Importance | undefined
  /** Asks for a rehearsal: a handler that honours `context.dryRun` has no side effects. */
  readonly dryRun?: boolean | undefined
  /** Flat, for filters. At most 64 KiB as JSON. */
  readonly attributes?: Attributes | undefined
  /** Anything else, for reading. At most 64 KiB as JSON. */
  readonly metadata?: JsonObject | undefined
  /** Which outcomes are stored; default: the command type's. */
  readonly keep?: Keep | undefined
  /** Whether the data are stored; default: the command type's. */
  readonly payload?: 'keep' | 'omit' | undefined
  /** W3C trace context of the sender; copied unchanged down the chain. */
  readonly traceparent?: string | undefined
  /**
   * Gives the command up when aborted: its handler's signal is aborted, and it is not waited for any longer, except where
   * a decider is appending.
   */
  readonly signal?: AbortSignal | undefined
  /** The same after this long, with `CommandTimeout`. Covers validation and handler, not the audit's writes. */
  readonly timeoutMs?: number | undefined
}

/** What `send` takes besides the command: options, required ones for a scoped command. */
export type SendArguments<C> = C extends { readonly [needsTenantIdOrUserId]?: infer S }
  ? unknown extends S
    ? [options?: SendOptions | undefined]
    : S extends 'tenant'
      ? [options: SendOptions & { readonly tenantId: string }]
      : S extends 'user'
        ? [options: SendOptions & { readonly userId: string }]
        : [options?: SendOptions | undefined]
  : [options?: SendOptions | undefined]

/** What a handler answers with: the events that came out, and a result for the sender. */
export interface Decision<Result = unknown> {
  readonly events?: readonly EventRef[] | undefined
  readonly result?: Result
}

/** What `send` resolves to. */
export interface Receipt<Result = unknown> {
  readonly id: string
  readonly correlationId: string
  readonly events: readonly EventRef[]
  readonly result: Result
  /** Answered from the record: the handler did not run. */
  readonly duplicate: boolean
}

/** What a command type knows about itself. The functions see the data as it was asked, before the schema's output. */
export interface CommandTraits<Input = unknown, Output = Input, S extends Scope = 'global'> {
  /** Validated before the command counts as accepted; a failure is `rejected` with code `invalid-command`. */
  readonly schema?: StandardSchema<Input, Output> | undefined
  /** Demands `tenantId` or `userId` of every `send`, by type and at run time; default `global`. */
  readonly scope?: S | undefined
  /** Default `normal`; a dry run is `low`. */
  readonly importance?: Importance | undefined
  /** Which outcomes are stored; default `all`. */
  readonly keep?: Keep | undefined
  /** Whether the data are stored; default `keep`. What `omit` leaves out is masked as if a redactor had taken it all. */
  readonly payload?: 'keep' | 'omit' | undefined
  /**
   * What may be stored of the data. Works on a copy. Fails closed: a redactor that throws or returns a promise leaves
   * the body out (`redaction-failed`), one that returns nothing omits it. What it took away is also masked in the
   * stored problem, error and metadata.
   */
  readonly redact?: ((data: Input) => unknown) | undefined
  /** Whether the result is stored, so that a repeated id gets the same receipt; default `omit`: results can hold secrets. */
  readonly result?: 'omit' | 'keep' | undefined
  /** Flat values for filters, under those given to `send`. */
  readonly attributes?: ((data: Input) => Attributes) | undefined
  /** Whether this data asks for a dry run. */
  readonly dryRun?: ((data: Input) => boolean) | undefined
}

/** A command type with its traits; call it to make a command. */
export interface CommandDefinition<
  Type extends string = string,
  Input = unknown,
  Output = Input,
  S extends Scope = 'global',
> {
  (...data: undefined extends Input ? [data?: Input] : [data: Input]): Command<Type, Input> & Scoped<S>
  readonly type: Type
  readonly traits: CommandTraits<Input, Output, S>
}

/** What a definition's handler is given: a command whose data is the output of the schema, if there is one. */
export type CommandOf<Definition> =
  Definition extends CommandDefinition<infer Type, infer _Input, infer Output, infer _Scope>
    ? Command<Type, Output>
    : never

/** Some definition, whatever its data. */
export interface AnyDefinition {
  (...data: never): Command
  readonly type: string
  readonly traits: CommandTraits<never, never, Scope>
}

/** Lets a class add its private fields to an object that exists already. */
function itself(command: Command): Command {
  return command
}

// Private fields on the command: invisible to everybody, and far cheaper than an entry in a WeakMap.
class Stamp extends (itself as unknown as new (command: Command) => object) {
  readonly #definition: AnyDefinition
  readonly #asked: { readonly data: unknown } | undefined
  constructor(command: Command, definition: AnyDefinition, asked: { readonly data: unknown } | undefined) {
    super(command)
    this.#definition = definition
    this.#asked = asked
  }
  static definitionOf(command: Command): AnyDefinition | undefined {
    return #definition in command ? command.#definition : undefined
  }
  static askedOf(command: Command): { readonly data: unknown } | undefined {
    return #asked in command ? command.#asked : undefined
  }
}

/**
 * Makes a typed creator that carries what the command type knows about itself. Data is typed by the schema, or by
 * `defineCommand<'type', Data>('type')`.
 */
export function defineCommand<const Type extends string, Data = unknown>(
  type: Type,
  traits: CommandTraits<Data, Data, 'tenant'> & { readonly scope: 'tenant'; readonly schema?: undefined },
): CommandDefinition<Type, Data, Data, 'tenant'>
export function defineCommand<const Type extends string, Data = unknown>(
  type: Type,
  traits: CommandTraits<Data, Data, 'user'> & { readonly scope: 'user'; readonly schema?: undefined },
): CommandDefinition<Type, Data, Data, 'user'>
export function defineCommand<const Type extends string, Data = unknown>(
  type: Type,
  traits?: CommandTraits<Data, Data, 'global'> & { readonly schema?: undefined },
): CommandDefinition<Type, Data, Data, 'global'>
export function defineCommand<
  const Type extends string,
  Input = unknown,
  Output = Input,
  const S extends Scope = 'global',
>(type: Type, traits?: CommandTraits<Input, Output, S>): CommandDefinition<Type, Input, Output, S>
export function defineCommand(type: string, traits: object = {}): unknown {
  checkIdentifier('type', type, 'required')
  checkTraits(traits)
  const create = (...data: readonly unknown[]): Command => stampCommand({ type, data: data[0] }, definition)
  const definition: AnyDefinition = Object.assign(create, {
    type,
    traits: Object.freeze({ ...traits }) as AnyDefinition['traits'],
  })
  return Object.freeze(definition)
}

/** The command with its definition on it, for whatever layer it comes to; `asked` where its data is a schema's output. */
export function stampCommand(command: Command, definition: AnyDefinition, asked?: { readonly data: unknown }): Command {
  return new Stamp(command, definition, asked) as unknown as Command
}

/** What was asked, where this command's data is the output of its definition's schema already. */
export function askedOf(command: Command): { readonly data: unknown } | undefined {
  return Stamp.askedOf(command)
}

/** The definition that made this very command object, if one did. */
export function definitionOf(command: Command): AnyDefinition | undefined {
  return Stamp.definitionOf(command)
}
