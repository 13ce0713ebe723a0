import fc from 'fast-check'
import { oneOf } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import type { Client } from '../client.ts'
import { begun, withLimit } from '../limit.ts'
import { expectRecord, expectRecords } from '../scope.ts'
import { show } from '../show.ts'
import { expectSame, Violation } from '../violation.ts'
import { walk } from '../walk.ts'
import { expectRefused } from './errors.ts'

/** Every call of the contract, on a record or query of any kind. */
const calls = ['record', 'get', 'findByCorrelation', 'findByType', 'list'] as const

/** The arguments of a harmless call. */
function argumentsOf(
  method: 'record' | 'get' | 'findByCorrelation' | 'findByType' | 'list',
  id: string,
): readonly unknown[] {
  const payload = { status: 'omitted', format: 'json', bytes: 0 }
  const kinds = { importance: 'low', retention: 'short-lived', dryRun: false, receivedAt: 1 }
  if (method === 'record')
    return [{ id, type: 'late', state: 'created', correlationId: id, payload, events: [], ...kinds }]
  return method === 'list' ? [{ tenantId: id }] : [id]
}

/** Demands that a follower of a closed store is refused at its first step, or already at the call. */
async function expectFollowRefused({ store, wiring }: Client): Promise<void> {
  let error: unknown
  try {
    const changes = store.follow?.()[Symbol.asyncIterator]()
    const step = await withLimit((async () => await changes?.next())(), wiring.callLimitMs)
    throw new Violation('follow of a closed store is not refused', { expected: 'STORE_CLOSED', actual: show(step) })
  } catch (caught) {
    error = caught
  }
  if (error instanceof Violation) throw error
  expectSame('the code of follow of a closed store', (error as { code?: unknown } | undefined)?.code, 'STORE_CLOSED')
}

