import type { Environment } from './environment.ts'
import type { Spread } from './statistics.ts'

/** Everything that one run has measured, as `--json` writes it and as every report is made from. */
export interface BenchRun {
  readonly format: 1
  readonly environment: Environment
  /** Whether it was cut short, or a quick one, whose figures say little. */
  readonly completeness: 'full' | 'quick' | 'interrupted'
  /** The options it was started with. */
  readonly command: string
  /** Of each subject: versions, fsync and server settings, in the order of the subjects. */
  readonly subjects: readonly SubjectNote[]
  /** What the figures of each trial are, in the order of the trials. */
  readonly trials?: readonly TrialNote[]
  readonly figures: readonly Figure[]
}

export interface SubjectNote {
  readonly subject: string
  readonly settings: string
  /** What it keeps of a command, and what that survives; for subjects that are not stores of ours. */
  readonly records?: string
  /** What a record of ours has and this one has not. */
  readonly lacks?: string
}

export interface TrialNote {
  readonly trial: string
  readonly about: string
}

/** One thing measured: one line of a table, one point or bar of a chart. */
export interface Figure {
  /** The trial that it belongs to: 'throughput', 'read', 'codec', 'peers', … */
  readonly trial: string
  /** What was measured: a store, a codec, a peer, or 'raw sqlite' beside it. */
  readonly subject: string
  /** The case within the trial, such as `{ mode: 'write-ahead', inFlight: 64 }`; the same keys for all of a trial's measure. */
  readonly params: Readonly<Record<string, string | number>>
  /** What the number is: 'commands/s', 'latency p99', … */
  readonly measure: string
  readonly unit: string
  readonly better: 'higher' | 'lower'
  /** Over the rounds. */
  readonly value: Spread
  /** The same beside something else of the same round, which drift does not touch. */
  readonly ratio?: { readonly to: string; readonly value: Spread }
  /** What the ratio, or the value where there is none, should be. */
  readonly aim?: { readonly atLeast: number } | { readonly atMost: number }
}
