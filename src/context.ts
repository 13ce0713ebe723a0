import { AsyncLocalStorage } from 'node:async_hooks'
import { checkChoices, checkIdentifiers, checkScope } from './check-options.ts'
import type { AnyDefinition, Command, CommandTraits, Receipt, ResultOf, Scope, SendOptions } from './command.ts'
import { askedOf, stampCommand } from './command.ts'
import { checkIdentifier, uuidv7 } from './identifier.ts'
import type { JsonObject } from './json.ts'
import { checkAttributes, checkMetadata } from './metadata.ts'
import type { Attributes, CommandRecord, Importance, Keep } from './record.ts'

/** What a handler and its middleware know of the command at hand: every resolved option, and `send` for children. */
export interface CommandContext<C extends Command = Command> {
  /** The command; its data is the schema's output. */
  readonly command: C
  readonly id: string
  readonly correlationId: string
  readonly causationId: string | undefined
  readonly clientRef: string | undefined
  readonly tenantId: string | undefined
  readonly userId: string | undefined
  readonly traceparent: string | undefined
  readonly importance: Importance
  readonly dryRun: boolean
  readonly attributes: Attributes | undefined
  readonly metadata: JsonObject | undefined
  readonly keep: Keep
  readonly payload: 'keep' | 'omit'
  readonly timeoutMs: number | undefined
  /** How often the handler has been started. */
  readonly attempts: number
  /** Aborted when the sender gives up or the time is over. */
  readonly signal: AbortSignal
  /**
   * Sends a command that this one causes: its causation is this id; correlation, tenant, user, client, trace and dry
   * run are inherited unless the options say otherwise. Works on its own too: `({ data }, { send }) => …`.
   */
  readonly send: <Child extends Command>(command: Child, options?: SendOptions) => Promise<Receipt<ResultOf<Child>>>
}

/** How a context sends: the outermost layer of the bus it was sent through. */
export type SendChild = (command: Command, options: SendOptions | undefined, parent: Context) => Promise<Receipt>

/** The fields of `SendOptions` that a transformer can change before the command runs. */
export type CommandParams = Omit<SendOptions, 'id' | 'signal' | 'timeoutMs'>

/** What a transformer is given: everything as resolved so far. */
export function paramsOf(context: CommandContext): CommandParams {
  const { correlationId, causationId, clientRef, tenantId, userId, traceparent } = context
  const { importance, dryRun, attributes, metadata, keep, payload } = context
  return {
    ...{ correlationId, causationId, clientRef, tenantId, userId, traceparent },
    ...{ importance, dryRun, attributes, metadata, keep, payload },
  }
}

/** What runs now, so that a handler which calls the bus directly passes on correlation, tenant and the rest. */
export const running: AsyncLocalStorage<Context> = new AsyncLocalStorage()

/** What a child takes over from its parent; values only, so that a child keeps no chain of its ancestors alive. */
export interface Inherited {
  readonly id: string
  readonly correlationId: string
  readonly clientRef: string | undefined
  readonly tenantId: string | undefined
  readonly userId: string | undefined
  readonly traceparent: string | undefined
  readonly dryRun: boolean
}

/** The one implementation of `CommandContext`; a class because the signal is made only when somebody asks for it. */
export class Context implements CommandContext {
  command: Command
  readonly id: string
  correlationId: string
  causationId: string | undefined
  clientRef: string | undefined
  tenantId: string | undefined
  userId: string | undefined
  traceparent: string | undefined
  importance: Importance = 'normal'
  dryRun = false
  attributes: Attributes | undefined
  metadata: JsonObject | undefined
  keep: Keep = 'all'
  payload: 'keep' | 'omit' = 'keep'
  timeoutMs: number | undefined
  attempts = 0
  /** Whether the sender chose the id: only then can it be a repeat. */
  readonly ownId: boolean
  readonly parent: Inherited | undefined
  readonly options: SendOptions
  /** The sender's signal; the handler's own is made from it when asked for. */
  readonly sender: AbortSignal | undefined
  readonly definition: AnyDefinition | undefined
  readonly traits: CommandTraits<unknown, unknown, Scope>
  /** Why the command is refused before its handler: an invalid command, or a validator that failed. */
  refusal: { readonly error: unknown } | undefined
  /** The data as it was asked: a schema's output replaces only the command that the handler sees. */
  readonly asked: unknown
  duplicate = false
  /** Whether it has begun what a limit cannot take back: limits then wait for its end. */
  mustFinish = false
  /** The same command in the layer outside of the bus that it came through. */
  readonly sameOutside: Context | undefined
  /** What audit layers noted of this command on its way in, the outermost first. */
  note: LayerNote | undefined
  /** The audit that records it, once it runs; a field of its own, not a closure a command. */
  listener: RunListener | undefined
  /** The record of this command in the layer that listens. */
  record: CommandRecord | undefined
  /** What the sender said of dry run and importance: it wins over what the traits say later. */
  readonly said: Pick<SendOptions, 'dryRun' | 'importance'>
  readonly #sendChild: SendChild
  #controller: AbortController | undefined

