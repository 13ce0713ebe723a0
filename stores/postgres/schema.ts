import type { CheckedOptions } from './options.ts'
import { partitionSql, sequenceOf } from './partitions.ts'
import { literal } from './sql-text.ts'

/** The names of the tables, and of the channel on which writers tell of changes, quoted. */
export interface Names {
  readonly log: string
  readonly event: string
  readonly attribute: string
  readonly meta: string
  readonly changes: string
  readonly channel: string
  /** What makes the months of a log in partitions, and what drops one. */
  readonly addMonths: string
  readonly dropMonth: string
  /** The columns by which a lookup table names a record: in partitions also the id, which tells the partition. */
  readonly place: readonly string[]
}

/** All begin with the name of the table. */
export function namesOf({ schema, table, partitions }: CheckedOptions): Names {
  const name = (suffix: string): string => `"${schema}"."${table}${suffix}"`
  return {
    ...{ log: name(''), event: name('_event'), attribute: name('_attribute'), meta: name('_meta') },
    changes: name('_changes'),
    channel: `${schema}.${table}`.slice(0, 63),
    ...{ addMonths: name('_add_months'), dropMonth: name('_drop_month') },
    place: partitions === 'none' ? ['sequence'] : ['sequence', 'id'],
  }
}

/** The lock under which schemas are made: one for all of a database, since several logs may share what is made. */
const lock = 0x636c6f67

/** The version of the schema that this library makes and knows. */
export const schemaVersion = 1

/**
 * The schema, version by version: the statements of `migrations[n]` bring version n to n + 1. What has been released never
 * changes; what comes is added at the end. `change` is the place of the latest change among all, for followers.
 * `intent_events` are what an outcome has replaced, and null where there was no intent: their lookups go with the record.
 */
function migrations(names: Names, options: CheckedOptions): readonly (readonly string[])[] {
  const { log, event, attribute, meta, changes } = names
  const { table, partitions } = options
  const index = (suffix: string, columns: string, where = ''): string =>
    `CREATE INDEX "${table}_${suffix}" ON ${log} (${columns})${where === '' ? '' : ` WHERE ${where}`}`
  const present = (suffix: string, column: string): string =>
    index(suffix, `${column}, sequence`, `${column} IS NOT NULL`)
  const isPlain = partitions === 'none'
  const [id, inId, byId] = isPlain
    ? ['', '', '']
    : [', id text COLLATE "C" NOT NULL', ', id', ' PARTITION BY RANGE (id)']
  return [
    [
      `CREATE SEQUENCE ${changes}`,
      ...(isPlain ? [] : [`CREATE SEQUENCE ${sequenceOf(options)}`]),
      `CREATE TABLE ${log} (
        sequence bigint ${isPlain ? 'GENERATED ALWAYS AS IDENTITY PRIMARY KEY' : `NOT NULL DEFAULT nextval(${literal(sequenceOf(options))})`},
        change bigint NOT NULL DEFAULT nextval(${literal(changes)}),
        id text COLLATE "C" NOT NULL UNIQUE,
        type text COLLATE "C" NOT NULL,
        state text COLLATE "C" NOT NULL,
        correlation_id text COLLATE "C" NOT NULL,
        causation_id text COLLATE "C",
        client_ref text COLLATE "C",
        tenant_id text COLLATE "C",
        user_id text COLLATE "C",
        payload jsonb,
        payload_exact bytea,
        payload_kind text,
        payload_status text NOT NULL,
        payload_format text NOT NULL,
        payload_bytes bigint NOT NULL,
        metadata jsonb,
        metadata_exact text,
        attributes jsonb,
        events jsonb NOT NULL,
        intent_events jsonb,
        result jsonb,
        result_exact bytea,
        result_kind text,
        result_status text,
        result_format text,
        result_bytes bigint,
        problem jsonb,
        problem_exact text,
        problem_code text COLLATE "C",
        error jsonb,
        importance text COLLATE "C" NOT NULL,
        retention text COLLATE "C" NOT NULL,
        dry_run boolean NOT NULL,
        received_at bigint NOT NULL,
        settled_at bigint,
        duration_ms double precision,
        attempts integer,
        replay_of text,
        source jsonb,
        traceparent text
      )${byId}`,
      `CREATE INDEX "${table}_change" ON ${log} (change)`,
      index('correlation', 'correlation_id, sequence'),
      present('causation', 'causation_id'),
      present('client', 'client_ref'),
      present('tenant', 'tenant_id'),
      present('user', 'user_id'),
      present('problem', 'problem_code'),
      index('type', 'type, sequence'),
      index('state', 'state, sequence', "state <> 'successful'"),
      index('received', 'retention, received_at, sequence'),
      `CREATE TABLE ${event} (
        event_id text COLLATE "C" NOT NULL,
        sequence bigint NOT NULL${id},
        PRIMARY KEY (event_id, sequence${inId})
      )${byId}`,
      `CREATE TABLE ${attribute} (
        name text COLLATE "C" NOT NULL,
        value text COLLATE "C" NOT NULL,
        sequence bigint NOT NULL${id},
        PRIMARY KEY (name, value, sequence${inId})
      )${byId}`,
      ...(isPlain ? [] : partitionSql(names, options)),
      `CREATE TABLE ${meta} (data text NOT NULL, version integer NOT NULL)`,
      `INSERT INTO ${meta} (data, version) VALUES (gen_random_uuid()::text, 1)`,
    ],
  ]
}

/**
 * Brings the schema up to date, in one statement, and so in one transaction: whoever starts at the same time waits for the
 * lock and then finds nothing left to do.
 */
export function migrationSql(names: Names, options: CheckedOptions): string {
  const { schema, table } = options
  // Read as rows: whoever waited for the lock would be told of a name what was so before.
  const isMissing = `NOT EXISTS (SELECT FROM pg_tables WHERE schemaname = '${schema}' AND tablename = '${table}_meta')`
  const steps = migrations(names, options).map((statements, version) => {
    const isHere = version === 0 ? isMissing : `(SELECT version FROM ${names.meta}) = ${version}`
    const body = statements.map((statement) => `EXECUTE ${literal(statement)};`).join('\n')
    const raise = version === 0 ? '' : `EXECUTE ${literal(`UPDATE ${names.meta} SET version = ${version + 1}`)};`
    return `IF ${isHere} THEN\n${body}\n${raise}\nEND IF;`
  })
  const place = `IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = '${schema}') THEN CREATE SCHEMA "${schema}"; END IF;`
  return `DO $do$ BEGIN PERFORM pg_advisory_xact_lock(${lock});\n${place}\n${steps.join('\n')}\nEND $do$`
}

/**
 * Whoever writes waits here for the others. A transaction gives way only once all can see what it did, so that whatever has
 * the larger number also becomes visible later.
 */
export function turnSql({ log }: Names): string {
  return `pg_advisory_xact_lock(${lock}, '${log.replaceAll("'", "''")}'::regclass::oid::integer)`
}
