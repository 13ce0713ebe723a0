import { CommandHandler, type Event, getInMemoryEventStore, type InMemoryEventStore } from '@event-driven-io/emmett'
import { CommandBus, type Decision, defineCommand, withCommandAudit } from '../src/index.ts'
import { memoryStore } from '../stores/memory.ts'
import { bare, forget, modes, type Subject } from './empty-handler.ts'

type CartEvent =
  | Event<'cart-opened', { readonly customer: string }>
  | Event<'item-added', { readonly sku: string; readonly quantity: number }>

interface Cart {
  readonly isOpen: boolean
  readonly quantities: ReadonlyMap<string, number>
}

interface AddItem {
  readonly cartId: string
  readonly sku: string
  readonly quantity: number
}

const addItem = defineCommand<'add-item', AddItem>('add-item')
const eventsPerCart = 5

const handleCart = CommandHandler<Cart, CartEvent>({
  initialState: () => ({ isOpen: false, quantities: new Map() }),
  evolve(cart, { type, data }) {
    if (type === 'cart-opened') return { ...cart, isOpen: true }
    const quantity = (cart.quantities.get(data.sku) ?? 0) + data.quantity
    return { ...cart, quantities: new Map(cart.quantities).set(data.sku, quantity) }
  },
})

function decide(cart: Cart, { sku, quantity }: AddItem): CartEvent[] {
  if (!cart.isOpen) throw new Error('the cart is not open')
  if ((cart.quantities.get(sku) ?? 0) + quantity > 100) throw new Error('too many')
  return [{ type: 'item-added', data: { sku, quantity } }]
}

/** The event store at hand, and which of its carts have had their command. */
interface Shop {
  events: InMemoryEventStore
  used: number
}

/** The bare bus and every mode, on one event store. */
export interface RealisticHandler {
  readonly subjects: readonly Subject[]
  readonly batch: number
  /** To be called before every round: takes a new event store once the carts are used up. */
  beforeRound(): Promise<void>
}

/**
 * Commands on an event store of so many carts: load a stream of five events, fold, decide, append one. Every command has a
 * cart of its own.
 */
export function realisticHandler(carts: number): RealisticHandler {
  const shop: Shop = { events: getInMemoryEventStore(), used: carts }
  const bus = new CommandBus().register(addItem, async ({ data }): Promise<Decision<number>> => {
    const { nextExpectedStreamVersion, newEvents } = await handleCart(shop.events, data.cartId, (cart) =>
      decide(cart, data),
    )
    const version = Number(nextExpectedStreamVersion)
    const events = newEvents.map(({ type }) => ({
      id: `${data.cartId}@${version}`,
      type,
      stream: data.cartId,
      version,
    }))
    return { events, result: version }
  })
  // So many commands a sample that even a small store has a cart for each command of a round.
  const batch = Math.min(100, Math.floor(carts / (modes.length + 1)))
  const subjects = subjectsOf(bus, shop)
  const beforeRound = async (): Promise<void> => {
    if (shop.used + subjects.length * batch <= carts) return
    shop.events = await openCarts(carts)
    shop.used = 0
  }
  return { subjects, batch, beforeRound }
}

function subjectsOf(bus: CommandBus, shop: Shop): readonly Subject[] {
  const runBare = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index++) await bus.send(addItem(itemFor(shop.used++)))
  }
  const audited = modes.map((mode): Subject => {
    const store = memoryStore()
    const log = withCommandAudit(bus, store, { mode })
    return {
      name: mode,
      async run(count) {
        for (let index = 0; index < count; index++) await log.send(addItem(itemFor(shop.used++)))
        if (mode === 'background') await log.flush()
      },
      reset: () => forget(store),
    }
  })
  return [{ name: bare, run: runBare }, ...audited]
}

function itemFor(cart: number): AddItem {
  return { cartId: `cart-${cart}`, sku: 'sku-0815', quantity: 1 }
}

async function openCarts(carts: number): Promise<InMemoryEventStore> {
  const store = getInMemoryEventStore()
  const opened: CartEvent = { type: 'cart-opened', data: { customer: 'customer-1' } }
  const added: CartEvent = { type: 'item-added', data: { sku: 'sku-4711', quantity: 2 } }
  const events = [opened, ...Array.from({ length: eventsPerCart - 1 }, () => added)]
  for (let cart = 0; cart < carts; cart++) await store.appendToStream<CartEvent>(`cart-${cart}`, events)
  return store
}
