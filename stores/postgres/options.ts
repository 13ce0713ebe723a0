import type { PostgresSql } from './driver.ts'

interface CommonOptions {
  /** Where the tables are; default `public`. */
  readonly schema?: string | undefined
  /** What the table is called; default `command_log`. Others beside it begin with this name. */
  readonly table?: string | undefined
  /** How long a call may take; default 5,000. */
  readonly deadlineMs?: number | undefined
  /** False behind a pooler that gives each statement another connection: nothing is prepared, nobody listens. */
  readonly prepare?: boolean | undefined
  /** `month`: the tables are made in partitions by month, so that old months go as a whole; default `none`. */
  readonly partitions?: 'none' | 'month' | undefined
}

/** What `postgresStore` takes: the URL of a server, or a live `postgres()` that its owner ends. */
export type PostgresStoreOptions = CommonOptions &
  (
    | {
        readonly url: string
        readonly sql?: undefined
        /** The most connections; default 4: half of them for writing, the others for all else. Followers have one more. */
        readonly connections?: number | undefined
      }
    | { readonly sql: PostgresSql; readonly url?: undefined; readonly connections?: undefined }
  )

/** Options with every default in place. */
export interface CheckedOptions {
  readonly url: string | undefined
  readonly sql: PostgresSql | undefined
  readonly schema: string
  readonly table: string
  readonly deadlineMs: number
  readonly prepare: boolean
  readonly connections: number
  readonly partitions: 'none' | 'month'
}

/** Refuses what `postgresStore` cannot work with, before any connection is made. Tells no URL: it holds a password. */
export function checkOptions(options: PostgresStoreOptions): CheckedOptions {
  if (typeof options !== 'object' || options === null) throw new TypeError('options: expected an object')
  const { url, sql, schema = 'public', table = 'command_log', deadlineMs = 5000 } = options
  const { prepare = true, connections = 4, partitions = 'none' } = options
  if ((url === undefined) === (sql === undefined)) throw new TypeError('expected either url or sql')
  if (url !== undefined && !(typeof url === 'string' && /^postgres(?:ql)?:\/\//.test(url) && URL.canParse(url))) {
    throw new TypeError('url: expected postgres://user:password@host:port/database')
  }
  if (sql !== undefined && typeof sql?.unsafe !== 'function') throw new TypeError('sql: expected what postgres() gives')
  for (const [name, value] of Object.entries({ schema, table })) {
    // Postgres cuts names at 63 bytes, and the names of indexes are longer than that of the table.
    if (!(typeof value === 'string' && /^[a-z_][a-z0-9_]{0,39}$/.test(value))) {
      throw new TypeError(`${name}: expected at most 40 small letters, digits and underscores`)
    }
  }
  if (typeof prepare !== 'boolean') throw new TypeError('prepare: expected a boolean')
  if (partitions !== 'none' && partitions !== 'month') throw new TypeError('partitions: expected none or month')
  for (const [name, value] of Object.entries({ deadlineMs, connections })) {
    if (!(Number.isSafeInteger(value) && value >= 1)) throw new RangeError(`${name}: expected a whole number from 1`)
  }
  return { url, sql, schema, table, deadlineMs, prepare, connections, partitions }
}
