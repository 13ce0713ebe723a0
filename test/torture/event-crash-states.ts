import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Disk } from './disk.ts'
import { openEvents } from './event-places.ts'
import { eventRules, openWithEvents, readEventFacts } from './event-rules.ts'
import { type History, hear, newHistory } from './history.ts'
import { between, seeded } from './seeded.ts'
import { checkSqliteFile } from './stores.ts'
import { traced } from './strace.ts'

/** What was found in the files that power failures may have left. */
export interface EventCrashStates {
  readonly states: number
  /** Commands whose outcomes were acknowledged in the end. */
  readonly done: number
  /** States in which a command had its events, but no outcome. */
  readonly statesInDoubt: number
  readonly faults: readonly string[]
}

/** What `eventCrashStates` takes. */
export interface EventCrashOptions {
  readonly store: string
  readonly folder: string
  readonly commands: number
  /** How many states to look at. */
  readonly states: number
  readonly seed: number
}

/** Traces a process that appends events by commands, and looks at its file as it may be found had the power failed. */
export async function eventCrashStates(options: EventCrashOptions): Promise<EventCrashStates> {
  const { store, folder, commands, states, seed } = options
  const data = join(folder, 'data')
  mkdirSync(data)
  const told = { store, place: join(data, 'events.db'), name: 'power', seed, commands }
  const sender = join(import.meta.dirname, 'event-sender.ts')
  const operations = await traced(data, join(folder, 'trace'), [sender, JSON.stringify(told)])
  const random = seeded(seed)
  const points = Array.from({ length: states }, () => between(random, 0, operations.length - 1)).sort((a, b) => a - b)
  const disk = new Disk()
  const history = newHistory()
  const faults: string[] = []
  let statesInDoubt = 0
  let looked = 0
  for (const [index, operation] of operations.entries()) {
    disk.apply(operation)
    if (operation.kind === 'said') hear(history, JSON.parse(operation.text))
    for (; points[looked] === index; looked++) {
      const place = join(folder, `state-${looked}`)
      mkdirSync(place)
      for (const [path, bytes] of disk.afterCrash(random)) writeFileSync(join(place, basename(path)), bytes)
      const found = await look(store, join(place, 'events.db'), history)
      faults.push(...found.faults.map((fault) => `state ${looked}: ${fault}`))
      if (found.inDoubt > 0) statesInDoubt++
      rmSync(place, { recursive: true })
    }
  }
  return { states: looked, done: history.done.size, statesInDoubt, faults }
}

interface Found {
  readonly inDoubt: number
  readonly faults: readonly string[]
}

async function look(store: string, path: string, history: History): Promise<Found> {
  try {
    const { log, close } = await openEvents(store, path)
    const facts = await readEventFacts(log, path, history)
    await close()
    const rules = eventRules.filter(({ holds }) => holds === 'always')
    const broken = rules.flatMap(({ name, find }) => find(facts).map((found) => `${name}: ${found}`))
    return { inDoubt: openWithEvents(facts).length, faults: [...broken, ...checkSqliteFile(path)] }
  } catch (thrown) {
    return { inDoubt: 0, faults: [String(thrown)] }
  }
}
