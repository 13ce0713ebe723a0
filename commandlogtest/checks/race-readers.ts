import fc from 'fast-check'
import type { CommandRecord, Page } from '../../src/index.ts'
import { type Check, property } from '../check.ts'
import { afterTicks, begun } from '../limit.ts'
import { expectRecord, type Scope } from '../scope.ts'
import { show } from '../show.ts'
import { expectTrue } from '../violation.ts'

/** Readers next to writers. */
export const racingReaderChecks: readonly Check[] = [
  property(
    'races/outcomes-are-whole',
    'Nobody ever reads a state without its events, problem and duration, however closely they read.',
    {
      given: fc.tuple(fc.array(fc.integer({ min: 0, max: 15 }), { minLength: 4, maxLength: 14 }), fc.boolean()),
      weight: 0.5,
      async holds(scope, [ticks, withIntent]) {
        const intent = scope.intent('a', { attributes: { a: 1 }, metadata: { m: [1] } })
        const problem = { code: 'c', list: [1, 2] }
        const outcome = scope.outcome(intent, {
          state: 'failed',
          problem,
          error: { name: 'E', message: 'm' },
          events: [{ id: '1' }, { id: '2' }],
        })
        if (withIntent) await scope.write(intent)
        const writing = begun(scope.client.record(outcome))
        await Promise.all(
          ticks.map((tick, index) =>
            watch(scope, { tick, method: index % 4, whole: [...(withIntent ? [intent] : []), outcome] }),
          ),
        )
        await writing
        await scope.expectStored(outcome)
      },
    },
  ),
  property('races/intents-are-whole', 'Nobody ever reads a new record without its payload, attributes and metadata.', {
    given: fc.array(fc.integer({ min: 0, max: 15 }), { minLength: 4, maxLength: 14 }),
    weight: 0.2,
    async holds(scope, ticks) {
      const intent = scope.intent('a', {
        attributes: { a: 1 },
        metadata: { m: [1] },
        userId: 'u',
        source: { service: 's' },
      })
      const writing = begun(scope.client.record(intent))
      await Promise.all(ticks.map((tick, index) => watch(scope, { tick, method: index % 4, whole: [intent] })))
      await writing
      await scope.expectStored(intent)
    },
  }),
  property(
    'races/what-was-read-stays',
    'A record that a reader has seen does not vanish or go back, while others write.',
    {
      given: fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 2, maxLength: 10 }),
      weight: 0.2,
      async holds(scope, ticks) {
        const intent = scope.intent()
        const order = ['created', 'successful']
        let writing = true
        const both = async (): Promise<void> => {
          try {
            await scope.write(intent)
            await scope.write(scope.outcome(intent), 'settled')
          } finally {
            writing = false
          }
        }
        const done = begun(both())
        let [seen, reads] = [-1, 0]
        while (writing && reads < 500) {
          await afterTicks(ticks[reads++ % ticks.length] ?? 1)
          const found = await scope.client.get(intent.id)
          const now = found === undefined ? -1 : order.indexOf(found.state)
          if (now < seen) await done
          expectTrue(now >= seen, 'a reader sees a record go back', {
            expected: show(order[seen]),
            actual: show(found?.state),
          })
          seen = now
        }
        await done
      },
    },
  ),
]

interface Watch {
  readonly tick: number
  readonly method: number
  /** What may be seen. */
  readonly whole: readonly CommandRecord[]
}

async function watch(scope: Scope, { tick, method, whole }: Watch): Promise<void> {
  await afterTicks(tick)
  const { client, tenant } = scope
  const id = whole[0]?.id ?? ''
  const pageOf = ({ records }: Page): CommandRecord | undefined => records[0]
  const reads = [
    () => client.get(id),
    async () => pageOf(await client.list({ tenantId: tenant })),
    async () => (await client.findByCorrelation(scope.id('c')))[0],
    async () => pageOf(await client.findByType(scope.intent().type, { tenantId: tenant })),
  ]
  const found = await reads[method]?.()
  if (found === undefined) return
  const expected = whole.find(({ state }) => state === found.state) ?? whole[0]
  expectRecord('a reader during the write', found, expected)
}
