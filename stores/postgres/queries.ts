import type { CheckedQuery, EqualField } from '../../storekit/index.ts'
import { toJsonb, toText } from './json-text.ts'
import { cutSql, shortened, shortSql } from './rows.ts'
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

/** A page's statement. */
export interface PageSql extends Sql {
  /** Whether an index answers it alone: then there are few such texts, and one plan is good for all values. */
  readonly isFixed: boolean
}

/** A page's records in the order of the query, no more than `limit` of them, from within these bounds. */
export function pageSql(names: Names, query: CheckedQuery, bounds: Bounds): PageSql {
  const draft = new Draft()
  const direction = query.order === 'oldest' ? 'ASC' : 'DESC'
  const limit = draft.bind(query.limit, 'int')
  const [low, high] = [draft.bind(bounds.low, 'bigint'), draft.bind(bounds.high, 'bigint')]
  const field = lookedUp(query)
  const filters = filtersOf(draft, query, field)
  const branches = branchesOf(draft, { names, query, field }).map(({ from, keys, sequence, filter }) => {
    const [columns, values] = [keys.map(([column]) => column), keys.map(([, value]) => value)]
    const place = [...columns, sequence]
    const within = [`(${place}) >= (${[...values, low]})`, `(${place}) <= (${[...values, high]})`]
    const order = place.map((column) => `${column} ${direction}`).join(', ')
    const where = [...within, ...filter, ...filters].join(' AND ')
    return (selected: string): string =>
      `SELECT ${selected} FROM ${from} WHERE ${where} ORDER BY ${order} LIMIT ${limit}`
  })
  const [only, ...others] = branches
  if (only !== undefined && others.length === 0) {
    const isFixed = filters.length === (field === 'eventId' ? 1 : 0)
    return { text: cutSql(only('l.*'), `sequence ${direction}`), values: draft.values, isFixed }
  }
  const keys = names.place.map((column) => `l.${column}`).join(', ')
  const hits = branches.map((branch) => `(${branch(keys)})`).join(' UNION ALL ')
  const rows = `SELECT l.* FROM (${hits} ORDER BY sequence ${direction} LIMIT ${limit}) AS hit ${rowSql(names, 'hit')}`
  const text = cutSql(rows, `sequence ${direction}`)
  return { text, values: draft.values, isFixed: false }
}

/**
 * The row `l` of what names one, looked up one by one: the planner does not know that of all partitions only one is looked at,
 * and would rather read them all.
 */
function rowSql({ log, place }: Names, by: string): string {
  const same = place.map((column) => `one.${column} = ${by}.${column}`).join(' AND ')
  return `CROSS JOIN LATERAL (SELECT * FROM ${log} AS one WHERE ${same} OFFSET 0) AS l`
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
  /**
   * The columns of the index to walk, each with its value, before the sequence. They are compared and sorted as a whole,
   * never by `=`: else the planner may walk all records from the end of the page on, hoping to meet a few soon.
   */
  readonly keys: readonly (readonly [column: string, value: string])[]
  readonly sequence: string
  readonly filter: readonly string[]
}

type Field = EqualField | 'eventId' | 'attributes' | 'problemCode' | 'states' | 'types'

/** The filter whose index is walked, which is the one that finds least; undefined where none has one. */
function lookedUp({ equal, eventId, attributes, problemCode, states, types }: CheckedQuery): Field | undefined {
  if (equal.correlationId !== undefined) return 'correlationId'
  if (eventId !== undefined) return 'eventId'
  if (attributes.length > 0) return 'attributes'
  for (const field of ['causationId', 'clientRef', 'userId'] as const) if (equal[field] !== undefined) return field
  if (problemCode !== undefined) return 'problemCode'
  if (states !== undefined && !states.includes('successful')) return 'states'
  if (equal.tenantId !== undefined) return 'tenantId'
  return types !== undefined && types.length <= mostBranches ? 'types' : undefined
}

