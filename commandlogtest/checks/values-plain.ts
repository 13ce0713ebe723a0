import fc from 'fast-check'
import { intentFields, name, oneOf, outcomeFields, outcomeStates, someOf, text, time } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import { settledBy } from '../model.ts'
import { asField, expectEverywhere, full, roundTrip } from '../round-trip.ts'
import { expectRecord, expectRecords, type Fields } from '../scope.ts'
import { expectTrue } from '../violation.ts'
import { walkType } from '../walk.ts'

const readable = ['{"a":1}', 'text', 'MTIz', '\ufefftext', ' '] as const

/** Times, flags and what is absent. */
export const plainValueChecks: readonly Check[] = [
  roundTrip('received-at', 'Times are exact to the millisecond, from 0 to the far future.', {
    intent: asField('receivedAt', time),
    outcome: asField('settledAt', time),
    weight: 0.3,
  }),
  roundTrip('durations', 'Durations are fractions of milliseconds, and 0 is not the same as none.', {
    outcome: oneOf([0, 0.1, 0.001, 1e-7, 1.5, 1234.5678901234567, 86_400_000.25, 4_294_967_296.5]).map(
      (durationMs) => ({ durationMs }),
    ),
    weight: 0.4,
  }),
  roundTrip('attempts', 'The number of attempts comes back, and 0 is not the same as none.', {
    outcome: oneOf([0, 1, 2, 255, 65_536]).map((attempts) => ({ attempts })),
    weight: 0.4,
  }),
  roundTrip('bytes-that-read-as-text', 'Bytes that are the bytes of some text stay bytes, and a text stays a text.', {
    intent: oneOf(readable).map((text) => full('cbor', Buffer.from(text))),
    outcome: asField(
      'result',
      oneOf(readable).map((data) => ({ status: 'full', format: 'x-own/text', data, bytes: data.length }) as const),
    ),
    weight: 0.4,
  }),
  roundTrip('what-looks-wrong', 'A time before 1970, and a trace that is in no form, come back as they are.', {
    intent: asField('traceparent', oneOf([`00-${'A'.repeat(32)}-${'B'.repeat(16)}-01`, 'no trace, '.repeat(9)])),
    outcome: asField('settledAt', oneOf([-1, -86_400_000])),
    weight: 0.12,
  }),
  roundTrip(
    'references',
    'Types, causes, clients, users and replays are legal identifiers of any kind, and come back as they are.',
    {
      intent: fc.record({ type: name, causationId: name, clientRef: name, userId: name, replayOf: name }),
      weight: 0.5,
    },
  ),
  roundTrip('empty-references', 'An empty reference is a value, unlike none at all.', {
    intent: someOf(['causationId', 'clientRef', 'userId', 'replayOf'] as const).map((fields) =>
      Object.fromEntries(fields.map((field) => [field, ''])),
    ),
    outcome: someOf(['type', 'stream'] as const).map((members) => ({
      events: [{ id: 'e', ...Object.fromEntries(members.map((member) => [member, ''])) }],
      problem: { code: '', title: '' },
    })),
  }),
  roundTrip(
    'absent-stays-absent',
    'An optional field that was not written is not there, neither null nor empty nor a default.',
    {
      intent: someOf(['causationId', 'clientRef', 'userId', 'replayOf', 'traceparent'] as const, 0).map((fields) =>
        Object.fromEntries(fields.map((field) => [field, 'v'])),
      ),
      outcome: someOf(
        [{ result: full('json', '1').payload }, { problem: { code: 'c' } }, { error: { name: 'E', message: '' } }],
        0,
      ).map((all) => Object.assign({}, ...all) as Fields),
    },
  ),
  roundTrip('kinds', 'Importance, retention and dryRun come back as they were written, none derived from another.', {
    intent: fc.record({
      importance: oneOf(['low', 'normal', 'high'] as const),
      retention: oneOf(['short-lived', 'long-lived', 'permanent'] as const),
      dryRun: fc.boolean(),
    }),
    weight: 0.3,
  }),
  roundTrip('source-and-trace', 'The source and the trace context come back, each member on its own.', {
    intent: fc.record(
      {
        source: fc.record({ service: text, instance: text, build: text }, { requiredKeys: [] }),
        traceparent: fc.constant(`00-${'a'.repeat(32)}-${'b'.repeat(16)}-00`),
      },
      { requiredKeys: ['source'] },
    ),
  }),
]

