import type { Fingerprint, HistoryEvent, HistoryRule, HistoryViolation, RecordEvent } from './history.ts'
import { type IdCall, isLinearizable, newRegister, note } from './linearizability.ts'

/** Says which rule the calls of one id break, with no more of them than it takes. */
export function explain(calls: readonly IdCall[], id: string): HistoryViolation {
  const core = smallest(calls)
  const [rule, message] = ruleOf(core, calls)
  const events = [...new Set([...core, ...sources(core, calls)].map(({ event }) => event))]
  return { rule, message: `${id}: ${message}`, events: events.sort((a, b) => a.invoked - b.invoked) }
}

/**
 * As few of the answers as still contradict each other. A read is taken out whole; of a write only its answer, as if
 * nobody had heard it, because to deny the write itself would make a phantom of whatever came of it.
 */
function smallest(calls: readonly IdCall[]): readonly IdCall[] {
  const unheard = calls.filter(
    (call): call is { event: RecordEvent } => call.event.kind === 'record' && call.event.result.status !== 'failed',
  )
  const isBroken = (kept: readonly IdCall[]): boolean => {
    const register = newRegister()
    const heard = new Set<IdCall>(kept)
    for (const call of unheard)
      note(register, heard.has(call) ? call : { event: { ...call.event, result: { status: 'unknown' } } })
    for (const call of kept) if ('seen' in call) note(register, call)
    return !isLinearizable(register)
  }
  const answered = calls.filter(({ event }) => event.result.status === 'ok')
  const [writes, reads] = [answered.filter((call) => !('seen' in call)), answered.filter((call) => 'seen' in call)]
  // Reads go first: what was acknowledged says more than what was seen.
  const fewReads = fewest(reads, (kept) => isBroken([...kept, ...writes]))
  return [...fewest(writes, (kept) => isBroken([...fewReads, ...kept])), ...fewReads]
}

/** As few as possible for which this still holds: takes out ever smaller parts. */
function fewest(calls: readonly IdCall[], holds: (kept: readonly IdCall[]) => boolean): readonly IdCall[] {
  let kept = calls
  for (let size = Math.ceil(calls.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < kept.length; ) {
      const rest = kept.filter((_call, index) => index < at || index >= at + size)
      if (holds(rest)) kept = rest
      else at += size
    }
  }
  return kept
}

const isSame = (a: Fingerprint, b: Fingerprint): boolean => a.identity === b.identity && a.outcome === b.outcome

function writesOf(calls: readonly IdCall[]): readonly RecordEvent[] {
  return calls.map(({ event }) => event).filter((event): event is RecordEvent => event.kind === 'record')
}

/** The writes that what was seen comes from, if they are not among the calls already. */
function sources(core: readonly IdCall[], calls: readonly IdCall[]): readonly IdCall[] {
  const seen = core.flatMap((call) => ('seen' in call && call.seen !== undefined ? [call.seen] : []))
  const writes = calls.filter((call): call is { event: RecordEvent } => call.event.kind === 'record')
  return seen.flatMap((sight) => {
    const outcome = writes.find(({ event }) => sight.outcome !== undefined && event.content.outcome === sight.outcome)
    const first = writes.find(({ event }) => event.content.identity === sight.identity)
    return [outcome, first].filter((call) => call !== undefined)
  })
}

function ruleOf(core: readonly IdCall[], calls: readonly IdCall[]): [HistoryRule, string] {
  const answers = writesOf(core).flatMap(({ result }) => (result.status === 'ok' ? [result.value] : []))
  const reads = core.flatMap((call) => ('seen' in call ? [call] : []))
  const foreign = reads.find(({ seen }) => seen !== undefined && !isSubmitted(seen, calls))
  if (foreign?.seen !== undefined) return strangeRead(foreign.seen, calls)
  if (core.length === 2 && answers.length === 2) {
    if (answers.every((answer) => answer === 'created')) return ['one-created', 'two writes were told created']
    if (answers.every((answer) => answer !== 'unchanged'))
      return ['one-settled', 'two outcomes were told that they settled it']
  }
  const [absent, present] = [
    reads.filter(({ seen }) => seen === undefined),
    reads.filter(({ seen }) => seen !== undefined),
  ]
  if (new Set(present.map(({ seen }) => seen?.identity)).size > 1)
    return ['whole-outcomes', 'two reads saw first writes that differ']
  if (new Set(present.flatMap(({ seen }) => seen?.outcome ?? [])).size > 1)
    return ['whole-outcomes', 'two reads saw outcomes that differ']
  if (core.length === 1 && present.length === 1) return ['no-phantom', 'a read saw it before anybody wrote it']
  if (absent.length > 0) return ['read-after-acknowledgement', 'a read did not find it, although it was there before']
  if (
    isLate(
      core,
      present.map(({ event }) => event),
    )
  ) {
    return ['read-after-acknowledgement', 'a read found it still created, although it was settled before']
  }
  return ['linearizable', 'no order of these calls explains all their answers']
}

/** Whether the newest of the calls that contradict each other is a read: it came too late for what it saw. */
function isLate(core: readonly IdCall[], reads: readonly HistoryEvent[]): boolean {
  const newest = core.map(({ event }) => event).sort((a, b) => b.invoked - a.invoked)[0]
  return newest !== undefined && reads.includes(newest)
}

/** Whether a read saw what the writes, other than those that failed for sure, can have made. */
function isSubmitted(seen: Fingerprint, calls: readonly IdCall[]): boolean {
  const writes = writesOf(calls).filter(({ result }) => result.status !== 'failed')
  if (!writes.some(({ content }) => content.identity === seen.identity)) return false
  return seen.outcome === undefined || writes.some(({ content }) => content.outcome === seen.outcome)
}

function strangeRead(seen: Fingerprint, calls: readonly IdCall[]): [HistoryRule, string] {
  const writes = writesOf(calls)
  const failed = writes.filter(({ result }) => result.status === 'failed')
  const isFailed = failed.some(
    ({ content }) =>
      isSame(content, seen) ||
      (seen.outcome !== undefined && content.outcome === seen.outcome) ||
      (seen.outcome === undefined && content.identity === seen.identity),
  )
  if (isFailed) return ['definite-means-absent', 'a read saw a write that failed as not written']
  if (writes.some(({ content }) => content.identity === seen.identity))
    return ['whole-outcomes', 'a read saw an outcome that nobody wrote, or half of one']
  return ['no-phantom', 'a read saw what nobody wrote']
}
