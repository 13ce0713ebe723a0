import fc from 'fast-check'
import type { CommandRecord } from '../../src/index.ts'
import { oneOf, someOf } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import type { Client, Method } from '../client.ts'
import { sleep } from '../limit.ts'
import { show } from '../show.ts'
import type { StoreFailure } from '../store-failure.ts'
import { Violation } from '../violation.ts'

/** Demands that a call is refused with one of these codes, and that nothing was written. */
export async function expectRefused(
  client: Client,
  codes: readonly string[],
  method: Method,
  ...args: readonly unknown[]
): Promise<StoreFailure> {
  const failure = await client.failure(method, ...args)
  if (!codes.includes(failure.code)) {
    const message = `${method}(${args.map((each) => show(each)).join(', ')}) fails with another code`
    throw new Violation(message, {
      expected: codes.map((code) => show(code)).join(' or '),
      actual: show(failure.error),
    })
  }
  if (failure.written !== 'no') {
    throw new Violation(`${method} is refused, so nothing was written`, {
      expected: "written 'no'",
      actual: show(failure.error),
    })
  }
  return failure
}

/** A check that a query with any of these members is refused by `list` and `findByType`. */
function refusal(topic: string, rule: string, queries: readonly object[]): Check {
  return property(`errors/${topic}`, rule, {
    given: fc.tuple(someOf(queries), fc.boolean()),
    weight: 0.1,
    async holds(scope, [some, alone]) {
      for (const members of some) {
        const query = alone ? members : { tenantId: scope.tenant, ...members }
        await expectRefused(scope.client, ['INVALID_QUERY'], 'list', query)
        if ('type' in members) continue
        await expectRefused(scope.client, ['INVALID_QUERY'], 'findByType', scope.id('type'), query)
      }
    },
  })
}

const fields = [
  ...[
    'type',
    'state',
    'correlationId',
    'causationId',
    'eventId',
    'problemCode',
    'tenantId',
    'userId',
    'clientRef',
    'importance',
  ],
  ...['retention', 'dryRun', 'attributes', 'from', 'to', 'order', 'limit', 'cursor'],
]
const textFields = ['correlationId', 'causationId', 'eventId', 'problemCode', 'tenantId', 'userId', 'clientRef', 'type']
const member = (field: string, value: unknown): object => ({ [field]: value })

