import type { StoreError } from '../../src/index.ts'
import type { Connection } from './connection.ts'
import type { CheckedOptions } from './options.ts'
import type { Names } from './schema.ts'
import { literal } from './sql-text.ts'

/** So many months from the present one on have partitions. */
const monthsAhead = 4
/** No more records of a month than this move elsewhere so that the others can go with it. */
const mostStaying = 10_000
/** The tables of a log, by what their names end in. */
const parts = ['', '_event', '_attribute'] as const

/** The sequence that numbers the records of a log in partitions, called as that of an identity column is. */
export function sequenceOf({ schema, table }: CheckedOptions): string {
  return `"${schema}"."${table}_sequence_seq"`
}

/**
 * What a log in partitions has besides its tables. They are cut by id: so each id is still unique in the whole log, and UUIDs
 * of version 7 sort by their time, which makes months of them. Other ids lie in the default partition, or in some month by
 * chance: nothing relies on what lies where.
 */
export function partitionSql(names: Names, options: CheckedOptions): readonly string[] {
  const { schema, table } = options
  const name = (part: string): string => `"${schema}"."${table}${part}"`
  return [
    `ALTER SEQUENCE ${sequenceOf(options)} OWNED BY ${names.log}.sequence`,
    `CREATE INDEX "${table}_sequence" ON ${names.log} (sequence)`,
    ...parts.map((part) => `CREATE TABLE ${name(`${part}_default`)} PARTITION OF ${name(part)} DEFAULT`),
    `CREATE FUNCTION ${names.addMonths}(first timestamp, count int) RETURNS int ${addMonths(names, options)}`,
    `CREATE FUNCTION ${names.dropMonth}(month timestamp, kept text, before bigint) RETURNS bigint ${dropMonth(names, options)}`,
    `REVOKE ALL ON FUNCTION ${names.addMonths}, ${names.dropMonth} FROM PUBLIC`,
    `SELECT ${names.addMonths}(now()::timestamp, ${monthsAhead})`,
  ]
}

/**
 * How both functions begin. Roles that own nothing may call them, so that they trust no search path; and they wait for locks
 * less long than Postgres waits before it looks for deadlocks, so that they are always the ones to give way.
 */
const header = `LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
  SET lock_timeout = '200ms' AS $function$`

/** SQL that gives the name of a month's partition. */
function partition({ schema, table }: CheckedOptions, part: string, month = 'month'): string {
  return `format('%I.%I', ${literal(schema)}, to_char(${month}, ${literal(`"${table}${part}_"YYYY_MM`)}))`
}

/** How the first id of a month begins. */
function lowest(month: string): string {
  return `regexp_replace(lpad(to_hex((extract(epoch FROM ${month}) * 1000)::bigint), 12, '0'), '^.{8}', '\\&-')`
}

/**
 * Makes partitions for `count` months from that of `first` on, and gives how many were missing. A month that has records in the
 * default partition already stays there.
 */
function addMonths({ log, event, attribute }: Names, options: CheckedOptions): string {
  const byDefault = `"${options.schema}"."${options.table}_default"`
  const make = (part: string, parent: string): string =>
    `EXECUTE format('CREATE TABLE %s PARTITION OF %s FOR VALUES FROM (%L) TO (%L)',
          ${partition(options, part)}, ${literal(parent)}, low, high);`
  return `${header} DECLARE month timestamp; low text; high text; made int := 0;
    BEGIN
      LOCK TABLE ONLY ${log} IN SHARE UPDATE EXCLUSIVE MODE;
      FOR step IN 0 .. count - 1 LOOP
        month := date_trunc('month', first) + make_interval(months => step);
        low := ${lowest('month')};
        high := ${lowest("(month + interval '1 month')")};
        CONTINUE WHEN to_regclass(${partition(options, '')}) IS NOT NULL
          OR EXISTS (SELECT FROM ${byDefault} WHERE id >= low AND id < high);
        ${make('', log)}
        ${make('_event', event)}
        ${make('_attribute', attribute)}
        made := made + 1;
      END LOOP;
      RETURN made;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN RETURN 0;
    END $function$`
}

/**
 * Drops the partition of a month from which all settled records of a retention may go that were received before a time. What
 * must stay moves to the default partition, as long as it is little. Gives how many records are gone; null where nothing was
 * done, since there is no such partition, or too much must stay, or those who work with the log do not make way.
 *
 * Whoever would write to the month is shut out before it is looked through for good; all others only once nothing is left to
 * do but to move and to drop.
 */