/** Closing, and many calls at once. */
export const lifecycleChecks: readonly Check[] = [
  property(
    'lifecycle/close-resolves-twice',
    'close resolves, a second one too, one after the other and both at once.',
    {
      given: fc.tuple(fc.boolean(), fc.nat(3)),
      needs: 'open',
      weight: 0.05,
      async holds(scope, [atOnce, writes]) {
        const client = await scope.context.fresh()
        for (let index = 0; index < writes; index++) await scope.write(scope.intent(`${index}`), 'created', client)
        if (atOnce) await Promise.all([client.close(), client.close()])
        else await client.close()
        await client.close()
      },
    },
  ),
  property('lifecycle/calls-after-close-are-refused', 'Every call after close is STORE_CLOSED, with nothing written.', {
    given: fc.tuple(oneOf(calls), fc.boolean()),
    needs: 'open',
    weight: 0.06,
    async holds(scope, [meanwhile, waits]) {
      const client = await scope.context.fresh()
      await scope.write(scope.intent('before'), 'created', client)
      // What was read once may lie in a cache.
      const read = calls.filter((method) => method !== 'record')
      for (const method of read) await client.attempt(method, ...argumentsOf(method, scope.id('before')))
      await client.attempt('findByCorrelation', scope.id('c'))
      const closing = begun(client.close())
      // Between the call of close and its end a store may still take work: either way it must settle.
      if (!waits) await client.attempt(meanwhile, ...argumentsOf(meanwhile, scope.id('meanwhile')))
      await closing
      for (const method of calls) {
        await expectRefused(client, ['STORE_CLOSED'], method, ...argumentsOf(method, scope.id('late')))
        await expectRefused(client, ['STORE_CLOSED'], method, ...argumentsOf(method, scope.id('before')))
      }
      for (const correlation of ['', scope.id('c')])
        await expectRefused(client, ['STORE_CLOSED'], 'findByCorrelation', correlation)
      for (const query of [undefined, { type: [] }, { from: 2, to: 1 }])
        await expectRefused(client, ['STORE_CLOSED'], 'list', query)
    },
  }),
  property('lifecycle/purge-after-close-is-refused', 'purge after close is STORE_CLOSED.', {
    given: fc.constant(undefined),
    needs: 'open+purge',
    weight: 0.01,
    async holds(scope) {
      const client = await scope.context.fresh()
      await client.close()
      await expectRefused(client, ['STORE_CLOSED'], 'purge', { retention: 'short-lived', before: 5 })
    },
  }),
  property('lifecycle/follow-after-close-is-refused', 'follow after close is STORE_CLOSED at its first step.', {
    given: fc.constant(undefined),
    needs: 'open+follow',
    weight: 0.01,
    async holds(scope) {
      const client = await scope.context.fresh()
      await scope.write(scope.intent(), 'created', client)
      await client.close()
      await expectFollowRefused(client)
    },
  }),
  property(
    'lifecycle/close-settles-calls-under-way',
    'Calls that were made before close settle: done, or refused as STORE_CLOSED.',
    {
      given: fc.tuple(fc.integer({ min: 1, max: 40 }), oneOf(['record', 'list', 'get', 'findByCorrelation'] as const)),
      needs: 'open',
      weight: 0.06,
      async holds(scope, [count, method]) {
        const client = await scope.context.fresh()
        const running = Array.from({ length: count }, (_, index) =>
          begun(client.attempt(method, ...argumentsOf(method, scope.id(`${index}`)))),
        )
        await client.close()
        for (const { failure } of await Promise.all(running)) {
          if (failure !== undefined) expectSame('the code of a call under way at close', failure.code, 'STORE_CLOSED')
        }
      },
    },
  ),
  property('lifecycle/other-data-stay-open', 'Closing a store leaves those on other data at work.', {
    given: fc.constant(undefined),
    needs: 'open',
    weight: 0.02,
    async holds(scope) {
      const [one, other] = [await scope.context.fresh(), await scope.context.fresh()]
      if (one.store === other.store) throw new Violation('open gives the same store for two names')
      await scope.write(scope.intent('a'), 'created', one)
      await scope.write(scope.intent('b'), 'created', other)
      await one.close()
      await scope.write(scope.intent('c'), 'created', other)
      await scope.expectStored(scope.intent('b'), other)
    },
  }),
  property('lifecycle/many-calls-at-once-settle', 'Hundreds of calls at once all settle, each with its own answer.', {
    given: fc.constant(500),
    weight: 0.02,
    async holds(scope, count) {
      const record = (index: number) => scope.intent(`${index}`, { userId: `${index}` })
      await Promise.all(Array.from({ length: count }, (_, index) => scope.write(record(index))))
      const reads = Array.from({ length: count }, async (_, index) => {
        if (index % 25 === 1)
          expectSame(
            'how many are there',
            (await scope.client.list({ tenantId: scope.tenant, limit: 1 })).records.length <= 1,
            true,
          )
        expectRecord('get', await scope.client.get(scope.id(`${index}`)), record(index))
      })
      await Promise.all(reads)
      const outcomes = Array.from({ length: count }, (_, index) => scope.write(scope.outcome(record(index)), 'settled'))
      await Promise.all(outcomes)
      const all = await walk(scope.client, { tenantId: scope.tenant, state: 'successful', limit: 200 })
      expectSame('how many are settled', all.length, count)
    },
  }),
  property(
    'lifecycle/reads-and-writes-do-not-block',
    'Reads settle while writes are under way, and writes while walks are.',
    {
      given: fc.integer({ min: 2, max: 20 }),
      weight: 0.05,
      async holds(scope, count) {
        const records = Array.from({ length: count }, (_, index) => scope.intent(`${index}`))
        const writing = begun(Promise.all(records.map((record) => scope.write(record))))
        const reading = begun(Promise.all(records.map(({ id }) => scope.client.get(id))))
        const walking = begun(walk(scope.client, { tenantId: scope.tenant, limit: 2, order: 'oldest' }))
        await Promise.all([writing, reading, walking])
        const all = await walk(scope.client, { tenantId: scope.tenant, order: 'oldest' })
        expectRecords(
          'a walk',
          all.toSorted((a, b) => Number(a.id.slice(scope.prefix.length)) - Number(b.id.slice(scope.prefix.length))),
          records,
        )
      },
    },
  ),
]
