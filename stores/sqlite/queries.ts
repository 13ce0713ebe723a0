import type { CheckedQuery, EqualField } from '../../storekit/index.ts'
import { columns, toAttributeRow } from './rows.ts'

/** A statement and what is bound to it. */
export interface Sql {
  readonly text: string
  readonly values: readonly unknown[]
}

/** What is read of every record. */
export const selected: string = `l.sequence, l.change, ${columns.map((column) => `l.${column}`).join(', ')}`

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

/** The indexes, those first that mostly find least. */
const indexes = [
  ['correlation_id', 'command_log_correlation'],
  ['causation_id', 'command_log_causation'],
  ['client_ref', 'command_log_client'],
  ['user_id', 'command_log_user'],
  ['problem_code', 'command_log_problem'],
  ['state', 'command_log_state'],
  ['tenant_id', 'command_log_tenant'],
  ['type', 'command_log_type'],
] as const

/** More values than this are not looked up one by one. */
const mostBranches = 20

/** Where sequences lie that a query asks for, both ends included. */
export interface Bounds {
  readonly low: number
  readonly high: number
}

/** A page's records in the order of the query, and no more than `limit` of them, found this way within these bounds. */
export function pageSql(query: CheckedQuery, way: Way, { low, high }: Bounds): Sql {
  const direction = query.order === 'oldest' ? 'ASC' : 'DESC'
  const filters = filtersOf(query)
  const branches = way.map(({ from, filter, sequence }) => {
    const all = [...filter, { text: `${sequence} BETWEEN +? AND +?`, values: [low, high] }, ...filters]
    return {
      text: `SELECT ${sequence} AS sequence FROM ${from} WHERE ${all.map((each) => each.text).join(' AND ')} ORDER BY ${sequence} ${direction} LIMIT +?`,
      values: [...all.flatMap(({ values }) => values), query.limit],
    }
  })
  const union = branches.map(({ text }) => `SELECT sequence FROM (${text})`).join(' UNION ALL ')
  return {
    text: `SELECT ${selected} FROM command_log l WHERE l.sequence IN (${union}) ORDER BY l.sequence ${direction} LIMIT +?`,
    values: [...branches.flatMap(({ values }) => values), query.limit],
  }
}

/**
 * The first and last sequence received in a time, and how many there are, looking at no more than `most`. Times need not
 * ascend with the sequence, since clocks differ; still what was received in an hour lies close together.
 */
export function boundsSql({ from, to }: CheckedQuery, most: number): Sql {
  const filter =
    "l.retention IN ('short-lived', 'long-lived', 'permanent') AND l.received_at >= +? AND l.received_at < +?"
  return {
    text: `SELECT min(sequence) AS low, max(sequence) AS high, count(*) AS count FROM (
      SELECT l.sequence FROM command_log l INDEXED BY command_log_received WHERE ${filter} LIMIT +?)`,
    values: [from ?? Number.MIN_SAFE_INTEGER, to ?? Number.MAX_SAFE_INTEGER, most],
  }
}

/** How many entries of the index a way has, looking at no more than `most`. */
export function countSql(way: Way, most: number): Sql {
  const parts = way.map(({ entries, filter }) => {
    return `SELECT 1 FROM (SELECT 1 FROM ${entries} WHERE ${filter.map(({ text }) => text).join(' AND ')} LIMIT ${most})`
  })
  return {
    text: `SELECT count(*) AS count FROM (${parts.join(' UNION ALL ')})`,
    values: way.flatMap(({ filter }) => filter.flatMap(({ values }) => values)),
  }
}

/** A place to look. */
interface Branch {
  readonly from: string
  /** The index alone, to count what there is. */
  readonly entries: string
  readonly filter: readonly Sql[]
  readonly sequence: string
}

/** Where to look for what a query asks for: one place for each value of a filter, each in the order of the page. */
export type Way = readonly Branch[]

/** The whole log, for a query that no index serves. */
export const everywhere: Way = [
  { from: 'command_log l NOT INDEXED', entries: 'command_log l', filter: [], sequence: 'l.sequence' },
]

