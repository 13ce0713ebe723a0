import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { CommandLogStore, CommandQuery, Page } from '../src/index.ts'
import { collect } from './collector.ts'
import { fill, firstOf, idOf, recordAt, shape, tenantOf, timeOf, typeOf } from './long-log.ts'
import { type Spread, spreadOf } from './statistics.ts'
import { type StoreSubject, withFolder } from './store-subjects.ts'

/** How much to measure. */
export interface LookupEffort {
  /** Records in the log; the others are compared with the first. */
  readonly sizes: readonly number[]
  /** Calls of each lookup at each size. */
  readonly calls: number
}

/** What was measured of one store. */
export interface StoreLookups {
  readonly store: string
  readonly settings: string
  readonly sizes: readonly number[]
  /** Seconds that filling took, by size. */
  readonly fillSeconds: readonly number[]
  readonly lookups: readonly LookupTimes[]
}

/** One kind of lookup. */
export interface LookupTimes {
  readonly name: string
  /** How many records a call gives back, by size. */
  readonly found: readonly number[]
  /** Microseconds a call, by size. */
  readonly micros: readonly Spread[]
  /** The median as a multiple of that in the smallest log, by size. */
  readonly ratios: readonly number[]
  /** What no ratio should be above. */
  readonly aim: number | undefined
}

interface Log {
  readonly store: CommandLogStore
  readonly size: number
}

type Call = () => Promise<number>

interface Lookup {
  readonly name: string
  readonly aim?: number
  /** Makes calls with keys of their own; each says how many records it found. */
  callsOf(log: Log, count: number): Promise<readonly Call[]> | readonly Call[]
}

const flat = 1.5

const lookups: readonly Lookup[] = [
  {
    name: 'get by id',
    aim: flat,
    callsOf: each((store, index) => store.get(idOf('command', index)).then((record) => (record === undefined ? 0 : 1))),
  },
  {
    name: 'findByCorrelation',
    aim: flat,
    callsOf: each(async (store, index) => (await store.findByCorrelation(idOf('command', firstOf(index)))).length),
  },
  { name: 'by event', aim: flat, callsOf: listed((index) => ({ eventId: idOf('event', withEvent(index)) })) },
  { name: 'by causation', callsOf: listed((index) => ({ causationId: idOf('command', firstOf(index)) })) },
  { name: 'first page by type', callsOf: listed((index) => ({ type: typeOf(index) })) },
  { name: 'deep page by type', callsOf: deepPages },
  { name: 'failures page', callsOf: listed(() => ({ state: 'failed' })) },
  { name: 'tenant, one hour', callsOf: listed(tenantHour) },
]

/** Fills a log of each size, opens all of them, and measures every lookup on all of them in turns. */
export async function measureLookups(
  subjects: readonly StoreSubject[],
  effort: LookupEffort,
  say: (step: string) => void,
): Promise<readonly StoreLookups[]> {
  const results: StoreLookups[] = []
  for (const subject of subjects) {
    if (subject.raw === undefined) continue
    results.push(await withFolder(subject, (folder) => measureStore(subject, folder, effort, say)))
  }
  return results
}

async function measureStore(
  subject: StoreSubject,
  folder: string,
  { sizes, calls }: LookupEffort,
  say: (step: string) => void,
): Promise<StoreLookups> {
  const logs: (Log & { close(): Promise<void> })[] = []
  const fillSeconds: number[] = []
  let settings = ''
  for (const size of sizes) {
    say(`filling ${subject.name} with ${size} records`)
    const own = join(folder, String(size))
    await mkdir(own)
    const start = performance.now()
    const driver = await subject.raw?.(own, false)
    if (driver === undefined) throw new Error(`'${subject.name}' cannot be filled`)
    settings = driver.settings
    await fill(driver, size)
    await driver.close()
    fillSeconds.push((performance.now() - start) / 1000)
    logs.push({ ...(await subject.open(own)), size })
  }
  const times: LookupTimes[] = []
  for (const lookup of lookups) {
    say(`${subject.name}: ${lookup.name}`)
    times.push(await timeLookup(lookup, logs, calls))
  }
  for (const { close } of logs) await close()
  return { store: subject.name, settings, sizes, fillSeconds, lookups: times }
}

/** Twenty turns: in each, every log has a twentieth of its calls. */
async function timeLookup(lookup: Lookup, logs: readonly Log[], count: number): Promise<LookupTimes> {
  const turns = 20
  const calls: (readonly Call[])[] = []
  for (const log of logs) calls.push(await lookup.callsOf(log, count))
  const times = logs.map((): number[] => [])
  const found = logs.map(() => 0)
  // The first two turns warm up.
  for (let turn = -2; turn < turns; turn++) {
    for (const [log, own] of calls.entries()) {
      collect('minor')
      for (let index = Math.max(0, turn); index < own.length; index += turns) {
        const start = performance.now()
        const records = (await own[index]?.()) ?? 0
        const micros = (performance.now() - start) * 1000
        if (turn < 0) continue
        times[log]?.push(micros)
        found[log] = (found[log] ?? 0) + records / own.length
      }
    }
  }
  const micros = times.map(spreadOf)
  const ratios = micros.map(({ median }) => median / (micros[0]?.median ?? Number.NaN))
  return { name: lookup.name, found, micros, ratios, aim: lookup.aim }
}

/** Calls with the numbers of random records. */
function each(call: (store: CommandLogStore, index: number, size: number) => Promise<number>): Lookup['callsOf'] {
  return ({ store, size }, count) =>
    Array.from({ length: count }, () => {
      const index = Math.floor(Math.random() * size)
      return () => call(store, index, size)
    })
}

function listed(query: (index: number, size: number) => CommandQuery): Lookup['callsOf'] {
  return each(async (store, index, size) => (await store.list(query(index, size))).records.length)
}

/** An hour from about this record on that is in the log as a whole, if the log is that long. */
function tenantHour(index: number, size: number): CommandQuery {
  const hour = 3_600_000
  const from = timeOf(Math.max(0, Math.min(index, size - hour / shape.msApart)))
  return { tenantId: tenantOf(index), from, to: from + hour }
}

/** Those that failed have none. */
function withEvent(index: number): number {
  return recordAt(index).events.length > 0 ? index : index - 1
}

/** The page of a hundred that follows the newer half of a type's records, got to by turning pages. */
async function deepPages({ store, size }: Log, count: number): Promise<readonly Call[]> {
  const types = ['type-0', 'type-1', 'type-2', 'type-3']
  const cursors: (string | undefined)[] = []
  for (const type of types) {
    const half = size / shape.types / 2
    let page: Page = { records: [] }
    for (let passed = 0; passed < half; passed += page.records.length) {
      const limit = Math.min(1000, Math.ceil(half - passed))
      page = await store.findByType(type, { limit, cursor: page.next })
      if (page.next === undefined) break
    }
    cursors.push(page.next)
  }
  return Array.from({ length: count }, (_, index) => async () => {
    const at = index % types.length
    return (await store.findByType(types[at] ?? '', { cursor: cursors[at] })).records.length
  })
}
