import { setTimeout as sleep } from 'node:timers/promises'
import {
  AuditUnavailable,
  CommandBus,
  CommandConflict,
  type CommandContext,
  CommandRejected,
  type CommandState,
  type Decision,
  type EventRef,
  type SendOptions,
} from 'commandlog'
import { type Asked, digest, type Saying } from './history.ts'
import { between, type Random } from './seeded.ts'

/** What a handler is told to do. */
interface Orders {
  readonly ending: (typeof endings)[number]
  readonly events: number
  readonly children: readonly Orders[]
  readonly pauseMs: number
  readonly filler: string
}

type Say = (saying: Saying) => void
interface TortureCommand {
  readonly type: 'torture'
  readonly data: Orders
}

const endings = ['successful', 'successful', 'successful', 'rejected', 'conflict', 'failed'] as const

/** A bus whose one handler does what its command orders, and says when it starts. */
export function tortureBus(say: Say): CommandBus<TortureCommand> {
  return new CommandBus<TortureCommand>().register('torture', async ({ data }, context): Promise<Decision> => {
    say(['started', context.id])
    if (data.pauseMs > 0) await sleep(data.pauseMs)
    for (const [index, orders] of data.children.entries()) await sendChild(context, orders, index, say)
    if (data.ending === 'rejected') throw new CommandRejected({ code: 'as-ordered', title: 'Rejected' })
    if (data.ending === 'conflict') throw new CommandConflict({ code: 'as-ordered', title: 'Too late' })
    if (data.ending === 'failed') throw new Error('failed as ordered')
    return { events: eventsOf(context.id, data.events) }
  })
}

function eventsOf(id: string, count: number): readonly EventRef[] {
  return Array.from({ length: count }, (_, index) => ({ id: `${id}/e${index}`, type: 'happened', stream: 'torture' }))
}

async function sendChild(context: CommandContext, orders: Orders, index: number, say: Say): Promise<void> {
  const id = `${context.id}.${index}`
  await sendAloud(orders, { id, causationId: context.id }, (command, options) => context.send(command, options), say)
}

/** Says what is asked, sends it, and says what came of it. */
async function sendAloud(
  data: Orders,
  options: SendOptions & { readonly id: string },
  send: (command: TortureCommand, options: SendOptions) => Promise<{ readonly events: readonly EventRef[] }>,
  say: Say,
): Promise<void> {
  const { id, causationId, attributes = {} } = options
  const asked: Asked = { type: 'torture', payload: digest(JSON.stringify(data)), attributes }
  say(['asked', id, causationId === undefined ? asked : { ...asked, causationId }])
  try {
    const { events } = await send({ type: 'torture', data }, options)
    say(['done', id, { state: 'successful', events: events.map((event) => event.id) }])
  } catch (thrown) {
    if (thrown instanceof AuditUnavailable) say(['failure', `${id}: ${thrown.message}`])
    else say(['done', id, { state: stateOf(thrown), events: [] }])
  }
}

function stateOf(thrown: unknown): CommandState {
  if (thrown instanceof CommandRejected) return 'rejected'
  return thrown instanceof CommandConflict ? 'conflict' : 'failed'
}

/** What a sender's commands are made from. */
export interface WorkloadOptions {
  /** Begins every id: no two senders on a place have the same. */
  readonly name: string
  readonly random: Random
  readonly bus: {
    send(command: TortureCommand, options: SendOptions): Promise<{ readonly events: readonly EventRef[] }>
  }
  readonly say: Say
}

/** How many commands to have in flight, and how to send the next one. */
export function commandsOf({ name, random, bus, say }: WorkloadOptions): {
  inFlight: number
  sendNext(): Promise<void>
} {
  let count = 0
  return {
    // As many powers of two as numbers between them: one in flight matters as much as sixty.
    inFlight: Math.round(2 ** (random() * 6)),
    sendNext() {
      const id = `${name}.${count++}`
      const attributes = { shard: between(random, 0, 7), name: `n${between(random, 0, 99)}`, isOdd: random() < 0.5 }
      const options = { id, ...(random() < 0.5 && { attributes }) }
      return sendAloud(ordersOf(random, 0), options, (command, sendOptions) => bus.send(command, sendOptions), say)
    },
  }
}

function ordersOf(random: Random, depth: number): Orders {
  const hasChildren = depth < 2 && random() < 0.05
  return {
    ending: endings[between(random, 0, endings.length - 1)] ?? 'successful',
    events: between(random, 0, 3),
    children: hasChildren ? Array.from({ length: between(random, 1, 2) }, () => ordersOf(random, depth + 1)) : [],
    pauseMs: random() < 0.3 ? between(random, 1, 8) : 0,
    // From 10 bytes to 20 KB, small ones as often as large ones.
    filler: random()
      .toString(36)
      .slice(2, 12)
      .repeat(Math.floor(2 ** (random() * 11))),
  }
}
