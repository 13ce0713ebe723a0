// Sends commands whose deciders append events to a few streams, and says on its stdout what it does, a line at a time, until
// somebody kills it or there are enough. On SIGTERM it finishes what it has begun, closes everything and ends.

import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { CommandBus, CommandConflict, CommandRejected, type CommandState, withCommandAudit } from 'commandlog'
import { decider } from 'commandlog/eventsourcing'
import { openEvents } from './event-places.ts'
import type { Saying } from './history.ts'
import { between, seeded } from './seeded.ts'
import type { SenderOptions } from './sender-process.ts'

interface Move {
  readonly type: 'move'
  readonly data: {
    readonly stream: string
    readonly events: number
    readonly pauseMs: number
    readonly refuse: boolean
  }
}
interface Moved {
  readonly type: 'moved'
  readonly data: { readonly to: number }
}

const told: SenderOptions & { readonly commands?: number } = JSON.parse(process.argv[2] ?? '{}')
const { store: storeName, place, name, seed, commands = Number.POSITIVE_INFINITY } = told
let isOver = false
process.on('SIGTERM', () => {
  isOver = true
})

say(['opening'])
const { log, events, close } = await openEvents(storeName, place)
const bus = withCommandAudit(
  new CommandBus<Move>().register(
    'move',
    decider<Move, Moved, number, undefined>({
      initialState: () => 0,
      evolve: (state, { data }) => state + (data.to === state + 1 ? 1 : Number.NaN),
      stream: ({ data }) => data.stream,
      store: events,
      retries: 50,
      async decide({ data }, state) {
        // A lost update would show as a step that does not follow the one before it.
        if (Number.isNaN(state)) throw new Error(`${data.stream} does not add up`)
        if (data.pauseMs > 0) await sleep(data.pauseMs)
        if (data.refuse) throw new CommandRejected({ code: 'as-ordered' })
        return Array.from({ length: data.events }, (_, n): Moved => ({ type: 'moved', data: { to: state + 1 + n } }))
      },
    }),
  ),
  log,
  { source: { instance: name } },
)
bus.events.on('storeFailed', ({ data }) => say(['failure', `${data.error.code}: ${data.error.message}`]))

const random = seeded(seed)
let count = 0
await Promise.all(
  Array.from({ length: Math.round(2 ** (random() * 4)) }, async () => {
    while (!isOver && count < commands) await sendNext(`${name}.${count++}`)
  }),
)
await bus.close()
await close()

/** Not buffered in this process: what has been said stays said when it is killed. */
function say(saying: Saying): void {
  writeSync(1, `${JSON.stringify(saying)}\n`)
}

async function sendNext(id: string): Promise<void> {
  const data = {
    stream: `s${between(random, 0, 3)}`,
    events: between(random, 0, 3),
    pauseMs: random() < 0.2 ? between(random, 1, 4) : 0,
    refuse: random() < 0.2,
  }
  say(['asked', id, { type: 'move', payload: '', attributes: {} }])
  try {
    const receipt = await bus.send({ type: 'move', data }, { id })
    say(['done', id, { state: 'successful', events: receipt.events.map((event) => event.id) }])
  } catch (thrown) {
    const state = stateOf(thrown)
    if (state === 'failed') say(['failure', `${id}: ${String(thrown)}`])
    say(['done', id, { state, events: [] }])
  }
}

function stateOf(thrown: unknown): CommandState {
  if (thrown instanceof CommandRejected) return 'rejected'
  return thrown instanceof CommandConflict ? 'conflict' : 'failed'
}
