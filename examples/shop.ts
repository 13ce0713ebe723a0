import {
  CommandBus,
  CommandConflict,
  type CommandContext,
  type CommandDefinition,
  type CommandOf,
  CommandRejected,
  type Decision,
  defineCommand,
  uuidv7,
} from 'commandlog'

interface Checkout {
  readonly item: string
  readonly quantity: number
  readonly card: string
}
interface Charge {
  readonly card: string
  readonly cents: number
}
interface PriceChange {
  readonly item: string
  readonly cents: number
  readonly version: number
}

/** Buys something: reserves stock, charges the card, prints a label. Of the card only the end may be stored. */
export const checkout: CommandDefinition<'checkout', Checkout> = defineCommand('checkout', {
  redact: ({ card, ...rest }) => ({ ...rest, card: lastDigits(card) }),
  attributes: ({ item }) => ({ item }),
})

/** Sets a price, if nobody else has since the version that the editor saw. */
export const changePrice: CommandDefinition<'change-price', PriceChange> = defineCommand('change-price')

const reserveStock = defineCommand<'reserve-stock', { item: string; quantity: number }>('reserve-stock')
const pickItem = defineCommand<'pick-item', { item: string; shelf: string }>('pick-item', { importance: 'low' })
const chargeCard = defineCommand<'charge-card', Charge>('charge-card', {
  redact: ({ card, cents }) => ({ card: lastDigits(card), cents }),
  importance: 'high',
})
const printLabel = defineCommand<'print-label', { order: string }>('print-label')

function lastDigits(card: string): string {
  return `**** ${card.slice(-4)}`
}

/** The decision that something happened; in a dry run nothing does. */
function happened({ dryRun }: CommandContext, type: string, stream: string): Decision {
  return dryRun ? {} : { events: [{ id: uuidv7().slice(-12), type, stream }] }
}

async function placeOrder({ data }: CommandOf<typeof checkout>, context: CommandContext): Promise<Decision> {
  await context.send(reserveStock({ item: data.item, quantity: data.quantity }))
  await context.send(chargeCard({ card: data.card, cents: data.quantity * 450 }))
  if (!context.dryRun) await context.send(printLabel({ order: context.id })).catch(() => {})
  return happened(context, 'order-placed', `order-${context.id.slice(-4)}`)
}

const working = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2 + Math.random() * 8))

/** A bus with the shop's handlers; it knows nothing of any log. */
export function shopBus(): CommandBus {
  const bus = new CommandBus()
    .register(reserveStock, async ({ data }, context) => {
      if (data.quantity > 100) {
        throw new CommandRejected({ code: 'sold-out', title: 'Sold out', detail: `Only 100 of ${data.item} are left` })
      }
      await context.send(pickItem({ item: data.item, shelf: 'A-7' }))
      return happened(context, 'stock-reserved', data.item)
    })
    .register(pickItem, async ({ data }, context) => {
      await working()
      return happened(context, 'item-picked', data.item)
    })
    .register(chargeCard, async ({ data }, context) => {
      await working()
      if (data.card.endsWith('0002')) {
        throw new CommandRejected({
          code: 'card-declined',
          title: 'Declined',
          detail: `The bank declined ${data.card}`,
        })
      }
      return happened(context, 'card-charged', 'payments')
    })
    .register(changePrice, ({ data }, context) => {
      if (data.version < 4)
        throw new CommandConflict({ code: 'stale-version', title: 'The price has changed meanwhile' })
      return happened(context, 'price-changed', data.item)
    })
    .register(printLabel, () => {
      throw new Error('the printer is on fire')
    })
  return bus.register(checkout, placeOrder)
}
