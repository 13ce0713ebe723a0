import { type AuditMode, CommandBus, type CommandLogStore, defineCommand, withCommandAudit } from '../src/index.ts'
import { type MemoryStore, memoryStore } from '../stores/memory.ts'

/** Something of which a batch is timed. */
export interface Subject {
  readonly name: string
  /** Runs a batch; only this is timed. A synchronous one must return nothing, so that no `await` is timed with it. */
  run(batch: number): Promise<void> | void
  /** Puts everything back as it was; never timed. */
  reset?(): Promise<void> | void
}

/** The modes of the audit, as the tables list them. */
export const modes: readonly AuditMode[] = ['write-ahead', 'outcome', 'background']

/** The name of the bus without an audit. */
export const bare = 'bare bus'

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

/** A bus with one handler that does nothing. */
export function emptyBus(): CommandBus {
  return new CommandBus().register(placeOrder, () => undefined)
}

/** One command after the other on the bare bus. */
export function bareSubject(bus: CommandBus): Subject {
  return {
    name: bare,
    async run(count) {
      for (let index = 0; index < count; index++) await bus.send(placeOrder(orderOf(index)))
    },
  }
}

/** The same through an audit. */
export function auditedSubject(bus: CommandBus, store: CommandLogStore, mode: AuditMode): Subject {
  const log = withCommandAudit(bus, store, { mode })
  return {
    name: mode,
    async run(count) {
      for (let index = 0; index < count; index++) await log.send(placeOrder(orderOf(index)))
      // What the background put off is work all the same: it is timed with the rest.
      if (mode === 'background') await log.flush()
    },
  }
}

/** The bare bus and every mode, each mode with a memory store of its own. */
export function memorySubjects(): readonly (Subject & { readonly store?: MemoryStore })[] {
  const bus = emptyBus()
  const audited = modes.map((mode) => {
    const store = memoryStore()
    return { ...auditedSubject(bus, store, mode), store, reset: () => forget(store) }
  })
  return [bareSubject(bus), ...audited]
}

/** Empties a store whose records are all settled and long-lived, without giving up the store itself. */
export async function forget(store: MemoryStore): Promise<void> {
  await store.purge({ retention: 'long-lived', before: Number.MAX_SAFE_INTEGER })
}
