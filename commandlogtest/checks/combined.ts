import fc, { type Arbitrary } from 'fast-check'
import type { CommandQuery } from '../../src/index.ts'
import { allStates, oneOf, someOf } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import { expectFiltered, writeEach } from '../filtering.ts'
import { alikePairs, alikeValues } from '../hostile.ts'
import { attributeNames, confusable } from '../hostile-names.ts'
import { isAskedFor } from '../model.ts'
import { expectRecords, type Fields } from '../scope.ts'
import { walkType } from '../walk.ts'

const small = oneOf(['a', 'b', 'A', ''])

/** Records with so few different values that every filter splits them. */
const mixed: Arbitrary<Fields> = fc
  .record(
    {
      type: oneOf(['a', 'b', 'A']),
      state: oneOf(allStates),
      causationId: small,
      userId: small,
      clientRef: small,
      importance: oneOf(['low', 'normal', 'high'] as const),
      retention: oneOf(['short-lived', 'long-lived', 'permanent'] as const),
      dryRun: fc.boolean(),
      receivedAt: fc.integer({ min: 1, max: 5 }),
      attributes: fc.record({ a: oneOf([1, '1', true]), b: oneOf([0, false, '']) }, { requiredKeys: [] }),
      events: fc.uniqueArray(oneOf(['a', 'b', 'A']), { maxLength: 3 }).map((ids) => ids.map((id) => ({ id }))),
      problem: fc.record({ code: oneOf(['a', 'b', 'A']), title: fc.constant('a') }, { requiredKeys: ['title'] }),
    },
    { requiredKeys: ['events'] },
  )
  .map(({ problem, events, ...fields }) => {
    if ((fields.state ?? 'created') === 'created') return fields
    return { ...fields, events, ...(problem !== undefined && { problem }) }
  })

/** Any combination of filters, order and limit. */
const combined: Arbitrary<CommandQuery> = fc.record(
  {
    type: fc.oneof(oneOf(['a', 'b', 'A']), fc.subarray(['a', 'b', 'A', 'c'])),
    state: fc.oneof(oneOf(allStates), fc.subarray([...allStates])),
    causationId: small,
    userId: small,
    clientRef: small,
    eventId: oneOf(['a', 'b', 'A']),
    problemCode: oneOf(['a', 'b', 'A']),
    importance: oneOf(['low', 'normal', 'high'] as const),
    retention: oneOf(['short-lived', 'long-lived', 'permanent'] as const),
    dryRun: fc.boolean(),
    from: fc.integer({ min: 0, max: 6 }),
    to: fc.integer({ min: 0, max: 6 }),
    attributes: fc.record({ a: oneOf([1, '1', true]), b: oneOf([0, false, '']) }, { requiredKeys: [] }),
    order: oneOf(['newest', 'oldest'] as const),
    limit: fc.integer({ min: 1, max: 12 }),
  },
  { requiredKeys: [] },
)

/** A query with only these filters of it. */
function only(query: CommandQuery, fields: readonly (keyof CommandQuery)[]): CommandQuery {
  return Object.fromEntries(fields.filter((field) => query[field] !== undefined).map((field) => [field, query[field]]))
}

const filterFields = [
  ...([
    'type',
    'state',
    'causationId',
    'userId',
    'clientRef',
    'eventId',
    'problemCode',
    'importance',
    'retention',
  ] as const),
  ...(['dryRun', 'from', 'to', 'attributes'] as const),
]
const everyFilter = fc
  .tuple(
    combined,
    fc.constant({
      type: 'a',
      state: 'failed',
      causationId: 'a',
      userId: 'a',
      clientRef: 'a',
      eventId: 'a',
      problemCode: 'a',
      importance: 'low',
      retention: 'permanent',
      dryRun: true,
      from: 2,
      to: 4,
      attributes: { a: 1 },
    } as const),
  )
  .map(([some, all]) => ({ ...all, ...some }))
const pairs = [...confusable, ...alikePairs] as readonly (readonly (string | number | boolean)[])[]
const alike: Arbitrary<(string | number | boolean)[]> = fc.oneof(
  someOf(alikeValues, 2, 8),
  someOf(pairs, 1, 6).map((some) => [...new Set(some.flat())]),
)
// What is folded or cut most often is there every time.
const common = ['Case', 'case', 'case ', 'cas'] as const
const alikeNames = fc.oneof(
  someOf(attributeNames, 2, 8),
  someOf(confusable, 1, 5).map((some) => [...new Set(some.flat())]),
)
const exact = {
  ...({ type: 'T', state: 'rejected', causationId: 'C', userId: 'U', clientRef: 'R' } as const),
  ...({ importance: 'low', retention: 'permanent', dryRun: true } as const),
}
const others = {
  ...({
    type: 't',
    state: 'failed',
    causationId: 'c',
    userId: 'u',
    clientRef: 'r',
    eventId: 'E',
    problemCode: 'p',
  } as const),
  ...({
    importance: 'high',
    retention: 'long-lived',
    dryRun: false,
    from: 6,
    to: 5,
    attributes: { a: 1, b: 'y' },
  } as const),
}

