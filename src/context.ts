import { AsyncLocalStorage } from 'node:async_hooks'
import type { AnyDefinition, Command, CommandTraits, ResultOf, Receipt, Scope, SendOptions } from './command.ts'
import { CommandRejected, InvalidArgument, MissingTenant, MissingUser, TraitFailed } from './errors.ts'
import { checkIdentifier, uuidv7 } from './identifier.ts'
import type { JsonObject } from './json.ts'
import { checkAttributes, checkMetadata } from './metadata.ts'
import type { Attributes, Importance, Keep } from './record.ts'
import type { SchemaIssue, SchemaResult } from './schema.ts'

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
   * run are inherited unless the options say otherwise.
   */
  send<Child extends Command>(command: Child, options?: SendOptions): Promise<Receipt<ResultOf<Child>>>
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
  readonly parent: Context | undefined
  readonly options: SendOptions
  readonly definition: AnyDefinition | undefined
  readonly traits: CommandTraits
  /** Why the command is refused before its handler: an invalid command, or a validator that failed. */
  refusal: { readonly error: unknown } | undefined
  /** The data as it was asked: a schema's output replaces only the command that the handler sees. */
  readonly asked: unknown
  duplicate = false
  /** What audit layers noted of this command on its way in, the outermost first. */
  note: LayerNote | undefined
  /** Told when a handler settles after its command was given up. */
  onLate: ((error: unknown) => void) | undefined
  readonly #sendChild: SendChild
  #controller: AbortController | undefined

  constructor(command: Command, definition: AnyDefinition | undefined, options: SendOptions, wiring: Wiring) {
    const { id } = options
    const outer = wiring.parent ?? running.getStore()
    // The same command on its way through another layer's bus is not its own cause.
    const isSame = outer !== undefined && outer.id === id
    const parent = isSame ? outer.parent : outer
    this.command = command
    this.asked = command.data
    this.definition = definition
    this.traits = (definition?.traits as CommandTraits | undefined) ?? noTraits
    this.options = options
    this.parent = parent
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
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      const sender = this.options.signal
      if (sender?.aborted) this.#controller.abort(sender.reason)
    }
    return this.#controller.signal
  }

  /** Aborts the signal; nothing happens where nobody ever asked for it, except that a later asker finds it aborted. */
  abort(reason: unknown): void {
    void this.signal
    this.#controller?.abort(reason)
  }

  send<Child extends Command>(command: Child, options?: SendOptions): Promise<Receipt<ResultOf<Child>>> {
    return this.#sendChild(command, options, this) as Promise<Receipt<ResultOf<Child>>>
  }
}

const noTraits: CommandTraits = Object.freeze({})

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
  checkScope(traits.scope, context)
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
  checkScope(context.traits.scope, context)
  context.keep = params.keep ?? 'all'
  context.payload = params.payload ?? 'keep'
  context.importance = params.importance ?? 'normal'
  context.dryRun = params.dryRun ?? false
  context.metadata = params.metadata === undefined ? undefined : checkMetadata(params.metadata)
  context.attributes = params.attributes === undefined ? undefined : checkAttributes(params.attributes)
}

/**
 * Validates, then asks the traits: the last step before a command counts as accepted. Sets `refusal` instead of throwing
 * where the command is to be recorded as refused; throws `TraitFailed` where a trait is at fault.
 */
export function admit(context: Context): undefined | Promise<undefined> {
  const { schema } = context.traits
  if (schema === undefined) {
    resolveTraits(context)
    return undefined
  }
  let answer: SchemaResult<unknown> | Promise<SchemaResult<unknown>>
  try {
    answer = schema['~standard'].validate(context.command.data)
  } catch (error) {
    context.refusal = { error }
    return undefined
  }
  if (answer instanceof Promise) {
    return answer.then(
      (result) => accept(context, result),
      (error: unknown) => {
        context.refusal = { error }
        return undefined
      },
    )
  }
  return accept(context, answer)
}

