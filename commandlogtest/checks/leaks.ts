import { someOf } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import type { Method } from '../client.ts'
import type { Scope } from '../scope.ts'
import { show } from '../show.ts'
import { placeOf, type StoreFailure } from '../store-failure.ts'
import { Violation } from '../violation.ts'

/** What no error may tell: part of every value of these calls but for the one at fault. */
const secret = 's3cr3t'

/** Filters as good as any, whose values are nobody's business. */
function secretFilters(scope: Scope) {
  const own = scope.id(secret)
  return {
    tenantId: own,
    userId: own,
    clientRef: own,
    causationId: own,
    correlationId: own,
    eventId: own,
    problemCode: own,
    attributes: { [own]: own },
  }
}

const faults = [
  ...[{ limit: 0 }, { limit: 1001 }, { unknown: 1 }, { state: 'unknown' }, { state: ['created', 'unknown'] }],
  ...[{ from: Number.NaN }, { to: null }, { order: 'asc' }, { importance: 'urgent' }, { dryRun: 1 }, { userId: null }],
] as const

const cursors = [
  secret,
  `${secret}.AAAA`,
  `{"tenantId":"${secret}","after":1`,
  Buffer.from(secret).toString('base64url'),
  Buffer.from(`{"tenantId":"${secret}"`).toString('base64url'),
] as const

/** What an error says. */
export const leakChecks: readonly Check[] = [
  property(
    'errors/values-are-not-told',
    'The error of a refused query tells none of the values beside the one at fault, in its message, cause or members.',
    {
      given: someOf(faults),
      weight: 0.06,
      async holds(scope, all) {
        const filters = secretFilters(scope)
        for (const fault of all) {
          await expectSilent(scope, 'list', { ...filters, ...fault })
          await expectSilent(scope, 'findByType', scope.id(secret), { ...filters, ...fault })
        }
      },
    },
  ),
  property(
    'errors/cursors-are-not-told',
    'The error of a refused cursor tells neither the cursor nor what is in it, nor the filters beside it.',
    {
      given: someOf(cursors),
      weight: 0.06,
      async holds(scope, all) {
        const filters = secretFilters(scope)
        for (const cursor of all) {
          for (const beside of [{}, filters]) {
            const failures = [
              await expectSilent(scope, 'list', { ...beside, cursor }),
              await expectSilent(scope, 'findByType', scope.id(secret), { ...beside, cursor }),
            ]
            for (const failure of failures) expectUntold(failure, cursor)
          }
        }
      },
    },
  ),
  property('errors/records-are-not-told', 'The error of a refused record tells nothing of what the record holds.', {
    given: someOf([{ state: 'unknown' }, { receivedAt: 'now' }, { events: null }, { payload: null }] as const),
    weight: 0.04,
    async holds(scope, all) {
      const text = scope.id(secret)
      const held = { id: text, type: text, userId: text, metadata: { text }, payload: { status: 'full', data: text } }
      for (const fault of all) {
        const { failure } = await scope.client.attempt('record', { ...scope.intent(), ...held, ...fault })
        if (failure !== undefined) expectUntold(failure, secret)
      }
    },
  }),
]

/** Demands that a call is refused, and that its error does not tell the secret. */
async function expectSilent(scope: Scope, method: Method, ...args: readonly unknown[]): Promise<StoreFailure> {
  const failure = await scope.client.failure(method, ...args)
  expectUntold(failure, secret)
  return failure
}

function expectUntold({ error }: StoreFailure, text: string): void {
  const place = placeOf(text, error)
  if (place === undefined) return
  const details = { expected: 'what is at fault, and no value that was passed', actual: show(error) }
  throw new Violation(`a StoreError leaks a value that was passed: ${place}`, details)
}
