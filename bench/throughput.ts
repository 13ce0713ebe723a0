import { setImmediate as turn } from 'node:timers/promises'
import { type LoadFigures, loadStore } from './closed-loop.ts'
import { collect } from './collector.ts'
import { quotients, type Spread, spreadOf } from './statistics.ts'
import { type RawDriver, type RawTransaction, type StoreSubject, withFolder } from './store-subjects.ts'
import { writtenOrders } from './typical-command.ts'

/** How much to measure. */
export interface ThroughputEffort {
  readonly rounds: number
  /** Rounds that nobody counts: until the compiler has settled. */
  readonly warmupRounds: number
  /** Of each measurement in each round, before it is timed. */
  readonly warmupMs: number
  readonly ms: number
}

/** What was measured of one store. */
export interface StoreThroughput {
  readonly store: string
  /** Of the driver; undefined for a store without. */
  readonly settings: string | undefined
  readonly bus: readonly BusThroughput[]
  readonly raw: readonly RawThroughput[]
  readonly ratios: readonly Ratio[]
}

/** The audited bus with so many senders. */
export interface BusThroughput {
  readonly inFlight: number
  /** Two a command. */
  readonly writesPerSecond: Spread
  readonly figures: Readonly<Record<keyof LoadFigures, Spread>>
}

/** The driver by hand. */
export interface RawThroughput {
  readonly work: RawWork
  readonly rowsPerTransaction: number
  readonly rowsPerSecond: Spread
}

/** Writes a second of the bus as a part of the driver's rows a second. */
export interface Ratio {
  readonly inFlight: number
  readonly work: RawWork
  readonly rowsPerTransaction: number
  readonly ratio: Spread
  readonly aim: number
}

/** `inserts` of settled records, or `pairs` of an intent and its outcome, which are two rows. */
export type RawWork = 'inserts' | 'pairs'

const sendersInFlight = [1, 16, 64, 256, 1024]
const works: readonly RawWork[] = ['inserts', 'pairs']
const transactionSizes = [1, 100, 1000]
/** One thing that is timed once a round, in a folder of its own. */
interface Timed<Figures> {
  readonly subject: StoreSubject
  readonly figures: Figures[]
  measure(folder: string): Promise<Figures>
}

/** Every round measures everything once, in an order that moves on with the round, so that drift hits all alike. */
export async function measureThroughput(
  subjects: readonly StoreSubject[],
  effort: ThroughputEffort,
  say: (step: string) => void,
): Promise<readonly StoreThroughput[]> {
  const plans = subjects.map((subject) => planOf(subject, effort))
  const all = plans.flatMap(({ bus, raw }): Timed<unknown>[] => [...bus, ...raw])
  for (let round = -effort.warmupRounds; round < effort.rounds; round++) {
    say(round < 0 ? 'throughput, a round to warm up' : `throughput, round ${round + 1} of ${effort.rounds}`)
    const first = Math.abs(round * 3) % all.length
    for (const { subject, figures, measure } of [...all.slice(first), ...all.slice(0, first)]) {
      // Whatever the neighbour left on the heap is none of this one's business.
      await turn()
      collect('major')
      const measured = await withFolder(subject, measure)
      if (round >= 0) figures.push(measured)
    }
  }
  const results: StoreThroughput[] = []
  for (const plan of plans) results.push(await resultOf(plan))
  return results
}

interface Plan {
  readonly subject: StoreSubject
  readonly bus: readonly (Timed<LoadFigures> & { readonly inFlight: number })[]
  readonly raw: readonly (Timed<number> & { readonly work: RawWork; readonly rowsPerTransaction: number })[]
}

function planOf(subject: StoreSubject, effort: ThroughputEffort): Plan {
  const { raw } = subject
  const bus = sendersInFlight.map((inFlight) => ({
    subject,
    inFlight,
    figures: [],
    measure: async (folder: string) => {
      const { store, close } = await subject.open(folder)
      const figures = await loadStore(store, { ...effort, inFlight })
      await close()
      return figures
    },
  }))
  const rawSizes = raw === undefined ? [] : transactionSizes
  const byHand = works.flatMap((work) =>
    rawSizes.map((rowsPerTransaction) => ({
      ...{ subject, work, rowsPerTransaction, figures: [] },
      measure: async (folder: string) => {
        const driver = await raw?.(folder, true)
        if (driver === undefined) return Number.NaN
        const rowsPerSecond = await timeRaw(driver, work, rowsPerTransaction, effort)
        await driver.close()
        return rowsPerSecond
      },
    })),
  )
  return { subject, bus, raw: byHand }
}

/** Rows a second. Only the transactions are timed, not the making of their rows. */
async function timeRaw(
  driver: RawDriver,
  work: RawWork,
  rowsPerTransaction: number,
  { warmupMs, ms }: ThroughputEffort,
): Promise<number> {
  await runFor(warmupMs)
  return await runFor(ms)

  async function runFor(wantedMs: number): Promise<number> {
    let [rows, elapsed] = [0, 0]
    while (elapsed < wantedMs) {
      const transactions = await transactionsOf(driver, work, rowsPerTransaction)
      const start = performance.now()
      for (const transaction of transactions) {
        const pending = transaction.run()
        if (pending !== undefined) await pending
        rows += transaction.rows
      }
      elapsed += performance.now() - start
    }
    return rows / (elapsed / 1000)
  }
}

async function transactionsOf(driver: RawDriver, work: RawWork, size: number): Promise<readonly RawTransaction[]> {
  const orders = await writtenOrders(Math.max(size, 100))
  const transactions: RawTransaction[] = []
  for (let index = 0; index < orders.length; index += size) {
    const written = orders.slice(index, index + size)
    if (work === 'pairs') transactions.push(...driver.pairs(written))
    else transactions.push(driver.inserts(written.map(({ outcome }) => outcome)))
  }
  return transactions
}

async function resultOf({ subject, bus, raw }: Plan): Promise<StoreThroughput> {
  const ratios = raw.flatMap(({ work, rowsPerTransaction, figures: rows }) => {
    const aims = subject.aims?.filter((each) => each.rowsPerTransaction === rowsPerTransaction) ?? []
    return aims.flatMap((aim) => {
      const against = bus.filter(({ inFlight }) => inFlight === aim.inFlight)
      const writes = against.flatMap((each) => each.figures.map(({ commandsPerSecond }) => 2 * commandsPerSecond))
      return [{ ...aim, work, ratio: spreadOf(quotients(writes, rows)) }]
    })
  })
  return {
    store: subject.name,
    settings: await withFolder(subject, async (folder) => {
      const driver = await subject.raw?.(folder, true)
      await driver?.close()
      return driver?.settings
    }),
    bus: bus.map(busResult),
    raw: raw.map(({ work, rowsPerTransaction, figures }) => ({
      ...{ work, rowsPerTransaction, rowsPerSecond: spreadOf(figures) },
    })),
    ratios,
  }
}

function busResult({ inFlight, figures }: Plan['bus'][number]): BusThroughput {
  const spread = (name: keyof LoadFigures): Spread => spreadOf(figures.map((each) => each[name]))
  return {
    inFlight,
    writesPerSecond: spreadOf(figures.map(({ commandsPerSecond }) => 2 * commandsPerSecond)),
    figures: {
      commandsPerSecond: spread('commandsPerSecond'),
      latencyP50: spread('latencyP50'),
      latencyP99: spread('latencyP99'),
      loopDelayP99: spread('loopDelayP99'),
      heapUsed: spread('heapUsed'),
    },
  }
}
