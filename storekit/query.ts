import {
  type AttributeValue,
  type CommandQuery,
  type CommandRecord,
  type CommandState,
  type PurgeOptions,
  type Retention,
  StoreError,
} from '../src/index.ts'
import { kindOf } from '../src/kind-of.ts'

/** A query with every default in place and nothing left to check: what a store translates. */
export interface CheckedQuery {
  /** Any of these; undefined for all. Empty matches nothing. */
  readonly types: readonly string[] | undefined
  readonly states: readonly CommandState[] | undefined
  /** Fields that must equal these values; only those asked for. */
  readonly equal: Readonly<Partial<Pick<CommandRecord, EqualField>>>
  readonly eventId: string | undefined
  readonly problemCode: string | undefined
  readonly attributes: readonly (readonly [name: string, value: AttributeValue])[]
  /** Whole milliseconds, half-open. */
  readonly from: number | undefined
  readonly to: number | undefined
  readonly order: 'newest' | 'oldest'
  readonly limit: number
  readonly cursor: string | undefined
}

/** The fields of a record that a query compares as they are. */
export type EqualField =
  | 'correlationId'
  | 'causationId'
  | 'tenantId'
  | 'userId'
  | 'clientRef'
  | 'importance'
  | 'retention'
  | 'dryRun'

const textFields = ['correlationId', 'causationId', 'tenantId', 'userId', 'clientRef'] as const
const equalFields: readonly EqualField[] = [...textFields, 'importance', 'retention', 'dryRun']
const states: readonly CommandState[] = ['created', 'successful', 'cancelled', 'rejected', 'conflict', 'failed']
const retentions: readonly Retention[] = ['short-lived', 'long-lived', 'permanent']
const mostChoices = 10_000
const mostAttributes = 100
const known = new Set<string>([
  ...['type', 'state', 'eventId', 'problemCode', 'attributes', 'from', 'to', 'order', 'limit', 'cursor'],
  ...equalFields,
])

/** Checks a query, with `INVALID_QUERY`: the same faults on every store. */
export function checkQuery(query: CommandQuery | undefined = {}): CheckedQuery {
  checkKeys(query)
  const { type, state, eventId, problemCode, attributes, from, to, order = 'newest', limit = 100, cursor } = query
  for (const field of [...textFields, 'eventId', 'problemCode', 'cursor'] as const) {
    if (query[field] !== undefined && typeof query[field] !== 'string') throw invalid(field, 'a text', query[field])
  }
  checkOneOf('importance', query.importance, ['low', 'normal', 'high'])
  checkOneOf('retention', query.retention, retentions)
  checkOneOf('dryRun', query.dryRun, [true, false])
  checkOneOf('order', order, ['newest', 'oldest'])
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= 1000))
    throw invalid('limit', 'a whole number from 1 to 1000', limit)
  const equal: Record<string, unknown> = {}
  for (const field of equalFields) if (query[field] !== undefined) equal[field] = query[field]
  return {
    types: checkList('type', type, (each) => typeof each === 'string', 'a text or an array of texts'),
    states: checkList('state', state, (each) => states.includes(each), `one or an array of ${states.join(', ')}`),
    equal,
    eventId,
    problemCode,
    attributes: checkAttributeFilter(attributes),
    from: checkTime('from', from),
    to: checkTime('to', to),
    order,
    limit,
    cursor,
  }
}

/** Checks the query of `findByType`, which names its type apart. */
export function checkTypeQuery(type: string, query: Omit<CommandQuery, 'type'> | undefined): CheckedQuery {
  checkText('type', type)
  if (query !== undefined) {
    checkKeys(query)
    if ('type' in query && query.type !== undefined) throw invalid('type', 'to be named once', query.type)
  }
  return checkQuery({ ...query, type })
}

/** Checks an id or correlation that is looked up, with `INVALID_QUERY`. */
export function checkText(name: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') throw invalid(name, 'a text', value)
}

