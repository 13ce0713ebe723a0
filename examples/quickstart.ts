import { CommandBus, CommandRejected, defineCommand, withCommandAudit } from 'commandlog'
import { sqliteStore } from 'commandlog/sqlite'

const placeOrder = defineCommand<'place-order', { item: string; quantity: number }>('place-order')

const bus = new CommandBus().register(placeOrder, ({ data }) => {
  if (data.quantity > 10) throw new CommandRejected({ code: 'sold-out', title: 'Not that many in stock' })
  return { events: [{ id: 'event-1', type: 'order-placed', stream: 'order-1' }], result: { orderId: 'order-1' } }
})

const store = await sqliteStore({ path: 'quickstart.db' })
const shop = withCommandAudit(bus, store)

const receipt = await shop.send(placeOrder({ item: 'tea', quantity: 2 }), { userId: 'ada' })
console.log('placed', receipt.result.orderId)

await shop.send(placeOrder({ item: 'tea', quantity: 99 }), { userId: 'bob' }).catch((error) => {
  if (error instanceof CommandRejected) console.log('refused', error.problem.code)
})

const { records } = await store.list({ type: 'place-order', order: 'oldest' })
for (const { userId, state, payload, events, problem } of records) {
  console.log(userId, state, payload.data, events[0]?.id ?? problem?.code)
}

await shop.close()
await store.close()
