import fc from 'fast-check'
import { allStates, intentFields, name, oneOf, outcomeFields, outcomeStates } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import { isAskedFor, settledBy } from '../model.ts'
import { expectRecords } from '../scope.ts'
import { expectSame, expectTrue } from '../violation.ts'
import { walkType } from '../walk.ts'

const twoPhases = fc.record({ intent: intentFields, outcome: outcomeFields })
const other = fc.record({
  type: name,
  payload: fc.constant({ status: 'full', format: 'json', data: '"other"', bytes: 7 } as const),
})

/** What a write does to one record, and says. */
export const recordChecks: readonly Check[] = [
  property('record/first-write-is-created', 'The first write of an id says created, in whatever state it comes.', {
    given: fc.record({ fields: twoPhases, isSettled: fc.boolean() }),
    async holds(scope, { fields, isSettled }) {
      const intent = scope.intent('a', fields.intent)
      await scope.write(isSettled ? scope.outcome(intent, fields.outcome) : intent, 'created')
    },
  }),
  property(
    'record/outcome-after-intent-is-settled',
    'An outcome that replaces created says settled, whichever state it brings.',
    {
      given: oneOf(outcomeStates),
      async holds(scope, state) {
        const intent = scope.intent()
        await scope.write(intent, 'created')
        await scope.write(scope.outcome(intent, { state }), 'settled')
        await scope.expectStored(scope.outcome(intent, { state }))
      },
    },
  ),
  property('record/repeats-are-unchanged', 'A write of a phase that an id already has says unchanged.', {
    given: fc.record({
      withIntent: fc.boolean(),
      repeats: fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }),
      state: oneOf(outcomeStates),
    }),
    async holds(scope, { withIntent, repeats, state }) {
      const intent = scope.intent()
      const outcome = scope.outcome(intent, { state })
      if (withIntent) {
        await scope.write(intent)
        await scope.write(intent, 'unchanged')
        await scope.write(outcome, 'settled')
      } else await scope.write(outcome)
      for (const ofIntent of repeats) await scope.write(ofIntent ? intent : outcome, 'unchanged')
    },
  }),
  property(
    'record/intent-after-outcome-is-unchanged',
    'An intent that arrives after its outcome is unchanged, and changes nothing.',
    {
      given: fc.record({ outcome: outcomeFields, late: intentFields, withIntent: fc.boolean() }),
      async holds(scope, { outcome, late, withIntent }) {
        const settled = scope.outcome(scope.intent(), outcome)
        if (withIntent) await scope.write(scope.intent())
        await scope.write(settled, withIntent ? 'settled' : 'created')
        await scope.write(scope.intent(), 'unchanged')
        await scope.write(scope.intent('a', late), 'unchanged')
        await scope.expectStored(settled)
        for (const state of allStates)
          await scope.expectWalk({ tenantId: scope.tenant, state }, state === settled.state ? [settled] : [])
      },
    },
  ),
  property(
    'record/first-intent-wins',
    'Of several intents with one id the first stays, whatever the later ones carry.',
    {
      given: fc.record({ first: intentFields, second: intentFields, other }),
      async holds(scope, { first, second, other: fields }) {
        const intent = scope.intent('a', first)
        await scope.write(intent)
        await scope.write(scope.intent('a', { ...second, ...fields }), 'unchanged')
        await scope.expectStored(intent)
      },
    },
  ),
  property(
    'record/first-write-of-each-phase-wins',
    'Of several outcomes of one id the first stays, whatever the later ones carry.',
    {
      given: fc.record({
        withIntent: fc.boolean(),
        first: outcomeFields,
        second: outcomeFields,
        third: oneOf(outcomeStates),
      }),
      async holds(scope, { withIntent, first, second, third }) {
        const intent = scope.intent()
        const outcome = scope.outcome(intent, first)
        if (withIntent) await scope.write(intent)
        await scope.write(outcome, withIntent ? 'settled' : 'created')
        await scope.write(scope.outcome(intent, second), 'unchanged')
        await scope.write(scope.outcome(intent, { state: third, durationMs: 77 }), 'unchanged')
        await scope.expectStored(outcome)
      },
    },
  ),
  property('record/settled-never-changes', 'A settled record is never changed again, from any state to any other.', {
    given: fc.record({ first: oneOf(outcomeStates), second: oneOf(outcomeStates) }),
    weight: 0.4,
    async holds(scope, { first, second }) {
      const intent = scope.intent()
      await scope.write(intent)
      await scope.write(scope.outcome(intent, { state: first }), 'settled')
      const late = {
        state: second,
        events: [{ id: 'late' }],
        settledAt: 9,
        durationMs: 9,
        attempts: 9,
        problem: { code: 'late' },
      } as const
      await scope.write(scope.outcome(intent, late), 'unchanged')
      await scope.write(intent, 'unchanged')
      await scope.expectStored(scope.outcome(intent, { state: first }))
      await scope.expectWalk({ tenantId: scope.tenant }, [scope.outcome(intent, { state: first })])
    },
  }),
  property(
    'record/outcome-replaces-the-events',
    'The events of a settled record are those of its outcome, not those of the intent, nor both.',
    {
      given: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.nat(3)),
      weight: 0.1,
      async holds(scope, [before, after]) {
        const events = (count: number, lead: string) =>
          Array.from({ length: count }, (_, index) => ({ id: scope.id(`${lead}${index}`) }))
        const intent = scope.intent('a', { events: events(before, 'old') })
        const outcome = scope.outcome(intent, { events: events(after, 'new') })
        await scope.write(intent)
        await scope.expectStored(intent)
        await scope.write(outcome, 'settled')
        await scope.expectStored(outcome)
        await scope.expectWalk({ tenantId: scope.tenant, eventId: scope.id('old0') }, [])
        await scope.expectWalk({ tenantId: scope.tenant, eventId: scope.id('new0') }, after > 0 ? [outcome] : [])
      },
    },
  ),
  property('record/outcome-needs-no-intent', 'An outcome without an intent is stored whole, and is created.', {
    given: twoPhases,
    async holds(scope, { intent, outcome }) {
      const settled = scope.outcome(scope.intent('a', intent), outcome)
      await scope.write(settled, 'created')
      await scope.expectStored(settled)
    },
  }),
  property(
    'record/outcome-brings-all-its-fields',
    'An outcome replaces created with its state, events, result, problem, error and times.',
    {
      given: twoPhases,
      weight: 0.3,
      async holds(scope, fields) {
        const intent = scope.intent('a', fields.intent)
        const { attempts: _attempts, ...bare } = { ...scope.outcome(intent), ...fields.outcome }
        const outcome = fields.outcome.attempts === undefined ? bare : { ...bare, attempts: fields.outcome.attempts }
        await scope.write(intent)
        await scope.write(outcome, 'settled')
        await scope.expectStored(settledBy(intent, outcome))
      },
    },
  ),
  property(
    'record/identity-of-the-first-write-stays',
    'An outcome changes neither type, correlation, causation, tenant, user nor client.',
    {
      given: fc.record({
        first: fc.record({ type: name, causationId: name, clientRef: name, userId: name }, { requiredKeys: ['type'] }),
        second: fc.record({
          type: name,
          causationId: name,
          clientRef: name,
          tenantId: oneOf(['a', 'A', '%', 'b']),
          userId: name,
        }),
      }),
      async holds(scope, { first, second }) {
        const intent = scope.intent('a', first)
        const { type, causationId, clientRef, userId } = second
        const others = { type, causationId, clientRef, userId, correlationId: scope.id('other') }
        const otherTenant = scope.id(`of ${second.tenantId}`)
        await scope.write(intent)
        await scope.write(scope.outcome(intent, { ...others, tenantId: otherTenant }), 'settled')
        const settled = scope.outcome(intent)
        await scope.expectStored(settled)
        await scope.expectWalk({ tenantId: scope.tenant, type: intent.type }, [settled])
        await scope.expectWalk({ tenantId: otherTenant }, [])
        for (const query of Object.entries(others).map(([field, value]) => ({ [field]: value })))
          await scope.expectWalk({ tenantId: scope.tenant, ...query }, isAskedFor(settled, query) ? [settled] : [])
        expectRecords('findByCorrelation', await scope.client.findByCorrelation(intent.correlationId), [settled])
        expectRecords('findByCorrelation', await scope.client.findByCorrelation(scope.id('other')), [])
      },
    },
  ),
  property('record/received-at-of-the-first-write-stays', 'An outcome does not change when the command was received.', {
    given: fc.tuple(fc.nat(2e12), fc.nat(2e12)),
    async holds(scope, [first, second]) {
      const intent = scope.intent('a', { receivedAt: first })
      await scope.write(intent)
      await scope.write(scope.outcome(intent, { receivedAt: second, settledAt: 5 }), 'settled')
      await scope.expectStored(scope.outcome(intent, { settledAt: 5 }))
    },
  }),
  property('record/payload-of-the-first-write-stays', 'An outcome does not change the payload.', {
    given: fc.record({ first: intentFields, second: intentFields }),
    async holds(scope, { first, second }) {
      const { payload = scope.intent().payload } = second
      const intent = scope.intent('a', first.payload === undefined ? {} : { payload: first.payload })
      await scope.write(intent)
      await scope.write(scope.outcome(intent, { payload }), 'settled')
      await scope.expectStored(scope.outcome(intent))
    },
  }),
  property('record/unknown-id-is-undefined', 'get of an id that nobody wrote gives undefined.', {
    given: name,
    async holds(scope, text) {
      await scope.write(scope.intent('there'))
      for (const id of [scope.id(text), scope.id('ther'), scope.id('there '), scope.id('')]) {
        const unexpected = await scope.client.get(id)
        expectTrue(unexpected === undefined, 'get gives something for an id that nobody wrote', {
          expected: 'undefined',
        })
      }
    },
  }),
  property('record/a-miss-is-not-remembered', 'A record is read at once, also where it was just looked for in vain.', {
    given: fc.boolean(),
    async holds(scope, isSettled) {
      const intent = scope.intent()
      const record = isSettled ? scope.outcome(intent) : intent
      expectSame('get before the write', await scope.client.get(record.id), undefined)
      await scope.expectWalk({ tenantId: scope.tenant }, [])
      expectRecords('findByCorrelation', await scope.client.findByCorrelation(record.correlationId), [])
      await scope.write(record)
      await scope.expectStored(record)
      await scope.expectWalk({ tenantId: scope.tenant }, [record])
      expectRecords('findByCorrelation', await scope.client.findByCorrelation(record.correlationId), [record])
    },
  }),
  property(
    'record/read-your-writes',
    'Whatever was acknowledged is in the very next read, by every method, before and after it is settled.',
    {
      given: fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }),
      async holds(scope, settles) {
        const stored: ReturnType<typeof scope.intent>[] = []
        const type = scope.id('type')
        for (const [index, isSettled] of settles.entries()) {
          const intent = scope.intent(`${index}`, { type })
          for (const record of isSettled ? [intent, scope.outcome(intent)] : [intent]) {
            await scope.write(record, record === intent ? 'created' : 'settled')
            stored[index] = record
            await scope.expectStored(record)
            expectRecords('findByCorrelation', await scope.client.findByCorrelation(intent.correlationId), stored)
            expectRecords('findByType', await walkType(scope.client, type), stored.toReversed())
            await scope.expectWalk({ tenantId: scope.tenant, order: 'oldest' }, stored)
          }
        }
      },
    },
  ),
]
