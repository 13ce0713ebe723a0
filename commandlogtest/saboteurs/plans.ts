// Filters that go wrong only by one of the ways in which a store can look records up: its plan.

import type { CheckedQuery } from '../../storekit/index.ts'
import { base } from './base-steps.ts'
import { without } from './filters.ts'
import { type Suspect, suspect } from './saboteur.ts'
import type { Steps } from './steps.ts'

/** A store that rewrites the queries that name no tenant: it has another index for them. */
function withoutTenant(rewrite: (query: CheckedQuery) => CheckedQuery): Partial<Steps> {
  return {
    matches: (query, record) => base.matches(query.equal.tenantId === undefined ? rewrite(query) : query, record),
  }
}

/** Wrong where no tenant is named. */
const tenantlessSuspects: readonly Suspect[] = [
  suspect('plans/no-tenant-ignores-state', 'Without a tenant a type is looked up, and the state ignored.', () =>
    withoutTenant((query) => (query.types === undefined ? query : without(query, 'states'))),
  ),
  suspect('plans/no-tenant-ignores-attributes', 'Without a tenant attributes are ignored.', () =>
    withoutTenant((query) => without(query, 'attributes')),
  ),
  suspect('plans/no-tenant-ignores-to', 'Without a tenant the end of a range of times is ignored.', () =>
    withoutTenant((query) => without(query, 'to')),
  ),
  suspect('plans/no-tenant-ignores-user', 'Without a tenant a correlation is looked up, and the user ignored.', () =>
    withoutTenant((query) => (query.equal.correlationId === undefined ? query : without(query, 'userId'))),
  ),
  suspect('plans/no-tenant-ignores-event', 'Without a tenant a type is looked up, and the event ignored.', () =>
    withoutTenant((query) => (query.types === undefined ? query : without(query, 'eventId'))),
  ),
  suspect('plans/no-tenant-first-type-only', 'Without a tenant only the first of several types counts.', () =>
    withoutTenant((query) => ({ ...query, types: query.types?.slice(0, 1) })),
  ),
  suspect(
    'plans/no-tenant-client-as-prefix',
    'Without a tenant the filter clientRef matches what begins with it.',
    () => ({
      matches(query, record) {
        const { tenantId, clientRef } = query.equal
        if (tenantId !== undefined || clientRef === undefined) return base.matches(query, record)
        return base.matches(without(query, 'clientRef'), record) && record.clientRef?.startsWith(clientRef) === true
      },
    }),
  ),
  suspect('plans/no-tenant-scans-1000', 'What no index is for is looked for among the newest 1,000 records.', () => ({
    page(handle, query) {
      const isIndexed = Object.keys(query.equal).length > 0
      const rows = isIndexed ? base.rows(handle) : base.rows(handle).slice(-1000)
      return base.page({ ...handle, steps: { ...handle.steps, rows: () => rows } }, query)
    },
  })),
]

/** Wrong beyond a size, or where a record came in two writes. */
const indexSuspects: readonly Suspect[] = [
  suspect('plans/attributes-compared-by-256', 'Of texts in attributes the first 256 characters are compared.', () => ({
    matches(query, record) {
      if (!base.matches({ ...query, attributes: [] }, record)) return false
      const cut = (value: unknown): unknown => (typeof value === 'string' ? value.slice(0, 256) : value)
      const own = new Map(Object.entries(record.attributes ?? {}))
      return query.attributes.every(([name, value]) => own.has(name) && cut(own.get(name)) === cut(value))
    },
  })),
  suspect(
    'plans/long-attributes-not-found',
    'A text of more than 2,000 characters in attributes is in no index.',
    () => ({
      matches: (query, record) =>
        base.matches(query, record) && !query.attributes.some(([, value]) => String(value).length > 2000),
    }),
  ),
  suspect('plans/types-cut-at-500', 'Of many types the first 500 are asked for.', () => ({
    matches: (query, record) => base.matches({ ...query, types: query.types?.slice(0, 500) }, record),
  })),
  suspect(
    'plans/type-and-state-of-first-write',
    'The index for a type and a state has the state of the first write.',
    () => {
      const settled = new WeakSet<object>()
      return {
        replace(handle, row, record) {
          base.replace(handle, row, record)
          settled.add(record)
        },
        matches(query, record) {
          if (query.types === undefined || query.states === undefined) return base.matches(query, record)
          const first = settled.has(record) ? 'created' : record.state
          return base.matches(without(query, 'states'), record) && query.states.includes(first)
        },
      }
    },
  ),
]

/** Stores that plan badly. */
export const planSuspects: readonly Suspect[] = [...tenantlessSuspects, ...indexSuspects]
