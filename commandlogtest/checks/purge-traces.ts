import fc from 'fast-check'
import type { CommandQuery, CommandRecord } from '../../src/index.ts'
import { oneOf } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import { nameOf, startFollower } from '../follower.ts'
import { followAll, positionBefore } from '../following.ts'
import { begun } from '../limit.ts'
import { due, expectPurged, sweep, writeDue } from '../purging.ts'
import { expectRecords } from '../scope.ts'
import { expectSame, expectTrue } from '../violation.ts'
import { walk, walkType } from '../walk.ts'

/** What is left behind. */
export const purgeTraceChecks: readonly Check[] = [
  property(
    'purge/gone-everywhere',
    'A purged record is gone from get, list, findByCorrelation and findByType, by every filter that found it.',
    {
      given: fc.integer({ min: 1, max: 4 }),
      needs: 'purge',
      weight: 0.1,
      async holds(scope, count) {
        await sweep(scope)
        const fields = {
          type: scope.id('type'),
          userId: 'u',
          attributes: { a: 1 },
          retention: 'short-lived',
          receivedAt: 7,
        } as const
        const records = Array.from({ length: count }, (_, index) =>
          scope.outcome(scope.intent(`${index}`, fields), { problem: { code: 'c' }, events: [{ id: scope.id('e') }] }),
        )
        const kept = scope.intent('kept', fields)
        await scope.writeAll([...records, kept])
        await expectPurged(scope.client, due, count)
        for (const { id } of records) expectSame('get of a purged record', await scope.client.get(id), undefined)
        expectRecords('findByCorrelation', await scope.client.findByCorrelation(scope.id('c')), [kept])
        expectRecords('findByType', await walkType(scope.client, fields.type), [kept])
        for (const query of [{}, { userId: 'u' }, { attributes: { a: 1 } }, { from: 7, to: 8 }])
          await scope.expectWalk({ tenantId: scope.tenant, ...query }, [kept])
        for (const query of [{ problemCode: 'c' }, { eventId: scope.id('e') }, { state: 'successful' } as const])
          await scope.expectWalk({ tenantId: scope.tenant, ...query }, [])
      },
    },
  ),
  property(
    'purge/a-purged-id-is-new-again',
    'A purged id is new: its next write is created, stored whole, and last in order.',
    {
      given: fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 4 })),
      needs: 'purge',
      weight: 0.1,
      async holds(scope, [asOutcome, count]) {
        await sweep(scope)
        const old = {
          retention: 'short-lived',
          receivedAt: 7,
          attributes: { a: 1 },
          metadata: { old: true },
          clientRef: 'old',
          ...{ type: scope.id('old'), correlationId: scope.id('old') },
        } as const
        const records = Array.from({ length: count }, (_, index) =>
          scope.outcome(scope.intent(`${index}`, old), { problem: { code: 'old' } }),
        )
        await scope.writeAll(records)
        const kept = scope.intent('kept')
        await scope.write(kept)
        await expectPurged(scope.client, due, count)
        const again = records.map(({ id }, index) => {
          const payload = { status: 'full', format: 'again', data: `${index}`, bytes: 1 } as const
          const intent = scope.intent('', { id, userId: 'again', receivedAt: 5000 - index, payload })
          return asOutcome ? scope.outcome(intent, { state: 'failed', events: [] }) : intent
        })
        await scope.writeAll(again)
        for (const record of again) await scope.expectStored(record)
        await scope.expectWalk({ tenantId: scope.tenant, order: 'oldest' }, [kept, ...again])
        const traces = [
          { attributes: { a: 1 } },
          { clientRef: 'old' },
          { problemCode: 'old' },
          { eventId: records[0]?.events[0]?.id },
          { retention: 'short-lived' } as const,
          ...[{ type: old.type }, { correlationId: old.correlationId }],
        ]
        for (const query of traces) await scope.expectWalk({ tenantId: scope.tenant, ...query }, [])
        expectRecords('findByCorrelation', await scope.client.findByCorrelation(old.correlationId), [])
        if (!asOutcome) await scope.write(scope.outcome(again[0] as CommandRecord), 'settled')
      },
    },
  ),
  property(
    'purge/gone-from-pages-read-again',
    'A page that was read before a purge gives nothing that is gone when it is read again, from its cursor or as the first.',
    {
      given: fc.tuple(fc.integer({ min: 1, max: 3 }), oneOf(['newest', 'oldest'] as const)),
      needs: 'purge',
      weight: 0.04,
      async holds(scope, [limit, order]) {
        await sweep(scope)
        const kept = [scope.intent('first'), scope.intent('last')] as const
        await scope.write(kept[0])
        const records = await writeDue(scope, 4)
        await scope.write(kept[1])
        const query = { tenantId: scope.tenant, order, limit }
        const asked: CommandQuery[] = [query]
        for (const each of asked) {
          const { next } = await scope.client.list(each)
          if (next !== undefined && asked.length < 50) asked.push({ ...query, cursor: next })
        }
        await expectPurged(scope.client, due, records.length)
        const left = new Set(kept.map(({ id }) => id))
        for (const each of asked) {
          const { records: again } = await scope.client.list(each)
          expectTrue(
            again.every(({ id }) => left.has(id)),
            'a page gives a purged record',
          )
        }
      },
    },
  ),
  property(
    'purge/later-records-come-after',
    'What is written after a purge stands after everything from before, also where the newest were purged.',
    {
      given: fc.record({
        before: fc.nat(3),
        purged: fc.integer({ min: 1, max: 4 }),
        after: fc.integer({ min: 1, max: 3 }),
        at: fc.nat(11),
      }),
      needs: 'purge',
      weight: 0.2,
      async holds(scope, { before, purged, after, at }) {
        await sweep(scope)
        const kept = Array.from({ length: before }, (_, index) => scope.intent(`kept ${index}`))
        await scope.writeAll(kept)
        await writeDue(scope, purged)
        const oldest = { tenantId: scope.tenant, order: 'oldest', limit: 1 + (at % (before + purged)) } as const
        const newest = { tenantId: scope.tenant, order: 'newest', limit: 1 } as const
        const [first, last] = [await scope.client.list(oldest), await scope.client.list(newest)]
        await expectPurged(scope.client, due, purged)
        const later = Array.from({ length: after }, (_, index) => scope.intent(`later ${index}`))
        await scope.writeAll(later)
        await scope.expectWalk({ tenantId: scope.tenant, order: 'oldest' }, [...kept, ...later])
        // Whatever the first page gave, its cursor goes on with the rest, also where its record is gone.
        const left = [...kept, ...later].slice(Math.min(first.records.length, before))
        if (first.next !== undefined) await scope.expectWalk({ ...oldest, cursor: first.next }, left)
        if (last.next !== undefined && last.records.length > 0)
          await scope.expectWalk({ ...newest, cursor: last.next }, kept.toReversed())
      },
    },
  ),
  property(
    'purge/walks-go-on',
    'A walk goes on across a purge, also where the record at its cursor is gone, or new again: it sees every one that is left, in order.',
    {
      given: fc.record({
        pattern: fc.array(fc.boolean(), { minLength: 3, maxLength: 10 }),
        tail: fc.nat(3),
        limit: fc.integer({ min: 1, max: 3 }),
        at: fc.integer({ min: 1, max: 3 }),
        order: oneOf(['newest', 'oldest'] as const),
      }),
      needs: 'purge',
      weight: 0.4,
      async holds(scope, { pattern, tail, limit, at, order }) {
        await sweep(scope)
        const purged = [...pattern, ...Array.from({ length: tail }, () => true)]
        const records = purged.map((isPurged, index) => {
          const intent = scope.intent(`${index}`, { retention: isPurged ? 'short-lived' : 'long-lived', receivedAt: 5 })
          return scope.outcome(intent)
        })
        const later = [scope.intent('later 0'), scope.intent('later 1')]
        await scope.writeAll(records)
        const gone = records.filter(({ retention }) => retention === 'short-lived')
        const between = async (page: number): Promise<undefined> => {
          if (page !== at) return
          const { count, isUnsure } = await scope.client.purge(due)
          await scope.writeAll(later)
          // New lives of the purged come after all, so that a walk to the oldest never meets them. A cursor is a place.
          const isSure = !isUnsure && count === gone.length
          if (order === 'newest' && isSure) await scope.writeAll(gone.map(({ id }) => scope.intent('', { id })))
        }
        // A walk that begins with an empty page may yet meet the new lives.
        const again = new Set(gone.map(({ id }) => id))
        const found = await walk(scope.client, { tenantId: scope.tenant, order, limit }, { between })
        const read = found.map(({ id, state }) => (state === 'created' && again.has(id) ? `${id} again` : id))
        const lives = [...[...records, ...later].map(({ id }) => id), ...[...again].map((id) => `${id} again`)]
        const all = lives.filter((id) => read.includes(id))
        expectSame(
          'a walk across a purge, in the order of recording',
          read,
          order === 'oldest' ? all : all.toReversed(),
        )
        const kept = records.filter(({ retention }) => retention === 'long-lived').map(({ id }) => id)
        const seen = all.filter((id) => kept.includes(id))
        expectSame('what a walk across a purge sees of the records that are left', seen, kept)
      },
    },
  ),
  property(
    'purge/followers-go-on',
    'A follower goes on across a purge, also from the position of a record that is gone, and gives no purged record again.',
    {
      given: fc.tuple(fc.integer({ min: 1, max: 5 }), fc.nat(4)),
      needs: 'follow+purge',
      weight: 0.1,
      async holds(scope, [count, at]) {
        await sweep(scope)
        const start = await positionBefore(scope)
        const records = await writeDue(scope, count)
        const middle = scope.outcome(scope.intent('middle'))
        await scope.write(middle)
        const all = await followAll(scope, start, middle)
        const position = (all[at % all.length] as (typeof all)[number]).position
        const follower = startFollower(scope, (all.at(-1) as (typeof all)[number]).position)
        try {
          const waiting = begun(follower.next())
          await expectPurged(scope.client, due, records.length)
          const end = scope.outcome(scope.intent('end'))
          await scope.write(end)
          expectSame('what a waiting follower gives after a purge', (await waiting)?.record.id, end.id)
          const rest = (await followAll(scope, position, end)).map(nameOf)
          expectSame(
            'what a follower gives from an older position',
            rest,
            at % all.length < all.length - 1 ? ['middle settled', 'end settled'] : ['end settled'],
          )
          expectSame('the backlog', (await followAll(scope, start, end)).map(nameOf), ['middle settled', 'end settled'])
        } finally {
          follower.abort()
        }
      },
    },
  ),
  property(
    'purge/a-new-life-is-followed',
    'A purged id that is written again is given to followers as the new record that it is.',
    {
      given: fc.boolean(),
      needs: 'follow+purge',
      weight: 0.05,
      async holds(scope, settles) {
        await sweep(scope)
        const start = await positionBefore(scope)
        const [record] = (await writeDue(scope, 1)) as [CommandRecord]
        await expectPurged(scope.client, due, 1)
        const again = scope.intent('', { id: record.id, userId: 'again' })
        const last = settles ? scope.outcome(again, { state: 'failed' }) : again
        for (const each of settles ? [again, last] : [again])
          await scope.write(each, each === again ? 'created' : 'settled')
        const end = scope.outcome(scope.intent('end'))
        await scope.write(end)
        const changes = await followAll(scope, start, end)
        expectRecords(
          'a follower',
          changes.slice(-2).map((change) => change.record),
          [last, end],
        )
        expectTrue(
          changes.every((change) => change.record.userId === 'again' || change.record.id === end.id),
          'a follower gives a purged record',
        )
      },
    },
  ),
]