function accept(context: Context, answer: SchemaResult<unknown>): undefined {
  if (answer.issues !== undefined) {
    context.refusal = { error: invalidCommand(context.command.type, answer.issues) }
    return
  }
  resolveTraits(context)
  context.command = { type: context.command.type, data: answer.value }
}

function resolveTraits(context: Context): void {
  const { traits, options, command } = context
  if (traits.attributes !== undefined) {
    const own = checkAttributes(callTrait('attributes', traits.attributes, command.data))
    context.attributes = context.attributes === undefined ? own : Object.freeze({ ...own, ...context.attributes })
  }
  if (traits.dryRun !== undefined && options.dryRun === undefined && !context.dryRun) {
    const dry: unknown = callTrait('dryRun', traits.dryRun, command.data)
    if (typeof dry !== 'boolean') throw new TraitFailed('dryRun', 'expected a boolean')
    resolveDryRun(context, dry)
  }
}

function resolveDryRun(context: Context, asked: boolean): void {
  const { options, traits, parent } = context
  context.dryRun = options.dryRun ?? (asked || (parent?.dryRun ?? false))
  context.importance = options.importance ?? (context.dryRun ? 'low' : (traits.importance ?? 'normal'))
}

function callTrait<T>(name: string, trait: (data: never) => T, data: unknown): T {
  try {
    return trait(data as never)
  } catch (cause) {
    throw new TraitFailed(name, 'it threw', { cause })
  }
}

function invalidCommand(type: string, issues: readonly SchemaIssue[]): CommandRejected {
  const listed = issues.map((issue) => {
    const path = issue.path?.map((part) => String(typeof part === 'object' ? part.key : part))
    return path === undefined ? { message: issue.message } : { message: issue.message, path }
  })
  return new CommandRejected({
    type: 'about:blank',
    title: 'Invalid command',
    status: 422,
    code: 'invalid-command',
    detail: `The data of '${type}' does not fit its schema (${listed.length} ${listed.length === 1 ? 'issue' : 'issues'})`,
    issues: listed,
  })
}

function checkIdentifiers(context: Context): void {
  const { id, correlationId, causationId, clientRef, tenantId, userId, traceparent } = context
  if (correlationId !== id) checkIdentifier('correlationId', correlationId)
  if (causationId !== undefined) checkIdentifier('causationId', causationId)
  if (clientRef !== undefined) checkIdentifier('clientRef', clientRef)
  if (tenantId !== undefined) checkIdentifier('tenantId', tenantId)
  if (userId !== undefined) checkIdentifier('userId', userId)
  if (traceparent !== undefined) checkIdentifier('traceparent', traceparent)
}

const choices = {
  importance: ['low', 'normal', 'high'],
  keep: ['all', 'not-successful', 'failures', 'none'],
  payload: ['keep', 'omit'],
  dryRun: [true, false],
} as const

function checkChoices(options: SendOptions): void {
  const { importance, keep, payload, dryRun, timeoutMs, signal } = options
  if (importance !== undefined) checkChoice('importance', importance)
  if (keep !== undefined) checkChoice('keep', keep)
  if (payload !== undefined) checkChoice('payload', payload)
  if (dryRun !== undefined) checkChoice('dryRun', dryRun)
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs > 0)) {
    throw new InvalidArgument('timeoutMs', 'a positive number of milliseconds', timeoutMs)
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw new InvalidArgument('signal', 'an AbortSignal', signal)
}

function checkChoice(name: keyof typeof choices, value: unknown): void {
  const allowed: readonly unknown[] = choices[name]
  if (!allowed.includes(value)) throw new InvalidArgument(name, allowed.map((choice) => `'${String(choice)}'`).join(' or '), value)
}

function checkScope(scope: Scope | undefined, context: Context): void {
  if (scope === 'tenant' && !context.tenantId) throw new MissingTenant(context.command.type)
  if (scope === 'user' && !context.userId) throw new MissingUser(context.command.type)
}
