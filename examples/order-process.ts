import { type CommandRecord, type EventRef, withCommandAudit } from 'commandlog'
import { effects, formatTree, memoryEventStore } from 'commandlog/eventsourcing'
import { memoryStore } from 'commandlog/memory'
import {
  type OrderCommand,
  type OrderEvent,
  type PaymentCommand,
  type PaymentEvent,
  type StockCommand,
  type StockEvent,
  shopBus,
} from './order-deciders.ts'

type AnyEvent = OrderEvent | StockEvent | PaymentEvent
type AnyCommand = OrderCommand | StockCommand | PaymentCommand

let made = 0
const events = memoryEventStore()
const log = memoryStore()
const shop = withCommandAudit(
  shopBus(events, () => `e-${++made}`),
  log,
)

/** The policy: what has to be asked once this has happened. */
function react({ type, data }: AnyEvent): AnyCommand[] {
  if (type === 'order-placed') return [{ type: 'reserve-stock', data }]
  if (type === 'stock-reserved') return [{ type: 'charge-card', data }]
  if (type === 'card-charged') return [{ type: 'confirm-order', data: { order: data.order } }]
  if (type !== 'card-declined') return []
  const { order } = data
  return [
    { type: 'release-stock', data },
    { type: 'cancel-order', data: { order, reason: 'the card was declined' } },
  ]
}

/** What has to be asked once this was refused. */
function reactToRefusal({ type, state, payload }: CommandRecord): AnyCommand[] {
  if (type !== 'reserve-stock' || state !== 'rejected') return []
  const { order } = JSON.parse(String(payload.data))
  return [{ type: 'cancel-order', data: { order, reason: 'sold out' } }]
}

/**
 * Sends what follows from one thing. The ids are made of what caused them: whoever reacts to the same twice, after a crash
 * or beside another process, sends the same commands again, and they are answered from the record.
 */
async function follow(cause: string, commands: readonly AnyCommand[], { correlationId }: CommandRecord): Promise<void> {
  for (const command of commands) {
    const options = { id: `${cause}/${command.type}`, causationId: cause, correlationId }
    // A refusal is on the record, and comes by here in its turn.
    await shop.send(command, options).catch(() => {})
  }
}

async function eventOf({ stream = '', version = 1 }: EventRef): Promise<AnyEvent> {
  const [event] = await events.read(stream, { from: version })
  return event as unknown as AnyEvent
}

/** Follows the log and reacts, until every one of these orders has come to its end. */
async function run(orders: number): Promise<void> {
  let open = orders
  for await (const { record } of log.follow()) {
    // What a dry run would have done has not happened.
    if (record.dryRun) continue
    for (const ref of record.events) {
      await follow(ref.id, react(await eventOf(ref)), record)
      if (ref.type === 'order-confirmed' || ref.type === 'order-cancelled') open--
    }
    await follow(record.id, reactToRefusal(record), record)
    if (open === 0) return
  }
}

const order = { item: 'tea', quantity: 2, card: 'good' }
await shop.send({ type: 'fill-stock', data: { item: 'tea', quantity: 5 } }, { id: 'filled' })
await shop.send({ type: 'place-order', data: { ...order, order: '1' } }, { id: 'ada' })
await shop.send({ type: 'place-order', data: { ...order, order: '2', card: 'bad' } }, { id: 'bob' })
await shop.send({ type: 'place-order', data: { ...order, order: '3', quantity: 9 } }, { id: 'cleo' })
await run(3)

// As after a crash: from the start again. Nothing is done twice, since every reaction is on the record.
const { records } = await log.list({ limit: 1000 })
await run(3)
console.log(
  `${records.length} commands, and ${(await log.list({ limit: 1000 })).records.length} after reacting again\n`,
)

for (const id of ['ada', 'bob', 'cleo']) console.log(`${formatTree(await effects(log, id))}\n`)
await shop.close()
