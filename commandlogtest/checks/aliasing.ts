import fc from 'fast-check'
import type { CommandRecord } from '../../src/index.ts'
import { intentFields, oneOf, outcomeFields } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import { begun } from '../limit.ts'
import { isBytes } from '../same-record.ts'
import type { Scope } from '../scope.ts'
import { expectSame } from '../violation.ts'

/** A deep copy that shares nothing. */
function pristine<T>(value: T): T {
  return structuredClone(value)
}

/** Changes every part of a value, deep down, where it can be changed at all. */
export function spoil(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  if (isBytes(value)) {
    value.fill(42)
    return
  }
  for (const key of Object.keys(value)) {
    const member = (value as Record<string, unknown>)[key]
    if (typeof member === 'object' && member !== null) spoil(member)
    else
      attempt(() =>
        Object.defineProperty(value, key, { value: 'spoilt', writable: true, enumerable: true, configurable: true }),
      )
  }
  if (Array.isArray(value)) attempt(() => value.push('spoilt'))
  else attempt(() => Object.assign(value, { spoilt: 'spoilt' }))
}

function deepFreeze<T>(value: T): T {
  // Bytes cannot be frozen.
  if (typeof value !== 'object' || value === null || isBytes(value)) return value
  for (const member of Object.values(value)) deepFreeze(member)
  return Object.freeze(value)
}

/** Frozen results are fine: they cannot be spoilt. */
function attempt(change: () => unknown): void {
  try {
    change()
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
  }
}

const rich = fc.record({
  intent: fc.tuple(
    intentFields,
    fc.constant({ metadata: { a: { b: [1] } }, attributes: { a: 1 }, source: { service: 's' } }),
  ),
  outcome: fc.tuple(
    outcomeFields,
    fc.constant({ problem: { code: 'c', list: [{ a: 1 }] }, error: { name: 'E', message: 'm' } }),
  ),
  binary: fc.boolean(),
})

type Rich = typeof rich extends fc.Arbitrary<infer T> ? T : never

/** A record in which every part can be changed. */
function richRecord(scope: Scope, given: Rich): CommandRecord {
  // What was given is given again, to replays too: only a copy may be spoilt.
  const { intent, outcome, binary } = pristine(given)
  const data = (): Uint8Array => Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7]).subarray(1, 7)
  const body = { status: 'full', format: 'cbor', data: data(), bytes: 6 } as const
  const fields = { ...intent[0], ...intent[1], ...(binary && { payload: body }) }
  const whole = {
    ...outcome[0],
    ...outcome[1],
    ...(binary && { result: { ...body, data: data() } }),
    events: [{ id: 'e1', type: 't' }, { id: 'e2' }],
  }
  return scope.outcome(scope.intent('a', fields), whole)
}

function intentOf(record: CommandRecord): CommandRecord {
  const { result: _r, problem: _p, error: _e, settledAt: _s, durationMs: _d, attempts: _a, ...rest } = record
  return { ...rest, state: 'created', events: [] }
}

/** Neither what goes in nor what comes out shares anything with the log. */
export const aliasingChecks: readonly Check[] = [
  property(
    'aliasing/input-after-the-call',
    'Changing a record right after calling record changes nothing that is stored.',
    {
      given: rich,
      weight: 0.3,
      async holds(scope, given) {
        const record = richRecord(scope, given)
        const [expected, again] = [pristine(record), pristine(record)]
        const writing = begun(scope.client.record(record, again))
        spoil(record)
        await writing
        await scope.expectStored(expected)
      },
    },
  ),
  property(
    'aliasing/input-after-the-acknowledgement',
    'Changing a record after it was acknowledged changes nothing that is stored.',
    {
      given: rich,
      weight: 0.3,
      async holds(scope, given) {
        const record = richRecord(scope, given)
        const expected = pristine(record)
        await scope.write(record)
        await scope.expectStored(expected)
        spoil(record)
        await scope.expectStored(expected)
        await scope.expectWalk({ tenantId: scope.tenant }, [expected])
      },
    },
  ),
  property(
    'aliasing/outcome-after-the-call',
    'Changing an intent or an outcome after calling record changes nothing of the settled record.',
    {
      given: fc.tuple(rich, fc.boolean()),
      weight: 0.3,
      async holds(scope, [given, atOnce]) {
        const outcome = richRecord(scope, given)
        const intent = pristine(intentOf(outcome))
        const [expected, again] = [pristine(outcome), pristine(outcome)]
        await scope.client.record(intent, pristine(intent))
        spoil(intent)
        const writing = begun(scope.client.record(outcome, again))
        if (atOnce) spoil(outcome)
        await writing
        spoil(outcome)
        await scope.expectStored(expected)
      },
    },
  ),
  property('aliasing/output', 'Changing what was read, by whichever method, changes nothing that is stored.', {
    given: fc.tuple(rich, oneOf(['get', 'list', 'findByCorrelation', 'findByType'] as const), fc.boolean()),
    weight: 0.5,
    async holds(scope, [given, method, isSettled]) {
      const whole = richRecord(scope, given)
      const record = isSettled ? whole : intentOf(whole)
      const expected = pristine(record)
      await scope.write(record)
      const { client } = scope
      const query = { tenantId: scope.tenant }
      const read = {
        get: () => client.get(record.id),
        list: async () => (await client.list(query)).records,
        findByCorrelation: () => client.findByCorrelation(record.correlationId),
        findByType: async () => (await client.findByType(record.type, query)).records,
      }[method]
      for (let time = 0; time < 2; time++) spoil(await read())
      await scope.expectStored(expected)
      await scope.expectWalk(query, [expected])
    },
  }),
  property('aliasing/input-is-only-read', 'A record that is written is not changed by that, and may be frozen.', {
    given: fc.tuple(rich, fc.boolean()),
    weight: 0.15,
    async holds(scope, [given, isFrozen]) {
      const record = richRecord(scope, given)
      const before = pristine(record)
      await scope.write(isFrozen ? deepFreeze(intentOf(record)) : intentOf(record))
      await scope.write(isFrozen ? deepFreeze(record) : record, 'settled')
      expectSame('the record after the call', record, before)
      expectSame('the members of the record after the call', Object.keys(record).sort(), Object.keys(before).sort())
      await scope.expectStored(before)
    },
  }),
  property('aliasing/queries', 'A query is only read: a frozen one is as good, and none is changed.', {
    given: fc.boolean(),
    weight: 0.1,
    async holds(scope, isFrozen) {
      const records = [
        scope.intent('a', { type: 'x' }),
        scope.intent('b', { type: 'y' }),
        scope.intent('c', { type: 'z' }),
      ]
      await scope.writeAll(records)
      const types = ['y', 'x']
      const query = {
        tenantId: scope.tenant,
        type: types,
        attributes: {},
        from: new Date(0),
        limit: 2,
        order: 'oldest' as const,
      }
      const before = pristine(query)
      if (isFrozen) Object.freeze(types)
      await scope.expectWalk(isFrozen ? Object.freeze(query) : query, records.slice(0, 2))
      expectSame('the query after the call', query, before)
    },
  }),
]