/** What is refused, and how. */
export const errorsChecks: readonly Check[] = [
  refusal(
    'unknown-keys',
    'A query with a key that the contract does not know is INVALID_QUERY, never a page.',
    [
      ...[
        'types',
        'Type',
        'id',
        'ids',
        'where',
        'offset',
        'skip',
        'page',
        'sort',
        'after',
        'before',
        'status',
        'tenant',
        'correlationID',
        'limit ',
        '$or',
      ],
    ].map((field) => member(field, 'x')),
  ),
  refusal(
    'null-values',
    'A filter that is null is INVALID_QUERY, never the same as none.',
    fields.map((field) => member(field, null)),
  ),
  refusal(
    'unknown-states',
    'A state that is none of the six is INVALID_QUERY, alone or in an array.',
    ['CREATED', 'Created', 'succeeded', 'pending', 'settled', '', 'created ', '*', 'toString'].flatMap((state) => [
      { state },
      { state: [state] },
      { state: ['created', state] },
    ]),
  ),
  refusal(
    'limits',
    'A limit that is no whole number from 1 to 1000 is INVALID_QUERY.',
    [
      0,
      -1,
      1.5,
      1001,
      1e9,
      2 ** 53,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      '10',
      true,
      0.5,
      999.5,
    ].map((limit) => member('limit', limit)),
  ),
  refusal(
    'times',
    'A time that is not finite is INVALID_QUERY, as a number and as a Date.',
    [
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      new Date(Number.NaN),
      'yesterday',
      '2024-01-01',
      true,
      {},
    ].flatMap((time) => [{ from: time }, { to: time }]),
  ),
  refusal(
    'orders',
    'An order other than newest and oldest is INVALID_QUERY.',
    ['asc', 'desc', 'Newest', 'OLDEST', '', 1, 'newest ', ['newest'], true].map((order) => member('order', order)),
  ),
  refusal(
    'attribute-filters',
    'A filter by attributes that is no flat record of texts, finite numbers and booleans is INVALID_QUERY.',
    [
      { a: null },
      { a: {} },
      { a: [] },
      { a: ['x'] },
      { a: Number.NaN },
      { a: Number.POSITIVE_INFINITY },
      { a: 1, b: null },
      'a',
      1,
      true,
    ].map((attributes) => member('attributes', attributes)),
  ),
  refusal('wrong-types', 'A filter of another type than the contract has is INVALID_QUERY, never converted.', [
    ...textFields.flatMap((field) => [1, true, {}, Number.NaN].map((value) => member(field, value))),
    ...[
      { dryRun: 'true' },
      { dryRun: 1 },
      { dryRun: 0 },
      { type: [1] },
      { type: ['a', null] },
      { state: [null] },
      { state: 5 },
      { tenantId: ['a'] },
      { correlationId: ['a'] },
    ],
  ]),
  property(
    'errors/queries-of-another-kind',
    'A query that is no object is INVALID_QUERY: null, a text, a number and an array.',
    {
      given: oneOf<unknown>([null, 'newest', 10, true, [], [{ limit: 1 }]]),
      weight: 0.1,
      async holds(scope, query) {
        await expectRefused(scope.client, ['INVALID_QUERY'], 'list', query)
        await expectRefused(scope.client, ['INVALID_QUERY'], 'findByType', scope.id('type'), query)
      },
    },
  ),
  refusal('unknown-kinds', 'An importance or retention that the contract does not know is INVALID_QUERY.', [
    { importance: 'urgent' },
    { importance: 'Low' },
    { importance: '' },
    { retention: 'forever' },
    { retention: 'Permanent' },
    { retention: '' },
  ]),
  property(
    'errors/refused-everywhere',
    'A query is as invalid beside other filters, with a cursor, and where nothing would match.',
    {
      given: someOf<object>([
        { limit: 0 },
        { state: 'unknown' },
        { userId: null },
        { from: Number.NaN },
        { unknown: 1 },
        { limit: 1001 },
      ]),
      weight: 0.15,
      async holds(scope, some) {
        await scope.writeAll([scope.intent('a'), scope.intent('b')])
        const own = { tenantId: scope.tenant, limit: 1 }
        const { next } = await scope.client.list(own)
        for (const members of some) {
          for (const others of [{ tenantId: scope.id('nobody') }, { type: [] }, { from: 5, to: 1, dryRun: true }])
            await expectRefused(scope.client, ['INVALID_QUERY'], 'list', { ...others, ...members })
          if (next === undefined) continue
          const codes = ['INVALID_QUERY', 'INVALID_CURSOR']
          await expectRefused(scope.client, codes, 'list', { ...own, cursor: next, ...members })
        }
      },
    },
  ),
  property(
    'errors/the-store-works-after-a-refusal',
    'A refused call changes nothing: the next ones work, and nothing was written.',
    {
      given: oneOf<object>([{ limit: 0 }, { cursor: 'no cursor' }, { state: 'unknown' }, { attributes: { a: null } }]),
      weight: 0.06,
      async holds(scope, members) {
        const record = scope.intent()
        await scope.write(record)
        await scope.client.failure('list', { tenantId: scope.tenant, ...members })
        await scope.expectStored(record)
        await scope.expectWalk({ tenantId: scope.tenant }, [record])
        await scope.write(scope.outcome(record), 'settled')
      },
    },
  ),
  property(
    'errors/no-means-not-written',
    "A write that failed with written 'no' has not happened, and does not happen later.",
    {
      given: fc.constant(60),
      weight: 0.01,
      async holds(scope, count) {
        const refused: CommandRecord[] = []
        for (let index = 0; index < count; index++) {
          const intent = scope.intent(`${index}`)
          for (const record of [intent, scope.outcome(intent)]) {
            const { failure } = await scope.client.once('record', record)
            if (failure === undefined) continue
            if (failure.written === 'no') refused.push(record)
            break
          }
        }
        // Late enough for whatever goes on behind the answer.
        if (refused.length > 0) await sleep(40)
        for (const { id, state } of refused) {
          const found = await scope.client.get(id)
          if (found !== undefined && (state === 'created' || found.state !== 'created')) {
            throw new Violation(`a write of ${show(id)} failed as not written, and is there`, { actual: show(found) })
          }
        }
      },
    },
  ),
]
