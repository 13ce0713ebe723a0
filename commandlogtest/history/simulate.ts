// Histories of a store that is correct by construction: every call takes effect at one step between its beginning and
// its end, and steps of all clients are interleaved at random.

import type { RecordResult } from '../../src/index.ts'
import type { Fingerprint, HistoryEvent, Result, Sight } from './history.ts'

/** What a simulation is made of. */
export interface Simulation {
  readonly clients: number
  readonly calls: number
  readonly ids: number
  /** How likely a call is a walk, and a write ends in an error. */
  readonly walks: number
  readonly errors: number
  /** From 0 up to 1. */
  random(): number
}

interface Row {
  readonly id: string
  readonly correlationId: string
  content: Fingerprint
}

/** A call under way: what it does next, until it has its event. */
type Steps = Generator<undefined, HistoryEvent>

/** The store, and all that the calls under way share. */
interface World extends Simulation {
  readonly rows: Row[]
  readonly byId: Map<string, Row>
  /** Writes of which nobody will know when they happened. */
  readonly late: (() => void)[]
  now: number
  written: number
}

/** The history of one simulation, in the order of its calls' ends. */
export function simulate(simulation: Simulation): readonly HistoryEvent[] {
  const world: World = { ...simulation, rows: [], byId: new Map(), late: [], now: 0, written: 0 }
  const { clients, calls, random, late } = world
  const history: HistoryEvent[] = []
  const running = new Map<number, Steps>()
  for (let begun = 0; begun < calls || running.size > 0; ) {
    const client = below(world, clients)
    if (late.length > 0 && random() < 0.1) late.splice(below(world, late.length), 1)[0]?.()
    const steps = running.get(client)
    if (steps === undefined) {
      if (begun++ < calls) running.set(client, begin(world, `client ${client}`))
      continue
    }
    const { done, value } = steps.next()
    if (!done) continue
    history.push(value)
    running.delete(client)
  }
  return history
}

function begin(world: World, client: string): Steps {
  const choice = world.random()
  if (choice < world.walks) return walk(world, client)
  return choice < 0.6 ? record(world, client) : get(world, client)
}

function* record(world: World, client: string): Steps {
  const { random, ids, errors } = world
  const number = world.written++
  const id = `id-${below(world, ids)}`
  const content = { identity: `first ${number}`, ...(random() < 0.5 && { outcome: `outcome ${number}` }) }
  const row = { id, correlationId: `c-${number % 3}`, content }
  const call = { kind: 'record', client, ...row, invoked: ++world.now } as const
  yield
  const end = random()
  if (end < errors / 2) {
    if (random() < 0.7) world.late.push(() => write(world, row))
    yield
    return { ...call, result: { status: 'unknown' } }
  }
  const value = end < errors ? undefined : write(world, row)
  yield
  return {
    ...call,
    returned: ++world.now,
    result: value === undefined ? { status: 'failed' } : { status: 'ok', value },
  }
}

function write({ rows, byId }: World, row: Row): RecordResult {
  const there = byId.get(row.id)
  if (there === undefined) {
    rows.push(row)
    byId.set(row.id, row)
    return 'created'
  }
  if (there.content.outcome !== undefined || row.content.outcome === undefined) return 'unchanged'
  there.content = { identity: there.content.identity, outcome: row.content.outcome }
  return 'settled'
}

function* get(world: World, client: string): Steps {
  const call = { kind: 'get', client, id: `id-${below(world, world.ids)}`, invoked: ++world.now } as const
  yield
  const result: Result<Fingerprint | undefined> = { status: 'ok', value: world.byId.get(call.id)?.content }
  yield
  return { ...call, returned: ++world.now, result }
}

function* walk(world: World, client: string): Steps {
  const { rows, random } = world
  const order = random() < 0.5 ? 'oldest' : 'newest'
  const scope = random() < 0.3 ? { correlationId: `c-${below(world, 3)}` } : {}
  const call = { kind: 'walk', client, order, ...scope, invoked: ++world.now } as const
  const [seen, limit] = [[] as Sight[], 1 + below(world, rows.length + 5)]
  yield
  let index = order === 'oldest' ? 0 : rows.length - 1
  let isComplete = false
  for (let pages = 1 + below(world, 4); pages > 0 && !isComplete; pages--) {
    for (let room = limit; room > 0 && index >= 0 && index < rows.length; index += order === 'oldest' ? 1 : -1) {
      const { id, correlationId, content } = rows[index] as Row
      if (scope.correlationId !== undefined && scope.correlationId !== correlationId) continue
      seen.push({ id, content })
      room--
    }
    isComplete = index < 0 || index >= rows.length
    yield
  }
  return { ...call, isComplete, returned: ++world.now, result: { status: 'ok', value: seen } }
}

function below({ random }: World, count: number): number {
  return Math.floor(random() * count)
}
