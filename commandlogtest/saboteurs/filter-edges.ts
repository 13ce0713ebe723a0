// Filters that lose digits, signs and forms, or leave out what is seldom asked for.

import type { AttributeValue, CommandRecord } from '../../src/index.ts'
import type { CheckedQuery } from '../../storekit/index.ts'
import { isSettled } from '../../storekit/index.ts'
import { base } from './base-steps.ts'
import { without } from './filters.ts'
import { type Suspect, suspect } from './saboteur.ts'
import type { Steps } from './steps.ts'

/** A store that compares the value of an attribute in its own way. */
function comparing(isSame: (own: AttributeValue, asked: AttributeValue) => boolean): Pick<Steps, 'matches'> {
  return {
    matches: (query, record) =>
      base.matches(without(query, 'attributes'), record) &&
      query.attributes.every(([name, asked]) => {
        const { attributes = {} } = record
        return Object.hasOwn(attributes, name) && isSame(attributes[name] as AttributeValue, asked)
      }),
  }
}

/** A store that compares numbers in attributes once they are rounded. */
function rounding(round: (value: number) => number | string): Pick<Steps, 'matches'> {
  return comparing((own, asked) =>
    typeof own === 'number' && typeof asked === 'number' ? round(own) === round(asked) : own === asked,
  )
}

/** A store that does not find some of what a query asks for. */
function missing(isMissed: (query: CheckedQuery, record: CommandRecord) => boolean): Pick<Steps, 'matches'> {
  return { matches: (query, record) => base.matches(query, record) && !isMissed(query, record) }
}

const attributeEdges: readonly Suspect[] = [
  suspect(
    'filters/minus-zero-is-another-number',
    'An attribute of 0 is not found by -0, nor the other way round.',
    () => comparing((own, asked) => Object.is(own, asked)),
  ),
  suspect('filters/attribute-numbers-in-single-precision', 'Numbers in attributes are compared as floats.', () =>
    rounding(Math.fround),
  ),
  suspect('filters/attribute-numbers-in-15-digits', 'Of numbers in attributes 15 digits are compared.', () =>
    rounding((value) => value.toPrecision(15)),
  ),
  suspect('filters/attribute-numbers-cut', 'Of numbers in attributes the whole part is compared.', () =>
    rounding(Math.trunc),
  ),
  suspect('filters/attribute-texts-normalised', 'Texts in attributes are compared in normal form C.', () =>
    comparing((own, asked) =>
      typeof own === 'string' && typeof asked === 'string' ? own.normalize() === asked.normalize() : own === asked,
    ),
  ),
  suspect('filters/attribute-names-normalised', 'Names of attributes are compared in normal form C.', () => ({
    matches: (query, record) =>
      base.matches(without(query, 'attributes'), record) &&
      query.attributes.every(([name, asked]) =>
        Object.entries(record.attributes ?? {}).some(
          ([own, value]) => own.normalize() === name.normalize() && value === asked,
        ),
      ),
  })),
  suspect('filters/ten-attributes-count', 'Of the attributes of a filter the first ten count.', () => ({
    matches: (query, record) => base.matches({ ...query, attributes: query.attributes.slice(0, 10) }, record),
  })),
]

/** Values at the edge of what a store has in mind. */
export const edgeSuspects: readonly Suspect[] = [
  ...attributeEdges,
  suspect('sql/before-1970-is-zero', 'A time of receipt before 1970 comes back as 0.', () => ({
    copyOut(record) {
      const copy = base.copyOut(record)
      return { ...copy, receivedAt: Math.max(0, copy.receivedAt) }
    },
  })),
  suspect('filters/before-1970-not-found', 'What was received before 1970 is in no range of times.', () =>
    missing(({ from, to }, { receivedAt }) => (from !== undefined || to !== undefined) && receivedAt < 0),
  ),
  suspect('filters/by-type-dates-ignored', 'findByType ignores a from or to that is a Date.', () => ({
    checkTypeQuery(type, query) {
      const checked = base.checkTypeQuery(type, query)
      const { from, to } = query ?? {}
      return {
        ...checked,
        ...(from instanceof Date && { from: undefined }),
        ...(to instanceof Date && { to: undefined }),
      }
    },
  })),
  suspect('filters/events-of-intents-not-found', 'What is still created is not found by its events.', () =>
    missing(({ eventId }, record) => eventId !== undefined && !isSettled(record)),
  ),
  suspect('filters/all-states-is-settled', 'A list of all six states leaves out what is still created.', () =>
    missing(({ states }, record) => states?.length === 6 && !isSettled(record)),
  ),
]
