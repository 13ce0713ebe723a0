import { type AuditMode, CommandBus, defineCommand, withCommandAudit } from '../src/index.ts'
import { type MemoryStore, memoryStore } from '../stores/memory.ts'
import type { Subject } from './rounds.ts'

/** The modes of the audit, as the tables list them. */
export const modes: readonly AuditMode[] = ['write-ahead', 'outcome', 'background']

/** The name of the bus without an audit. */
export const bare = 'bare'

/** What is asked in every micro case: 84 bytes of JSON or so. */
export interface Order {
  readonly orderId: string
  readonly sku: string
  readonly quantity: number
  readonly express: boolean
  readonly note: string
}

/** The payload number `index`. */
export function orderOf(index: number): Order {
  return { orderId: 'order-4711', sku: 'sku-0815', quantity: index, express: false, note: 'at the back door' }
}

const placeOrder = defineCommand<'place-order', Order>('place-order')

/** A bus with one handler that does nothing, bare and in every mode, each mode with a memory store of its own. */
export function emptyHandlerSubjects(batch: number): (Subject & { readonly store?: MemoryStore })[] {
  const bus = new CommandBus().register(placeOrder, () => undefined)
  const runBare = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index++) await bus.send(placeOrder(orderOf(index)))
  }
  return [{ name: bare, batch, run: runBare }, ...modes.map((mode) => audited(bus, mode, batch))]
}

function audited(bus: CommandBus, mode: AuditMode, batch: number): Subject & { readonly store: MemoryStore } {
  const store = memoryStore()
  const log = withCommandAudit(bus, store, { mode })
  return {
    name: mode,
    batch,
    store,
    async run(count) {
      for (let index = 0; index < count; index++) await log.send(placeOrder(orderOf(index)))
      // What the background put off is work all the same: it is timed with the rest.
      if (mode === 'background') await log.flush()
    },
    reset: () => forget(store),
  }
}

/** Empties a store whose records are all settled and long-lived, without giving up the store itself. */
export async function forget(store: MemoryStore): Promise<void> {
  await store.purge({ retention: 'long-lived', before: Number.MAX_SAFE_INTEGER })
}
