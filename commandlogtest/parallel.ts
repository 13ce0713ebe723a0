import fc, { type Arbitrary } from 'fast-check'
import type { CommandRecord } from '../src/index.ts'
import { oneOf, outcomeStates } from './arbitraries.ts'
import type { Client } from './client.ts'
import { checkHistory, fingerprintOf, type HistoryEvent } from './history/index.ts'
import { afterTicks } from './limit.ts'
import type { Scope } from './scope.ts'
import { show } from './show.ts'
import { Violation } from './violation.ts'
import { walk } from './walk.ts'

/** What one client does next, and how long it waits before. */
export interface Move {
  readonly kind: 'intent' | 'outcome' | 'get' | 'oldest' | 'newest' | 'correlation'
  readonly id: number
  readonly ticks: number
  readonly state: (typeof outcomeStates)[number]
}

/** What several clients do, each one call after the other. */
export function plans(clients: number, moves: number): Arbitrary<readonly (readonly Move[])[]> {
  const kind = fc.oneof(
    { weight: 4, arbitrary: oneOf(['intent', 'outcome'] as const) },
    { weight: 3, arbitrary: oneOf(['get', 'oldest', 'newest', 'correlation'] as const) },
  )
  const move = fc.record({ kind, id: fc.nat(5), ticks: fc.nat(12), state: oneOf(outcomeStates) })
  return fc.array(fc.array(move, { minLength: 1, maxLength: moves, size: 'max' }), {
    minLength: 2,
    maxLength: clients,
    size: 'max',
  })
}

/** Plays the plans at once over these handles, and demands that the history could have been one after the other. */
export async function playAndCheck(
  scope: Scope,
  plan: readonly (readonly Move[])[],
  handles: readonly Client[],
): Promise<void> {
  const history: HistoryEvent[] = []
  let now = 0
  const clock = (): number => now++
  await Promise.all(
    plan.map(async (moves, index) => {
      const client = handles[index % handles.length] as Client
      const who = { client: `client ${index}`, handle: `handle ${index % handles.length}` }
      for (const [turn, move] of moves.entries()) {
        await afterTicks(move.ticks)
        const invoked = clock()
        const done = await makeMove(scope, client, { move, writer: index * 100 + turn })
        history.push({ ...who, ...done, invoked, returned: clock() } as HistoryEvent)
      }
    }),
  )
  const invoked = clock()
  const last = await seen(scope, await walk(handles[0] as Client, { tenantId: scope.tenant, order: 'oldest' }))
  history.push({
    client: 'at the end',
    invoked,
    returned: clock(),
    kind: 'walk',
    order: 'oldest',
    isComplete: true,
    result: last,
  })
  const [violation] = checkHistory(history)
  if (violation === undefined) return
  const told = violation.events.map((event) => show({ ...event, content: undefined }))
  throw new Violation(`the history breaks ${violation.rule}: ${violation.message}`, {
    actual: told.slice(0, 12).join(' '),
  })
}

async function makeMove(
  scope: Scope,
  client: Client,
  { move, writer }: { move: Move; writer: number },
): Promise<object> {
  const { kind, id } = move
  const correlationId = scope.id(`c${id % 2}`)
  if (kind === 'get') {
    const found = await client.get(scope.id(`${id}`))
    return {
      kind,
      id: scope.id(`${id}`),
      result: { status: 'ok', value: found === undefined ? undefined : fingerprintOf(found) },
    }
  }
  if (kind === 'correlation') {
    const result = await seen(scope, await client.findByCorrelation(correlationId))
    return { kind: 'walk', order: 'oldest', isComplete: true, correlationId, result }
  }
  if (kind === 'oldest' || kind === 'newest') {
    const result = await seen(
      scope,
      await walk(client, { tenantId: scope.tenant, order: kind, limit: 1 + (writer % 4) }),
    )
    return { kind: 'walk', order: kind, isComplete: true, result }
  }
  const record = recordOf(scope, { ...move, correlationId, writer })
  const { result, isUnsure } = await client.record(record)
  const answer = isUnsure && result === 'unchanged' ? { status: 'unknown' } : { status: 'ok', value: result }
  return { kind: 'record', id: record.id, correlationId, content: fingerprintOf(record), result: answer }
}

function recordOf(
  scope: Scope,
  { kind, id, state, correlationId, writer }: Move & { correlationId: string; writer: number },
): CommandRecord {
  const payload = { status: 'full', format: 'json', data: `${writer}`, bytes: 1 } as const
  const intent = scope.intent(`${id}`, { correlationId, payload, receivedAt: 1_000_000 - writer })
  const events = [{ id: `by ${writer}` }, { id: 'and' }]
  return kind === 'intent'
    ? intent
    : scope.outcome(intent, { state, events, durationMs: writer, problem: { code: `${writer}` } })
}

async function seen(scope: Scope, records: readonly CommandRecord[]) {
  const value = records.filter(scope.isOwn).map((record) => ({ id: record.id, content: fingerprintOf(record) }))
  return { status: 'ok', value } as const
}
