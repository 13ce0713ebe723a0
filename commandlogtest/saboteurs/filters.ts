// Filters that are left out, or that compare what they should not.

import type { CommandRecord } from '../../src/index.ts'
import type { CheckedQuery } from '../../storekit/index.ts'
import { base } from './base-steps.ts'
import { type Suspect, suspect } from './saboteur.ts'
import type { Steps } from './steps.ts'

/** A store that rewrites the query before it filters. */
export function asking(rewrite: (query: CheckedQuery) => CheckedQuery): Partial<Steps> {
  return { matches: (query, record) => base.matches(rewrite(query), record) }
}

/** The text filters of a query, by name. */
export type TextFilter =
  | 'type'
  | 'correlationId'
  | 'causationId'
  | 'tenantId'
  | 'userId'
  | 'clientRef'
  | 'eventId'
  | 'problemCode'

/** Every text filter. */
export const textFilters: readonly TextFilter[] = [
  ...(['type', 'correlationId', 'causationId', 'tenantId', 'userId', 'clientRef', 'eventId', 'problemCode'] as const),
]

/** A checked query without one of its filters. */
export function without(
  query: CheckedQuery,
  field: keyof CheckedQuery | TextFilter | 'importance' | 'retention' | 'dryRun',
): CheckedQuery {
  if (field === 'type') return { ...query, types: undefined }
  if (field === 'attributes') return { ...query, attributes: [] }
  const { [field as 'tenantId']: _asked, ...equal } = query.equal
  return field in query.equal ? { ...query, equal } : { ...query, [field]: undefined }
}

/** The texts that a filter asks for, any of which will do; undefined when it is not asked. */
function asked(query: CheckedQuery, field: TextFilter): readonly string[] | undefined {
  if (field === 'type') return query.types
  const value = field === 'eventId' || field === 'problemCode' ? query[field] : query.equal[field]
  return value === undefined ? undefined : [value]
}

/** The texts of a record that a filter looks at. */
function held(record: CommandRecord, field: TextFilter): readonly string[] {
  if (field === 'eventId') return record.events.map(({ id }) => id)
  const value = field === 'problemCode' ? record.problem?.code : record[field]
  return value === undefined ? [] : [value]
}

/** A store that compares some text filters in its own way, as text asked for against text held. */
export function comparing(
  fields: readonly TextFilter[],
  isAlike: (wanted: string, own: string) => boolean,
): Partial<Steps> {
  return {
    matches(query, record) {
      const rest = fields.reduce<CheckedQuery>(without, query)
      return (
        base.matches(rest, record) &&
        fields.every((field) => {
          const wanted = asked(query, field)
          return wanted === undefined || held(record, field).some((own) => wanted.some((each) => isAlike(each, own)))
        })
      )
    },
  }
}

/** Each filter left out. */
export const ignoringSuspects: readonly Suspect[] = [
  ...[...textFilters, ...(['importance', 'retention', 'dryRun', 'attributes', 'from', 'to', 'states'] as const)].map(
    (field) => {
      const name = field === 'states' ? 'state' : field
      return suspect(`filters/ignores-${name.toLowerCase()}`, `The filter ${name} is ignored.`, () =>
        asking((query) => without(query, field)),
      )
    },
  ),
  suspect('filters/by-type-ignores-the-rest', 'findByType ignores its query, but for order, limit and cursor.', () => ({
    checkTypeQuery(type, query = {}) {
      base.checkTypeQuery(type, query)
      const { order, limit, cursor } = query
      return base.checkTypeQuery(type, { order, limit, cursor })
    },
  })),
  suspect('filters/by-type-ignores-order', 'findByType always gives the newest first.', () => ({
    checkTypeQuery: (type, query) => ({ ...base.checkTypeQuery(type, query), order: 'newest' }),
  })),
  suspect('filters/by-correlation-is-a-page', 'findByCorrelation gives at most 100 records.', () => ({
    correlated: async (handle, correlationId) => (await base.correlated(handle, correlationId)).slice(0, 100),
  })),
  suspect('filters/by-correlation-newest-first', 'findByCorrelation gives the newest first.', () => ({
    correlated: async (handle, correlationId) => [...(await base.correlated(handle, correlationId))].reverse(),
  })),
  suspect('filters/by-correlation-by-time', 'findByCorrelation sorts by the time of receipt.', () => ({
    correlated: async (handle, correlationId) =>
      [...(await base.correlated(handle, correlationId))].sort((a, b) => a.receivedAt - b.receivedAt),
  })),
  suspect(
    'filters/by-correlation-without-the-first',
    'findByCorrelation leaves out the command that the chain began with.',
    () => ({
      correlated: async (handle, correlationId) =>
        (await base.correlated(handle, correlationId)).filter(({ id }) => id !== correlationId),
    }),
  ),
  suspect('filters/by-correlation-settled-only', 'findByCorrelation leaves out what is still created.', () => ({
    correlated: async (handle, correlationId) =>
      (await base.correlated(handle, correlationId)).filter(({ state }) => state !== 'created'),
  })),
  suspect('filters/by-correlation-hides-dry-runs', 'findByCorrelation leaves out dry runs.', () => ({
    correlated: async (handle, correlationId) =>
      (await base.correlated(handle, correlationId)).filter(({ dryRun }) => !dryRun),
  })),
  suspect('filters/hides-dry-runs', 'list leaves out dry runs unless asked for them.', () => ({
    matches: (query, record) => base.matches(query, record) && (query.equal.dryRun !== undefined || !record.dryRun),
  })),
  suspect('filters/hides-created', 'list leaves out what is still created unless asked for it.', () => ({
    matches: (query, record) =>
      base.matches(query, record) && (query.states !== undefined || record.state !== 'created'),
  })),
  suspect('filters/or-instead-of-and', 'A tenant and a user are joined by OR.', () => ({
    matches(query, record) {
      const { tenantId, userId } = query.equal
      if (tenantId === undefined || userId === undefined) return base.matches(query, record)
      return base.matches(without(query, 'userId'), record) || base.matches(without(query, 'tenantId'), record)
    },
  })),
  suspect('filters/only-one-filter-used', 'With a state filter every text filter but the type is ignored.', () =>
    asking((query) => (query.states === undefined ? query : { ...query, equal: {}, eventId: undefined })),
  ),
]

