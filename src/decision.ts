import { InvalidDecision } from './errors.ts'
import { identifierFault } from './identifier.ts'
import { kindOf } from './kind-of.ts'
import type { EventRef } from './record.ts'

const noEvents: readonly EventRef[] = Object.freeze([])

/** A decision that has passed the check: its class is the proof, so that each layer need not check it again. */
class CheckedDecision implements FullDecision {
  readonly events: readonly EventRef[]
  readonly result: unknown
  constructor(events: readonly EventRef[], result: unknown) {
    this.events = events
    this.result = result
    Object.freeze(this)
  }
}

/** A decision with both members. */
export interface FullDecision {
  readonly events: readonly EventRef[]
  readonly result: unknown
}

const emptyDecision = new CheckedDecision(noEvents, undefined)

/** A decision of our own making, whatever the application does to its objects later: only the refs of its events. */
export function checkDecision(value: unknown): FullDecision {
  if (value instanceof CheckedDecision) return value
  if (value === undefined) return emptyDecision
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidDecision(`received ${kindOf(value)}`)
  }
  const { events, result } = value as { events?: unknown; result?: unknown }
  if (
    events === undefined &&
    result === undefined &&
    Object.keys(value).some((key) => key !== 'events' && key !== 'result')
  ) {
    throw new InvalidDecision('received an object with neither')
  }
  return new CheckedDecision(events === undefined ? noEvents : checkEvents(events), result)
}

function checkEvents(events: unknown): readonly EventRef[] {
  if (!Array.isArray(events)) throw new InvalidDecision(`events is ${kindOf(events)}, not an array`)
  if (events.length === 0) return noEvents
  const refs: EventRef[] = []
  let fault: string | undefined
  for (let index = 0; index < events.length; index++) {
    const ref = readEvent(events[index])
    if (typeof ref !== 'string') refs.push(ref)
    else fault ??= `events[${index}] ${ref}`
  }
  if (fault !== undefined) throw new InvalidDecision(fault, refs)
  return Object.freeze(refs)
}

/** The reference to an event, or why there can be none. */
function readEvent(event: unknown): EventRef | string {
  if (typeof event !== 'object' || event === null) return `is ${kindOf(event)}`
  try {
    const { id, type, stream, version } = event as { [key in keyof EventRef]: unknown }
    const fault = textFault('id', id) ?? optionalFault('type', type) ?? optionalFault('stream', stream)
    if (fault !== undefined) return fault
    if (version !== undefined && !Number.isSafeInteger(version)) return 'has a version that is no safe integer'
    const ref: { -readonly [key in keyof EventRef]: unknown } = { id }
    if (type !== undefined) ref.type = type
    if (stream !== undefined) ref.stream = stream
    if (version !== undefined) ref.version = version
    return Object.freeze(ref as EventRef)
  } catch {
    // A getter of the application's event threw.
    return 'threw while it was read'
  }
}

function optionalFault(name: string, value: unknown): string | undefined {
  return value === undefined ? undefined : textFault(name, value)
}

function textFault(name: string, value: unknown): string | undefined {
  if (typeof value !== 'string') return `has ${kindOf(value)} as ${name}`
  const fault = identifierFault(value)
  return fault === undefined
    ? undefined
    : `has no legal ${name}: expected at most 256 bytes of well-formed text, ${fault}`
}
