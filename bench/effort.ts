/** How much to measure. */
export interface Effort {
  /** Of what talks to stores. */
  readonly rounds: number
  readonly warmupRounds: number
  /** Of each measurement in each round, before it is timed. */
  readonly warmupMs: number
  readonly ms: number
  readonly inFlight: readonly number[]
  /** Bytes of JSON. */
  readonly payloads: readonly number[]
  /** Records in the logs in which something is looked up; the others are compared with the first. */
  readonly sizes: readonly number[]
  /** Calls of each lookup in a round. */
  readonly calls: number
  readonly followMs: number
  /** Records that are purged at once. */
  readonly purged: number
  /** How many shapes of payload go through every store. */
  readonly shapes: number
  readonly codecRounds: number
  readonly codecMs: number
  readonly overhead: OverheadEffort
  /** How often a file is synced to learn what that takes. */
  readonly syncs: number
}

/** How much to measure of the audit alone. */
export interface OverheadEffort {
  readonly rounds: number
  readonly warmup: number
  /** Commands in one sample on the memory store. */
  readonly batch: number
  /** Commands in one sample on any other. */
  readonly durableBatch: number
  /** The sizes of the event stores that the realistic handler works on. */
  readonly carts: readonly number[]
  readonly realisticRounds: number
  /** Rounds on the smallest event store that nobody counts. */
  readonly realisticWarmup: number
  readonly allocationSamples: number
  readonly retainedRecords: number
}

/** Figures to rely on, on a machine that does nothing else. */
export const usual: Effort = {
  ...{ rounds: 10, warmupRounds: 1, warmupMs: 150, ms: 400 },
  inFlight: [1, 16, 64, 256],
  payloads: [100, 1000, 10_000, 100_000],
  ...{ sizes: [10_000, 1_000_000], calls: 100 },
  ...{ followMs: 1000, purged: 10_000, shapes: 2, codecRounds: 20, codecMs: 20 },
  overhead: {
    ...{ rounds: 200, warmup: 40, batch: 1000, durableBatch: 20 },
    ...{ carts: [100, 1000, 10_000], realisticRounds: 60, realisticWarmup: 600 },
    ...{ allocationSamples: 40, retainedRecords: 20_000 },
  },
  syncs: 300,
}

/** Longer, with more in flight and larger logs. */
export const full: Effort = {
  ...usual,
  rounds: 20,
  inFlight: [...usual.inFlight, 1024],
  sizes: [...usual.sizes, 5_000_000],
  shapes: 5,
}

/** Everything once or twice, to see that it works; its figures say little. */
export const quick: Effort = {
  ...usual,
  ...{ rounds: 2, warmupRounds: 0, warmupMs: 20, ms: 60 },
  ...{ sizes: [1000, 5000], calls: 20 },
  ...{ followMs: 200, purged: 1000, shapes: 1, codecRounds: 2, codecMs: 4 },
  overhead: {
    ...{ rounds: 10, warmup: 4, batch: 500, durableBatch: 4 },
    ...{ carts: [100], realisticRounds: 10, realisticWarmup: 60 },
    ...{ allocationSamples: 8, retainedRecords: 4000 },
  },
  syncs: 20,
}
