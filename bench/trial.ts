import type { CodecSubject } from './codecs.ts'
import type { Effort } from './effort.ts'
import type { Figure } from './result.ts'
import { quotients, type Spread, spreadOf } from './statistics.ts'
import type { StoreSubject } from './store-subjects.ts'

/** What a run measures on, and how much of it. */
export interface Setup {
  readonly stores: readonly StoreSubject[]
  readonly codecs: readonly CodecSubject[]
  readonly effort: Effort
}

/** One line of the table of trials. */
export interface Trial {
  readonly name: string
  /** What its figures are, for whoever has only the report. */
  readonly about: string
  /** Measured one after the other; what is to be compared belongs in one plan. */
  plans(setup: Setup): readonly Plan[]
}

/** Cases that are measured in the same rounds. */
export interface Plan {
  readonly cases: readonly Case[]
  readonly rounds: number
  /** Rounds that nobody counts: until the compiler has settled. */
  readonly warmup: number
  /** What is collected before each case, so that the neighbour's garbage is none of its business. */
  readonly collect: 'minor' | 'major'
  /** About how long `open` takes. */
  readonly openMs?: number
  /** Before the first round; ends early where the signal is aborted. */
  open?(signal: AbortSignal): Promise<void>
  beforeRound?(): Promise<void>
  /** Once the cases are over, also where they failed or were interrupted. */
  close?(): Promise<void>
  figures(samples: Samples): readonly Figure[]
}

/** Something that is measured once a round. */
export interface Case {
  readonly subject: string
  readonly params: Figure['params']
  /** About how long one measurement takes, until it is known. */
  readonly expectedMs: number
  /** By the name of the measure. */
  measure(): Promise<Readonly<Record<string, number>>>
}

/** What was measured so far. */
export interface Samples {
  /** Of each round, the first round first. Shorter where the run was interrupted; NaN where a round has none. */
  of(measured: Case, measure: string): readonly number[]
}

/** What a measure's numbers are. */
export type Measure = Pick<Figure, 'measure' | 'unit' | 'better'>

/** What a figure is made of: a case's samples, and those of another beside it. */
export interface FigureOf extends Measure {
  readonly trial: string
  readonly beside?: Beside | undefined
  readonly aim?: Figure['aim'] | undefined
}

/** A ratio: so many times the figure, as a part of what `values` has in the same round. */
export interface Beside {
  readonly to: string
  readonly values: readonly number[]
  readonly times?: number
}

/** One figure, or none where nothing was measured. */
export function figuresOf(
  { trial, measure, unit, better, beside, aim }: FigureOf,
  { subject, params }: Pick<Case, 'subject' | 'params'>,
  values: readonly number[],
): readonly Figure[] {
  const value = spreadOfFinite(values)
  if (value === undefined) return []
  const ratio = beside === undefined ? undefined : ratioOf(values, beside)
  return [
    {
      ...{ trial, subject, params, measure, unit, better, value },
      ...(ratio === undefined ? {} : { ratio }),
      ...(aim === undefined ? {} : { aim }),
    },
  ]
}

function ratioOf(values: readonly number[], { to, values: others, times = 1 }: Beside): Figure['ratio'] {
  const value = spreadOfFinite(
    quotients(
      values.map((each) => times * each),
      others,
    ),
  )
  return value === undefined ? undefined : { to, value }
}

function spreadOfFinite(values: readonly number[]): Spread | undefined {
  const finite = values.filter(Number.isFinite)
  return finite.length === 0 ? undefined : spreadOf(finite)
}
