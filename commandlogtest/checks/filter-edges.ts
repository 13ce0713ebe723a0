import fc from 'fast-check'
import type { CommandRecord } from '../../src/index.ts'
import { allStates, oneOf, someOf } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import { expectFiltered, selected, writeEach } from '../filtering.ts'
import { confusable } from '../hostile-names.ts'
import { expectRecords } from '../scope.ts'
import { walkType } from '../walk.ts'

// Pairs that are one number where digits are lost, and both signs of zero, which are one number.
const closeNumbers = [0, 1, 1 + 2 ** -52, 0.3, 0.1 + 0.2, 0.1, Math.fround(0.1), 2 ** 24, 2 ** 24 + 1, 2 ** 53 - 1]
const largeNumbers = [2 ** 53 - 2, 2 ** 63, 2 ** 63 + 2048, 1e21, 1e300, 5e-324, -1, -(2 ** 31), 1.5, -1.5]
const texts = [...new Set(confusable.flat())]
const mostAttributes = 100
const times = [-62_135_596_800_000, -86_400_001, -1000, -999, -1, 0, 1]

/** Filters by values where one store and another may differ. */
export const edgeFilterChecks: readonly Check[] = [
  property(
    'filters/times-before-1970',
    'A time of receipt before 1970 comes back as it is, and is found by ranges that lie there, of numbers and of Dates.',
    {
      given: fc.tuple(fc.shuffledSubarray(times, { minLength: 3 }), oneOf(times), oneOf(times), fc.boolean()),
      weight: 0.08,
      async holds(scope, [received, from, to, areDates]) {
        const records = await writeEach(
          scope,
          received.map((receivedAt) => ({ receivedAt, state: 'successful' })),
        )
        const time = (each: number): number | Date => (areDates ? new Date(each) : each)
        for (const query of [{}, { from: time(from) }, { to: time(to) }, { from: time(from), to: time(to) }])
          await expectFiltered(scope, records, query)
      },
    },
  ),
  property(
    'filters/findByType-takes-dates',
    'findByType takes a range of times as list does, of numbers and of Dates, exact to the millisecond.',
    {
      given: fc.tuple(fc.array(fc.nat(6), { minLength: 1, maxLength: 5 }), fc.nat(6), fc.nat(6), fc.boolean()),
      weight: 0.1,
      async holds(scope, [received, from, to, areDates]) {
        const type = scope.id('type')
        const records = await writeEach(
          scope,
          received.map((at) => ({ type, receivedAt: 1_700_000_000_997 + at })),
        )
        const time = (at: number): number | Date =>
          areDates ? new Date(1_700_000_000_997 + at) : 1_700_000_000_997 + at
        for (const query of [{ from: time(from) }, { to: time(to) }, { from: time(from), to: time(to) }]) {
          expectRecords('findByType', await walkType(scope.client, type, query), selected(records, query))
        }
      },
    },
  ),
  property(
    'filters/events-of-an-intent-are-found',
    'A record that is still created is found by the events that it has; once it is settled by those of its outcome.',
    {
      given: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.boolean()),
      weight: 0.05,
      async holds(scope, [count, isSettled]) {
        const events = Array.from({ length: count }, (_, index) => ({ id: scope.id(`e${index}`) }))
        const intent = scope.intent('a', { events })
        await scope.write(intent)
        const outcome = scope.outcome(intent, { events: [{ id: scope.id('outcome') }] })
        if (isSettled) await scope.write(outcome, 'settled')
        const records = [isSettled ? outcome : intent]
        for (const { id } of [...events, ...outcome.events]) await expectFiltered(scope, records, { eventId: id })
      },
    },
  ),
  property(
    'filters/every-state-but-some',
    'A list of states gives the records in any of these, created ones too, however many states it names, up to all of them.',
    {
      given: fc.tuple(oneOf([0, 0, 1, 2]), fc.shuffledSubarray([...allStates], { minLength: allStates.length })),
      weight: 0.1,
      async holds(scope, [left, states]) {
        const records = await writeEach(
          scope,
          allStates.map((state) => ({ state })),
        )
        await expectFiltered(scope, records, { state: states.slice(left) })
      },
    },
  ),
  property(
    'filters/attribute-numbers-are-exact',
    'A number in attributes is found by that very number, to its last digit; 0 and -0 are one.',
    {
      given: fc.shuffledSubarray([-0, ...closeNumbers, ...largeNumbers], { minLength: 21 }),
      weight: 0.02,
      async holds(scope, numbers) {
        const records: CommandRecord[] = await writeEach(
          scope,
          numbers.map((n) => ({ attributes: { n } })),
        )
        for (const n of numbers) await expectFiltered(scope, records, { attributes: { n } })
      },
    },
  ),
  property(
    'filters/attribute-texts-are-exact',
    'A text is found by that very text, as the value and as the name of an attribute, and by none that looks like it.',
    {
      given: fc.shuffledSubarray(texts, { minLength: texts.length }),
      weight: 0.01,
      async holds(scope, all) {
        const records = await writeEach(
          scope,
          all.map((text) => ({ attributes: Object.fromEntries([[text, true] as const, ['value', text] as const]) })),
        )
        for (const text of all) {
          await expectFiltered(scope, records, { attributes: { value: text } })
          await expectFiltered(scope, records, { attributes: Object.fromEntries([[text, true] as const]) })
        }
      },
    },
  ),
  property(
    'filters/a-hundred-attributes-count',
    'Of up to a hundred attributes in a filter every one counts, the last as the first.',
    {
      given: someOf(
        Array.from({ length: mostAttributes }, (_, index) => index),
        3,
        6,
      ),
      weight: 0.03,
      async holds(scope, others) {
        const attributes = Object.fromEntries(
          Array.from({ length: mostAttributes }, (_, index) => [`a${index}`, index]),
        )
        const records = await writeEach(scope, [
          { attributes },
          ...[...others, mostAttributes - 1].map((index) => ({
            attributes: { ...attributes, [`a${index}`]: 'other' },
          })),
        ])
        for (const record of records.slice(0, 3)) {
          const { attributes: all = {} } = record
          await expectFiltered(scope, records, { attributes: all })
        }
      },
    },
  ),
]