/** Checks what `purge` takes, with `INVALID_QUERY`, and puts the cut in whole milliseconds. */
export function checkPurge(options: PurgeOptions): { retention: Retention; before: number; limit: number | undefined } {
  if (typeof options !== 'object' || options === null) throw invalid('options', 'an object', options)
  const { retention, limit } = options
  if (!retentions.includes(retention)) throw invalid('retention', `one of ${retentions.join(', ')}`, retention)
  const before = checkTime('before', options.before)
  if (before === undefined) throw invalid('before', 'a time', before)
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 1))
    throw invalid('limit', 'a whole number from 1', limit)
  return { retention, before, limit }
}

/** Whether a record is what the query asks for, its order, limit and cursor apart. */
export function matches(query: CheckedQuery, record: CommandRecord): boolean {
  const { types, states: wanted, equal, eventId, problemCode, attributes, from, to } = query
  if (types !== undefined && !types.includes(record.type)) return false
  if (wanted !== undefined && !wanted.includes(record.state)) return false
  for (const field in equal) if (record[field as EqualField] !== equal[field as EqualField]) return false
  if (from !== undefined && record.receivedAt < from) return false
  if (to !== undefined && record.receivedAt >= to) return false
  if (eventId !== undefined && !record.events.some(({ id }) => id === eventId)) return false
  if (problemCode !== undefined && record.problem?.code !== problemCode) return false
  return attributes.every(([name, value]) => {
    const own = record.attributes
    return own !== undefined && Object.hasOwn(own, name) && own[name] === value
  })
}

function checkKeys(query: unknown): void {
  if (typeof query !== 'object' || query === null || Array.isArray(query)) throw invalid('query', 'an object', query)
  for (const key of Object.keys(query)) if (!known.has(key)) throw fault('query', `only ${[...known].join(', ')}`)
}

function checkOneOf(name: string, value: unknown, allowed: readonly unknown[]): void {
  if (value !== undefined && !allowed.includes(value)) throw invalid(name, `one of ${allowed.join(', ')}`, value)
}

function checkList<T>(
  name: string,
  value: T | readonly T[] | undefined,
  isFine: (each: T) => boolean,
  expected: string,
): readonly T[] | undefined {
  if (value === undefined) return undefined
  const list = Array.isArray(value) ? [...(value as readonly T[])] : [value as T]
  if (!list.every(isFine))
    throw invalid(name, expected, Array.isArray(value) ? list.find((each) => !isFine(each)) : value)
  // Databases have limits of their own, each its own.
  if (list.length > mostChoices) throw fault(name, `at most ${mostChoices} values`)
  return list
}

function checkAttributeFilter(attributes: unknown): readonly (readonly [string, AttributeValue])[] {
  if (attributes === undefined) return []
  if (typeof attributes !== 'object' || attributes === null || Array.isArray(attributes))
    throw invalid('attributes', 'a flat record', attributes)
  const entries = Object.entries(attributes).filter(([, value]) => value !== undefined)
  if (entries.length > mostAttributes) throw fault('attributes', `at most ${mostAttributes} attributes`)
  for (const [, value] of entries) {
    if (!(typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value))) {
      throw invalid('attributes', 'texts, finite numbers and booleans', value)
    }
  }
  return entries
}

/** Times are compared with whole milliseconds, so rounding up changes no comparison; far ones are as good as the bounds. */
function checkTime(name: string, value: unknown): number | undefined {
  if (value === undefined) return undefined
  const time = value instanceof Date ? value.getTime() : value
  if (typeof time !== 'number' || !Number.isFinite(time)) throw invalid(name, 'a finite time', value)
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(Number.MIN_SAFE_INTEGER, Math.ceil(time)))
}

/** Tells the kind of value that came, and never the value: it may be a secret. */
function invalid(name: string, expected: string, received: unknown): StoreError {
  return fault(name, `${expected}, received ${kindOf(received)}`)
}

function fault(name: string, expected: string): StoreError {
  return new StoreError('INVALID_QUERY', `${name}: expected ${expected}`)
}
