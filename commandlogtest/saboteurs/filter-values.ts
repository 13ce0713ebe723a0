// Filters whose values are misread: empty and absent ones, lists, attributes, times.

import { base } from './base-steps.ts'
import { asking, comparing, without } from './filters.ts'
import { type Suspect, suspect } from './saboteur.ts'
import type { Handle } from './steps.ts'

/** Lists, empty and absent values. */
export const listSuspects: readonly Suspect[] = [
  suspect('filters/no-types-is-all', 'An empty list of types matches everything.', () =>
    asking((query) => (query.types?.length === 0 ? without(query, 'type') : query)),
  ),
  suspect('filters/no-states-is-all', 'An empty list of states matches everything.', () =>
    asking((query) => (query.states?.length === 0 ? without(query, 'states') : query)),
  ),
  suspect('filters/first-type-only', 'Of a list of types only the first counts.', () =>
    asking((query) => ({ ...query, types: query.types?.slice(0, 1) })),
  ),
  suspect('filters/last-state-only', 'Of a list of states only the last counts.', () =>
    asking((query) => ({ ...query, states: query.states?.slice(-1) })),
  ),
  suspect('filters/types-split-at-commas', 'A type with a comma is taken for two.', () =>
    asking((query) => ({ ...query, types: query.types?.flatMap((type) => [type, ...type.split(',')]) })),
  ),
  suspect('filters/types-numbered', 'A type that reads as a number matches the same number written otherwise.', () =>
    comparing(['type'], (wanted, own) => wanted === own || (wanted.trim() !== '' && Number(wanted) === Number(own))),
  ),
  suspect('filters/empty-text-is-any', 'An empty text as a filter matches everything.', () =>
    asking((query) => ({
      ...query,
      equal: Object.fromEntries(Object.entries(query.equal).filter(([, value]) => value !== '')),
      eventId: query.eventId || undefined,
      problemCode: query.problemCode || undefined,
    })),
  ),
  suspect('filters/empty-type-is-any', 'An empty type as a filter matches everything.', () =>
    asking((query) => (query.types?.includes('') ? without(query, 'type') : query)),
  ),
  suspect('filters/empty-text-is-absent', 'An empty text as a filter matches the records without that field.', () => ({
    matches(query, record) {
      const isEmpty = (['tenantId', 'userId', 'clientRef', 'causationId'] as const).filter((f) => query.equal[f] === '')
      return base.matches(isEmpty.reduce(without, query), record) && isEmpty.every((field) => !record[field])
    },
  })),
  suspect(
    'filters/undefined-is-null',
    'A tenant, user, client or cause of undefined matches only the records without one.',
    () => {
      const fields = ['tenantId', 'userId', 'clientRef', 'causationId'] as const
      return {
        checkQuery(query) {
          const absent = fields.filter((field) => query !== undefined && field in query && query[field] === undefined)
          const nulls = Object.fromEntries(absent.map((field) => [field, null as unknown as string]))
          const checked = base.checkQuery(query)
          return { ...checked, equal: { ...checked.equal, ...nulls } }
        },
        matches(query, record) {
          const absent = fields.filter((field) => (query.equal[field] as unknown) === null)
          return (
            base.matches(absent.reduce(without, query), record) && absent.every((field) => record[field] === undefined)
          )
        },
      }
    },
  ),
  suspect('filters/false-is-absent', 'dryRun: false is taken as not asked.', () =>
    asking((query) => (query.equal.dryRun === false ? without(query, 'dryRun') : query)),
  ),
  suspect('filters/conflict-counts-as-failed', 'The state failed also finds conflicts.', () =>
    asking((query) => ({
      ...query,
      states: query.states?.includes('failed') ? [...query.states, 'conflict'] : query.states,
    })),
  ),
  suspect('filters/event-id-first-only', 'The filter eventId looks at the first event only.', () => ({
    matches: (query, record) => base.matches(query, { ...record, events: record.events.slice(0, 1) }),
  })),
  suspect('filters/event-id-type-too', 'The filter eventId also finds events of that type or stream.', () => ({
    matches: (query, record) =>
      base.matches(without(query, 'eventId'), record) &&
      (query.eventId === undefined ||
        record.events.some(({ id, type, stream }) => [id, type, stream].includes(query.eventId as string))),
  })),
  suspect(
    'filters/problem-code-or-title',
    'The filter problemCode also looks at the title and type of the problem.',
    () => ({
      matches: (query, record) =>
        base.matches(without(query, 'problemCode'), record) &&
        (query.problemCode === undefined ||
          [record.problem?.code, record.problem?.title, record.problem?.type].includes(query.problemCode)),
    }),
  ),
  suspect('filters/correlation-or-id', 'The filter correlationId also finds the command of that id.', () => ({
    matches: (query, record) =>
      base.matches(query, record) ||
      (query.equal.correlationId === record.id && base.matches(without(query, 'correlationId'), record)),
  })),
  suspect('filters/causation-transitive', 'The filter causationId also finds what has it as correlation.', () => ({
    matches: (query, record) =>
      base.matches(query, record) ||
      (query.equal.causationId === record.correlationId && base.matches(without(query, 'causationId'), record)),
  })),
]

/** Indexes that are not kept up. */
export const indexSuspects: readonly Suspect[] = [
  suspect('filters/stale-state-index', 'The state filter compares the state of the first write.', () => {
    const firstStates = new Map<string, string>()
    return {
      add(handle, record) {
        firstStates.set(`${handle.data.scope} ${record.id}`, record.state)
        base.add(handle, record)
      },
      page: (handle, query) => {
        const { states } = query
        const isKept = (id: string): boolean =>
          states === undefined ||
          (states as readonly string[]).includes(firstStates.get(`${handle.data.scope} ${id}`) ?? '')
        const rows = base.rows(handle).filter(({ record }) => isKept(record.id))
        const own: Handle = {
          ...handle,
          steps: { ...handle.steps, rows: () => rows, scope: () => base.scope(handle, query) },
        }
        return base.page(own, { ...query, states: undefined })
      },
    }
  }),
  suspect('filters/event-index-of-intents', 'Only the events of a first write are indexed.', () => {
    const indexed = new Map<string, readonly string[]>()
    return {
      add(handle, record) {
        indexed.set(
          `${handle.data.scope} ${record.id}`,
          record.events.map(({ id }) => id),
        )
        base.add(handle, record)
      },
      rows(handle) {
        return base.rows(handle)
      },
      page: (handle, query) => {
        if (query.eventId === undefined) return base.page(handle, query)
        const rows = base
          .rows(handle)
          .filter(({ record }) => indexed.get(`${handle.data.scope} ${record.id}`)?.includes(query.eventId as string))
        const own: Handle = {
          ...handle,
          steps: { ...handle.steps, rows: () => rows, scope: () => base.scope(handle, query) },
        }
        return base.page(own, { ...query, eventId: undefined })
      },
    }
  }),
  suspect('filters/event-index-of-100', 'Only the first 100 events of a record are indexed.', () => ({
    matches: (query, record) => base.matches(query, { ...record, events: record.events.slice(0, 100) }),
  })),
  suspect('filters/problem-index-of-refusals', 'Only the problem codes of rejected records are indexed.', () => ({
    matches: (query, record) =>
      base.matches(query, record) && (query.problemCode === undefined || record.state === 'rejected'),
  })),
  suspect(
    'filters/attribute-index-of-first-write',
    'Records whose outcome has come are no longer found by attribute.',
    () => ({
      matches: (query, record) =>
        base.matches(query, record) && (query.attributes.length === 0 || record.state === 'created'),
    }),
  ),
]
