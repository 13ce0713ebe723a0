import fc from 'fast-check'
import type { CommandQuery, CommandRecord } from '../../src/index.ts'
import { type Check, property } from '../check.ts'
import { expectAsked, expectFiltered } from '../filtering.ts'
import { sleep } from '../limit.ts'
import { expectRecords, type Scope } from '../scope.ts'
import { expectSame } from '../violation.ts'
import { walk } from '../walk.ts'

// How many records are written in one turn after another: first a few, then more as long as there is time.
const firstTurns = [64, 100, 128, 250, 256, 500]
const furtherTurns = [512, 1000, 1024, 2048, 2500, 2500, 1500]
const longestMs = 600
// What expires soon is gone by then.
const fewestMs = 300
const pauseMs = 60

/** What a store forgets, or does not find, when much is written. Last of the core checks, since a live store is larger after it. */
export const capacityChecks: readonly Check[] = [
  property(
    'capacity/nothing-is-forgotten',
    'However much is written, and some time later, every record is there, also the first, its id known, and found by every filter.',
    {
      given: fc.constant(firstTurns),
      weight: 0.01,
      async holds(scope, turns) {
        const rare = rareOnes(scope)
        const [intent, outcome] = rare
        await scope.writeAll(rare)
        const startedAt = performance.now()
        let written = 0
        for (const size of turns) written += await writeTurn(scope, size, written)
        await expectFound(scope, rare)
        const until = performance.now() + longestMs
        for (const size of furtherTurns) {
          if (performance.now() < until) written += await writeTurn(scope, size, written)
        }
        await sleep(Math.max(pauseMs, fewestMs - (performance.now() - startedAt)))
        await scope.expectStored(intent)
        await scope.expectStored(outcome)
        await scope.write({ ...intent, userId: 'other' }, 'unchanged')
        await scope.write(scope.outcome(outcome, { state: 'failed' }), 'unchanged')
        expectRecords('findByCorrelation', await scope.client.findByCorrelation(scope.id('c')), rare)
        await expectAll(scope, written)
        await expectNewest(scope)
      },
    },
  ),
]

/** An intent, an outcome and a record of another tenant, with what hardly any other record has. */
function rareOnes(scope: Scope): readonly [CommandRecord, CommandRecord, CommandRecord] {
  const rare = {
    ...{ type: scope.id('rare'), attributes: { own: scope.id('v') }, clientRef: scope.id('r'), userId: scope.id('u') },
    ...({ causationId: scope.id('k'), importance: 'high', retention: 'permanent', dryRun: true } as const),
    receivedAt: 1_600_000_000_001,
  }
  const settled = scope.outcome(scope.intent('settled', rare), {
    ...({ state: 'rejected', problem: { code: scope.id('p') }, events: [{ id: scope.id('e') }] } as const),
  })
  return [scope.intent('first', rare), settled, scope.intent('elsewhere', { tenantId: scope.id('elsewhere') })]
}

/** Writes so many in one turn, and says how many. */
async function writeTurn(scope: Scope, size: number, from: number): Promise<number> {
  const turn = Array.from({ length: size }, (_, index) =>
    scope.intent(`${from + index}`, { correlationId: scope.id('rest') }),
  )
  await Promise.all(turn.map((record) => scope.write(record)))
  return size
}

/** By every filter: before the newest of them come more records than a store looks at in one go. */
async function expectFound(scope: Scope, rare: readonly CommandRecord[]): Promise<void> {
  const [intent, outcome] = rare as readonly [CommandRecord, CommandRecord]
  const { type, clientRef, attributes, userId, causationId, correlationId, importance, retention, dryRun } = intent
  const ofOutcome = [{ eventId: outcome.events[0]?.id }, { problemCode: outcome.problem?.code }]
  const queries: readonly CommandQuery[] = [
    ...[{ type }, { clientRef }, { attributes }, { userId }, { causationId }, { correlationId }, ...ofOutcome],
    ...[{ importance }, { retention }, { dryRun }, { to: intent.receivedAt + 1 }, { state: outcome.state }],
    { tenantId: scope.id('elsewhere') },
  ]
  for (const query of queries) await expectFiltered(scope, rare, { ...query, order: 'newest' })
  // Without a tenant: by whichever index the store has for that.
  for (const query of [{ type }, { clientRef }, { attributes }]) await expectAsked(scope, rare, { ...query, limit: 1 })
  for (const query of ofOutcome) await expectAsked(scope, rare, query)
}

/** Every one of them is there, however many they are. */
async function expectAll(scope: Scope, count: number): Promise<void> {
  const own = await walk(scope.client, { tenantId: scope.tenant, limit: 1000 })
  const rest = own.filter(({ correlationId }) => correlationId === scope.id('rest'))
  expectSame('how many of these a walk gives', rest.length, count)
  const correlated = await scope.client.findByCorrelation(scope.id('rest'))
  expectSame('how many of these findByCorrelation gives', correlated.length, count)
}

/** What is written last still comes first: places have as many digits as they need. */
async function expectNewest(scope: Scope): Promise<void> {
  const last = ['x', 'y', 'z'].map((text) => scope.intent(text, { correlationId: scope.id('rest') }))
  await scope.writeAll(last)
  const { records } = await scope.client.list({ tenantId: scope.tenant, limit: 3 })
  // A page may be shorter than its limit.
  expectRecords('the newest of all', records, last.toReversed().slice(0, records.length))
}
