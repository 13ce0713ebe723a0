import fc from 'fast-check'
import type { CommandQuery, CommandRecord } from '../../src/index.ts'
import { allStates, oneOf, outcomeStates, someOf } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import { expectFiltered, writeEach } from '../filtering.ts'
import { expectRecords } from '../scope.ts'
import { walkType } from '../walk.ts'

/** Filters by what is no free text. */
export const kindFilterChecks: readonly Check[] = [
  property('filters/state-is-exact', 'A filter by state gives exactly the records in this state.', {
    given: fc.array(oneOf(allStates), { minLength: 1, maxLength: 8 }),
    weight: 0.2,
    async holds(scope, states) {
      const records = await writeEach(
        scope,
        states.map((state) => ({ state })),
      )
      for (const state of allStates) await expectFiltered(scope, records, { state })
    },
  }),
  property(
    'filters/arrays-match-any',
    'Several types or states match any of them, also when one is named twice or nobody has it.',
    {
      given: fc.record({
        kinds: fc.array(fc.tuple(oneOf(['x', 'y', 'z', 'X']), oneOf(allStates)), { minLength: 1, maxLength: 8 }),
        types: fc.array(oneOf(['x', 'y', 'z', 'X', 'none', 'x,y', '%']), { minLength: 1, maxLength: 5 }),
        states: fc.array(oneOf(allStates), { minLength: 1, maxLength: 8 }),
      }),
      weight: 0.3,
      async holds(scope, { kinds, types, states }) {
        const records = await writeEach(
          scope,
          kinds.map(([type, state]) => ({ type, state })),
        )
        await expectFiltered(scope, records, { type: types })
        await expectFiltered(scope, records, { state: states })
        await expectFiltered(scope, records, { type: types, state: states, limit: 2 })
      },
    },
  ),
  property('filters/many-types', 'A filter may name a thousand types.', {
    given: oneOf([50, 300]),
    weight: 0.02,
    async holds(scope, few) {
      const last = `x${few - 1}`
      const records = await writeEach(scope, [{ type: 'x0' }, { type: last }, { type: 'x999' }, { type: 'other' }])
      const thousand = Array.from({ length: 1000 }, (_, index) => `x${index}`)
      for (const type of [thousand.slice(0, few), thousand]) await expectFiltered(scope, records, { type })
    },
  }),
  property(
    'filters/empty-arrays-match-nothing',
    'type: [] and state: [] match nothing, alone and with other filters.',
    {
      given: someOf<CommandQuery>([
        { type: [] },
        { state: [] },
        { type: [], state: [] },
        { type: 'x', state: [] },
        { type: [], dryRun: false },
      ]),
      weight: 0.1,
      async holds(scope, queries) {
        const records = await writeEach(scope, [{ type: 'x' }, { state: 'failed' }])
        for (const query of queries) {
          await expectFiltered(scope, records, query)
          await expectFiltered(scope, records, { ...query, limit: 1, order: 'newest' })
        }
      },
    },
  ),
  property(
    'filters/importance-and-retention',
    'Filters by importance and retention are apart: neither is derived from the other.',
    {
      given: fc.array(
        fc.tuple(oneOf(['low', 'normal', 'high'] as const), oneOf(['short-lived', 'long-lived', 'permanent'] as const)),
        { minLength: 1, maxLength: 8 },
      ),
      weight: 0.2,
      async holds(scope, kinds) {
        const records = await writeEach(
          scope,
          kinds.map(([importance, retention]) => ({ importance, retention })),
        )
        for (const importance of ['low', 'normal', 'high'] as const)
          await expectFiltered(scope, records, { importance })
        for (const retention of ['short-lived', 'long-lived', 'permanent'] as const)
          await expectFiltered(scope, records, { retention })
        await expectFiltered(scope, records, { importance: 'low', retention: 'permanent' })
      },
    },
  ),
  property('filters/dryRun', 'dryRun: true gives dry runs, false the others, and without it list gives both.', {
    given: fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }),
    weight: 0.15,
    async holds(scope, flags) {
      const records = await writeEach(
        scope,
        flags.map((dryRun) => ({ dryRun })),
      )
      for (const query of [{ dryRun: true }, { dryRun: false }, {}, { dryRun: undefined }])
        await expectFiltered(scope, records, query)
    },
  }),
  property(
    'filters/times-are-half-open',
    'from is at or after, to is before, exact at the millisecond, as numbers and as Dates.',
    {
      given: fc.record({
        times: fc.array(fc.integer({ min: -2, max: 3 }), { minLength: 2, maxLength: 8 }),
        from: fc.option(fc.integer({ min: -3, max: 4 }), { nil: undefined }),
        to: fc.option(fc.integer({ min: -3, max: 4 }), { nil: undefined }),
        base: oneOf([10, 1_700_000_000_000, 2 ** 31 * 1000, 253_402_300_800_000]),
        asDate: fc.boolean(),
      }),
      weight: 0.6,
      async holds(scope, { times, from, to, base, asDate }) {
        const records = await writeEach(
          scope,
          times.map((offset) => ({ receivedAt: base + offset })),
        )
        const at = (offset: number | undefined): number | Date | undefined => {
          if (offset === undefined) return undefined
          return asDate ? new Date(base + offset) : base + offset
        }
        await expectFiltered(scope, records, { from: at(from), to: at(to) })
        await expectFiltered(scope, records, { from: at(from) })
        await expectFiltered(scope, records, { to: at(to), limit: 2, order: 'newest' })
      },
    },
  ),
  property(
    'filters/far-times',
    'Any finite time will do as from and to: far away, before 1970, and between two milliseconds.',
    {
      given: fc.tuple(
        someOf([-1e300, -8.64e15, -1, 0, 999.5, 1000, 1000.5, 1e300], 3),
        someOf([-1e300, 0, 1000.5, 1001, 1001.5, 8.64e15, 2 ** 63, 1e300], 3),
      ),
      weight: 0.1,
      async holds(scope, [froms, tos]) {
        const records = await writeEach(scope, [{ receivedAt: 1000 }, { receivedAt: 1001 }, { receivedAt: 1002 }])
        for (const from of froms) await expectFiltered(scope, records, { from })
        for (const to of tos) await expectFiltered(scope, records, { to })
        for (const [index, from] of froms.entries())
          await expectFiltered(scope, records, { from, to: tos[index % tos.length] })
      },
    },
  ),
  property('filters/from-beyond-to-is-empty', 'from at or beyond to is an empty page, not an error.', {
    given: fc.tuple(fc.integer({ min: 0, max: 3 }), fc.boolean()),
    weight: 0.06,
    async holds(scope, [gap, asDate]) {
      const records = await writeEach(scope, [{ receivedAt: 1000 }, { receivedAt: 1001 }, { receivedAt: 1002 }])
      const [from, to] = [1001 + gap, 1001]
      await expectFiltered(scope, records, asDate ? { from: new Date(from), to: new Date(to) } : { from, to })
    },
  }),
  property(
    'filters/times-are-of-receipt',
    'from and to are about receivedAt, not about when a record was written or settled.',
    {
      given: fc.tuple(fc.nat(100), fc.nat(100)),
      weight: 0.06,
      async holds(scope, [receivedAt, settledAt]) {
        const intent = scope.intent('a', { receivedAt: 1000 + receivedAt })
        const outcome = scope.outcome(intent, { settledAt: 5000 + settledAt })
        await scope.write(intent)
        await scope.write({ ...outcome, receivedAt: 9000 }, 'settled')
        await expectFiltered(scope, [outcome], { from: 1000, to: 1101 })
        await expectFiltered(scope, [outcome], { from: 1101 })
      },
    },
  ),
  property('filters/undefined-counts-as-absent', 'A filter that is undefined is none.', {
    given: someOf([
      'type',
      'state',
      'correlationId',
      'causationId',
      'eventId',
      'problemCode',
      'userId',
      'clientRef',
      'importance',
      'retention',
      'dryRun',
      'attributes',
      'from',
      'to',
      'order',
      'limit',
      'cursor',
    ]),
    weight: 0.15,
    async holds(scope, fields) {
      const records = await writeEach(scope, [{}, { userId: 'u', causationId: 'c', dryRun: true }, { state: 'failed' }])
      const query = Object.fromEntries(fields.map((field) => [field, undefined]))
      await scope.expectWalk({ tenantId: scope.tenant, ...query }, records.toReversed())
      const { type: _type, ...ofType } = query
      const { type } = scope.intent()
      expectRecords(
        'findByType',
        await walkType(scope.client, type, { tenantId: scope.tenant, ...ofType }),
        records.toReversed(),
      )
    },
  }),
]

