import { join } from 'node:path'
import { CommandBus, type CommandLogStore, defineCommand } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory.ts'
import { postgresStore } from '../../stores/postgres/index.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { auditedOrders } from '../typical-command.ts'
import { type OpenPeer, type Order, orderSource, type Peer, place } from './peer.ts'

const record = 'who asked, when, the payload, its state, the events, how long it took, queryable by each of them,'
const everything = `${record} in two writes: the intent before the handler starts, the outcome before send resolves`

/** The bus without an audit: what other buses are like. */
export const bareBus: Peer = {
  name: 'commandlog, no audit',
  settings: 'CommandBus as it is',
  records: 'nothing',
  lacks: 'any record',
  async open() {
    const next = orderSource()
    const placeOrder = defineCommand<'place-order', Order['data']>('place-order')
    const bus = new CommandBus().register(placeOrder, ({ data }, { tenantId = '', userId = '' }) =>
      place({ data, tenantId, userId }),
    )
    return {
      send() {
        const { data, ...options } = next()
        return bus.send(placeOrder(data), options)
      },
      close: async () => {},
    }
  },
}

/** The audit on three of our stores, whose acknowledgements survive more and more. */
export const auditedBuses: readonly Peer[] = [
  {
    name: 'commandlog, memory',
    settings: 'write-ahead, memoryStore()',
    records: `${everything}; it survives nothing`,
    lacks: 'durability',
    open: () => audited(async () => memoryStore()),
  },
  {
    name: 'commandlog, SQLite',
    settings: 'write-ahead, sqliteStore({ path })',
    records: `${everything}; it survives power loss`,
    lacks: 'nothing of the contract',
    open: ({ folder }) => audited(() => sqliteStore({ path: join(folder, 'log.db') })),
  },
  {
    name: 'commandlog, Postgres',
    settings: 'write-ahead, postgresStore({ url })',
    records: `${everything}; it survives power loss of the server`,
    lacks: 'steps within a command, and running it again after a crash',
    open: ({ url, schema }) => audited(() => postgresStore({ url, schema })),
  },
  {
    name: 'commandlog, Postgres, one write',
    settings: "mode 'outcome', postgresStore({ url })",
    records: `${record} in one write before send resolves; it survives power loss of the server`,
    lacks: 'the trace of a command whose process died',
    open: ({ url, schema }) => audited(() => postgresStore({ url, schema }), 'outcome'),
  },
]

async function audited(
  open: () => Promise<CommandLogStore>,
  mode: 'write-ahead' | 'outcome' = 'write-ahead',
): Promise<OpenPeer> {
  const store = await open()
  const orders = auditedOrders(store, { mode })
  return {
    send: () => orders.sendNext(),
    async close() {
      await orders.close()
      await store.close()
    },
  }
}
