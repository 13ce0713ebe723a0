import fc from 'fast-check'
import { intentFields, oneOf, outcomeFields } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import { expectByEveryFilter, richIntent, richOutcome } from '../every-filter.ts'
import { reopenable, withHandles } from '../handles.ts'
import { begun } from '../limit.ts'
import { settledBy } from '../model.ts'
import { expectRecord, expectRecords } from '../scope.ts'
import { expectSame, Violation } from '../violation.ts'
import { walk } from '../walk.ts'

/** What is there after the data were opened again. */
export const durableDataChecks: readonly Check[] = [
  property(
    'durable/reopening-keeps-everything',
    'Everything acknowledged is there after closing and opening again: records of any kind, whole and in order.',
    {
      given: fc.array(
        fc.record({
          intent: intentFields,
          outcome: fc.option(outcomeFields, { nil: undefined }),
          phases: fc.boolean(),
        }),
        { minLength: 1, maxLength: 5 },
      ),
      needs: 'open',
      weight: 0.25,
      async holds(scope, all) {
        const { first, reopen } = await reopenable(scope)
        const stored = []
        for (const [index, { intent, outcome, phases }] of all.entries()) {
          const begun = scope.intent(`${index}`, intent)
          const settled = outcome && scope.outcome(begun, outcome)
          if (settled === undefined || phases) await scope.write(begun, 'created', first)
          if (settled !== undefined) await scope.write(settled, phases ? 'settled' : 'created', first)
          stored.push(settled === undefined ? begun : settledBy(begun, settled))
        }
        const again = await reopen(first)
        for (const record of stored) await scope.expectStored(record, again)
        await scope.expectWalk({ tenantId: scope.tenant, order: 'oldest' }, stored, again)
        expectRecords('findByCorrelation', await again.findByCorrelation(scope.id('c')), stored)
        await scope.context.close(again)
      },
    },
  ),
  property(
    'durable/every-filter-after-opening-again',
    'After opening again every filter finds what it found before, whether it was settled before or is later.',
    {
      given: fc.integer({ min: 1, max: 3 }),
      needs: 'open',
      weight: 0.04,
      async holds(scope, count) {
        const { first, reopen } = await reopenable(scope)
        const intents = Array.from({ length: 2 * count }, (_, index) => richIntent(scope, `${index}`))
        await scope.writeAll(intents, first)
        const records = intents.map((intent, index) => (index < count ? richOutcome(scope, intent) : intent))
        for (const record of records.slice(0, count)) await scope.write(record, 'settled', first)
        const again = await reopen(first)
        await expectByEveryFilter(scope, records, again)
        const settled = records.map((record, index) => (index < count ? record : richOutcome(scope, record)))
        for (const record of settled.slice(count)) await scope.write(record, 'settled', again)
        await expectByEveryFilter(scope, settled, again)
        await scope.context.close(again)
      },
    },
  ),
  property(
    'durable/many-records-survive',
    'Hundreds of records written at once, and their outcomes, are all there after opening again.',
    {
      given: fc.constant(300),
      needs: 'open',
      weight: 0.03,
      async holds(scope, count) {
        const { first, reopen } = await reopenable(scope)
        const records = Array.from({ length: count }, (_, index) => scope.intent(`${index}`))
        await Promise.all(records.map((record) => scope.write(record, 'created', first)))
        await Promise.all(
          records.slice(0, count / 2).map((record) => scope.write(scope.outcome(record), 'settled', first)),
        )
        const before = await walk(first, { tenantId: scope.tenant })
        const again = await reopen(first)
        expectSame(
          'how many are there',
          (await walk(again, { tenantId: scope.tenant, state: 'successful' })).length,
          count / 2,
        )
        expectRecords('a walk after opening again', await walk(again, { tenantId: scope.tenant }), before)
        await scope.context.close(again)
      },
    },
  ),
  property(
    'durable/close-finishes-accepted-writes',
    'Writes that were called before close and acknowledged are done once close has resolved, and there after opening again.',
    {
      given: fc.tuple(fc.integer({ min: 1, max: 20 }), fc.boolean()),
      needs: 'open',
      weight: 0.15,
      async holds(scope, [count, settles]) {
        const { first, reopen } = await reopenable(scope)
        const intents = Array.from({ length: count }, (_, index) => scope.intent(`${index}`))
        if (settles) await Promise.all(intents.map((record) => scope.write(record, 'created', first)))
        const records = settles ? intents.map((record) => scope.outcome(record)) : intents
        const running = records.map((record) => begun(first.attempt('record', record)))
        const again = await reopen(first)
        const atOnce = new Map((await walk(again, { tenantId: scope.tenant })).map((record) => [record.id, record]))
        for (const [index, { failure }] of (await Promise.all(running)).entries()) {
          const record = records[index] as (typeof records)[number]
          const found = await again.get(record.id)
          if (failure === undefined) {
            expectRecord('get after opening again', found, record)
            expectRecord('a walk right after close had resolved', atOnce.get(record.id), record)
          } else if (found?.state === record.state && failure.written === 'no') {
            throw new Violation('a write that was refused at close is there', {
              expected: 'nothing written',
              actual: failure.code,
            })
          }
        }
        await scope.context.close(again)
      },
    },
  ),
  property(
    'durable/ids-stay-known',
    'After opening again a repeat is unchanged, an outcome settles, and a second outcome does not.',
    {
      given: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.boolean()),
      needs: 'open',
      weight: 0.1,
      async holds(scope, [count, twice]) {
        const { first, reopen } = await reopenable(scope)
        const records = Array.from({ length: count }, (_, index) => scope.intent(`${index}`))
        await scope.writeAll(records, first)
        let again = await reopen(first)
        for (const record of records) await scope.write({ ...record, type: 'other' }, 'unchanged', again)
        for (const record of records) await scope.write(scope.outcome(record), 'settled', again)
        if (twice) again = await reopen(again)
        for (const record of records) {
          await scope.write(scope.outcome(record, { state: 'failed' }), 'unchanged', again)
          await scope.expectStored(scope.outcome(record), again)
        }
        await scope.context.close(again)
      },
    },
  ),
  property(
    'durable/order-goes-on',
    'What is written after opening again stands after everything from before, however often that happens.',
    {
      given: fc.array(fc.integer({ min: 1, max: 13 }), { minLength: 2, maxLength: 4 }),
      needs: 'open',
      weight: 0.1,
      async holds(scope, batches) {
        const { first, reopen } = await reopenable(scope)
        let client = first
        const all = []
        for (const [turn, size] of batches.entries()) {
          const records = Array.from({ length: size }, (_, index) =>
            scope.intent(`${turn}-${index}`, { receivedAt: 1000 - all.length }),
          )
          await scope.writeAll(records, client)
          all.push(...records)
          await scope.expectWalk({ tenantId: scope.tenant, order: 'oldest' }, all, client)
          client = await reopen(client)
          await scope.expectWalk({ tenantId: scope.tenant, limit: 5 }, all.toReversed(), client)
        }
        await scope.context.close(client)
      },
    },
  ),
  property('durable/cursors-outlive-the-handle', 'A cursor goes on where it was after closing and opening again.', {
    given: fc.tuple(oneOf(['newest', 'oldest'] as const), fc.integer({ min: 1, max: 3 })),
    needs: 'open',
    weight: 0.1,
    async holds(scope, [order, limit]) {
      const { first, reopen } = await reopenable(scope)
      const records = Array.from({ length: 7 }, (_, index) => scope.intent(`${index}`))
      await scope.writeAll(records, first)
      let client = first
      const read = await walk(
        first,
        { tenantId: scope.tenant, order, limit },
        {
          between: async (page) => {
            if (page < 3) client = await reopen(client)
            return undefined
          },
          read: (query) => client.list(query),
        },
      )
      expectRecords('a walk over handles', read, order === 'oldest' ? records : records.toReversed())
      await scope.context.close(client)
    },
  }),
  property(
    'durable/values-do-not-depend-on-the-handle',
    'Bytes, texts and numbers are the same through the handle that wrote them and through a later one.',
    {
      given: fc.record({ intent: intentFields, outcome: outcomeFields }),
      needs: 'open',
      weight: 0.25,
      async holds(scope, fields) {
        await withHandles(scope, 2, async (one, two) => {
          const data = Uint8Array.from([0, 255, 128, 10, 13])
          const begun = scope.intent('a', {
            ...fields.intent,
            payload: { status: 'full', format: 'cbor', data, bytes: 5 },
          })
          const settled = settledBy(begun, scope.outcome(begun, fields.outcome))
          await scope.write(begun, 'created', one)
          await scope.expectStored(begun, two)
          await scope.write(scope.outcome(begun, fields.outcome), 'settled', two)
          await scope.expectStored(settled, one)
          expectRecords('findByCorrelation', await two.findByCorrelation(begun.correlationId), [settled])
        })
      },
    },
  ),
]
