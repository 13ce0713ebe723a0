// Each id is a register of its own that only ever goes from absent to created to settled, or to settled at once. A
// history of one id is linearizable exactly if a first write and an outcome can be named, with a moment for each, so that
// every other call has a moment of its own in the state that its answer speaks of. Because the register never goes back,
// the calls matter only through a few bounds on those two moments, so the exact answer takes one pass over the calls
// and a look at each pair of candidates. (An exhaustive search, which the tests compare with, finds nothing more.)

import { explain } from './explain.ts'
import {
  endOf,
  type Fingerprint,
  type GetEvent,
  type HistoryEvent,
  type HistoryViolation,
  type RecordEvent,
  type WalkEvent,
} from './history.ts'

/** One call as it concerns one id: a write, or what a read saw of it. */
export type IdCall =
  | { readonly event: RecordEvent }
  | { readonly event: GetEvent | WalkEvent; readonly seen: Fingerprint | undefined }

/** All that matters of the calls of one id. */
export interface Register {
  /** Writes that were told `created` or `settled`. */
  readonly created: RecordEvent[]
  readonly settled: RecordEvent[]
  /** Writes of which nobody knows whether they happened. */
  readonly unknown: RecordEvent[]
  /** What reads saw: of one first write, and of one outcome, unless something is wrong. */
  readonly identities: Set<string>
  readonly outcomes: Set<string>
  /** The first write comes after this and before that. */
  lastAbsent: number
  firstPresent: number
  /** The outcome comes after this and before that. */
  lastCreated: number
  firstSettled: number
}

const never = Number.POSITIVE_INFINITY

/** A register of which nothing is known yet. */
export function newRegister(): Register {
  return {
    ...{ created: [], settled: [], unknown: [], identities: new Set(), outcomes: new Set() },
    ...{ lastAbsent: -never, firstPresent: never, lastCreated: -never, firstSettled: never },
  }
}

/** Notes one call. A write that failed for sure does not count: it must never be seen. */
export function note(register: Register, call: IdCall): void {
  if ('seen' in call) noteRead(register, call.event, call.seen)
  else noteWrite(register, call.event)
}

function noteRead(register: Register, event: HistoryEvent, seen: Fingerprint | undefined): void {
  const end = endOf(event)
  if (seen === undefined) {
    register.lastAbsent = Math.max(register.lastAbsent, event.invoked)
    return
  }
  register.identities.add(seen.identity)
  register.firstPresent = Math.min(register.firstPresent, end)
  if (seen.outcome === undefined) {
    register.lastCreated = Math.max(register.lastCreated, event.invoked)
  } else {
    register.outcomes.add(seen.outcome)
    register.firstSettled = Math.min(register.firstSettled, end)
  }
}

function noteWrite(register: Register, event: RecordEvent): void {
  const { result, content } = event
  if (result.status === 'unknown') register.unknown.push(event)
  if (result.status !== 'ok') return
  if (result.value === 'created') register.created.push(event)
  else if (result.value === 'settled') register.settled.push(event)
  else {
    register.firstPresent = Math.min(register.firstPresent, endOf(event))
    if (content.outcome !== undefined) register.firstSettled = Math.min(register.firstSettled, endOf(event))
  }
}

/** Whether these calls can be explained by one register. */
export function isLinearizable(register: Register): boolean {
  const { created, settled, unknown, identities, outcomes, firstPresent, firstSettled } = register
  if (created.length > 1 || settled.length > 1 || identities.size > 1 || outcomes.size > 1) return false
  if (settled.some(({ content }) => content.outcome === undefined)) return false
  const isPresent = created.length + settled.length + identities.size > 0 || firstPresent < never
  if (!isPresent) return true
  const isSettled = settled.length + outcomes.size > 0 || firstSettled < never
  const firsts = created.length > 0 ? created : unknown
  const outcomesWritten = settled.length > 0 ? settled : unknown.filter(({ content }) => content.outcome !== undefined)
  return firsts.some((first) => {
    if (first.content.outcome !== undefined) return settled.length === 0 && fitsAlone(register, first)
    return isSettled
      ? outcomesWritten.some((outcome) => fits(register, first, outcome))
      : fits(register, first, undefined)
  })
}

/** Whether one outcome without an intent explains everything. */
function fitsAlone(register: Register, { content, ...write }: RecordEvent): boolean {
  const { identities, outcomes, lastAbsent, firstPresent, lastCreated, firstSettled } = register
  if (!isOnly(identities, content.identity) || !isOnly(outcomes, content.outcome) || lastCreated > -never) return false
  const after = Math.max(write.invoked, lastAbsent)
  return after <= Math.min(endOf({ content, ...write }), firstPresent, firstSettled)
}

/** Whether this intent, and this outcome if there is one, explain everything. */
function fits(register: Register, first: RecordEvent, outcome: RecordEvent | undefined): boolean {
  const { identities, outcomes, lastAbsent, firstPresent, lastCreated, firstSettled } = register
  if (!isOnly(identities, first.content.identity)) return false
  const firstAfter = Math.max(first.invoked, lastAbsent)
  if (firstAfter > Math.min(endOf(first), firstPresent)) return false
  if (outcome === undefined) return true
  if (!isOnly(outcomes, outcome.content.outcome)) return false
  const outcomeAfter = Math.max(firstAfter, outcome.invoked, lastCreated)
  return outcomeAfter <= Math.min(endOf(outcome), firstSettled)
}

function isOnly(seen: ReadonlySet<string>, written: string | undefined): boolean {
  return seen.size === 0 || (written !== undefined && seen.has(written))
}

/** What an unfinished or failed read says is nothing. */
export function readsOf(
  event: GetEvent | WalkEvent,
): readonly { readonly id: string; readonly seen: Fingerprint | undefined }[] {
  if (event.result.status !== 'ok') return []
  if (event.kind === 'get') return [{ id: event.id, seen: event.result.value as Fingerprint | undefined }]
  return (event.result.value as readonly { id: string; content: Fingerprint }[]).map(({ id, content }) => ({
    id,
    seen: content,
  }))
}

/** The ids whose calls no register explains, each with the few calls that show it; at most `limit`. */
export function checkRegisters(history: readonly HistoryEvent[], limit: number): readonly HistoryViolation[] {
  const registers = new Map<string, Register>()
  const registerOf = (id: string): Register => {
    const found = registers.get(id)
    if (found !== undefined) return found
    const made = newRegister()
    registers.set(id, made)
    return made
  }
  for (const event of history) {
    if (event.kind === 'record') note(registerOf(event.id), { event })
    else for (const { id, seen } of readsOf(event)) note(registerOf(id), { event, seen })
  }
  const broken = [...registers].filter(([, register]) => !isLinearizable(register)).map(([id]) => id)
  return broken.slice(0, limit).map((id) => explain(callsOf(history, id), id))
}

/** Every call that concerns this id. */
export function callsOf(history: readonly HistoryEvent[], id: string): readonly IdCall[] {
  return history.flatMap((event): readonly IdCall[] => {
    if (event.kind === 'record') return event.id === id ? [{ event }] : []
    return readsOf(event)
      .filter((read) => read.id === id)
      .map(({ seen }) => ({ event, seen }))
  })
}
