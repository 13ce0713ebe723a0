import { type Command, CommandBus, CommandRejected } from 'commandlog'
import { type DomainEvent, decider, type EventStore } from 'commandlog/eventsourcing'

interface Order {
  readonly order: string
  readonly item: string
  readonly quantity: number
  readonly card: string
}

/** What can be asked of an order, of the stock of an item, and of the payment for an order: a stream each. */
export type OrderCommand =
  | Command<'place-order', Order>
  | Command<'confirm-order', { order: string }>
  | Command<'cancel-order', { order: string; reason: string }>
export type StockCommand =
  | Command<'fill-stock', { item: string; quantity: number }>
  | Command<'reserve-stock', Order>
  | Command<'release-stock', Order>
export type PaymentCommand = Command<'charge-card', Order>

export type OrderEvent =
  | DomainEvent<'order-placed', Order>
  | DomainEvent<'order-confirmed', { order: string }>
  | DomainEvent<'order-cancelled', { order: string; reason: string }>
export type StockEvent =
  | DomainEvent<'stock-filled', { item: string; quantity: number }>
  | DomainEvent<'stock-reserved', Order>
  | DomainEvent<'stock-released', Order>
export type PaymentEvent = DomainEvent<'card-charged', Order> | DomainEvent<'card-declined', Order>

function decideOrder(command: OrderCommand, state: OrderEvent['type'] | 'none'): OrderEvent {
  const expected = command.type === 'place-order' ? 'none' : 'order-placed'
  if (state !== expected) throw new CommandRejected({ code: 'not-now', title: `The order is at ${state}` })
  if (command.type === 'place-order') return { type: 'order-placed', data: command.data }
  if (command.type === 'confirm-order') return { type: 'order-confirmed', data: command.data }
  return { type: 'order-cancelled', data: command.data }
}

function decideStock({ type, data }: StockCommand, left: number): StockEvent {
  if (type === 'fill-stock') return { type: 'stock-filled', data }
  if (type === 'release-stock') return { type: 'stock-released', data }
  if (data.quantity > left) throw new CommandRejected({ code: 'sold-out', title: `Only ${left} are left` })
  return { type: 'stock-reserved', data }
}

/** Makes a bus of three deciders on one event store. */
export function shopBus(
  store: EventStore,
  newId: () => string,
): CommandBus<OrderCommand | StockCommand | PaymentCommand> {
  const order = decider({
    initialState: (): OrderEvent['type'] | 'none' => 'none',
    decide: decideOrder,
    evolve: (_, { type }: OrderEvent) => type,
    stream: ({ data }) => `order-${data.order}`,
    store,
    newId,
  })
  const stock = decider({
    initialState: () => 0,
    decide: decideStock,
    evolve: (left: number, { type, data }: StockEvent) => left + (type === 'stock-reserved' ? -1 : 1) * data.quantity,
    stream: ({ data }) => `stock-${data.item}`,
    store,
    newId,
  })
  const payment = decider({
    initialState: () => 0,
    // That a card is declined is worth knowing later: an event, and no refusal.
    decide: ({ data }: PaymentCommand): PaymentEvent => {
      return { type: data.card.startsWith('bad') ? 'card-declined' : 'card-charged', data }
    },
    evolve: (count: number, _: PaymentEvent) => count + 1,
    stream: ({ data }) => `payment-${data.order}`,
    store,
    newId,
  })
  return new CommandBus<OrderCommand | StockCommand | PaymentCommand>()
    .register('place-order', order)
    .register('confirm-order', order)
    .register('cancel-order', order)
    .register('fill-stock', stock)
    .register('reserve-stock', stock)
    .register('release-stock', stock)
    .register('charge-card', payment)
}
