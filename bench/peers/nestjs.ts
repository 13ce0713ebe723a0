import 'reflect-metadata'
import { NestFactory } from '@nestjs/core'
import { CommandBus, CommandHandler, CqrsModule, type ICommandHandler } from '@nestjs/cqrs'
import { type Order, orderSource, type Peer, type Placed, place } from './peer.ts'
import { versionOf } from './version.ts'

class PlaceOrder {
  readonly order: Order
  constructor(order: Order) {
    this.order = order
  }
}

class PlaceOrderHandler implements ICommandHandler<PlaceOrder, Placed> {
  async execute({ order }: PlaceOrder): Promise<Placed> {
    return place(order)
  }
}
// A decorator is a function; this file is run as it stands, and Node does not strip decorators.
CommandHandler(PlaceOrder)(PlaceOrderHandler)

class BenchModule {}

/** The command bus that most TypeScript applications have. */
export const nestjs: Peer = {
  name: 'NestJS CQRS',
  settings: `@nestjs/cqrs ${versionOf('@nestjs/cqrs')}, @nestjs/core ${versionOf('@nestjs/core')}, a handler that lives with the application, no logger`,
  records: 'nothing; each command is published to an observable that nobody has subscribed to',
  lacks: 'any record, ids, time limits',
  async open() {
    const next = orderSource()
    const module = { module: BenchModule, imports: [CqrsModule.forRoot()], providers: [PlaceOrderHandler] }
    const application = await NestFactory.createApplicationContext(module, { logger: false })
    const bus = application.get(CommandBus)
    return { send: () => bus.execute(new PlaceOrder(next())), close: () => application.close() }
  },
}
