import { StoreError } from '../../src/index.ts'
import type { Connection } from './connection.ts'
import { addMissingMonths } from './partitions.ts'
import { migrationSql, schemaVersion } from './schema.ts'

/** Checks what the promise needs, and makes the tables where there are none. Gives what the log is called. */
export async function prepareDatabase(connection: Connection): Promise<string> {
  await checkServer(connection)
  let meta = await readMeta(connection)
  if (meta === undefined || meta.version < schemaVersion) {
    await connection.change(migrationSql(connection.names, connection.options), [])
    meta = await readMeta(connection)
  }
  if (meta?.version !== schemaVersion) {
    throw incompatible(
      `The tables have version ${meta?.version} of the schema, and this library knows ${schemaVersion}: it needs a newer one`,
    )
  }
  const isInMonths = connection.options.partitions === 'month'
  if (isInMonths !== meta.isPartitioned) {
    throw incompatible(`The tables are there, and expect partitions: '${meta.isPartitioned ? 'month' : 'none'}'`)
  }
  if (isInMonths) await addMissingMonths(connection)
  return meta.data
}

async function checkServer(connection: Connection): Promise<void> {
  const [settings] = (await connection.read(
    `SELECT current_setting('server_version_num') AS server_version, current_setting('synchronous_commit') AS synchronous_commit,
      current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes`,
  )) as readonly Readonly<Record<string, string>>[]
  if (settings?.server_version === undefined) {
    throw new TypeError('sql: expected what postgres() gives, without a transform of column names')
  }
  if (Number(settings.server_version) < 140000)
    throw incompatible('The server is too old: expected Postgres 14 or later')
  for (const name of ['synchronous_commit', 'fsync', 'full_page_writes']) {
    if (settings[name] !== 'off') continue
    throw incompatible(`The server runs with ${name} = off, which can lose what it acknowledged`)
  }
}

interface Meta {
  readonly data: string
  readonly version: number
  readonly isPartitioned: boolean
}

async function readMeta(connection: Connection): Promise<Meta | undefined> {
  const { names } = connection
  const [found] = (await connection.read(
    `SELECT (to_regclass($1) IS NOT NULL)::text AS has_meta, (to_regclass($2) IS NOT NULL)::text AS has_log,
      (SELECT relkind FROM pg_class WHERE oid = to_regclass($2))::text AS kind`,
    [names.meta, names.log],
  )) as readonly { readonly has_meta: string; readonly has_log: string; readonly kind: string | null }[]
  if (found?.has_meta !== 'true') {
    if (found?.has_log !== 'true') return undefined
    throw incompatible('There is a table of this name already, and it is not a command log')
  }
  const isPartitioned = found.kind === 'p'
  const [version] = (await connection.read(`SELECT version::text FROM ${names.meta}`)) as readonly { version: string }[]
  // Of another version nothing else is known.
  if (Number(version?.version) !== schemaVersion) {
    return { data: '', version: Number(version?.version), isPartitioned }
  }
  const [meta] = (await connection.read(`SELECT data FROM ${names.meta}`)) as readonly { readonly data: string }[]
  return { data: meta?.data ?? '', version: schemaVersion, isPartitioned }
}

function incompatible(message: string): StoreError {
  return new StoreError('STORE_INCOMPATIBLE', message)
}