/** Where to look: one place for each value of the filter that is looked up, each in the order of the page. */
function branchesOf(
  draft: Draft,
  { names, query, field }: { names: Names; query: CheckedQuery; field: Field | undefined },
): readonly Branch[] {
  const { equal, eventId = '', attributes, problemCode = '', states = [], types = [] } = query
  const from = `${names.log} l`
  const [first] = attributes
  const by = (column: string, value: string, filter = `${column} IS NOT NULL`): Branch => ({
    ...{ from, keys: [[column, value]], sequence: 'l.sequence', filter: [filter] },
  })
  if (field === undefined) return [{ from, keys: [], sequence: 'l.sequence', filter: [] }]
  if (field === 'eventId') {
    const keys = [['e.event_id', draft.bind(shortened(toText(eventId)), 'text')]] as const
    return [
      {
        from: `${names.event} e ${rowSql(names, 'e')}`,
        keys,
        sequence: 'e.sequence',
        filter: [],
      },
    ]
  }
  if (field === 'attributes' && first !== undefined) {
    const name = draft.bind(shortened(toText(first[0])), 'text')
    const value = shortSql(`(${draft.bind(toJsonb(JSON.stringify(first[1])), 'text')}::jsonb)::text`)
    const keys = [['a.name', name] as const, ['a.value', value] as const]
    return [
      {
        from: `${names.attribute} a ${rowSql(names, 'a')}`,
        keys,
        sequence: 'a.sequence',
        filter: [],
      },
    ]
  }
  if (field === 'problemCode') return [by('l.problem_code', draft.bind(shortened(toText(problemCode)), 'text'))]
  // So that the index of those is known to have them all.
  if (field === 'states')
    return [...new Set(states)].map((state) => by('l.state', `'${state}'`, "l.state <> 'successful'"))
  if (field === 'types')
    return [...new Set(types.filter(isPlain))].map((type) => by('l.type', draft.bind(type, 'text')))
  return [by(`l.${equalColumns[field as EqualField]}`, draft.bind(String(equal[field as EqualField]), 'text'))]
}

/** Every filter of the query that looking up does not cover, as the contract has it: exact, joined by AND. */
function filtersOf(draft: Draft, query: CheckedQuery, field: Field | undefined): readonly string[] {
  const { types, states, equal, eventId, problemCode, attributes, from, to } = query
  const filters: string[] = []
  if (types !== undefined && field !== 'types') {
    filters.push(`l.type = ANY (${draft.bind(arrayOf(types.filter(isPlain)), 'text')}::text[])`)
  }
  if (states !== undefined && field !== 'states') {
    filters.push(`l.state IN (${states.map((state) => `'${state}'`).join(', ')})`)
  }
  for (const [name, value] of Object.entries(equal)) {
    if (name === field) continue
    const column = `l.${equalColumns[name as EqualField]}`
    filters.push(typeof value === 'boolean' ? `${column} = ${value}` : `${column} = ${draft.bind(value, 'text')}`)
  }
  if (eventId !== undefined) {
    // Also where it is looked up: an outcome replaces the events of its intent, which the lookup still has.
    filters.push(contains('events', draft.bind(toJsonb(JSON.stringify([{ id: eventId }])), 'text')))
  }
  if (problemCode !== undefined && field !== 'problemCode') {
    filters.push(`l.problem_code = ${draft.bind(shortened(toText(problemCode)), 'text')}`)
  }
  const others = field === 'attributes' ? attributes.slice(1) : attributes
  if (others.length > 0) {
    filters.push(contains('attributes', draft.bind(toJsonb(JSON.stringify(Object.fromEntries(others))), 'text')))
  }
  if (from !== undefined) filters.push(`l.received_at >= ${draft.bind(from, 'bigint')}`)
  if (to !== undefined) filters.push(`l.received_at < ${draft.bind(to, 'bigint')}`)
  return filters
}

/** Not as it is: the planner believes that one record in a thousand contains what is asked for, and reads them all at once. */
function contains(column: string, value: string): string {
  return `CASE WHEN l.${column} @> ${value}::jsonb THEN true ELSE false END`
}

function arrayOf(values: readonly string[]): string {
  return `{${values.map((value) => `"${value.replace(/["\\]/g, '\\$&')}"`).join(',')}}`
}