/** Text compared as if it were something else. */
export const comparisonSuspects: readonly Suspect[] = [
  ...textFilters.map((field) =>
    suspect(`filters/${field.toLowerCase()}-without-case`, `The filter ${field} compares without regard to case.`, () =>
      comparing([field], (wanted, own) => wanted.toLowerCase() === own.toLowerCase()),
    ),
  ),
  ...textFilters.map((field) =>
    suspect(`filters/${field.toLowerCase()}-as-prefix`, `The filter ${field} matches what begins with it.`, () =>
      comparing([field], (wanted, own) => own.startsWith(wanted)),
    ),
  ),
  ...(['type', 'correlationId', 'tenantId', 'eventId'] as const).map((field) =>
    suspect(`sql/${field.toLowerCase()}-like`, `The filter ${field} is a LIKE pattern.`, () =>
      comparing([field], (wanted, own) => like(wanted).test(own)),
    ),
  ),
  suspect('sql/ignores-trailing-spaces', 'Text is compared as CHAR: trailing spaces do not count.', () =>
    comparing(textFilters, (wanted, own) => wanted.trimEnd() === own.trimEnd()),
  ),
  suspect('sql/compares-256-characters', 'An index on a prefix of 64 characters stands for the whole text.', () =>
    comparing(textFilters, (wanted, own) => wanted.slice(0, 64) === own.slice(0, 64)),
  ),
  suspect('sql/ignores-accents', 'Text is compared with a collation that does not know accents.', () =>
    comparing(textFilters, (wanted, own) => bare(wanted) === bare(own)),
  ),
  suspect('sql/ignores-normal-forms', 'Composed and decomposed text compare as equal.', () =>
    comparing(textFilters, (wanted, own) => wanted.normalize() === own.normalize()),
  ),
  suspect('redis/types-as-glob', 'A type filter is a glob pattern.', () =>
    comparing(['type'], (wanted, own) => glob(wanted).test(own)),
  ),
  suspect('redis/colons-join-keys', 'Tenant and user are joined with a colon before they are compared.', () => ({
    matches(query, record) {
      const { tenantId, userId } = query.equal
      if (tenantId === undefined || userId === undefined) return base.matches(query, record)
      const rest = without(without(query, 'tenantId'), 'userId')
      return base.matches(rest, record) && `${tenantId}:${userId}` === `${record.tenantId}:${record.userId}`
    },
  })),
  suspect('nats/types-as-subjects', 'A type filter with * or > as a token matches other types.', () =>
    comparing(['type'], (wanted, own) => subject(wanted, own)),
  ),
  suspect('search/matches-words', 'Text is compared by its words, whatever stands between them.', () =>
    comparing(textFilters, (wanted, own) => wanted.split(/\W+/u).join(' ') === own.split(/\W+/u).join(' ')),
  ),
  suspect('mongo/types-as-regex', 'A type filter is a regular expression.', () =>
    comparing(['type'], (wanted, own) => regex(wanted)?.test(own) ?? wanted === own),
  ),
  suspect('filters/problem-code-within', 'The filter problemCode matches any code that contains it.', () =>
    comparing(['problemCode'], (wanted, own) => own.includes(wanted)),
  ),
]

function like(pattern: string): RegExp {
  const body = [...pattern].map((each) => (each === '%' ? '.*' : each === '_' ? '.' : escapeText(each))).join('')
  return new RegExp(`^${body}$`, 'su')
}

function glob(pattern: string): RegExp {
  const body = [...pattern].map((each) => (each === '*' ? '.*' : each === '?' ? '.' : escapeText(each))).join('')
  return new RegExp(`^${body}$`, 'su')
}

function regex(pattern: string): RegExp | undefined {
  try {
    return new RegExp(`^(?:${pattern})$`, 'u')
  } catch {
    // What is no pattern is compared as it is.
    return undefined
  }
}

function subject(wanted: string, own: string): boolean {
  const tokens = own.split('.')
  const asked = wanted.split('.')
  if (asked.at(-1) === '>')
    return tokens.length >= asked.length && asked.slice(0, -1).every((t, i) => t === '*' || t === tokens[i])
  return asked.length === tokens.length && asked.every((token, index) => token === '*' || token === tokens[index])
}

function bare(text: string): string {
  return text.normalize('NFD').replaceAll(/\p{M}/gu, '')
}

function escapeText(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/-]/u, '\\$&')
}
