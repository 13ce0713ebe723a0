import { isDeepStrictEqual } from 'node:util'
import type { CommandLogStore, CommandRecord, RecordResult } from 'commandlog'
import { digest, type History } from './history.ts'

/** What four writes of one command must answer: its intent twice, then its outcome twice. */
const answers: Readonly<Record<'absent' | 'created' | 'settled', readonly RecordResult[]>> = {
  absent: ['created', 'unchanged', 'settled', 'unchanged'],
  created: ['unchanged', 'unchanged', 'settled', 'unchanged'],
  settled: ['unchanged', 'unchanged', 'unchanged', 'unchanged'],
}

/**
 * Writes commands again whose answers were lost with their sender, as one does who does not know what became of them.
 * What it settles is known from then on; gives back what went wrong.
 */
export async function retryUnanswered(
  store: CommandLogStore,
  history: History,
  ids: readonly string[],
): Promise<readonly string[]> {
  const faults: string[] = []
  for (const id of ids) {
    const before = await store.get(id)
    const intent = intentOf(id, before)
    const outcome = before === undefined || before.state === 'created' ? settled(intent) : before
    const heard: RecordResult[] = []
    for (const record of [intent, intent, outcome, outcome]) heard.push(await store.record(record))
    const expected = answers[before === undefined ? 'absent' : before.state === 'created' ? 'created' : 'settled']
    if (!isDeepStrictEqual(heard, expected)) faults.push(`${id} was answered ${heard}, not ${expected}`)
    if (!isDeepStrictEqual(await store.get(id), outcome)) faults.push(`${id} is not what was written`)
    const { type, payload, attributes = {}, causationId } = outcome
    const asked = { type, payload: digest(String(payload.data)), attributes }
    history.asked.set(id, causationId === undefined ? asked : { ...asked, causationId })
    history.done.set(id, { state: outcome.state, events: outcome.events.map((event) => event.id) })
  }
  return faults
}

/** The intent that a record began with, or any other for a command that left none. */
function intentOf(id: string, before: CommandRecord | undefined): CommandRecord {
  if (before !== undefined) {
    const { settledAt, durationMs, attempts, problem, error, result, ...intent } = before
    return { ...intent, state: 'created', events: [] }
  }
  const fixed = { importance: 'normal', retention: 'long-lived', dryRun: false } as const
  const payload = { status: 'full', format: 'json', data: '"retried"', bytes: 9 } as const
  return {
    id,
    type: 'torture',
    state: 'created',
    correlationId: id,
    payload,
    events: [],
    ...fixed,
    receivedAt: Date.now(),
  }
}

function settled(intent: CommandRecord): CommandRecord {
  const events = [{ id: `${intent.id}/retried` }]
  const times = { settledAt: Math.max(Date.now(), intent.receivedAt), durationMs: 1, attempts: 1 }
  return { ...intent, state: 'successful', events, ...times }
}
