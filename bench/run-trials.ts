import { setImmediate as turn } from 'node:timers/promises'
import { collect } from './collector.ts'
import type { Progress } from './progress.ts'
import type { Figure } from './result.ts'
import type { Case, Plan, Samples } from './trial.ts'

/** A plan, and the trial that it is of. */
export interface NamedPlan {
  readonly trial: string
  readonly plan: Plan
}

/** What was measured, also where it did not come to its end. */
export interface Measured {
  readonly figures: readonly Figure[]
  readonly isInterrupted: boolean
  /** What a trial threw that nobody had interrupted. */
  readonly failure?: { readonly trial: string; readonly error: unknown }
}

/** One plan after the other, until all are done, one fails, or the signal is aborted: then after the current case. */
export async function runTrials(
  plans: readonly NamedPlan[],
  progress: Progress,
  signal: AbortSignal,
): Promise<Measured> {
  const figures: Figure[] = []
  for (const { trial, plan } of plans) {
    if (signal.aborted) return { figures, isInterrupted: true }
    const samples = new PlanSamples()
    let failure: Measured['failure']
    try {
      await runPlan(trial, plan, { samples, progress, signal })
    } catch (error) {
      failure = { trial, error }
    }
    try {
      await plan.close?.()
    } catch (error) {
      failure ??= { trial, error }
    }
    figures.push(...plan.figures(samples))
    // A server that the same Ctrl-C has reached fails whatever is under way: that is no news.
    if (failure !== undefined) return { figures, isInterrupted: true, ...(signal.aborted ? {} : { failure }) }
  }
  return { figures, isInterrupted: signal.aborted }
}

interface Running {
  readonly samples: PlanSamples
  readonly progress: Progress
  readonly signal: AbortSignal
}

/** Each round measures every case once, in an order that moves on with the round, so that drift hits all alike. */
async function runPlan(trial: string, plan: Plan, { samples, progress, signal }: Running): Promise<void> {
  const { cases, rounds, warmup } = plan
  if (plan.open !== undefined) {
    progress.say(`${trial}: making ready`)
    const start = performance.now()
    await plan.open(signal)
    progress.opened(plan, performance.now() - start)
  }
  for (let round = -warmup; round < rounds; round++) {
    if (signal.aborted) return
    await plan.beforeRound?.()
    // No case has the same place in every round.
    const first = Math.abs(round * 3) % Math.max(1, cases.length)
    for (const each of [...cases.slice(first), ...cases.slice(0, first)]) {
      if (signal.aborted) return
      progress.step(round < 0 ? `${trial}, warming up` : `${trial}, round ${round + 1} of ${rounds}`, each)
      const start = performance.now()
      await turn()
      collect(plan.collect)
      const measured = await each.measure()
      progress.measured(each, performance.now() - start)
      if (round >= 0) samples.add(each, measured)
    }
  }
}

class PlanSamples implements Samples {
  readonly #rounds = new Map<Case, Readonly<Record<string, number>>[]>()

  add(measured: Case, values: Readonly<Record<string, number>>): void {
    const rounds = this.#rounds.get(measured) ?? []
    rounds.push(values)
    this.#rounds.set(measured, rounds)
  }

  of(measured: Case, measure: string): readonly number[] {
    return (this.#rounds.get(measured) ?? []).map((values) => values[measure] ?? Number.NaN)
  }
}
