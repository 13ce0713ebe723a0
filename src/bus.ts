import { admit } from './admit.ts'
import { checkSendOptions } from './check-options.ts'
import type {
  AnyDefinition,
  Command,
  CommandOf,
  Receipt,
  ResultOf,
  SendArguments,
  SendOptions,
  Unscoped,
} from './command.ts'
import { definitionOf } from './command.ts'
import { compose, type Handler, type Middleware, type Run } from './compose.ts'
import { type Context, openContext, type SendChild, type Wiring } from './context.ts'
import type { FullDecision } from './decision.ts'
import { HandlerExists, InvalidArgument, UnknownCommand } from './errors.ts'
import { checkIdentifier } from './identifier.ts'
import { runLimited } from './limits.ts'

// What the type system remembers of the handlers registered so far; no value carries it.
declare const resultsMark: unique symbol

/** What a bus's handlers answer with, by command type, as far as the type system has seen them registered. */
export interface Results<Map> {
  readonly [resultsMark]?: Map
}

/** What sending `C` through `Bus` answers with: by its handler, else by the command's own type. */
export type ResultThrough<Bus, C extends Command> = Bus extends { readonly [resultsMark]?: infer Map }
  ? C['type'] extends keyof NonNullable<Map>
    ? NonNullable<Map>[C['type']]
    : ResultOf<C>
  : ResultOf<C>

/** The member of a union of commands that has this type; where the union is open (`Command`), any command of it. */
export type CommandOfType<Commands extends Command, Type extends string> = string extends Commands['type']
  ? Command<Type>
  : Extract<Commands, { readonly type: Type }>

/** What a handler is given that is registered with this type or definition. */
type Registered<Commands extends Command, Key> = Key extends string ? CommandOfType<Commands, Key> : CommandOf<Key>

/** What its handler may answer with. */
type ResultFor<Commands extends Command, Key> = string extends Commands['type']
  ? unknown
  : ResultOf<Registered<Commands, Key>>

/** What `register` needs of a definition: loose, so that inference looks into the definition itself. */
type Definition = ((...data: never) => Command) & { readonly type: string }

/** The result of a member of a union of commands, whatever literal stands for it. */
type UnionMember<Commands extends Command, C extends Command> = string extends Commands['type']
  ? C
  : CommandOfType<Commands, C['type']>

/** How a bus of these commands sends. */
export interface TypedSend<Commands extends Command = Command> {
  /** Takes a command to its handler, and resolves to a receipt; rejects with the very error that the handler threw. */
  send<Self, const C extends Commands>(
    this: Self,
    command: C & Unscoped,
    options?: SendOptions,
  ): Promise<Receipt<ResultThrough<Self, UnionMember<Commands, C>>>>
  send<Self, const C extends Commands>(
    this: Self,
    command: C,
    ...options: SendArguments<C>
  ): Promise<Receipt<ResultThrough<Self, UnionMember<Commands, C>>>>
}

/**
 * A bus from the inside, as one layer hands a command to the next: open (resolve and check), admit (validate), run
 * (middleware and handler). Internal: a stranger's bus needs only `send`.
 */
export interface Layer {
  open(command: Command, options: SendOptions, wiring: Wiring): Context
  admit(context: Context): undefined | Promise<undefined>
  run(context: Context): Promise<FullDecision>
}

/** The insides of our own buses, audited ones too. */
export const layers: WeakMap<object, Layer> = new WeakMap()

interface Registration {
  readonly definition: AnyDefinition | undefined
  readonly handler: Handler
  run: Run | undefined
}

