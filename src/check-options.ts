import type { SendOptions } from './command.ts'
import type { CommandContext, Context } from './context.ts'
import { InvalidArgument, MissingTenant, MissingUser } from './errors.ts'
import { checkIdentifier } from './identifier.ts'

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
