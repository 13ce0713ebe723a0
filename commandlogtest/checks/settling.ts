import fc from 'fast-check'
import type { CommandQuery } from '../../src/index.ts'
import { oneOf, outcomeStates, someOf } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import { isAskedFor, settledBy } from '../model.ts'
import type { Fields } from '../scope.ts'

/** What only the first write decides, and, of metadata apart, no outcome changes. */
const ofFirst = {
  attributes: { side: 'first', only: 1 },
  metadata: { by: 'first', more: [1] },
  source: { service: 'first', build: '1' },
  importance: 'high',
  retention: 'permanent',
  dryRun: true,
  causationId: 'first',
  clientRef: 'first',
  userId: 'first',
  replayOf: 'first',
  traceparent: `00-${'1'.repeat(32)}-${'1'.repeat(16)}-01`,
} as const satisfies Fields

const ofOutcome = {
  attributes: { side: 'outcome' },
  source: { service: 'outcome', instance: 'i' },
  importance: 'low',
  retention: 'short-lived',
  dryRun: false,
  causationId: 'outcome',
  clientRef: 'outcome',
  userId: 'outcome',
  replayOf: 'outcome',
  traceparent: `00-${'2'.repeat(32)}-${'2'.repeat(16)}-00`,
} as const satisfies Fields

/** What an outcome decides, as an intent may say it before. */
const decided = {
  before: {
    result: { status: 'full', format: 'json', data: '"before"', bytes: 8 },
    problem: { code: 'before', title: 'before', more: { of: 'before', deep: { before: 1 } } },
    error: { name: 'Before', message: 'before', stack: 'before' },
    ...{ settledAt: 1, durationMs: 1.5, attempts: 3 },
    metadata: { by: 'before', more: { of: 'before', deep: { before: 1 } } },
  },
  after: {
    result: { status: 'omitted', format: 'cbor', bytes: 9 },
    problem: { code: 'after', more: { deep: { after: 1 } } },
    error: { name: 'After', message: 'after' },
    ...{ settledAt: 2, durationMs: 0.5, attempts: 2 },
    metadata: { more: { deep: { after: 1 } } },
  },
} as const satisfies Record<string, Fields>
const decidedNames = Object.keys(decided.before) as (keyof typeof decided.before)[]

const optional = [
  ...['attributes', 'metadata', 'source', 'causationId', 'clientRef', 'userId', 'replayOf', 'traceparent'],
] as (keyof typeof ofFirst)[]
const firstNames = Object.keys(ofFirst) as (keyof typeof ofFirst)[]
const outcomeNames = Object.keys(ofOutcome) as (keyof typeof ofOutcome)[]

function picked<T extends object>(from: T, names: readonly (keyof T)[]): Partial<T> {
  return Object.fromEntries(names.map((name) => [name, from[name]])) as Partial<T>
}

/** The queries that find a record by each of these fields that can be asked for. */
function queriesOf(fields: Fields): CommandQuery[] {
  const { attributes, importance, retention, dryRun, causationId, clientRef, userId } = fields
  const all = { attributes, importance, retention, dryRun, causationId, clientRef, userId }
  return Object.entries(all)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ({ [name]: value }))
}

/** What settling leaves as it was. */
export const settlingChecks: readonly Check[] = [
  property(
    'record/what-an-outcome-lacks-stays',
    'An outcome that says nothing of metadata, attributes, source, user and the like takes nothing away.',
    {
      given: fc.record({ names: someOf(optional), state: oneOf(outcomeStates) }),
      weight: 0.15,
      async holds(scope, { names, state }) {
        const fields = picked(ofFirst, names)
        const intent = scope.intent('a', fields)
        const outcome = scope.outcome(scope.intent(), { state })
        await scope.write(intent)
        await scope.write(outcome, 'settled')
        const settled = settledBy(intent, outcome)
        await scope.expectStored(settled)
        for (const query of [{}, ...queriesOf(fields)]) {
          await scope.expectWalk({ tenantId: scope.tenant, ...query }, [settled])
        }
      },
    },
  ),
  property(
    'record/the-rest-of-an-outcome-is-not-taken',
    'An outcome changes neither attributes, source, importance, retention, dryRun, references nor trace, and is not found by its own.',
    {
      given: fc.record({
        first: someOf(firstNames, 0),
        second: someOf(outcomeNames),
        state: oneOf(outcomeStates),
      }),
      weight: 0.3,
      async holds(scope, { first, second, state }) {
        const intent = scope.intent('a', picked(ofFirst, first))
        const outcome = scope.outcome(scope.intent(), { state, ...picked(ofOutcome, second) })
        await scope.write(intent)
        await scope.write(outcome, 'settled')
        const settled = settledBy(intent, outcome)
        await scope.expectStored(settled)
        for (const query of [...queriesOf(picked(ofFirst, first)), ...queriesOf(picked(ofOutcome, second))])
          await scope.expectWalk({ tenantId: scope.tenant, ...query }, isAskedFor(settled, query) ? [settled] : [])
      },
    },
  ),
  property(
    'record/metadata-of-the-outcome-replace-those-before',
    'The metadata of an outcome that has some take the place of those before, whole.',
    {
      given: fc.record({
        before: oneOf([undefined, { by: 'first', more: [1] }, { more: [] }]),
        after: oneOf([{}, { by: 'it' }]),
      }),
      weight: 0.1,
      async holds(scope, { before, after }) {
        const intent = scope.intent('a', before === undefined ? {} : { metadata: before })
        await scope.write(intent)
        await scope.write(scope.outcome(intent, { metadata: after }), 'settled')
        await scope.expectStored(scope.outcome(intent, { metadata: after }))
      },
    },
  ),
  property(
    'record/an-outcome-replaces-what-an-intent-says-of-it',
    'Where an intent speaks of result, problem, error, times or attempts already, the outcome replaces each, whole.',
    {
      given: fc.record({ names: someOf(decidedNames), state: oneOf(outcomeStates) }),
      weight: 0.15,
      async holds(scope, { names, state }) {
        const intent = scope.intent('a', picked(decided.before, names))
        const outcome = scope.outcome(scope.intent(), { ...decided.after, state })
        await scope.write(intent)
        await scope.expectStored(intent)
        await scope.write(outcome, 'settled')
        await scope.expectStored(settledBy(intent, outcome))
      },
    },
  ),
]
