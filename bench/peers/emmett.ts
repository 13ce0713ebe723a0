import { type Command, getInMemoryMessageBus } from '@event-driven-io/emmett'
import { type Order, orderSource, type Peer, place } from './peer.ts'
import { versionOf } from './version.ts'

type PlaceOrder = Command<'place-order', { readonly order: Order }>

/** The in-memory bus of the field's event-sourcing library. */
export const emmett: Peer = {
  name: 'Emmett',
  settings: `@event-driven-io/emmett ${versionOf('@event-driven-io/emmett')}, getInMemoryMessageBus()`,
  records: 'nothing',
  lacks: 'any record, ids, time limits; send gives no result back',
  async open() {
    const next = orderSource()
    const bus = getInMemoryMessageBus()
    bus.handle<PlaceOrder>(({ data }: PlaceOrder) => void place(data.order), 'place-order')
    return {
      send: () => bus.send<PlaceOrder>({ type: 'place-order', kind: 'Command', data: { order: next() } }),
      close: async () => {},
    }
  },
}
