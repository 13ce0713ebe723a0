import { performance } from 'node:perf_hooks'

/** Where times come from. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number
  /** Milliseconds that only ever grow. */
  monotonic(): number
}

/** The system's clocks. */
export const systemClock: Clock = { now: Date.now, monotonic: () => performance.now() }

const highest = new WeakMap<Clock, { time: number }>()

/** Whole epoch milliseconds that never run backwards, whatever the clock does. One clock, one such order. */
export function steadyNow(clock: Clock): () => number {
  const known = highest.get(clock)
  const last = known ?? { time: Number.NEGATIVE_INFINITY }
  if (known === undefined) highest.set(clock, last)
  return () => {
    last.time = Math.max(last.time, Math.floor(clock.now()))
    return last.time
  }
}
