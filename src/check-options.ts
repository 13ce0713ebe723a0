import type { CommandTraits, SendOptions } from './command.ts'
import type { CommandContext, Context } from './context.ts'
import { InvalidArgument, MissingTenant, MissingUser } from './errors.ts'
import { checkIdentifier } from './identifier.ts'

/** The names that an argument's members may have; every one of the type must be listed. */
export function namesOf<T>(names: Readonly<Record<keyof T, true>>): ReadonlySet<string> {
  return new Set(Object.keys(names))
}

/** Refuses what is no object, and members that nobody would read: a misspelt name must not pass for an unset one. */
export function checkNames(argument: string, value: unknown, names: ReadonlySet<string>): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidArgument(argument, 'an object', value)
  }
  for (const name in value) {
    if (names.has(name) || !Object.hasOwn(value, name)) continue
    const known = [...names].join(', ')
    throw new InvalidArgument(
      `${argument}.${name.slice(0, 64)}`,
      `nothing (known are ${known})`,
      Reflect.get(value, name),
    )
  }
}

const sendOptionNames: ReadonlySet<string> = namesOf<SendOptions>({
  ...{ id: true, correlationId: true, causationId: true, clientRef: true, tenantId: true, userId: true },
  ...{ importance: true, dryRun: true, attributes: true, metadata: true, keep: true, payload: true },
  ...{ traceparent: true, signal: true, timeoutMs: true },
})

/** Refuses options of `send` that no bus of ours knows. */
export function checkSendOptions(options: SendOptions): void {
  if (typeof options !== 'object') throw new InvalidArgument('options', 'an object', options)
  // A switch, since every command comes by here, and looking a name up takes many times as long.
  for (const key in options) {
    const name = key as keyof SendOptions
    switch (name) {
      case 'id':
      case 'correlationId':
      case 'causationId':
      case 'clientRef':
      case 'tenantId':
      case 'userId':
      case 'importance':
      case 'dryRun':
      case 'attributes':
      case 'metadata':
      case 'keep':
      case 'payload':
      case 'traceparent':
      case 'signal':
      case 'timeoutMs':
        continue
      default:
        name satisfies never
        checkNames('options', options, sendOptionNames)
    }
  }
}

const traitNames: ReadonlySet<string> = namesOf<CommandTraits>({
  ...{ schema: true, scope: true, importance: true, keep: true, payload: true, redact: true },
  ...{ result: true, attributes: true, dryRun: true },
})

/** Refuses traits that a definition cannot have. */
export function checkTraits(traits: object): void {
  checkNames('traits', traits, traitNames)
  const { schema, redact, attributes, dryRun, ...chosen }: CommandTraits = traits
  if (schema !== undefined && typeof schema?.['~standard']?.validate !== 'function') {
    throw new InvalidArgument('schema', 'a Standard Schema', schema)
  }
  for (const [name, trait] of Object.entries({ redact, attributes, dryRun })) {
    if (trait !== undefined && typeof trait !== 'function') throw new InvalidArgument(name, 'a function', trait)
  }
  for (const [name, choice] of Object.entries(chosen)) {
    if (choice !== undefined) checkChoice(name as keyof typeof chosen, choice)
  }
}

/** Refuses illegal texts; the id itself is checked where it comes from. */
export function checkIdentifiers(context: CommandContext): void {
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
  scope: ['tenant', 'user', 'global'],
  result: ['omit', 'keep'],
} as const

/** Refuses options that are none of their choices. */
export function checkChoices(options: SendOptions): void {
  const { importance, keep, payload, dryRun, timeoutMs, signal } = options
  if (importance !== undefined) checkChoice('importance', importance)
  if (keep !== undefined) checkChoice('keep', keep)
  if (payload !== undefined) checkChoice('payload', payload)
  if (dryRun !== undefined) checkChoice('dryRun', dryRun)
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs > 0)) {
    throw new InvalidArgument('timeoutMs', 'a positive number of milliseconds', timeoutMs)
  }
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new InvalidArgument('signal', 'an AbortSignal', signal)
}

function checkChoice(name: keyof typeof choices, value: unknown): void {
  const allowed: readonly unknown[] = choices[name]
  if (!allowed.includes(value))
    throw new InvalidArgument(name, allowed.map((choice) => `'${String(choice)}'`).join(' or '), value)
}

/** Refuses a command without the tenant or user that it belongs to. */
export function checkScope(context: Context): void {
  const { scope } = context.traits
  if (scope === 'tenant' && !context.tenantId) throw new MissingTenant(context.command.type)
  if (scope === 'user' && !context.userId) throw new MissingUser(context.command.type)
}
