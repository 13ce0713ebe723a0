import type { CheckedQuery, EqualField } from '../../storekit/index.ts'
import { toJsonb, toText } from './json-text.ts'
import { selected, shortened, shortSql } from './rows.ts'
import type { Names } from './schema.ts'

/** A statement and what is bound to it. */
export interface Sql {
  readonly text: string
  readonly values: (string | number | null)[]
}

const equalColumns: Readonly<Record<EqualField, string>> = {
  correlationId: 'correlation_id',
  causationId: 'causation_id',
  tenantId: 'tenant_id',
  userId: 'user_id',
  clientRef: 'client_ref',
  importance: 'importance',
  retention: 'retention',
  dryRun: 'dry_run',
}

/** More values than this are not looked up one by one. */
const mostBranches = 20

/** Where sequences lie that a query asks for, both ends included. */
export interface Bounds {
  readonly low: string
  readonly high: string
}

/** A statement under construction: its values are numbered as they come. */
class Draft {
  readonly values: (string | number | null)[] = []

  /** The place of a value. */
  bind(value: string | number, type: string): string {
    this.values.push(value)
    return `$${this.values.length}::${type}`
  }
}

/** A page's records in the order of the query, no more than `limit` of them, from within these bounds. */
export function pageSql(names: Names, query: CheckedQuery, { low, high }: Bounds): Sql {
  const draft = new Draft()
  const direction = query.order === 'oldest' ? 'ASC' : 'DESC'
  const limit = draft.bind(query.limit, 'int')
  const within = `BETWEEN ${draft.bind(low, 'bigint')} AND ${draft.bind(high, 'bigint')}`
  const filters = filtersOf(draft, query)
  const branches = branchesOf(draft, names, query).map(({ from, filter, sequence }) => {
    const all = [...filter, `${sequence} ${within}`, ...filters]
    return `SELECT sequence FROM (SELECT ${sequence} AS sequence FROM ${from} WHERE ${all.join(' AND ')} ORDER BY ${sequence} ${direction} LIMIT ${limit}) AS branch`
  })
  const text = `SELECT ${selected} FROM (${branches.join(' UNION ALL ')} ORDER BY sequence ${direction} LIMIT ${limit}) AS hit
    JOIN ${names.log} l USING (sequence) ORDER BY l.sequence ${direction}`
  return { text, values: draft.values }
}

/**
 * The first and last sequence received in a time, and how many there are, looking at no more than `most`. Times need not
 * ascend with the sequence, since clocks differ; still what was received in an hour lies close together.
 */
export function boundsSql({ log }: Names, { from, to }: CheckedQuery, most: number): Sql {
  return {
    text: `SELECT min(sequence)::text AS low, max(sequence)::text AS high, count(*)::text AS count FROM (
      SELECT sequence FROM ${log} WHERE retention IN ('short-lived', 'long-lived', 'permanent')
      AND received_at >= $1::bigint AND received_at < $2::bigint LIMIT ${most}) AS hit`,
    values: [from ?? Number.MIN_SAFE_INTEGER, to ?? Number.MAX_SAFE_INTEGER],
  }
}

/** Whether any record can be what a query asks for: no stored text is ill-formed or has a NUL, and an empty choice has none. */
export function canMatch({ types, states, equal }: CheckedQuery): boolean {
  const texts = Object.values(equal).filter((each) => typeof each === 'string')
  return texts.every(isPlain) && types?.some(isPlain) !== false && states?.length !== 0
}

/** Whether a column can hold it. */
export function isPlain(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

interface Branch {
  readonly from: string
  readonly filter: readonly string[]
  readonly sequence: string
}

/** Where to look: one place for each value of the filter that finds least, each in the order of the page. */
function branchesOf(draft: Draft, { log, event, attribute }: Names, query: CheckedQuery): readonly Branch[] {
  const { equal, eventId, types, states } = query
  const isNarrow = equal.correlationId !== undefined || equal.causationId !== undefined
  if (eventId !== undefined && !isNarrow) {
    const filter = [`e.event_id = ${draft.bind(shortened(toText(eventId)), 'text')}`]
    return [{ from: `${event} e JOIN ${log} l ON l.sequence = e.sequence`, filter, sequence: 'e.sequence' }]
  }
  const [first] = query.attributes
  if (first !== undefined && !isNarrow) {
    const value = `(${draft.bind(toJsonb(JSON.stringify(first[1])), 'text')}::jsonb)::text`
    const filter = [`a.name = ${draft.bind(shortened(toText(first[0])), 'text')}`, `a.value = ${shortSql(value)}`]
    return [{ from: `${attribute} a JOIN ${log} l ON l.sequence = a.sequence`, filter, sequence: 'a.sequence' }]
  }
  const from = `${log} l`
  const isSingle =
    isNarrow || (['clientRef', 'userId', 'tenantId'] as const).some((field) => equal[field] !== undefined)
  const choices = isSingle ? [] : [states?.includes('successful') ? undefined : states, types]
  const column = choices[0] === undefined ? 'type' : 'state'
  const values = (choices[0] ?? choices[1])?.filter(isPlain)
  if (values === undefined || values.length > mostBranches) return [{ from, filter: [], sequence: 'l.sequence' }]
  return [...new Set(values)].map((value) => {
    const filter = [`l.${column} = ${column === 'state' ? `'${value}'` : draft.bind(value, 'text')}`]
    return { from, filter, sequence: 'l.sequence' }
  })
}

/** Every filter of the query, as the contract has it: exact, joined by AND. */
function filtersOf(draft: Draft, query: CheckedQuery): readonly string[] {
  const { types, states, equal, eventId, problemCode, attributes, from, to } = query
  const filters: string[] = []
  if (types !== undefined) filters.push(`l.type = ANY (${draft.bind(arrayOf(types.filter(isPlain)), 'text')}::text[])`)
  if (states !== undefined) {
    filters.push(`l.state IN (${states.map((state) => `'${state}'`).join(', ')})`)
    // So that the index of those is known to have them all.
    if (!states.includes('successful')) filters.push("l.state <> 'successful'")
  }
  for (const [field, value] of Object.entries(equal)) {
    const column = `l.${equalColumns[field as EqualField]}`
    filters.push(typeof value === 'boolean' ? `${column} = ${value}` : `${column} = ${draft.bind(value, 'text')}`)
  }
  if (eventId !== undefined) {
    const element = toJsonb(JSON.stringify([{ id: eventId }]))
    filters.push(`l.events @> ${draft.bind(element, 'text')}::jsonb`)
  }
  if (problemCode !== undefined) {
    filters.push(`l.problem_code = ${draft.bind(shortened(toText(problemCode)), 'text')}`)
  }
  if (attributes.length > 0) {
    const wanted = toJsonb(JSON.stringify(Object.fromEntries(attributes)))
    filters.push(`l.attributes @> ${draft.bind(wanted, 'text')}::jsonb`)
  }
  if (from !== undefined) filters.push(`l.received_at >= ${draft.bind(from, 'bigint')}`)
  if (to !== undefined) filters.push(`l.received_at < ${draft.bind(to, 'bigint')}`)
  return filters
}

function arrayOf(values: readonly string[]): string {
  return `{${values.map((value) => `"${value.replace(/["\\]/g, '\\$&')}"`).join(',')}}`
}
