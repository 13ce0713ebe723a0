import fc, { type Arbitrary } from 'fast-check'
import type { CommandQuery, CommandRecord } from '../../src/index.ts'
import { oneOf, outcomeStates, someOf } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import { drawn, type FilterField, filterFields, filterLike, queryOf } from '../drawn-queries.ts'
import { expectAsked, expectFiltered, selected, writeEach } from '../filtering.ts'
import { expectRecords, type Fields, type Scope } from '../scope.ts'
import { walkType } from '../walk.ts'

// One value prevails, so that two or three filters leave several records; the others look like it.
const small = oneOf(['a', 'a', 'a', 'a', 'ab', 'A', 'b'])
const absentNowAndThen = { freq: 6, nil: undefined } as const
const maybe = fc.option(oneOf(['a', 'a', 'a', 'a', 'ab', 'A', '']), absentNowAndThen)

/** What a record of these checks is made of. */
const mixed = fc.record({
  type: small,
  state: fc.oneof(
    { weight: 3, arbitrary: fc.constant('failed' as const) },
    { weight: 2, arbitrary: oneOf(outcomeStates) },
    { weight: 1, arbitrary: fc.constant('created' as const) },
  ),
  correlationId: small,
  causationId: maybe,
  userId: maybe,
  clientRef: maybe,
  importance: oneOf(['low', 'low', 'low', 'normal', 'high'] as const),
  retention: oneOf(['permanent', 'permanent', 'permanent', 'short-lived', 'long-lived'] as const),
  dryRun: oneOf([true, true, false]),
  receivedAt: fc.integer({ min: 0, max: 5 }),
  own: maybe,
  attributes: fc.record({ a: oneOf([1, 1, '1', true]), b: oneOf([0, 0, false, '']) }, { requiredKeys: [] }),
  events: fc.uniqueArray(oneOf(['a', 'ab', 'A', 'b']), { maxLength: 3 }),
  code: maybe,
})

type Mixed = typeof mixed extends Arbitrary<infer T> ? T : never

/** Its fields, whose texts no other execution has, but for the empty one. */
function fieldsOf(scope: Scope, { own, attributes, events, code, ...plain }: Mixed): Fields {
  const texts = (['type', 'correlationId', 'causationId', 'userId', 'clientRef'] as const).flatMap((field) => {
    const text = plain[field]
    return text === undefined ? [] : [[field, text === '' ? '' : scope.id(text)] as const]
  })
  const { state, importance, retention, dryRun, receivedAt } = plain
  return {
    ...{ state, importance, retention, dryRun, receivedAt },
    ...Object.fromEntries(texts),
    attributes: { ...attributes, ...(own !== undefined && { own: scope.id(own) }) },
    events: events.map((id) => ({ id: scope.id(id) })),
    problem: code === undefined ? { title: scope.id('a') } : { code: scope.id(code), title: 'a' },
  }
}

function writeMixed(scope: Scope, all: readonly Mixed[]): Promise<CommandRecord[]> {
  return writeEach(
    scope,
    all.map((each) => fieldsOf(scope, each)),
  )
}

const exact = {
  ...({ type: 'T', state: 'rejected', causationId: 'C', userId: 'U', clientRef: 'R' } as const),
  ...({ importance: 'low', retention: 'permanent', dryRun: true } as const),
}
const others: CommandQuery = {
  ...({ type: 't', state: 'failed', causationId: 'c', userId: 'u', clientRef: 'r', eventId: 'E' } as const),
  ...({ problemCode: 'p', importance: 'high', retention: 'long-lived', dryRun: false, from: 6, to: 5 } as const),
  attributes: { a: 1, b: 'y' },
}

