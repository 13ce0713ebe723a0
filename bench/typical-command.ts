import { uuidv7 } from '../src/identifier.ts'
import {
  type AuditedBus,
  type AuditOptions,
  CommandBus,
  type CommandLogStore,
  type CommandRecord,
  defineCommand,
  withCommandAudit,
} from '../src/index.ts'

/** What is asked in every case: about 250 bytes of JSON. */
interface Order {
  readonly orderId: string
  readonly customer: { readonly id: string; readonly country: string }
  readonly lines: readonly { readonly sku: string; readonly quantity: number; readonly cents: number }[]
  readonly express: boolean
  readonly note: string
}

const placeOrder = defineCommand<'place-order', object>('place-order')
const tenants = 50
const users = 100

/** The commands of one sender or more, each different from the one before. */
export interface Orders {
  sendNext(): Promise<unknown>
}

/** How the commands are recorded, and what is asked where it is not the typical order. */
export interface OrderOptions extends Pick<AuditOptions, 'mode' | 'codec'> {
  readonly dataOf?: ((index: number) => object) | undefined
}

/** The audited bus with a handler that does nothing but name one event, and orders to send it. */
export function auditedOrders(
  store: CommandLogStore,
  { dataOf = orderOf, mode, codec }: OrderOptions = {},
): Orders & Pick<AuditedBus<CommandBus>, 'close'> {
  const bus = new CommandBus().register(placeOrder, ({ data }) => {
    const stream = 'orderId' in data ? String(data.orderId) : 'order-000004711'
    return { events: [{ id: uuidv7(), type: 'order-placed', stream, version: 1 }] }
  })
  const log = withCommandAudit(bus, store, { mode, codec })
  let sent = 0
  return {
    sendNext() {
      const index = sent++
      const sender = { tenantId: `tenant-${index % tenants}`, userId: `user-${index % users}` }
      return log.send(placeOrder(dataOf(index)), sender)
    },
    close: () => log.close(),
  }
}

/** How many bytes of JSON a payload has. */
export const payloadBytes: number = JSON.stringify(orderOf(4711)).length

/** Orders of so many bytes of JSON: long by their note. */
export function ordersOfBytes(bytes: number): (index: number) => object {
  const short = { orderId: `order-${'0'.repeat(9)}`, express: false, note: '' }
  const note = 'leave it with the neighbours '.repeat(bytes / 29 + 1).slice(0, bytes - JSON.stringify(short).length)
  return (index) => ({ ...short, orderId: `order-${String(index).padStart(9, '0')}`, note })
}

/** What the bus writes for one command: its intent, then its outcome. */
export interface Written {
  readonly intent: CommandRecord
  readonly outcome: CommandRecord
}

/** The records that the bus itself makes of orders, for drivers that are timed without it. */
export async function writtenOrders(count: number, options: OrderOptions = {}): Promise<readonly Written[]> {
  const records: CommandRecord[] = []
  const refuse = (): never => {
    throw new Error('only records')
  }
  const store: CommandLogStore = {
    async record(record) {
      return records.push(record) % 2 === 1 ? 'created' : 'settled'
    },
    ...{ get: refuse, findByCorrelation: refuse, findByType: refuse, list: refuse, close: async () => {} },
  }
  const orders = auditedOrders(store, options)
  for (let index = 0; index < count; index++) await orders.sendNext()
  return Array.from({ length: count }, (_, index) => {
    const [intent, outcome] = records.slice(2 * index, 2 * index + 2)
    if (intent === undefined || outcome === undefined) throw new Error('a command left no two records')
    return { intent, outcome }
  })
}

/** The typical order number `index`. */
export function orderOf(index: number): Order {
  return {
    orderId: `order-${String(index).padStart(9, '0')}`,
    customer: { id: `customer-${index % 1000}`, country: 'DE' },
    lines: [
      { sku: 'sku-0815-blue', quantity: 1 + (index % 9), cents: 1999 },
      { sku: 'sku-4711-red', quantity: 2, cents: 550 },
    ],
    express: index % 7 === 0,
    note: 'leave it with the neighbours at the back door',
  }
}
