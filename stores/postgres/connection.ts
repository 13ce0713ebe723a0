import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { StoreError } from '../../src/index.ts'
import { Deadline } from '../../storekit/index.ts'
import type { PostgresSql } from './driver.ts'
import type { CheckedOptions } from './options.ts'
import { migrationSql, type Names, namesOf, schemaVersion } from './schema.ts'
import { isOfConnection, isTransient, toStoreError } from './store-error.ts'

type Parameters = (string | number | null)[]
type Rows = readonly object[]

/**
 * A pool of the driver, and what stands between it and the store: a deadline for every statement, since the driver has none,
 * a new pool where one hangs, and patience where nothing was done yet.
 */
export class Connection {
  readonly names: Names
  /** What the log is called. */
  data = ''
  readonly #options: CheckedOptions
  readonly #deadline: Deadline
  #sql: PostgresSql
  #isClosed = false

  static async open(options: CheckedOptions): Promise<Connection> {
    const connection = new Connection(options)
    try {
      await connection.#prepare()
      return connection
    } catch (thrown) {
      await connection.close()
      throw toStoreError(thrown, false)
    }
  }

  private constructor(options: CheckedOptions) {
    this.#options = options
    this.names = namesOf(options)
    this.#deadline = new Deadline(
      options.deadlineMs,
      () => new StoreError('STORE_TIMEOUT', 'No answer in time', 'unknown'),
    )
    this.#sql = options.sql ?? connect(options)
  }

  /** Reads: whatever happens to the connection, nothing is lost by asking again while there is time. */
  read(text: string, values: Parameters = []): Promise<Rows> {
    return this.#patiently(
      () => this.#send(text, values, 'no'),
      (thrown) => isTransient(thrown) || isOfConnection(thrown),
    )
  }

  /** Writes in one statement. Tries again only what surely did nothing. */
  write(text: string, values: Parameters): Promise<Rows> {
    return this.#patiently(() => this.#send(text, values, 'unknown'), isTransient, true)
  }

  /** Calls back whenever another process tells of changes; does nothing where nobody may listen. */
  async listen(wake: () => void): Promise<void> {
    if (this.#options.prepare) await this.#sql.listen(this.names.channel, wake)
  }

  /** Tells whoever listens. A poll finds what this does not tell, so that its failures do not matter. */
  async notify(): Promise<void> {
    if (!this.#options.prepare || this.#isClosed) return
    await this.#send('SELECT pg_notify($1, $2)', [this.names.channel, ''], 'no').catch(() => {})
  }

  async close(): Promise<void> {
    this.#isClosed = true
    if (this.#options.sql === undefined) await this.#sql.end({ timeout: 1 }).catch(() => {})
  }

  async #patiently(
    work: () => Promise<Rows>,
    isWorthwhile: (thrown: unknown) => boolean,
    isWrite = false,
  ): Promise<Rows> {
    const until = performance.now() + this.#options.deadlineMs * 0.9
    for (let pause = 5; ; pause = Math.min(250, pause * 2)) {
      try {
        return await work()
      } catch (thrown) {
        const isOver = performance.now() + pause > until
        if (isOver || this.#isClosed || !isWorthwhile(thrown)) throw toStoreError(thrown, isWrite)
      }
      await sleep(pause * (0.5 + Math.random()))
    }
  }

  #send(text: string, values: Parameters, written: 'no' | 'unknown'): Promise<Rows> {
    if (this.#isClosed) return Promise.reject(new StoreError('STORE_CLOSED', 'The store is closed'))
    const sql = this.#sql
    const { deadlineMs, prepare } = this.#options
    return this.#deadline.limit(Promise.resolve(sql.unsafe(text, values, { prepare })), () => {
      this.#replace(sql)
      return new StoreError('STORE_TIMEOUT', `The server did not answer within ${deadlineMs} ms`, written)
    })
  }

  /** A connection that does not answer cannot be taken out of its pool, so the whole pool goes. */
  #replace(hung: PostgresSql): void {
    if (this.#sql !== hung || this.#options.sql !== undefined || this.#isClosed) return
    this.#sql = connect(this.#options)
    hung.end({ timeout: 0 }).catch(() => {})
  }

  /** Checks what the promise needs, and makes the tables where there are none. */
  async #prepare(): Promise<void> {
    await this.#checkServer()
    let version = await this.#readMeta()
    if (version === undefined || version < schemaVersion) {
      await this.write(migrationSql(this.names, this.#options), [])
      version = await this.#readMeta()
    }
    if (version === schemaVersion) return
    throw new StoreError(
      'STORE_INCOMPATIBLE',
      `The tables have version ${version} of the schema, and this library knows ${schemaVersion}: it needs a newer one`,
    )
  }

  async #checkServer(): Promise<void> {
    const [settings] = (await this.read(
      `SELECT current_setting('server_version_num') AS version, current_setting('synchronous_commit') AS synchronous_commit,
        current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes`,
    )) as readonly Readonly<Record<string, string>>[]
    if (Number(settings?.version) < 140000) {
      throw new StoreError('STORE_INCOMPATIBLE', 'The server is too old: expected Postgres 14 or later')
    }
    for (const name of ['synchronous_commit', 'fsync', 'full_page_writes']) {
      if (settings?.[name] !== 'off') continue
      throw new StoreError(
        'STORE_INCOMPATIBLE',
        `The server runs with ${name} = off, which can lose what it acknowledged`,
      )
    }
  }

  async #readMeta(): Promise<number | undefined> {
    const [found] = (await this.read(
      'SELECT to_regclass($1) IS NOT NULL AS has_meta, to_regclass($2) IS NOT NULL AS has_log',
      [this.names.meta, this.names.log],
    )) as readonly { readonly has_meta: boolean; readonly has_log: boolean }[]
    if (found?.has_meta !== true) {
      if (found?.has_log !== true) return undefined
      throw new StoreError('STORE_INCOMPATIBLE', 'There is a table of this name already, and it is not a command log')
    }
    const [meta] = (await this.read(`SELECT data, version::text FROM ${this.names.meta}`)) as readonly {
      readonly data: string
      readonly version: string
    }[]
    this.data = meta?.data ?? ''
    return Number(meta?.version)
  }
}

function connect({ url, prepare, connections, deadlineMs }: CheckedOptions): PostgresSql {
  const seconds = Math.max(1, Math.ceil(deadlineMs / 1000))
  return postgres(url as string, {
    max: connections,
    connect_timeout: seconds,
    // Types that nobody asked for would be fetched first, in a way whose failure nobody can catch.
    fetch_types: false,
    prepare,
    onnotice: () => {},
    connection: {
      application_name: 'commandlog',
      // A pooler takes no such settings, and the server is asked for them anyway.
      ...(prepare && { synchronous_commit: 'on', statement_timeout: Math.ceil(deadlineMs * 0.9) }),
    },
  }) as unknown as PostgresSql
}
