// Orders, limits and places that go wrong only by one of the ways in which a store can look records up.

import type { CheckedQuery } from '../../storekit/index.ts'
import { base } from './base-steps.ts'
import type { Data } from './data.ts'
import { sortedBy } from './order.ts'
import { type Suspect, suspect } from './saboteur.ts'
import type { Handle, Steps } from './steps.ts'

type Applies = (query: CheckedQuery) => boolean

/** Which queries go by which index. */
const indexes: Readonly<Record<string, Applies>> = {
  'several types': ({ types = [] }) => types.length > 1,
  'several states': ({ states = [] }) => states.length > 1,
  correlationId: ({ equal }) => equal.correlationId !== undefined,
  causationId: ({ equal }) => equal.causationId !== undefined,
  clientRef: ({ equal }) => equal.clientRef !== undefined,
  retention: ({ equal }) => equal.retention !== undefined,
  eventId: ({ eventId }) => eventId !== undefined,
  problemCode: ({ problemCode }) => problemCode !== undefined,
  attributes: ({ attributes }) => attributes.length > 0,
  from: ({ from }) => from !== undefined,
  'type and from': ({ types, from }) => types !== undefined && from !== undefined,
}

/** A store whose pages are made in another way where a query goes by this index. */
function indexed(index: string, page: Steps['page']): Partial<Steps> {
  return {
    page: (handle, query) => (indexes[index]?.(query) === true ? page(handle, query) : base.page(handle, query)),
  }
}

function nameOf(index: string): string {
  return index.toLowerCase().replaceAll(' ', '-')
}

/** The same handle with some steps of its own. */
function having(handle: Handle, steps: Partial<Steps>): Handle {
  return { ...handle, steps: { ...handle.steps, ...steps } }
}

const orderIgnored = Object.keys(indexes).map((index) =>
  suspect(`plans/order-ignored-by-${nameOf(index)}`, `With a filter by ${index} the oldest always comes first.`, () =>
    indexed(index, (handle, query) =>
      base.page(having(handle, { scope: () => base.scope(handle, query) }), { ...query, order: 'oldest' }),
    ),
  ),
)

const limitIgnored = ['eventId', 'problemCode', 'correlationId', 'attributes'].map((index) =>
  suspect(`plans/limit-ignored-by-${nameOf(index)}`, `With a filter by ${index} a page has up to 1,000 records.`, () =>
    indexed(index, (handle, query) => base.page(handle, { ...query, limit: 1000 })),
  ),
)

const byTime = ['correlationId', 'type and from'].map((index) =>
  suspect(
    `plans/by-time-by-${nameOf(index)}`,
    `With a filter by ${index} records are ordered by the time of receipt.`,
    () =>
      indexed(index, (handle, query) =>
        base.page(
          having(
            handle,
            sortedBy((a, b) => a.receivedAt - b.receivedAt),
          ),
          query,
        ),
      ),
  ),
)

/** A store whose first page by an index is in the order of changes. */
function byChange(applies: Applies): Partial<Steps> {
  return {
    page(handle, query) {
      if (query.cursor !== undefined || !applies(query)) return base.page(handle, query)
      const rows = [...base.rows(handle)].sort((a, b) => a.change - b.change)
      return base.page(having(handle, { rows: () => rows }), query)
    },
  }
}

/** A store whose cursor holds an id, and looks its place up when it is used. */
function cursorsById(): Partial<Steps> {
  const ids = new WeakMap<Data, Map<string, string>>()
  return {
    add(handle, record) {
      const { data } = handle
      const known = ids.get(data) ?? new Map<string, string>()
      ids.set(data, known.set(String(data.nextSequence), record.id))
      base.add(handle, record)
    },
    page(handle, query) {
      const { data, steps } = handle
      const unseal: Steps['unseal'] = (scope, sealed) => {
        const sequence = steps.unseal(scope, sealed)
        const row = data.rows.get(ids.get(data)?.get(sequence) ?? '')
        return row === undefined ? sequence : String(row.sequence)
      }
      return base.page(having(handle, { unseal }), query)
    },
  }
}

/** A store that compares sequences as texts of four digits. */
function padded(): Partial<Steps> {
  const text = (sequence: number): string => String(sequence).padStart(4, '0')
  return {
    page(handle, query) {
      const { data } = handle
      if (data.nextSequence < 10_000) return base.page(handle, query)
      const rows = [...data.ordered].sort((a, b) => (text(a.sequence) < text(b.sequence) ? -1 : 1))
      return base.page(having(handle, { ...sortedBy(() => 0), rows: () => rows }), query)
    },
  }
}

/** Stores whose indexes have an order of their own. */
export const planOrderSuspects: readonly Suspect[] = [
  ...[...orderIgnored, ...limitIgnored, ...byTime],
  suspect('plans/states-in-order-of-settling', 'The first page of one state is in the order of settling.', () =>
    byChange(({ states = [] }) => states.length === 1 && states[0] !== 'created'),
  ),
  suspect('plans/events-in-order-of-settling', 'The first page of one event is in the order of settling.', () =>
    byChange(({ eventId }) => eventId !== undefined),
  ),
  suspect('plans/cursor-by-id', 'A cursor is an id, and its place that of the id when it is used.', cursorsById, {
    bricks: ['purge'],
  }),
  suspect('plans/sequence-of-four-digits', 'Places are compared as texts of four digits.', padded),
]
