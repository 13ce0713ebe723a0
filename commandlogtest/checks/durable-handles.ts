import fc from 'fast-check'
import { oneOf, someOf } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import type { Client } from '../client.ts'
import { closeAll, handlesOf, withHandles } from '../handles.ts'
import { lookAlikes } from '../hostile-names.ts'
import { newModel } from '../model.ts'
import { finish, operations, perform, type Run } from '../operations.ts'
import { firstCursor } from '../paging.ts'
import { plans, playAndCheck } from '../parallel.ts'
import { expectWinners, race, starts } from '../racing.ts'
import { expectRecord, expectRecords } from '../scope.ts'
import { expectSame } from '../violation.ts'
import { walk } from '../walk.ts'
import { damaged } from './cursors.ts'
import { expectRefused } from './errors.ts'

/** Several handles on the same data, and other data. */
export const durableHandleChecks: readonly Check[] = [
  property(
    'durable/handles-see-each-other',
    'What one handle acknowledged every other one reads at once, by every method, also after looking in vain.',
    {
      given: fc.array(fc.tuple(fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 5 }),
      needs: 'open',
      weight: 0.2,
      async holds(scope, steps) {
        await withHandles(scope, 2, async (one, two) => {
          const stored: ReturnType<typeof scope.intent>[] = []
          for (const [index, [byFirst, settles]] of steps.entries()) {
            const [writer, reader] = byFirst ? [one, two] : [two, one]
            const intent = scope.intent(`${index}`)
            for (const record of settles ? [intent, scope.outcome(intent)] : [intent]) {
              if (record === intent) expectSame('get before the write', await reader.get(record.id), undefined)
              await scope.write(record, record === intent ? 'created' : 'settled', writer)
              stored[index] = record
              await scope.expectStored(record, reader)
              await scope.expectWalk({ tenantId: scope.tenant, order: 'oldest' }, stored, reader)
              expectRecords('findByCorrelation', await reader.findByCorrelation(scope.id('c')), stored)
              await scope.expectWalk(
                { tenantId: scope.tenant, state: 'created' },
                stored.filter(({ state }) => state === 'created').reverse(),
                reader,
              )
            }
          }
        })
      },
    },
  ),
  property(
    'durable/handles-share-one-order',
    'Records written by turns through several handles stand in one order, the same through each.',
    {
      given: fc.array(fc.nat(2), { minLength: 3, maxLength: 30 }),
      needs: 'open',
      weight: 0.15,
      async holds(scope, turns) {
        await withHandles(scope, 3, async (...handles) => {
          const records = turns.map((_, index) => scope.intent(`${index}`))
          for (const [index, record] of records.entries())
            await scope.write(record, 'created', handles[turns[index] ?? 0])
          for (const handle of handles)
            await scope.expectWalk({ tenantId: scope.tenant, order: 'oldest', limit: 7 }, records, handle)
        })
      },
    },
  ),
  property(
    'durable/any-sequence-over-handles',
    'Any sequence of calls, each through any handle, gives what a plain array gives.',
    {
      given: fc.tuple(operations, fc.array(fc.nat(2), { minLength: 5, maxLength: 5 })),
      needs: 'open',
      weight: 0.4,
      async holds(scope, [steps, turns]) {
        await withHandles(scope, 3, async (...handles) => {
          let turn = 0
          const client = (): Client => handles[turns[turn++ % turns.length] ?? 0] as Client
          const run: Run = { scope, model: newModel(), walks: [], client }
          for (const step of steps) await perform(run, step)
          await finish(run)
        })
      },
    },
  ),
  property(
    'durable/races-over-handles-have-one-winner',
    'Where writers race over several handles exactly one is told created, exactly one outcome wins, and all handles read the same.',
    {
      given: fc.tuple(starts, fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }), fc.boolean()),
      needs: 'open',
      weight: 0.5,
      async holds(scope, [ticks, outcomes, withIntent]) {
        await withHandles(scope, 3, async (...handles) => {
          const intent = scope.intent()
          if (withIntent) await scope.write(intent, 'created', handles[0])
          const records = ticks.map((_, index) => {
            const settles = withIntent || outcomes[index] === true
            return settles ? scope.outcome(intent, { durationMs: index, events: [{ id: `${index}` }] }) : intent
          })
          expectWinners(records, await race(records, ticks, handles), !withIntent)
          const [read, ...others] = await Promise.all(handles.map((handle) => handle.get(intent.id)))
          for (const other of others) expectRecord('get through another handle', other, read)
          expectSame(
            'the state after the race',
            read?.state,
            records.some(({ state }) => state !== 'created') ? 'successful' : 'created',
          )
          expectSame('how many a walk gives', (await walk(handles[1] as Client, { tenantId: scope.tenant })).length, 1)
        })
      },
    },
  ),
  property(
    'durable/histories-over-handles',
    'Whatever several clients do at once over several handles, every id is one register, and there is one order.',
    {
      given: plans(6, 8),
      needs: 'open',
      weight: 0.4,
      async holds(scope, plan) {
        await withHandles(scope, 3, (...handles) => playAndCheck(scope, plan, handles))
      },
    },
  ),
  property(
    'durable/cursors-work-on-every-handle',
    'A cursor of one handle goes on through any other, while both write.',
    {
      given: fc.tuple(oneOf(['newest', 'oldest'] as const), fc.integer({ min: 1, max: 3 })),
      needs: 'open',
      weight: 0.1,
      async holds(scope, [order, limit]) {
        await withHandles(scope, 2, async (one, two) => {
          const records = Array.from({ length: 6 }, (_, index) => scope.intent(`${index}`))
          await scope.writeAll(records, one)
          let turn = 0
          const later = { tenantId: scope.id('other') }
          const between = async (): Promise<undefined> => {
            // Not for ever: a store that scans would never come to an end.
            if (turn > 12) return
            await scope.write(scope.intent(`later ${turn}`, later), 'created', turn % 2 === 0 ? one : two)
          }
          const read = await walk(
            one,
            { tenantId: scope.tenant, order, limit },
            { between, read: (query) => (turn++ % 2 === 0 ? one : two).list(query) },
          )
          expectRecords('a walk over handles', read, order === 'oldest' ? records : records.toReversed())
          const cursor = await firstCursor({ ...scope, client: one }, { tenantId: scope.tenant, order, limit })
          await expectRefused(two, ['INVALID_CURSOR'], 'list', {
            tenantId: scope.tenant,
            order,
            limit,
            cursor: damaged(cursor, turn, limit),
          })
        })
      },
    },
  ),
  property(
    'durable/closing-one-handle-leaves-the-others',
    'Closing one handle leaves the others on the same data at work, and their data as they are.',
    {
      given: fc.nat(2),
      needs: 'open',
      weight: 0.06,
      async holds(scope, which) {
        const handles = await handlesOf(scope, 3)
        await scope.write(scope.intent('a'), 'created', handles[which])
        await scope.context.close(handles[which] as Client)
        const left = handles.filter((_, index) => index !== which)
        for (const [index, handle] of left.entries()) {
          await scope.expectStored(scope.intent('a'), handle)
          await scope.write(scope.intent(`later ${index}`), 'created', handle)
        }
        await scope.write(scope.outcome(scope.intent('a')), 'settled', left[0])
        await scope.expectStored(scope.outcome(scope.intent('a')), left[1])
        await closeAll(scope, left)
      },
    },
  ),
  property(
    'durable/cursors-are-bound-to-their-data',
    'A cursor of other data is INVALID_CURSOR, also where the same query gave it there.',
    {
      given: fc.boolean(),
      needs: 'open',
      weight: 0.05,
      async holds(scope, unfiltered) {
        const clients = [await scope.context.fresh(), await scope.context.fresh()] as const
        const query = unfiltered ? { limit: 2 } : { tenantId: scope.tenant, limit: 2 }
        for (const client of clients)
          await scope.writeAll(
            ['a', 'b', 'c', 'd'].map((text) => scope.intent(text)),
            client,
          )
        const cursor = await firstCursor({ ...scope, client: clients[0] }, query)
        await expectRefused(clients[1], ['INVALID_CURSOR'], 'list', { ...query, cursor })
        await closeAll(scope, clients)
      },
    },
  ),
  property(
    'durable/any-text-is-an-id',
    'In data of its own any legal text is an id, exactly as it is, also those that mean something elsewhere.',
    {
      given: someOf(lookAlikes, 5),
      needs: 'open',
      weight: 0.1,
      async holds(scope, ids) {
        const client = await scope.context.fresh()
        const records = ids.map((id, index) => scope.intent('', { id, correlationId: id, receivedAt: index }))
        for (const record of records)
          expectSame('get of an id that nobody wrote', await client.get(record.id), undefined)
        await scope.writeAll(records, client)
        for (const record of records) {
          await scope.expectStored(record, client)
          expectRecords('findByCorrelation', await client.findByCorrelation(record.id), [record])
        }
        await scope.expectWalk({ order: 'oldest', limit: 7 }, records, client)
        await scope.context.close(client)
      },
    },
  ),
  property(
    'durable/an-empty-log-is-empty',
    'New data hold nothing: a list without filters is empty, and the first records are the whole of it.',
    {
      given: fc.integer({ min: 0, max: 4 }),
      needs: 'open',
      weight: 0.05,
      async holds(scope, count) {
        const client = await scope.context.fresh()
        await scope.expectWalk({}, [], client)
        expectSame('the records of an empty page', (await client.list()).records.length, 0)
        const records = Array.from({ length: count }, (_, index) => scope.intent(`${index}`))
        await scope.writeAll(records, client)
        await scope.expectWalk({}, records.toReversed(), client)
        await scope.expectWalk({ order: 'oldest', limit: 3 }, records, client)
        await scope.context.close(client)
      },
    },
  ),
]