function dropMonth({ log, event, attribute }: Names, options: CheckedOptions): string {
  const stays = `(t.retention < $1 OR t.retention > $1 OR (t.retention = $1 AND t.received_at >= $2) OR t.state = 'created')`
  const run = (statement: string, tables: readonly string[], into = ''): string =>
    `EXECUTE format(${[literal(statement), ...tables].join(', ')})${into === '' ? '' : ` INTO ${into}`} USING kept, before;`
  const countStaying = run(
    `SELECT count(*) FROM (SELECT FROM %s t WHERE ${stays} LIMIT ${mostStaying + 1}) s`,
    ['old'],
    'staying',
  )
  const move = (table: string, old: string): string =>
    `${run(`INSERT INTO ${table} SELECT l.* FROM %s l WHERE EXISTS (SELECT FROM %s t WHERE t.id = l.id AND t.sequence = l.sequence AND ${stays})`, [old, 'old'])}`
  const tables = [[log, 'old'] as const, [event, 'old_event'] as const, [attribute, 'old_attribute'] as const]
  return `${header} DECLARE total bigint; staying bigint; old text := ${partition(options, '')};
      old_event text := ${partition(options, '_event')}; old_attribute text := ${partition(options, '_attribute')};
    BEGIN
      LOCK TABLE ONLY ${log} IN SHARE UPDATE EXCLUSIVE MODE;
      IF to_regclass(old) IS NULL THEN RETURN NULL; END IF;
      ${countStaying}
      IF staying > ${mostStaying} THEN RETURN NULL; END IF;
      EXECUTE format('LOCK TABLE %s IN SHARE MODE', old);
      ${countStaying}
      EXECUTE format('SELECT count(*) FROM %s', old) INTO total;
      IF staying > ${mostStaying} THEN RETURN NULL; END IF;
      LOCK TABLE ONLY ${log}, ONLY ${event}, ONLY ${attribute} IN ACCESS EXCLUSIVE MODE;
      ${tables.map(([table, old]) => `EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', ${literal(table)}, ${old});`).join('\n      ')}
      IF staying > 0 THEN
        ${tables.map(([table, old]) => move(table, old)).join('\n        ')}
      END IF;
      EXECUTE format('DROP TABLE %s, %s, %s', old, old_event, old_attribute);
      RETURN total - staying;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN RETURN NULL;
    END $function$`
}

/** Whether a log is in partitions. */
export function isPartitioned({ options }: Connection): boolean {
  return options.partitions !== 'none'
}

/** Makes what months are missing, where this role may. Else the default partition takes what comes. */
export async function addMissingMonths(connection: Connection): Promise<void> {
  const { names, options } = connection
  const last = `(date_trunc('month', now() AT TIME ZONE 'UTC') + interval '${monthsAhead - 1} months')`
  const month = partition(options, '', last)
  const [found] = (await connection.read(`SELECT (to_regclass(${month}) IS NULL)::text AS is_missing`)) as readonly {
    readonly is_missing: string
  }[]
  if (found?.is_missing !== 'true') return
  await connection
    .change(`SELECT ${names.addMonths}(now() AT TIME ZONE 'UTC', ${monthsAhead})`, [])
    .catch(unlessForbidden)
}

/** Ids from `low` on and below `high`, where there are such bounds. */
export interface IdRange {
  readonly low?: string
  readonly high?: string
}

/** When each month that has a partition begins, and when it ends. */
async function monthsOf(connection: Connection): Promise<readonly (readonly [begin: number, end: number])[]> {
  const { names, options } = connection
  const rows = (await connection.read(
    `SELECT right(c.relname, 7) AS month FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE i.inhparent = to_regclass($1) AND c.relname ~ $2 ORDER BY month`,
    [names.log, `^${options.table}_\\d{4}_\\d\\d$`],
  )) as readonly { readonly month: string }[]
  return rows.map(({ month }) => {
    const [year = 0, number = 0] = month.split('_').map(Number)
    return [Date.UTC(year, number - 1), Date.UTC(year, number)]
  })
}

/** Drops every month that has ended before this time, and from which all that is in it may go, or nearly; how many are gone. */
export async function dropMonths(connection: Connection, retention: string, before: number): Promise<number> {
  const sql = `SELECT ${connection.names.dropMonth}($1::timestamp, $2, $3::bigint)::text AS count`
  let removed = 0
  for (const [begin, end] of await monthsOf(connection)) {
    if (end > Math.min(before, Date.now())) break
    const month = new Date(begin).toISOString().slice(0, 10)
    const dropped = await connection.change(sql, [month, retention, before]).catch(unlessForbidden)
    removed += Number((dropped as readonly { readonly count: string | null }[])[0]?.count ?? 0)
  }
  return removed
}

/** All ids, in ranges of which each lies in one partition. */
export async function rangesOf(connection: Connection): Promise<readonly IdRange[]> {
  const bounds = (await monthsOf(connection)).flatMap((month) => month.map(lowestId))
  const cuts = [undefined, ...new Set(bounds), undefined]
  return cuts.slice(1).map((high, index) => {
    const low = cuts[index]
    return { ...(low === undefined ? {} : { low }), ...(high === undefined ? {} : { high }) }
  })
}

/** The same as `lowest`. */
function lowestId(time: number): string {
  return time.toString(16).padStart(12, '0').replace(/^.{8}/, '$&-')
}

/** A role without these rights, or a log that was restored without these functions, does with what there is. */
function unlessForbidden(error: StoreError): readonly object[] {
  if (error.code !== 'STORE_READ_ONLY' && error.code !== 'STORE_INCOMPATIBLE') throw error
  return []
}