/** Every way there is; the first are those that mostly find least. */
export function waysOf(query: CheckedQuery): readonly Way[] {
  const ways: Way[] = []
  const aside = (table: string, alias: string, filter: Sql): unknown =>
    ways.push([
      {
        from: `${table} ${alias} CROSS JOIN command_log l ON l.sequence = ${alias}.sequence`,
        entries: `${table} ${alias}`,
        filter: [filter],
        sequence: `${alias}.sequence`,
      },
    ])
  if (query.eventId !== undefined) {
    aside('command_log_event', 'e', { text: 'e.event_id = +?', values: [query.eventId] })
  }
  for (const attribute of query.attributes) {
    aside('command_log_attribute', 'a', { text: 'a.name = +? AND a.value = +?', values: toAttributeRow(attribute) })
  }
  for (const [column, index] of indexes) {
    const values = valuesOf(query, column)
    if (values === undefined || values.length > mostBranches) continue
    const from = `command_log l INDEXED BY ${index}`
    const partial = column === 'state' ? " AND l.state <> 'successful'" : ''
    ways.push(
      values.map((value) => {
        const filter = [{ text: `l.${column} = +?${partial}`, values: [value] }]
        return { from, entries: from, filter, sequence: 'l.sequence' }
      }),
    )
  }
  return ways
}

/** The values that a query asks for in a column; undefined where it does not, or the index does not have them. */
function valuesOf(query: CheckedQuery, column: (typeof indexes)[number][0]): readonly unknown[] | undefined {
  if (column === 'type') return query.types && distinct(query.types)
  if (column === 'state')
    return query.states?.includes('successful') ? undefined : query.states && distinct(query.states)
  if (column === 'problem_code') return query.problemCode === undefined ? undefined : [query.problemCode]
  const [field] = Object.keys(query.equal).filter((each) => equalColumns[each as EqualField] === column)
  return field === undefined ? undefined : [query.equal[field as EqualField]]
}

/** Whether any record can be what a query asks for: no stored text is ill-formed, and an empty choice has none. */
export function canMatch({ types, states, equal, eventId, problemCode }: CheckedQuery): boolean {
  const texts = [...Object.values(equal), eventId, problemCode].filter((each) => typeof each === 'string')
  const isFine = (text: string): boolean => text.isWellFormed()
  return texts.every(isFine) && types?.some(isFine) !== false && states?.length !== 0
}

/** Every filter of the query, as the contract has it: exact, joined by AND. */
function filtersOf(query: CheckedQuery): readonly Sql[] {
  const filters: Sql[] = []
  const add = (text: string, ...values: readonly unknown[]): unknown => filters.push({ text, values })
  const { types, states, equal, eventId, problemCode, attributes, from, to } = query
  const chosen = types && distinct(types)
  if (chosen !== undefined && chosen.length <= 100) add(`l.type IN (${chosen.map(() => '+?').join()})`, ...chosen)
  else if (chosen !== undefined) add('l.type IN (SELECT value FROM json_each(+?))', JSON.stringify(chosen))
  if (states !== undefined) add(`l.state IN (${states.map(() => '+?').join()})`, ...states)
  for (const [field, value] of Object.entries(equal)) {
    add(`l.${equalColumns[field as EqualField]} = +?`, typeof value === 'boolean' ? Number(value) : value)
  }
  if (eventId !== undefined) {
    add('EXISTS (SELECT 1 FROM command_log_event WHERE event_id = +? AND sequence = l.sequence)', eventId)
  }
  if (problemCode !== undefined) add('l.problem_code = +?', problemCode)
  for (const attribute of attributes) {
    add(
      'EXISTS (SELECT 1 FROM command_log_attribute WHERE name = +? AND value = +? AND sequence = l.sequence)',
      ...toAttributeRow(attribute),
    )
  }
  if (from !== undefined) add('l.received_at >= +?', from)
  if (to !== undefined) add('l.received_at < +?', to)
  return filters
}

/** SQLite would take an ill-formed text for another. */
function distinct(values: readonly string[]): readonly string[] {
  return [...new Set(values)].filter((value) => value.isWellFormed())
}
