import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CommandLogStore, CommandRecord, Followable, Purgeable } from '../src/index.ts'
import { memoryStore } from '../stores/memory.ts'
import { sqliteStore } from '../stores/sqlite/index.ts'
import { forget } from './empty-handler.ts'
import { natsSubject } from './raw-nats.ts'
import { postgresSubject } from './raw-postgres.ts'
import { rawSqlite } from './raw-sqlite.ts'
import type { Written } from './typical-command.ts'

/** A store under test. Everything it keeps is in its folder, or under a name made from it. */
export interface StoreSubject {
  readonly name: string
  open(folder: string): Promise<OpenStore>
  /**
   * The driver without us, on the same tables with the same settings. `isDurable` false: for filling only, as fast as it
   * goes. A store without it is measured with nothing beside it, and filled through itself.
   */
  raw?(folder: string, isDurable: boolean): Promise<RawDriver>
  /** What its driver can look up in one call, where that is not everything. */
  readonly finds?: readonly RawKey[]
  /** Versions and settings, where there is no driver to ask. */
  readonly settings?: string
  /** In longer logs only what it has an index for is looked up. */
  readonly mostScanned?: number
  /** What that is; by id and by correlation unless told. */
  readonly indexes?: readonly RawKey[]
  /** Longer logs are not made. */
  readonly mostRecords?: number
  /** What the bus should reach of what the driver does by hand. */
  readonly aims?: readonly Aim[]
  /** Removes what is kept under the name of the folder. */
  remove?(folder: string): Promise<void>
  /** Stops what serves all measurements. */
  end?(): Promise<void>
}

/** A store with its log. `close` gives up all that it took. */
export interface OpenStore {
  readonly store: CommandLogStore & Partial<Followable & Purgeable>
  close(): Promise<void>
}

/** Writes a second with so many in flight, as a part of the driver's rows a second in transactions of this size. */
export interface Aim {
  readonly inFlight: number
  readonly rowsPerTransaction: number
  readonly aim: number
}

/** One transaction whose rows are ready to be written. */
export interface RawTransaction {
  readonly rows: number
  run(): Promise<void> | void
}

/** A driver doing by hand what the store does. Rows are made before a transaction is run, and not timed. */
export interface RawDriver {
  /** Versions, fsync level and settings. */
  readonly settings: string
  /** One transaction: a settled record each, with its events. */
  inserts(records: readonly CommandRecord[]): RawTransaction
  /** Two transactions: all the intents, then all the outcomes, found by id. */
  pairs(written: readonly Written[]): readonly RawTransaction[]
  /** How many whole rows it reads, at most a hundred, the newest first. */
  find(by: RawKey, key: string): Promise<number> | number
  /** Removes every settled record with its events in one transaction. */
  purge(): Promise<void> | void
  close(): Promise<void>
}

/** What a driver can look up by hand. */
export type RawKey = 'id' | 'correlation' | 'event' | 'type'

/** All of them. */
export const storeSubjects: readonly StoreSubject[] = [
  {
    name: 'memory',
    settings: 'lives with the process',
    // It has no index but that of ids: longer ones tell nothing new, and fill the heap.
    mostRecords: 100_000,
    async open() {
      const store = memoryStore()
      return {
        store,
        // The bus may hold it until its deadline is over, and the heap of the next measurement must be its own.
        close: async () => {
          await forget(store)
          await store.close()
        },
      }
    },
  },
  {
    name: 'sqlite',
    aims: [
      { inFlight: 256, rowsPerTransaction: 1000, aim: 1 },
      { inFlight: 1, rowsPerTransaction: 1, aim: 0.85 },
    ],
    async open(folder) {
      const store = await sqliteStore({ path: join(folder, 'log.db') })
      return { store, close: () => store.close() }
    },
    raw: async (folder, isDurable) => rawSqlite(join(folder, 'log.db'), isDurable),
  },
  postgresSubject,
  natsSubject,
]

/** Runs with an empty folder that is removed afterwards: always on the disk of `os.tmpdir()`. */
export async function withFolder<T>(
  subject: Pick<StoreSubject, 'remove'>,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'commandlog-bench-'))
  try {
    return await work(folder)
  } finally {
    await subject.remove?.(folder)
    await rm(folder, { recursive: true, force: true })
  }
}
