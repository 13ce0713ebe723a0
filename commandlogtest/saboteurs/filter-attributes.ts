// Filters on attributes that are misread.

import { base } from './base-steps.ts'
import { asking, without } from './filters.ts'
import { type Suspect, suspect } from './saboteur.ts'

/** Attributes. */
export const attributeSuspects: readonly Suspect[] = [
  suspect('filters/any-attribute', 'One attribute of several is enough.', () => ({
    matches: (query, record) =>
      base.matches(without(query, 'attributes'), record) &&
      (query.attributes.length === 0 ||
        query.attributes.some((each) => base.matches({ ...query, attributes: [each] }, record))),
  })),
  suspect('filters/first-attribute-only', 'Of several attributes only the first counts.', () =>
    asking((query) => ({ ...query, attributes: query.attributes.slice(0, 1) })),
  ),
  suspect(
    'filters/attributes-as-text',
    'Attributes are compared as text: 1 equals "1", and true equals "true".',
    () => ({
      matches: (query, record) =>
        base.matches(without(query, 'attributes'), record) &&
        query.attributes.every(
          ([name, value]) =>
            Object.hasOwn(record.attributes ?? {}, name) && String(record.attributes?.[name]) === String(value),
        ),
    }),
  ),
  suspect('filters/attributes-loosely', 'Attributes are compared with ==: 1 equals true, 0 equals "".', () => ({
    matches: (query, record) =>
      base.matches(without(query, 'attributes'), record) &&
      query.attributes.every(([name, value]) => {
        const own = record.attributes?.[name]
        return (
          own !== undefined &&
          Object.hasOwn(record.attributes ?? {}, name) &&
          (own === value || (typeof own !== typeof value && Number(own) === Number(value)))
        )
      }),
  })),
  suspect('filters/attributes-without-case', 'Texts of attributes compare without regard to case.', () => ({
    matches: (query, record) =>
      base.matches(without(query, 'attributes'), record) &&
      query.attributes.every(([name, value]) => {
        const own = Object.hasOwn(record.attributes ?? {}, name) ? record.attributes?.[name] : undefined
        if (typeof own !== 'string' || typeof value !== 'string') return own === value
        return own.toLowerCase() === value.toLowerCase()
      }),
  })),
  suspect('filters/attribute-names-without-case', 'Names of attributes compare without regard to case.', () => ({
    matches: (query, record) =>
      base.matches(without(query, 'attributes'), record) &&
      query.attributes.every(([name, value]) =>
        Object.entries(record.attributes ?? {}).some(
          ([own, held]) => own.toLowerCase() === name.toLowerCase() && held === value,
        ),
      ),
  })),
  suspect('filters/attribute-value-of-any-name', 'An attribute filter finds the value under any name.', () => ({
    matches: (query, record) =>
      base.matches(without(query, 'attributes'), record) &&
      query.attributes.every(([, value]) => Object.values(record.attributes ?? {}).includes(value)),
  })),
  suspect('filters/attribute-name-is-enough', 'An attribute filter compares the name, not the value.', () => ({
    matches: (query, record) =>
      base.matches(without(query, 'attributes'), record) &&
      query.attributes.every(([name]) => Object.hasOwn(record.attributes ?? {}, name)),
  })),
  suspect('filters/attributes-exactly', 'A record with further attributes than those asked for is not found.', () => ({
    matches: (query, record) =>
      base.matches(query, record) &&
      (query.attributes.length === 0 || Object.keys(record.attributes ?? {}).length === query.attributes.length),
  })),
  suspect('filters/no-attributes-is-none', 'attributes: {} finds only the records that have attributes.', () => ({
    checkQuery: (query) => {
      const checked = base.checkQuery(query)
      return query?.attributes === undefined
        ? checked
        : { ...checked, attributes: Object.assign(checked.attributes.slice(), { asked: true }) }
    },
    matches: (query, record) =>
      base.matches(query, record) && (!('asked' in query.attributes) || record.attributes !== undefined),
  })),
  suspect('filters/attributes-as-paths', 'An attribute named with dots is looked up as a path.', () =>
    asking((query) => ({
      ...query,
      attributes: query.attributes.map(([name, value]) => [name.split('.')[0] ?? name, value]),
    })),
  ),
  suspect(
    'filters/false-attribute-is-absent',
    'An attribute filter of false, 0 or the empty text is taken as not asked.',
    () => asking((query) => ({ ...query, attributes: query.attributes.filter(([, value]) => Boolean(value)) })),
  ),
]