  constructor(command: Command, definition: AnyDefinition | undefined, options: SendOptions, wiring: Wiring) {
    const { id } = options
    const outer = wiring.parent ?? running.getStore()
    // The same command on its way through another layer's bus is not its own cause.
    const isSame = outer !== undefined && outer.id === id && outer.command.type === command.type
    const parent = isSame ? outer.parent : outer?.inheritance()
    // A command of our own: what its sender does to that object later is not what was asked.
    const { type, data } = command
    const asked = askedOf(command)
    this.asked = asked === undefined ? data : asked.data
    this.command = definition === undefined ? { type, data } : stampCommand({ type, data }, definition, asked)
    this.definition = definition
    this.traits = (definition?.traits as CommandTraits<unknown, unknown, Scope> | undefined) ?? noTraits
    this.options = options
    this.said = options.dryRun === undefined && options.importance === undefined ? saidNothing : { ...options }
    this.parent = parent
    this.sameOutside = isSame ? outer : undefined
    this.#sendChild = isSame ? outer.#sendChild : wiring.send
    this.ownId = id !== undefined
    this.id = id ?? (wiring.newId === undefined ? uuidv7() : wiring.newId())
    this.correlationId = options.correlationId ?? parent?.correlationId ?? this.id
    this.causationId = options.causationId ?? parent?.id
    this.clientRef = options.clientRef ?? parent?.clientRef
    this.tenantId = options.tenantId ?? parent?.tenantId
    this.userId = options.userId ?? parent?.userId
    this.traceparent = options.traceparent ?? parent?.traceparent
    this.timeoutMs = options.timeoutMs
    this.sender = options.signal
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.sender?.aborted) this.#controller.abort(this.sender.reason)
    }
    return this.#controller.signal
  }

  /** The handler has settled, but its command was given up before. */
  isLate(failed: boolean): void {
    if (this.record !== undefined) this.listener?.late(this.record, failed)
  }

  /** A command has been opened that no audit has seen: it is on no record, which its sender may not have meant. */
  tellBypass(): void {
    if (this.note !== undefined || this.parent === undefined || this.sameOutside !== undefined) return
    let sender = running.getStore()
    while (sender !== undefined && sender.listener === undefined) sender = sender.sameOutside
    sender?.listener?.bypassed()
  }

  /** What its children take over. */
  inheritance(): Inherited {
    const { id, correlationId, clientRef, tenantId, userId, traceparent, dryRun } = this
    return { id, correlationId, clientRef, tenantId, userId, traceparent, dryRun }
  }

  /** Aborts the signal; nothing happens where nobody ever asked for it, except that a later asker finds it aborted. */
  abort(reason: unknown): void {
    void this.signal
    this.#controller?.abort(reason)
  }

  /** Made where it is asked for: most commands have no children. */
  get send(): CommandContext['send'] {
    return <Child extends Command>(command: Child, options?: SendOptions) =>
      this.#sendChild(command, options, this) as Promise<Receipt<ResultOf<Child>>>
  }
}

const saidNothing: Pick<SendOptions, 'dryRun' | 'importance'> = Object.freeze({})
const noTraits: CommandTraits<unknown, unknown, Scope> = Object.freeze({})

/** Who is told what a running command does that its record does not say. */
export interface RunListener {
  /** Its handler has settled too late. */
  late(record: CommandRecord, failed: boolean): void
  /** It has sent a command through a bus without an audit. */
  bypassed(): void
}

/** Something that a layer keeps with a context until it runs. */
export interface LayerNote {
  readonly owner: object
  readonly next: LayerNote | undefined
}

/** What a bus adds to a command on its way in. */
export interface Wiring {
  readonly send: SendChild
  readonly parent?: Context | undefined
  readonly newId?: (() => string) | undefined
}

/** Resolves a command's options. Every fault of the caller is thrown here, before anything runs or is recorded. */
export function openContext(
  command: Command,
  definition: AnyDefinition | undefined,
  options: SendOptions,
  wiring: Wiring,
): Context {
  const context = new Context(command, definition, options, wiring)
  if (context.ownId || wiring.newId !== undefined) checkIdentifier('id', context.id, 'required')
  checkIdentifiers(context)
  checkChoices(options)
  const { traits } = context
  checkScope(context)
  context.keep = options.keep ?? traits.keep ?? 'all'
  context.payload = options.payload ?? traits.payload ?? 'keep'
  if (options.metadata !== undefined) context.metadata = checkMetadata(options.metadata)
  if (options.attributes !== undefined) context.attributes = checkAttributes(options.attributes)
  resolveDryRun(context, false)
  return context
}

/** Applies what a transformer changed, under the same checks. */
export function applyParams(context: Context, params: CommandParams): void {
  context.correlationId = params.correlationId ?? context.id
  context.causationId = params.causationId
  context.clientRef = params.clientRef
  context.tenantId = params.tenantId
  context.userId = params.userId
  context.traceparent = params.traceparent
  checkIdentifiers(context)
  checkChoices(params)
  checkScope(context)
  context.keep = params.keep ?? 'all'
  context.payload = params.payload ?? 'keep'
  context.importance = params.importance ?? 'normal'
  context.dryRun = params.dryRun ?? false
  context.metadata = params.metadata === undefined ? undefined : checkMetadata(params.metadata)
  context.attributes = params.attributes === undefined ? undefined : checkAttributes(params.attributes)
}

/** Settles whether this is a dry run, and with it how much it matters. */
export function resolveDryRun(context: Context, asked: boolean): void {
  const { said, traits, parent } = context
  context.dryRun = said.dryRun ?? (asked || (parent?.dryRun ?? false))
  context.importance = said.importance ?? (context.dryRun ? 'low' : (traits.importance ?? 'normal'))
}
