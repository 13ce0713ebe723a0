import { Bench } from 'tinybench'
import { type CollectorWatch, collect } from './collector.ts'

/** Something to be timed against others in the same rounds. */
export interface Subject {
  readonly name: string
  /** How many operations one sample holds. */
  readonly batch: number
  /** Runs a batch; only this is timed. A synchronous one must return nothing, so that no `await` is timed with it. */
  run(batch: number): Promise<void> | void
  /** Puts everything back as it was; never timed. */
  reset?(): Promise<void> | void
}

/** How long to measure. */
export interface Rounds {
  readonly warmup: number
  readonly rounds: number
  readonly watch: CollectorWatch
  /** Runs before every round; never timed. */
  readonly before?: () => Promise<void>
}

/**
 * Nanoseconds per operation of every subject, one figure a round. Each round times every subject once, in an order that
 * moves on with the round, so that drift and neighbours of the machine hit all alike.
 */
export async function runRounds(subjects: readonly Subject[], options: Rounds): Promise<Map<string, number[]>> {
  const figures = new Map(subjects.map(({ name }) => [name, [] as number[]]))
  for (let round = -options.warmup; round < options.rounds; round++) {
    await options.before?.()
    const bench = new Bench({ iterations: 1, time: 0, warmup: false, throws: true })
    const first = Math.abs(round) % subjects.length
    for (const subject of [...subjects.slice(first), ...subjects.slice(0, first)])
      addTask(bench, subject, round < 0 ? undefined : options.watch)
    await bench.run()
    if (round < 0) continue
    for (const { name, result } of bench.tasks) {
      if (result.state !== 'completed') throw new Error(`'${name}' did not complete`)
      figures.get(name)?.push(result.latency.p50 * 1e6)
    }
  }
  return figures
}

function addTask(bench: Bench, subject: Subject, watch: CollectorWatch | undefined): void {
  const { name, batch } = subject
  const timed = async (): Promise<{ overriddenDuration: number }> => {
    const start = performance.now()
    const pending = subject.run(batch)
    if (pending !== undefined) await pending
    const end = performance.now()
    watch?.note(start, end)
    return { overriddenDuration: (end - start) / batch }
  }
  bench.add(name, timed, {
    async: true,
    // A sample starts with an empty young generation and is small enough not to fill it.
    beforeEach: () => collect('minor'),
    afterEach: () => subject.reset?.(),
  })
}
