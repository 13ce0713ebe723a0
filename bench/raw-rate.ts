import { type RawDriver, type RawTransaction, type StoreSubject, withFolder } from './store-subjects.ts'
import { type OrderOptions, writtenOrders } from './typical-command.ts'

/** `insert` of settled records, or an intent and then its outcome, which are two rows. */
export type RawWork = 'insert' | 'insert + update'

/** What a driver is to do by hand, and for how long. */
export interface RawLoad extends OrderOptions {
  readonly work: RawWork
  /** In one transaction. */
  readonly rows: number
  readonly warmupMs: number
  readonly ms: number
}

const fewestOrders = 100

/** Rows a second; NaN for a store without a driver. Only the transactions are timed, not the making of their rows. */
export async function rawRate(subject: StoreSubject, load: RawLoad): Promise<number> {
  return await withFolder(subject, async (folder) => {
    const driver = await subject.raw?.(folder, true)
    if (driver === undefined) return Number.NaN
    try {
      await runFor(driver, load, load.warmupMs)
      return await runFor(driver, load, load.ms)
    } finally {
      await driver.close()
    }
  })
}

async function runFor(driver: RawDriver, load: RawLoad, wantedMs: number): Promise<number> {
  let [rows, elapsed] = [0, 0]
  while (elapsed < wantedMs) {
    for (const transaction of await transactionsOf(driver, load)) {
      const start = performance.now()
      const pending = transaction.run()
      if (pending !== undefined) await pending
      elapsed += performance.now() - start
      rows += transaction.rows
      if (elapsed >= wantedMs && load.work === 'insert') break
    }
  }
  return rows / (elapsed / 1000)
}

async function transactionsOf(
  driver: RawDriver,
  { work, rows, ...options }: RawLoad,
): Promise<readonly RawTransaction[]> {
  const count = rows * Math.ceil(fewestOrders / rows)
  const { codec, dataOf } = options
  const orders = await writtenOrders(count, { ...(codec === undefined ? {} : { codec }), dataOf })
  const transactions: RawTransaction[] = []
  for (let index = 0; index < orders.length; index += rows) {
    const written = orders.slice(index, index + rows)
    if (work === 'insert') transactions.push(driver.inserts(written.map(({ outcome }) => outcome)))
    else transactions.push(...driver.pairs(written))
  }
  return transactions
}
