import type { CommandRecord } from 'commandlog'
import { type PostgresStore, postgresStore } from 'commandlog/postgres'
import { type PostgresServer, postgresServer, sharedPostgres } from '../servers/postgres.ts'
import { until } from '../stores/outcome.ts'
import { run } from '../stores/postgres.ts'
import type { TorturedStore } from './stores.ts'

/** Each must give 0. */
const counts: Readonly<Record<string, string>> = {
  'ids more than once': 'SELECT count(*) - count(DISTINCT id) AS count FROM command_log',
  'changes more than once': 'SELECT count(*) - count(DISTINCT change) AS count FROM command_log',
  'outcomes without a time, or times without an outcome': `SELECT count(*) AS count FROM command_log
    WHERE (state = 'created') <> (settled_at IS NULL)`,
  'events missing in the lookup': `SELECT count(*) AS count FROM command_log l, jsonb_array_elements(l.events) e
    WHERE NOT EXISTS (SELECT FROM command_log_event WHERE event_id = e.value ->> 'id' AND sequence = l.sequence)`,
  'events only in the lookup': `SELECT count(*) AS count FROM command_log_event v WHERE NOT EXISTS
    (SELECT FROM command_log l, jsonb_array_elements(l.events) e
      WHERE l.sequence = v.sequence AND e.value ->> 'id' = v.event_id)`,
  'attributes missing in the lookup': `SELECT count(*) AS count FROM command_log l, jsonb_each(l.attributes) a WHERE NOT EXISTS
    (SELECT FROM command_log_attribute WHERE name = a.key AND value = a.value::text AND sequence = l.sequence)`,
  'attributes only in the lookup': `SELECT count(*) AS count FROM command_log_attribute v WHERE NOT EXISTS
    (SELECT FROM command_log l WHERE l.sequence = v.sequence AND l.attributes -> v.name = v.value::jsonb)`,
  'logs in one database': 'SELECT count(*) - 1 AS count FROM command_log_meta',
}

/** What the tables say against themselves. */
async function check(url: string): Promise<readonly string[]> {
  const faults: string[] = []
  for (const [fault, statement] of Object.entries(counts)) {
    const [row] = await run(url, statement)
    if (row?.count !== '0') faults.push(`${row?.count} ${fault}`)
  }
  return faults
}

const othersConnected = `SELECT count(*) AS count FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`

/** The members of what the campaign's commands carry, in the order in which they were written. */
const members = ['ending', 'events', 'children', 'pauseMs', 'filler']

/** The campaign compares payloads as texts; jsonb gives back equal values, with their members in an order of its own. */
function asWritten(record: CommandRecord): CommandRecord {
  const { data } = record.payload
  if (typeof data !== 'string') return record
  return { ...record, payload: { ...record.payload, data: JSON.stringify(JSON.parse(data), members) } }
}

async function open(url: string): Promise<PostgresStore> {
  const store = await postgresStore({ url })
  return {
    ...store,
    async get(id) {
      const record = await store.get(id)
      return record === undefined ? undefined : asWritten(record)
    },
    async list(query) {
      const page = await store.list(query)
      return { ...page, records: page.records.map(asWritten) }
    },
    async *follow(options) {
      for await (const change of store.follow(options)) yield { ...change, record: asWritten(change.record) }
    },
  }
}

/** A campaign on a server of its own, or on the one that `COMMANDLOG_POSTGRES_URL` names. Only its clients are killed. */
export const torturedPostgres: TorturedStore = {
  open,
  prepare: async () => (await sharedPostgres()).database(),
  // It goes with its server.
  async cleanUp() {},
  // The server finishes a statement whose client is gone, and notices only afterwards.
  async untilQuiet(place) {
    await until(async () => {
      const [row] = await run(place, othersConnected)
      return row?.count === '0'
    })
  },
  check,
}

let killed: Promise<PostgresServer> | undefined

/** Here the server is killed too, right after its clients, and starts again before anybody looks at what is left. */
export const torturedPostgresServer: TorturedStore = {
  ...torturedPostgres,
  async prepare() {
    killed ??= postgresServer()
    return (await killed).database()
  },
  async open(place) {
    // Undefined in the processes that write.
    const server = await killed
    await server?.kill()
    await server?.start()
    return await open(place)
  },
}