/** What settling does to filters. */
export const changeFilterChecks: readonly Check[] = [
  property(
    'filters/settling-moves-between-states',
    'A settled record is found by its new state and no longer as created.',
    {
      given: fc.array(oneOf(outcomeStates), { minLength: 1, maxLength: 5 }),
      weight: 0.2,
      async holds(scope, states) {
        const records = await writeEach(scope, [...states.map(() => ({})), {}])
        await expectFiltered(scope, records, { state: 'created' })
        for (const [index, state] of states.entries()) {
          records[index] = scope.outcome(records[index] as CommandRecord, { state })
          await scope.write(records[index] as CommandRecord, 'settled')
          await expectFiltered(scope, records, { state: 'created' })
          await expectFiltered(scope, records, { state })
        }
      },
    },
  ),
  property(
    'filters/outcomes-are-found',
    'Events and problem codes that only the outcome brought are found; those of a refused second outcome are not.',
    {
      given: fc.constantFrom(1, 3, 30),
      weight: 0.1,
      async holds(scope, count) {
        const [intent] = (await writeEach(scope, [{}, {}])) as [CommandRecord]
        const events = Array.from({ length: count }, (_, index) => ({ id: `${scope.prefix}e${index}` }))
        const outcome = scope.outcome(intent, { state: 'rejected', events, problem: { code: 'first' } })
        await scope.write(outcome, 'settled')
        await scope.write(scope.outcome(intent, { events: [{ id: 'late' }], problem: { code: 'late' } }), 'unchanged')
        for (const { id: eventId } of events) await expectFiltered(scope, [outcome], { eventId })
        await expectFiltered(scope, [outcome], { eventId: 'late' })
        await expectFiltered(scope, [outcome], { problemCode: 'first' })
        await expectFiltered(scope, [outcome], { problemCode: 'late' })
      },
    },
  ),
  property(
    'filters/keep-the-identity-of-the-first-write',
    'A record is found by what its first write said, whatever its outcome says of type, user, client and cause.',
    {
      given: oneOf(['type', 'userId', 'clientRef', 'causationId', 'correlationId'] as const),
      weight: 0.2,
      async holds(scope, field) {
        const intent = scope.intent('a', { [field]: scope.id('one') })
        await scope.write(intent)
        await scope.write(scope.outcome(intent, { [field]: scope.id('two') }), 'settled')
        const settled = [scope.outcome(intent)]
        await expectFiltered(scope, settled, { [field]: scope.id('one') })
        await expectFiltered(scope, settled, { [field]: scope.id('two') })
      },
    },
  ),
]