/** Takes commands to their handlers, one per type, through middleware. Knows nothing of any log. */
export class CommandBus<Commands extends Command = Command> {
  readonly #registrations = new Map<string, Registration>()
  readonly #middleware: Middleware[] = []
  readonly #sendChild: SendChild = (command, options, parent) =>
    sendThrough(this.#layer, { send: this.#sendChild, parent }, command, options)
  readonly #wiring: Wiring = { send: this.#sendChild }

  constructor() {
    layers.set(this, this.#layer)
  }

  /**
   * Registers the one handler of a command type: a second is `HandlerExists`. A definition brings its traits along, and
   * `send` knows the handler's result type on the bus that this returns.
   */
  register<const Key extends Commands['type'] | Definition, Result extends ResultFor<Commands, Key>>(
    typeOrDefinition: Key,
    handler: Handler<Registered<Commands, Key>, Result>,
  ): this & Results<{ readonly [key in Registered<Commands, Key>['type']]: Result }> {
    const definition = typeof typeOrDefinition === 'function' ? (typeOrDefinition as AnyDefinition) : undefined
    const type: unknown = definition?.type ?? typeOrDefinition
    checkIdentifier('type', type, 'required')
    if (typeof handler !== 'function') throw new InvalidArgument('handler', 'a function', handler)
    if (this.#registrations.has(type)) throw new HandlerExists(type)
    this.#registrations.set(type, { definition, handler: handler as Handler, run: undefined })
    return this
  }

  /** Adds middleware around every handler: first used is outermost. */
  use(...middleware: Middleware[]): this {
    for (const each of middleware) {
      if (typeof each !== 'function') throw new InvalidArgument('middleware', 'a function', each)
    }
    this.#middleware.push(...middleware)
    for (const registration of this.#registrations.values()) registration.run = undefined
    return this
  }

  /**
   * Takes a command to its handler. Rejects with the very error that the handler threw; faults of the caller (unknown
   * type, illegal id, missing tenant, …) reject with an error and code of their own before anything runs.
   */
  send<Self, const C extends Commands>(
    this: Self,
    command: C & Unscoped,
    options?: SendOptions,
  ): Promise<Receipt<ResultThrough<Self, UnionMember<Commands, C>>>>
  send<Self, const C extends Commands>(
    this: Self,
    command: C,
    ...options: SendArguments<C>
  ): Promise<Receipt<ResultThrough<Self, UnionMember<Commands, C>>>>
  send(command: Command, ...options: readonly unknown[]): Promise<Receipt> {
    return sendThrough(this.#layer, this.#wiring, command, options[0] as SendOptions | undefined)
  }

  readonly #layer: Layer = {
    open: (command, options, wiring) => {
      checkCommand(command)
      const registration = this.#registrations.get(command.type)
      if (registration === undefined) {
        checkIdentifier('type', command.type, 'required')
        throw new UnknownCommand(command.type)
      }
      if (options !== noOptions) checkSendOptions(options)
      return openContext(command, registration.definition ?? definitionOf(command), options, wiring)
    },
    admit,
    run: (context) => {
      if (context.refusal !== undefined) return Promise.reject(context.refusal.error)
      const registration = this.#registrations.get(context.command.type)
      if (registration === undefined) return Promise.reject(new UnknownCommand(context.command.type))
      registration.run ??= compose(this.#middleware, registration.handler)
      return runLimited(context, registration.run)
    },
  }
}

const noOptions: SendOptions = Object.freeze({})

/** Takes a command through a layer and all that it wraps. */
export async function sendThrough(
  through: Layer,
  wiring: Wiring,
  command: Command,
  options: SendOptions | undefined,
): Promise<Receipt> {
  const context = through.open(command, options ?? noOptions, wiring)
  context.tellBypass()
  const admission = through.admit(context)
  if (admission !== undefined) await admission
  const { events, result } = await through.run(context)
  return { id: context.id, correlationId: context.correlationId, events, result, duplicate: context.duplicate }
}

/** Refuses what is no command at all. */
export function checkCommand(command: unknown): asserts command is Command {
  if (typeof command !== 'object' || command === null) {
    throw new InvalidArgument('command', 'an object with a type and data', command)
  }
  const { type } = command as { type?: unknown }
  if (typeof type !== 'string') throw new InvalidArgument('command.type', 'a string', type)
}
