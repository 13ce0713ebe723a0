import { admit } from './admit.ts'
import type { AnyBus } from './audit.ts'
import { checkCommand, type Layer } from './bus.ts'
import { type Command, definitionOf, type SendOptions } from './command.ts'
import { type Context, openContext } from './context.ts'
import { checkDecision, type FullDecision } from './decision.ts'
import { InvalidDecision } from './errors.ts'
import { checkIdentifier } from './identifier.ts'
import { runLimited } from './limits.ts'

/** Somebody else's bus, of which only `send` is known, as a layer. */
export function foreignLayer(bus: AnyBus): Layer {
  const send = (bus.send as (command: Command, options: SendOptions) => Promise<unknown>).bind(bus)
  const run = async (context: Context): Promise<FullDecision> => {
    context.attempts++
    return foreignDecision(await send(context.command, resolved(context)))
  }
  return {
    open(command, options, wiring) {
      checkCommand(command)
      checkIdentifier('type', command.type, 'required')
      // A copy: what the stranger's bus is given later must be what was said now.
      return openContext(command, definitionOf(command), { ...options }, wiring)
    },
    admit,
    run: (context) =>
      context.refusal === undefined ? runLimited(context, run) : Promise.reject(context.refusal.error),
  }
}

/** Everything as said and resolved here, so that a bus which resolves options too comes to the same. */
function resolved(context: Context): SendOptions {
  const { id, correlationId, causationId, clientRef, tenantId, userId, traceparent } = context
  const { importance, dryRun, attributes, metadata, keep, payload, sender: signal, timeoutMs } = context
  return {
    // Options that only the stranger's bus knows.
    ...context.options,
    ...{ id, correlationId, causationId, clientRef, tenantId, userId, traceparent },
    ...{ importance, dryRun, attributes, metadata, keep, payload, signal, timeoutMs },
  }
}

/**
 * What a stranger's bus resolved to: a receipt or decision where it has events or nothing but a result, else the result as
 * a whole. The command has run, so nothing about its answer makes it fail.
 */
function foreignDecision(value: unknown): FullDecision {
  if (typeof value !== 'object' || value === null) return checkDecision({ result: value })
  const { events, result } = value as { events?: unknown; result?: unknown }
  if (!Array.isArray(events)) return checkDecision({ result: hasOnlyResult(value) ? result : value })
  try {
    return checkDecision({ events, result })
  } catch (error) {
    if (!(error instanceof InvalidDecision)) throw error
    // Its events have happened, whatever they look like: those that can be referred to are on the record.
    return checkDecision({ events: error.events, result })
  }
}

/** A decision without events, as our own handlers may answer too; anything else beside the result would be lost. */
function hasOnlyResult(value: object): boolean {
  const names = Object.keys(value).filter((name) => name !== 'events' || Reflect.get(value, name) !== undefined)
  return names.length === 1 && names[0] === 'result'
}