/** A command that names itself. */
const ownReferences = ['causationId', 'correlationId', 'replayOf', 'clientRef', 'userId', 'type'] as const

/** Everything at once. */
export const wholeValueChecks: readonly Check[] = [
  property(
    'values/whole-records',
    'Any record comes back equal, by every way to read it, before and after it is settled.',
    {
      given: fc.record({ intent: intentFields, outcome: outcomeFields }),
      weight: 0.6,
      async holds(scope, fields) {
        const first = scope.intent('a', fields.intent)
        const outcome = scope.outcome(first, fields.outcome)
        await scope.write(first)
        await expectEverywhere(scope, first)
        await scope.write(outcome, 'settled')
        await expectEverywhere(scope, settledBy(first, outcome))
      },
    },
  ),
  property(
    'values/references-to-itself',
    'A record whose references are its own id comes back with every one of them.',
    {
      given: someOf(ownReferences),
      weight: 0.08,
      async holds(scope, fields) {
        const own = Object.fromEntries(fields.map((field) => [field, scope.id('a')]))
        const intent = scope.intent('a', { type: scope.id('type'), ...own })
        await scope.write(intent)
        await expectEverywhere(scope, intent)
        await scope.write(scope.outcome(intent), 'settled')
        await expectEverywhere(scope, scope.outcome(intent))
      },
    },
  ),
  property(
    'values/bare-records',
    'A record with nothing but what it must have comes back so: no tenant, no times, no problem, no events.',
    {
      given: fc.tuple(oneOf(outcomeStates), oneOf(['intent', 'outcome', 'both'] as const)),
      weight: 0.15,
      async holds(scope, [state, phases]) {
        const type = scope.id('type')
        const { tenantId: _tenant, ...intent } = scope.intent('a', { type })
        const outcome = { ...intent, state, events: [] }
        if (phases !== 'outcome') await scope.write(intent)
        if (phases !== 'intent') await scope.write(outcome, phases === 'both' ? 'settled' : 'created')
        const stored = phases === 'intent' ? intent : outcome
        await scope.expectStored(stored)
        await scope.expectWalk({ type }, [stored])
        await scope.expectWalk({ type, tenantId: '' }, [])
        expectRecords('findByCorrelation', await scope.client.findByCorrelation(intent.correlationId), [stored])
        expectRecords('findByType', await walkType(scope.client, type), [stored])
      },
    },
  ),
  property(
    'values/records-do-not-mix',
    'Each of many records keeps its own values, written and read next to each other.',
    {
      given: fc.array(fc.tuple(intentFields, outcomeFields), { minLength: 2, maxLength: 8 }),
      weight: 0.2,
      async holds(scope, all) {
        const first = all.map(([intent], index) => scope.intent(`${index}`, intent))
        await Promise.all(first.map((record) => scope.write(record)))
        const settled = first.map((record, index) => scope.outcome(record, all[index]?.[1]))
        await Promise.all(settled.map((record) => scope.write(record, 'settled')))
        const read = await Promise.all(settled.map(({ id }) => scope.client.get(id)))
        for (const [index, record] of settled.entries()) expectRecord('get', read[index], record)
        const listed = new Map(
          (await scope.client.findByCorrelation(scope.id('c'))).map((record) => [record.id, record]),
        )
        for (const record of settled) expectRecord('findByCorrelation', listed.get(record.id), record)
      },
    },
  ),
  property(
    'values/prototypes-stay-clean',
    'Nothing that is stored or read changes Object.prototype, or gets a prototype of its own.',
    {
      given: fc.constant(
        JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}') as Record<string, never>,
      ),
      weight: 0.02,
      async holds(scope, metadata) {
        const record = scope.outcome(
          scope.intent('a', { metadata, attributes: JSON.parse('{"__proto__":"x"}') as Record<string, string> }),
          {
            problem: JSON.parse('{"title":"t","__proto__":{"polluted":1}}') as Record<string, never>,
          },
        )
        await scope.write(record)
        await expectEverywhere(scope, record)
        expectTrue(!('polluted' in {}), 'Object.prototype was changed')
      },
    },
  ),
]
