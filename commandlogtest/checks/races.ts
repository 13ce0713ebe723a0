import fc from 'fast-check'
import type { CommandRecord } from '../../src/index.ts'
import { oneOf, outcomeStates } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import type { Written } from '../client.ts'
import { expectWinners, race, starts } from '../racing.ts'
import { expectRecord, type Scope } from '../scope.ts'
import { expectSame, Violation } from '../violation.ts'
import { walk } from '../walk.ts'

/** Demands that the stored record is what the winners wrote. */
async function expectWinnerStored(
  scope: Scope,
  records: readonly CommandRecord[],
  written: readonly Written[],
): Promise<void> {
  const id = records[0]?.id ?? ''
  const stored = await scope.client.get(id)
  const again = await walk(scope.client, { tenantId: scope.tenant })
  expectSame(
    'the ids that a walk gives',
    again.map((record) => record.id),
    [id],
  )
  if (stored === undefined) throw new Violation('a record that was raced for is not there')
  expectRecord('list', again[0], stored)
  if (written.some(({ isUnsure }) => isUnsure)) return
  const winner = records.find((record, index) => record.state !== 'created' && written[index]?.result !== 'unchanged')
  const first = records.find((_, index) => written[index]?.result === 'created')
  const of = winner ?? first
  if (of === undefined) return
  const expected = first === undefined ? of : { ...of, payload: first.payload }
  expectRecord('get after a race', stored, expected)
}

function racer(scope: Scope, index: number, kind: 'intent' | 'outcome'): CommandRecord {
  const intent = scope.intent('a', { payload: { status: 'full', format: 'json', data: `${index}`, bytes: 1 } })
  if (kind === 'intent') return intent
  const state = outcomeStates[index % outcomeStates.length] as (typeof outcomeStates)[number]
  return scope.outcome(intent, {
    state,
    durationMs: index,
    events: [{ id: `by ${index}` }],
    problem: { code: `by ${index}` },
  })
}