/** Several filters at once. */
export const combinedChecks: readonly Check[] = [
  property(
    'filters/joined-by-and',
    'Any combination of filters gives exactly the records that match every one of them.',
    {
      given: fc.tuple(
        fc.array(mixed, { minLength: 5, maxLength: 12, size: 'max' }),
        fc.array(drawn(3), { minLength: 1, maxLength: 8, size: 'max' }),
      ),
      weight: 0.6,
      async holds(scope, [all, draws]) {
        const records = await writeMixed(scope, all)
        for (const draw of draws) await expectAsked(scope, records, queryOf(scope, records, draw))
      },
    },
  ),
  property('filters/every-pair', 'Any two filters are joined by AND, and each of them counts.', {
    given: fc.tuple(
      fc.array(mixed, { minLength: 10, maxLength: 12 }),
      fc.array(drawn(0), { minLength: filterFields.length, maxLength: filterFields.length }),
      fc.shuffledSubarray([...filterFields], { minLength: 6 }),
    ),
    weight: 0.3,
    async holds(scope, [all, draws, fields]) {
      const records = await writeMixed(scope, all)
      for (const [index, field] of fields.entries()) {
        const draw = draws[index] as (typeof draws)[number]
        const next = fields[(index + 1) % fields.length] as FilterField
        await expectAsked(scope, records, queryOf(scope, records, { ...draw, fields: [field] }))
        await expectAsked(scope, records, queryOf(scope, records, { ...draw, fields: [field, next] }))
      }
    },
  }),
  property(
    'filters/each-one-counts',
    'With every filter set to what a record has, it is found; with any one of them set to something else, it is not.',
    {
      given: someOf(Object.keys(others) as (keyof CommandQuery)[]),
      weight: 0.12,
      async holds(scope, fields) {
        const { state, ...own } = exact
        const intent = scope.intent('a', { ...own, receivedAt: 5, attributes: { a: 1, b: 'x' } })
        const outcome = { state, events: [{ id: 'E1' }, { id: 'E2' }], problem: { code: 'P' } }
        const record = scope.outcome(intent, outcome)
        await scope.write(record)
        const brought = { eventId: 'E2', problemCode: 'P', from: 5, to: 6, attributes: { a: 1 } }
        const matching = { ...exact, ...brought, correlationId: intent.correlationId }
        // By tenant and without: a store may plan the two in ways that have nothing in common.
        for (const ask of [expectFiltered, expectAsked]) {
          await ask(scope, [record], matching)
          for (const field of fields) await ask(scope, [record], { ...matching, [field]: others[field] })
        }
        await expectFiltered(scope, [record], { ...matching, correlationId: scope.id('C') })
      },
    },
  ),
  property(
    'filters/findByType-takes-every-filter',
    'findByType with a query is list with that type: filters, order and limit included.',
    {
      given: fc.tuple(
        fc.array(mixed, { minLength: 6, maxLength: 12, size: 'max' }),
        fc.array(drawn(2), { minLength: 1, maxLength: 6, size: 'max' }),
      ),
      weight: 0.4,
      async holds(scope, [all, draws]) {
        const records = await writeMixed(scope, all)
        for (const draw of draws) {
          const { type } = records[draw.like % records.length] as CommandRecord
          const { type: _type, ...query } = queryOf(scope, records, draw)
          const expected = selected(records, { ...query, type })
          expectRecords('findByType', await walkType(scope.client, type, query), expected)
        }
      },
    },
  ),
  property(
    'filters/times-without-a-tenant',
    'A range of times gives the records of every tenant that were received in it, alone and with other filters.',
    {
      given: fc.tuple(
        fc.integer({ min: 1e12, max: 2e12 }),
        fc.array(fc.tuple(mixed, fc.nat(9)), { minLength: 3, maxLength: 10 }),
        fc.array(fc.tuple(fc.nat(9), fc.nat(3), oneOf(filterFields), oneOf(['newest', 'oldest'] as const)), {
          minLength: 2,
          maxLength: 5,
        }),
      ),
      weight: 0.15,
      async holds(scope, [base, all, ranges]) {
        const records = await writeEach(
          scope,
          all.map(([each, at], index) => ({
            ...fieldsOf(scope, each),
            receivedAt: base + at,
            tenantId: scope.id(`tenant ${index % 2}`),
          })),
        )
        for (const [start, length, field, order] of ranges) {
          const [from, to, record] = [base + start, base + start + length + 1, records[0] as CommandRecord]
          const query = { ...filterLike(field, record, { form: 0, next: record }), from, to, order } as const
          // Hardly anybody else's records are of the same few milliseconds, but some may be.
          for (const asked of [{ from, to, order } as const, query]) await expectAsked(scope, records, asked)
        }
      },
    },
  ),
]
