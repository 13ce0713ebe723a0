import { InvalidDecision } from '../src/index.ts'
import type { DomainEvent } from './event-store.ts'

/** Events together with a result for the sender. */
export interface EventsAndResult<Event extends DomainEvent, Result> {
  readonly events?: Event | readonly Event[] | undefined
  readonly result?: Result
}

/** What `decide` may answer with: an event, several, none, or any of these with a result. */
export type Decided<Event extends DomainEvent, Result = undefined> =
  | Event
  | readonly Event[]
  | EventsAndResult<Event, Result>
  | undefined
  | void

/** What was decided, in one shape; `InvalidDecision` for what is none of those that `decide` may answer with. */
export function readDecided<Result>(decided: Decided<DomainEvent, Result>): {
  readonly events: readonly DomainEvent[]
  readonly result?: Result
} {
  if (decided === undefined) return { events: [] }
  if (typeof decided !== 'object' || decided === null)
    throw new InvalidDecision(`decide answered with ${decided === null ? 'null' : typeof decided}`)
  if (isList(decided) || 'type' in decided) return { events: checkEvents(decided) }
  if (isNeither(decided)) throw new InvalidDecision('decide answered with an object without type, events and result')
  const { events, result } = decided
  const checked = events === undefined ? [] : checkEvents(events)
  return result === undefined ? { events: checked } : { events: checked, result }
}

/** A misspelt member, or an object of another kind, must not pass for a decision that there is nothing to do. */
function isNeither(value: object): boolean {
  if ('events' in value || 'result' in value) return false
  return Object.keys(value).length > 0 || Object.prototype.toString.call(value) !== '[object Object]'
}

function isList(value: object): value is readonly DomainEvent[] {
  return Array.isArray(value)
}

function checkEvents(oneOrMore: DomainEvent | readonly DomainEvent[]): readonly DomainEvent[] {
  const events = isList(oneOrMore) ? oneOrMore : [oneOrMore]
  for (const event of events) {
    if (typeof event?.type !== 'string') throw new InvalidDecision('decide answered with an event that has no type')
  }
  return events
}
