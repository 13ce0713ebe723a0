import type { RecordResult, StoreError } from '../../src/index.ts'
import type { GroupAnswer, GroupWrite } from '../../storekit/index.ts'
import type { Connection } from './connection.ts'
import { columns, outcomeColumns, type Row, shortSql, toExactRow } from './rows.ts'
import { type Names, turnSql } from './schema.ts'

/**
 * One statement, and so one transaction, for a whole group: whoever comes first with an id inserts, an outcome replaces what
 * is still `created`, and whatever is neither gives no row back. Numbers are drawn in turn, see `turnSql`.
 */
export function writeSql(names: Names): string {
  const { log, event, attribute, changes, place } = names
  const key = place.map((column) => `w.${column}`).join(', ')
  const arrays = columns.map((_, index) => `$${index + 1}::text::text[]`)
  const sets = outcomeColumns.flatMap(([given, group]) =>
    group.map((column) =>
      given === 'state'
        ? `${column} = excluded.${column}`
        : `${column} = CASE WHEN excluded.${given} IS NULL THEN l.${column} ELSE excluded.${column} END`,
    ),
  )
  return `WITH turn AS MATERIALIZED (SELECT ${turnSql(names)}), written AS (
    INSERT INTO ${log} AS l (${columns.map(([name]) => name).join(', ')})
    SELECT ${columns.map(([name, type]) => `i.${name}::${type}`).join(', ')}
    FROM turn, unnest(${arrays.join(', ')}) AS i (${columns.map(([name]) => name).join(', ')})
    ON CONFLICT (id) DO UPDATE SET ${sets.join(', ')},
      intent_events = l.events, change = nextval('${changes}')
    WHERE l.state = 'created' AND excluded.state <> 'created'
    RETURNING l.id, l.sequence, l.events, l.attributes, l.intent_events IS NULL AS is_new
  ), events AS (
    INSERT INTO ${event} (event_id, ${place.join(', ')})
    SELECT ${shortSql("e.event ->> 'id'")}, ${key} FROM written w, jsonb_array_elements(w.events) AS e (event)
    ON CONFLICT DO NOTHING
  ), attributes AS (
    INSERT INTO ${attribute} (name, value, ${place.join(', ')})
    SELECT ${shortSql('a.name')}, ${shortSql('a.value::text')}, ${key}
    FROM written w, jsonb_each(w.attributes) AS a (name, value) WHERE w.is_new
    ON CONFLICT DO NOTHING
  )
  SELECT id, is_new::text FROM written`
}

/** Writes a group. What has both phases in it takes a second statement for the outcomes, which another writer may precede. */
export async function writeRows(
  connection: Connection,
  sql: string,
  writes: readonly GroupWrite<Row>[],
): Promise<readonly GroupAnswer[]> {
  const first = await writeOnce(
    connection,
    sql,
    writes.map(({ intent, outcome }) => intent ?? (outcome as Row)),
  )
  const later = writes.flatMap(({ intent, outcome }) =>
    intent !== undefined && outcome !== undefined ? [outcome] : [],
  )
  // The intents are written by now, whatever becomes of these.
  const second =
    later.length === 0 ? first : await writeOnce(connection, sql, later).catch((error: StoreError) => error)
  return writes.map(({ intent, outcome }) => {
    const result = first.get((intent ?? (outcome as Row)).id) ?? 'unchanged'
    if (intent === undefined || outcome === undefined) return result
    return [result, second instanceof Map ? (second.get(outcome.id) ?? 'unchanged') : second]
  })
}

/** What became of those that changed something. */
async function writeOnce(
  connection: Connection,
  sql: string,
  rows: readonly Row[],
): Promise<Map<string, RecordResult>> {
  const sorted = [...rows].sort((a, b) => (a.id < b.id ? -1 : 1))
  try {
    return await send(connection, sql, sorted)
  } catch (thrown) {
    const isRefused = ['INVALID_RECORD', 'RECORD_TOO_LARGE'].includes((thrown as StoreError).code)
    // In a group the one at fault is found first.
    if (!isRefused || rows.length > 1) throw thrown
    return await send(connection, sql, sorted.map(toExactRow))
  }
}

async function send(connection: Connection, sql: string, rows: readonly Row[]): Promise<Map<string, RecordResult>> {
  const arrays = columns.map((_, column) => arrayOf(rows, column))
  const written = (await connection.write(sql, arrays)) as readonly { readonly id: string; readonly is_new: string }[]
  return new Map(written.map(({ id, is_new }) => [id, is_new === 'true' ? 'created' : 'settled']))
}

/** The text of an array of one column: the driver would make the text 'NULL' of null. */
function arrayOf(rows: readonly Row[], column: number): string {
  let text = ''
  for (const { values } of rows) {
    const value = values[column]
    text += typeof value === 'string' ? `,${quoted(value)}` : ',NULL'
  }
  return `{${text.slice(1)}}`
}

/** As JSON quotes it, at a third of the cost, unless JSON would escape more than quotes and backslashes. */
function quoted(value: string): string {
  if (!value.includes('"') && !value.includes('\\')) return `"${value}"`
  if (/^[ -\ud7ff\ue000-\uffff]*$/.test(value)) return JSON.stringify(value)
  return `"${value.replace(/["\\]/g, '\\$&')}"`
}
