import { InvalidDecision, kindOf } from './errors.ts'
import { identifierFault } from './identifier.ts'
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
  let fault: InvalidDecision | undefined
  const refs: EventRef[] = []
  for (const [index, event] of events.entries()) {
    try {
      refs.push(checkEvent(event, index))
    } catch (error) {
      // Whatever was thrown here, our own fault or a getter's, this event cannot be referred to; the others can.
      fault ??=
        error instanceof InvalidDecision ? error : new InvalidDecision(`events[${index}] threw while it was read`)
    }
  }
  if (fault !== undefined) throw new InvalidDecision(fault.reason, refs)
  return Object.freeze(refs)
}

function checkEvent(event: unknown, index: number): EventRef {
  if (typeof event !== 'object' || event === null) throw new InvalidDecision(`events[${index}] is ${kindOf(event)}`)
  const { id, type, stream, version } = event as { [key in keyof EventRef]: unknown }
  const ref: { -readonly [key in keyof EventRef]: EventRef[key] } = { id: refText(id, `events[${index}].id`) }
  if (type !== undefined) ref.type = refText(type, `events[${index}].type`)
  if (stream !== undefined) ref.stream = refText(stream, `events[${index}].stream`)
  if (version !== undefined) {
    if (!Number.isSafeInteger(version)) throw new InvalidDecision(`events[${index}].version is not a safe integer`)
    ref.version = version as number
  }
  return Object.freeze(ref)
}

function refText(value: unknown, path: string): string {
  if (typeof value !== 'string') throw new InvalidDecision(`${path} is ${kindOf(value)}`)
  const fault = identifierFault(value)
  if (fault !== undefined) throw new InvalidDecision(`${path} must be at most 256 bytes of well-formed text: ${fault}`)
  return value
}