/** Several writers and readers at once. */
export const racesChecks: readonly Check[] = [
  property(
    'races/one-intent-is-created',
    'Of any number of racing intents of one id exactly one is told created, and it is the one that is stored.',
    {
      given: starts,
      weight: 0.4,
      async holds(scope, ticks) {
        const records = ticks.map((_, index) => racer(scope, index, 'intent'))
        const written = await race(records, ticks, [scope.client])
        expectWinners(records, written, true)
        await expectWinnerStored(scope, records, written)
      },
    },
  ),
  property(
    'races/one-outcome-settles',
    'Of any number of racing outcomes exactly one is told settled, and it is the one that is stored.',
    {
      given: starts,
      weight: 0.4,
      async holds(scope, ticks) {
        const intent = racer(scope, 0, 'intent')
        await scope.write(intent)
        const records = ticks.map((_, index) => ({ ...racer(scope, index, 'outcome'), payload: intent.payload }))
        const written = await race(records, ticks, [scope.client])
        expectWinners(records, written, false)
        await expectWinnerStored(scope, records, written)
      },
    },
  ),
  property(
    'races/one-outcome-without-intent-is-created',
    'Of racing outcomes of a new id exactly one is told created, and none settled.',
    {
      given: starts,
      weight: 0.3,
      async holds(scope, ticks) {
        const records = ticks.map((_, index) => racer(scope, index, 'outcome'))
        const written = await race(records, ticks, [scope.client])
        expectWinners(records, written, true)
        await expectWinnerStored(scope, records, written)
      },
    },
  ),
  property(
    'races/intents-and-outcomes-mixed',
    'Where intents and outcomes of one id race, one is created, one outcome wins, and the record ends up settled.',
    {
      given: fc.tuple(starts, fc.array(oneOf(['intent', 'outcome'] as const), { minLength: 8, maxLength: 8 })),
      weight: 0.6,
      async holds(scope, [ticks, kinds]) {
        const records = ticks.map((_, index) => racer(scope, index, kinds[index] ?? 'intent'))
        const written = await race(records, ticks, [scope.client])
        expectWinners(records, written, true)
        await expectWinnerStored(scope, records, written)
      },
    },
  ),
  property(
    'races/intent-and-outcome-in-one-turn',
    'An intent and its outcome called in one turn are both done: in either order the record is settled.',
    {
      given: fc.boolean(),
      weight: 0.1,
      async holds(scope, outcomeFirst) {
        const intent = scope.intent()
        const both = outcomeFirst ? [scope.outcome(intent), intent] : [intent, scope.outcome(intent)]
        const written = await Promise.all(both.map((record) => scope.client.record(record)))
        expectWinners(both, written, true)
        await scope.expectStored(scope.outcome(intent))
      },
    },
  ),
  property(
    'races/many-ids-in-one-turn',
    'Of many records called in one turn every one is acknowledged for itself and kept, from 2 to 300.',
    {
      given: fc.oneof(
        { weight: 5, arbitrary: fc.integer({ min: 2, max: 8 }) },
        { weight: 2, arbitrary: oneOf([25, 26, 99, 100, 101, 128, 257, 300]) },
      ),
      weight: 0.25,
      async holds(scope, count) {
        const records = Array.from({ length: count }, (_, index) => scope.intent(`${index}`, { userId: `${index}` }))
        await Promise.all(records.map((record) => scope.write(record)))
        const read = await walk(scope.client, { tenantId: scope.tenant, limit: 1000 })
        expectSame('how many records are there', read.length, count)
        for (const record of read) expectRecord('list', record, records[Number(record.userId)])
      },
    },
  ),
  property(
    'races/answers-are-not-mixed-up',
    'Of intents, outcomes and repeats of several ids called in one turn each hears its own answer.',
    {
      given: fc.array(oneOf(['new', 'repeat', 'settle', 'late', 'whole'] as const), { minLength: 2, maxLength: 12 }),
      weight: 0.4,
      async holds(scope, kinds) {
        const calls: { record: CommandRecord; expected: 'created' | 'settled' | 'unchanged'; stored: CommandRecord }[] =
          []
        for (const [index, kind] of kinds.entries()) {
          const intent = scope.intent(`${index}`)
          const outcome = scope.outcome(intent)
          if (kind === 'repeat' || kind === 'settle') await scope.write(intent)
          if (kind === 'late') await scope.write(outcome)
          const record = kind === 'settle' || kind === 'whole' ? outcome : intent
          const expected =
            kind === 'settle' ? 'settled' : kind === 'repeat' || kind === 'late' ? 'unchanged' : 'created'
          calls.push({ record, expected, stored: kind === 'late' ? outcome : record })
        }
        await Promise.all(calls.map(({ record, expected }) => scope.write(record, expected)))
        for (const { stored } of calls) await scope.expectStored(stored)
      },
    },
  ),
  property(
    'races/a-bad-record-fails-alone',
    'A record that a store refuses fails alone: those of the same turn are stored and acknowledged.',
    {
      given: fc.tuple(fc.integer({ min: 1, max: 6 }), fc.nat(6), oneOf(['state', 'bigint', 'large', 'time'] as const)),
      weight: 0.15,
      async holds(scope, [count, place, fault]) {
        const bad = badRecord(scope, fault)
        const records = Array.from({ length: count }, (_, index) => scope.intent(`${index}`))
        const calls: Promise<unknown>[] = []
        for (const [index, record] of records.entries()) {
          if (index === place % count) calls.push(refused(scope, bad))
          calls.push(scope.write(record))
        }
        await Promise.all(calls)
        for (const record of records) await scope.expectStored(record)
      },
    },
  ),
]

function badRecord(scope: Scope, fault: 'state' | 'bigint' | 'large' | 'time'): CommandRecord {
  const faults: Record<typeof fault, object> = {
    state: { state: 'unheard of' },
    bigint: { metadata: { big: 1n } },
    large: { payload: { status: 'full', format: 'json', data: `"${'x'.repeat(3_000_000)}"`, bytes: 3_000_002 } },
    time: { receivedAt: Number.NaN },
  }
  return scope.intent('bad', {
    tenantId: scope.id('bad'),
    correlationId: scope.id('bad'),
    ...faults[fault],
  } as Partial<CommandRecord>)
}

/** Whatever becomes of it, and however it is said: what a store does with no record is its own affair. */
async function refused(scope: Scope, bad: CommandRecord): Promise<void> {
  try {
    await scope.client.attempt('record', bad)
  } catch (error) {
    if (error instanceof Violation && error.isHang) throw error
  }
}
