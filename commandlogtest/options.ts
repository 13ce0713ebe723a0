import type { AnyStore } from './client.ts'

/**
 * Opens a store on the data of this name: the same name is the same data, several calls are several handles. A name is 1
 * to 100 letters (their case counts), digits, `-` and `_`.
 */
export type OpenStore = (name: string) => AnyStore | Promise<AnyStore>

/** What is proven: a live store, possibly shared and not empty, or a function that opens one. */
export type StoreOrOpen = AnyStore | OpenStore

/** What `runCheck` and `runSuite` take. */
export interface CheckOptions {
  /** Decides every random choice; default: a new one, named in the report. */
  readonly seed?: number | undefined
  /** How many executions a check of usual weight makes; default 100. */
  readonly runs?: number | undefined
  /** How many clients work at once in the checks about parallelism; default 8. */
  readonly concurrency?: number | undefined
  /** How long one check may take, in milliseconds; default 60,000. A single call may take a quarter, at most 8,000. */
  readonly timeLimitMs?: number | undefined
  /** Replays one execution: the `path` of a failure, together with its seed and `only` its check, else a `RangeError`. */
  readonly path?: string | undefined
}

/** What happened to one check. */
export interface Progress {
  readonly check: string
  /** From 0. */
  readonly index: number
  readonly total: number
  readonly status: 'passed' | 'failed' | 'skipped'
  readonly runs: number
  readonly operations: number
  readonly durationMs: number
}

/** What `runSuite` takes. */
export interface SuiteOptions extends CheckOptions {
  /** Only the checks of these names, or whose names begin so; default all. */
  readonly only?: string | readonly string[] | undefined
  /** Called after each check. Without it, a line on stderr shows the progress where that is a terminal. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** Options with every default in place. */
export interface CheckSettings {
  readonly seed: number
  readonly runs: number
  readonly concurrency: number
  readonly timeLimitMs: number
  readonly callLimitMs: number
  readonly shrinkMs: number
  readonly path: string | undefined
}

/** Puts the defaults in place; a `RangeError` for what is no number of the kind. */
export function checkSettings(options: CheckOptions = {}): CheckSettings {
  const {
    seed = Math.floor(Math.random() * 0x7fff_ffff),
    runs = 100,
    concurrency = 8,
    timeLimitMs = 60_000,
    path,
  } = options
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed: expected a whole number, received ${String(seed)}`)
  for (const [name, value] of Object.entries({ runs, concurrency, timeLimitMs })) {
    if (!(value >= 1)) throw new RangeError(`${name}: expected a number from 1, received ${String(value)}`)
  }
  const callLimitMs = Math.max(50, Math.min(8000, timeLimitMs / 4))
  return { seed: seed | 0, runs, concurrency: Math.floor(concurrency), timeLimitMs, callLimitMs, shrinkMs: 500, path }
}

/** Refuses with a `TypeError` what is neither a store nor a function that opens one. */
export function checkSubject(storeOrOpen: unknown): asserts storeOrOpen is StoreOrOpen {
  if (typeof storeOrOpen === 'function') return
  if (typeof storeOrOpen === 'object' && storeOrOpen !== null) return
  throw new TypeError('storeOrOpen: expected a store, or a function that opens one by name')
}