/** Several filters at once, and attributes. */
export const combinedChecks: readonly Check[] = [
  property(
    'filters/joined-by-and',
    'Any combination of filters gives exactly the records that match every one of them.',
    {
      given: fc.tuple(
        fc.array(mixed, { minLength: 1, maxLength: 12 }),
        fc.array(combined, { minLength: 1, maxLength: 5 }),
      ),
      weight: 0.6,
      async holds(scope, [all, queries]) {
        const records = await writeEach(scope, all)
        for (const query of queries) await expectFiltered(scope, records, query)
      },
    },
  ),
  property('filters/every-pair', 'Any two filters are joined by AND, and each of them counts.', {
    given: fc.tuple(
      fc.array(mixed, { minLength: 10, maxLength: 14 }),
      everyFilter,
      fc.shuffledSubarray(filterFields, { minLength: 6 }),
    ),
    weight: 0.4,
    async holds(scope, [all, query, fields]) {
      const records = await writeEach(scope, all)
      for (const [index, field] of fields.entries()) {
        const next = fields[(index + 1) % fields.length] as (typeof fields)[number]
        await expectFiltered(scope, records, only(query, [field]))
        await expectFiltered(scope, records, only(query, [field, next]))
      }
    },
  }),
  property(
    'filters/each-one-counts',
    'With every filter set to what a record has, it is found; with any one of them set to something else, it is not.',
    {
      given: someOf(filterFields),
      weight: 0.12,
      async holds(scope, fields) {
        const { state, ...own } = exact
        const intent = scope.intent('a', { ...own, receivedAt: 5, attributes: { a: 1, b: 'x' } })
        const outcome = { state, events: [{ id: 'E1' }, { id: 'E2' }], problem: { code: 'P' } }
        const record = scope.outcome(intent, outcome)
        await scope.write(record)
        const brought = { eventId: 'E2', problemCode: 'P', from: 5, to: 6, attributes: { a: 1 } }
        const matching = { ...exact, ...brought, correlationId: intent.correlationId }
        await expectFiltered(scope, [record], matching)
        for (const field of fields) await expectFiltered(scope, [record], { ...matching, [field]: others[field] })
        await expectFiltered(scope, [record], { ...matching, correlationId: scope.id('C') })
      },
    },
  ),
  property(
    'filters/findByType-takes-every-filter',
    'findByType with a query is list with that type: filters, order and limit included.',
    {
      given: fc.tuple(
        fc.array(mixed, { minLength: 4, maxLength: 12 }),
        fc.array(combined, { minLength: 1, maxLength: 4 }),
        oneOf(['a', 'b', 'A']),
      ),
      weight: 0.4,
      async holds(scope, [all, queries, type]) {
        const records = await writeEach(scope, all)
        for (const { type: _type, ...query } of queries) {
          const asked = { tenantId: scope.tenant, ...query }
          const expected = records.filter((record) => isAskedFor(record, { ...asked, type }))
          expectRecords(
            'findByType',
            await walkType(scope.client, type, asked),
            asked.order === 'oldest' ? expected : expected.reverse(),
          )
        }
      },
    },
  ),
  property(
    'filters/attributes-are-exact',
    'A filter by an attribute gives the records that have this very value, of the same type.',
    {
      given: fc.tuple(oneOf(attributeNames), alike, someOf(alikeValues, 1, 3)),
      weight: 0.5,
      async holds(scope, [name, some, strange]) {
        const values = [...new Set([...some, ...common])]
        const records = await writeEach(scope, [
          ...values.map((value) => ({ attributes: Object.fromEntries([[name, value]]) })),
          { attributes: {} },
          {},
        ])
        for (const value of new Set([...values, ...strange])) {
          await expectFiltered(scope, records, { attributes: Object.fromEntries([[name, value]]) })
        }
      },
    },
  ),
  property(
    'filters/attribute-names-are-exact',
    'The name of an attribute is a name: no path, no case folding, nothing inherited.',
    {
      given: fc.tuple(alikeNames, oneOf(alikeValues)),
      weight: 0.3,
      async holds(scope, [some, value]) {
        const names = [...new Set([...some, ...common])]
        const records = await writeEach(scope, [
          ...names.map((name) => ({ attributes: Object.fromEntries([[name, value]]) })),
          {},
        ])
        for (const name of [...names, 'toString', 'nobody', 'a']) {
          await expectFiltered(scope, records, { attributes: Object.fromEntries([[name, value]]) })
        }
      },
    },
  ),
  property(
    'filters/several-attributes',
    'Several attributes must all match; attributes: {} matches every record, also one without any.',
    {
      given: fc.array(fc.record({ a: oneOf([1, 2]), b: oneOf([1, 2]), c: oneOf([1, 2]) }, { requiredKeys: [] }), {
        minLength: 1,
        maxLength: 8,
      }),
      weight: 0.2,
      async holds(scope, all) {
        const records = await writeEach(scope, [...all.map((attributes) => ({ attributes })), {}])
        for (const attributes of [
          {},
          { a: 1 },
          { a: 1, b: 2 },
          { b: 2, a: 1 },
          { a: 2, b: 1, c: 1 },
          { a: 1, d: 1 },
          { a: undefined as never, b: 1 },
        ]) {
          const { a, ...rest } = attributes as Record<string, number>
          const asked = a === undefined ? rest : attributes
          await expectFiltered(scope, records, { attributes: asked as Record<string, number> })
        }
      },
    },
  ),
]
