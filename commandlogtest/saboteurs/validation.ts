// Queries that should be refused, and are not, or not as they should be.

import { type CommandQuery, StoreError } from '../../src/index.ts'
import { base } from './base-steps.ts'
import { type Suspect, suspect } from './saboteur.ts'
import type { Steps } from './steps.ts'

type Loose = Record<string, unknown>

/** A store that repairs a query before it checks it. */
function repairing(repair: (query: Loose) => Loose): Partial<Steps> {
  const fix = <T>(query: T): T =>
    typeof query === 'object' && query !== null ? (repair({ ...query } as Loose) as T) : query
  return {
    checkQuery: (query) => base.checkQuery(fix(query)),
    checkTypeQuery: (type, query) => base.checkTypeQuery(type, fix(query)),
  }
}

/** A query without the fields of which this does not hold. */
function only(query: Loose, isKept: (value: unknown, field: string) => boolean): Loose {
  return Object.fromEntries(Object.entries(query).filter(([field, value]) => isKept(value, field)))
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
const states: readonly unknown[] = ['created', 'successful', 'cancelled', 'rejected', 'conflict', 'failed']

/** A store whose refused queries fail otherwise. */
function refusing(refuse: (error: StoreError) => unknown): Partial<Steps> {
  const checked = <T>(check: () => T): T => {
    try {
      return check()
    } catch (error) {
      throw refuse(error as StoreError)
    }
  }
  return {
    checkQuery: (query) => checked(() => base.checkQuery(query)),
    checkTypeQuery: (type, query) => checked(() => base.checkTypeQuery(type, query)),
  }
}

/** Limits. */
export const limitSuspects: readonly Suspect[] = [
  suspect('limits/zero-is-default', 'A limit of 0 is taken as not asked.', () =>
    repairing((query) => ({ ...query, limit: query.limit === 0 ? undefined : query.limit })),
  ),
  suspect('limits/zero-is-all', 'A limit of 0 gives everything.', () => ({
    checkQuery: (query) =>
      query?.limit === 0 ? { ...base.checkQuery({ ...query, limit: 1 }), limit: 1e9 } : base.checkQuery(query),
  })),
  suspect('limits/zero-is-empty', 'A limit of 0 gives an empty page.', () => ({
    async page(handle, query) {
      return query.limit === 0 ? { records: [] } : base.page(handle, query)
    },
    checkQuery: (query) =>
      query?.limit === 0 ? { ...base.checkQuery({ ...query, limit: 1 }), limit: 0 } : base.checkQuery(query),
  })),
  suspect('limits/negative-is-all', 'A negative limit gives everything.', () =>
    repairing((query) => (typeof query.limit === 'number' && query.limit < 0 ? { ...query, limit: 1000 } : query)),
  ),
  suspect('limits/too-large-is-clamped', 'A limit beyond 1000 is taken for 1000.', () =>
    repairing((query) => (typeof query.limit === 'number' && query.limit > 1000 ? { ...query, limit: 1000 } : query)),
  ),
  suspect('limits/1000-is-refused', 'A limit of 1000 is refused.', () => ({
    checkQuery(query) {
      if (query?.limit === 1000) throw new StoreError('INVALID_QUERY', 'limit: expected less than 1000')
      return base.checkQuery(query)
    },
  })),
  suspect('limits/1001-is-fine', 'A limit of 1001 is taken as it is.', () =>
    repairing((query) => ({ ...query, limit: query.limit === 1001 ? 1000 : query.limit })),
  ),
  suspect('limits/fractions-are-cut', 'A limit of 1.5 is taken for 1.', () =>
    repairing((query) =>
      typeof query.limit === 'number' && query.limit >= 1 ? { ...query, limit: Math.trunc(query.limit) } : query,
    ),
  ),
  suspect('limits/nan-is-default', 'A limit of NaN is taken as not asked.', () =>
    repairing((query) => ({ ...query, limit: Number.isNaN(query.limit) ? undefined : query.limit })),
  ),
  suspect('limits/text-is-fine', 'A limit that is a text is taken for the number.', () =>
    repairing((query) => ({
      ...query,
      limit: typeof query.limit === 'string' ? Number(query.limit) : query.limit,
    })),
  ),
]

/** Other values. */
export const validationSuspects: readonly Suspect[] = [
  suspect('queries/unknown-keys-ignored', 'Unknown keys of a query are ignored.', () =>
    repairing((query) => only(query, (_value, field) => fields.includes(field))),
  ),
  suspect('queries/unknown-keys-ignored-by-type', 'Unknown keys of the query of findByType are ignored.', () => ({
    checkTypeQuery: (type, query = {}) =>
      base.checkTypeQuery(
        type,
        only(query as Loose, (_value, field) => fields.includes(field)) as Omit<CommandQuery, 'type'>,
      ),
  })),
  suspect('queries/null-is-absent', 'A filter that is null is taken as not asked.', () =>
    repairing((query) => only(query, (value) => value !== null)),
  ),
  suspect('queries/unknown-state-finds-nothing', 'An unknown state gives an empty page.', () =>
    repairing((query) =>
      'state' in query && typeof query.state === 'string' && !states.includes(query.state)
        ? { ...query, state: [] }
        : query,
    ),
  ),
  suspect('queries/unknown-state-in-list', 'Unknown states within a list are skipped.', () =>
    repairing((query) =>
      Array.isArray(query.state) ? { ...query, state: query.state.filter((each) => states.includes(each)) } : query,
    ),
  ),
  suspect('queries/nan-time-is-absent', 'A from or to of NaN is taken as not asked.', () =>
    repairing((query) => only(query, (value) => !(typeof value === 'number' && Number.isNaN(value)))),
  ),
  suspect('queries/infinite-time-is-fine', 'A from or to that is infinite is taken as no bound.', () =>
    repairing((query) =>
      only(
        query,
        (value, field) =>
          !((field === 'from' || field === 'to') && Math.abs(value as number) === Number.POSITIVE_INFINITY),
      ),
    ),
  ),
  suspect('queries/invalid-date-is-absent', 'A from or to that is an invalid Date is taken as not asked.', () =>
    repairing((query) => only(query, (value) => !(value instanceof Date && Number.isNaN(value.getTime())))),
  ),
  suspect('queries/time-as-text', 'A from or to that is a text is parsed.', () =>
    repairing((query) =>
      Object.fromEntries(
        Object.entries(query).map(([field, value]) => [
          field,
          (field === 'from' || field === 'to') && typeof value === 'string' ? Date.parse(value) || 0 : value,
        ]),
      ),
    ),
  ),
  suspect('queries/unknown-order-is-newest', 'An unknown order is taken for newest.', () =>
    repairing((query) => only(query, (value, field) => field !== 'order' || value === null || value === 'oldest')),
  ),
  suspect('queries/unknown-importance-finds-nothing', 'An unknown importance or retention gives an empty page.', () =>
    repairing((query) => {
      const isUnknown =
        (typeof query.importance === 'string' && !['low', 'normal', 'high'].includes(query.importance)) ||
        (typeof query.retention === 'string' && !['short-lived', 'long-lived', 'permanent'].includes(query.retention))
      return isUnknown
        ? { ...only(query, (_value, field) => field !== 'importance' && field !== 'retention'), type: [] }
        : query
    }),
  ),
  suspect('queries/dry-run-as-text', 'dryRun as text or number is taken for the boolean.', () =>
    repairing((query) => {
      const value = query.dryRun
      if (value === undefined || value === null || typeof value === 'boolean') return query
      return { ...query, dryRun: value === 'true' || value === 1 }
    }),
  ),
  suspect('queries/numbers-as-text', 'A text filter that is a number is taken for its text.', () =>
    repairing((query) =>
      Object.fromEntries(
        Object.entries(query).map(([field, value]) => [
          field,
          typeof value === 'number' && !['from', 'to', 'limit'].includes(field) ? String(value) : value,
        ]),
      ),
    ),
  ),
  suspect(
    'queries/nested-attributes-skipped',
    'Attribute filters that are null, objects or not finite are skipped.',
    () =>
      repairing((query) => {
        const { attributes } = query
        if (typeof attributes !== 'object' || attributes === null || Array.isArray(attributes)) return query
        const isFine = (value: unknown): boolean =>
          ['string', 'boolean', 'undefined'].includes(typeof value) || Number.isFinite(value)
        return { ...query, attributes: only(attributes as Loose, isFine) }
      }),
  ),
  suspect('queries/attributes-of-any-kind', 'Attributes that are no object are taken as not asked.', () =>
    repairing((query) =>
      only(
        query,
        (value, field) =>
          field !== 'attributes' || (typeof value === 'object' && value !== null && !Array.isArray(value)),
      ),
    ),
  ),
  suspect('queries/query-of-any-kind', 'A query that is null or a text is taken as no query.', () => ({
    checkQuery: (query) =>
      base.checkQuery(typeof query === 'object' && query !== null && !Array.isArray(query) ? query : {}),
  })),
  suspect('queries/refused-with-type-error', 'A bad query fails with a TypeError.', () =>
    refusing(({ message }) => new TypeError(message)),
  ),
  suspect('queries/refused-with-another-code', 'A bad query is refused as BAD_REQUEST.', () =>
    refusing(({ message }) => new StoreError('BAD_REQUEST', message)),
  ),
  suspect('queries/inverted-range-refused', 'A from after its to is refused.', () => ({
    checkQuery(query) {
      const checked = base.checkQuery(query)
      if (checked.from !== undefined && checked.to !== undefined && checked.from > checked.to) {
        throw new StoreError('INVALID_QUERY', 'from: expected a time before to')
      }
      return checked
    },
  })),
  suspect('queries/empty-list-refused', 'An empty list of types or states is refused.', () => ({
    checkQuery(query) {
      const checked = base.checkQuery(query)
      if (checked.types?.length === 0 || checked.states?.length === 0)
        throw new StoreError('INVALID_QUERY', 'expected a list that is not empty')
      return checked
    },
  })),
  suspect('queries/undefined-refused', 'A filter that is undefined is refused.', () => ({
    checkQuery(query) {
      if (query !== undefined && Object.values({ ...query }).includes(undefined))
        throw new StoreError('INVALID_QUERY', 'expected no undefined')
      return base.checkQuery(query)
    },
  })),
  suspect('queries/no-query-refused', 'list without a query is refused.', () => ({
    checkQuery(query) {
      if (query === undefined) throw new StoreError('INVALID_QUERY', 'query: expected an object')
      return base.checkQuery(query)
    },
  })),
]
