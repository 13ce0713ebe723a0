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

/**
 * Whole epoch milliseconds that never run backwards, whatever the clock does; one that throws or answers with no number
 * stands still. One clock, one such order.
 */
export function steadyNow(clock: Clock): () => number {
  const known = highest.get(clock)
  const last = known ?? { time: 0 }
  if (known === undefined) highest.set(clock, last)
  return () => {
    try {
      const now = Math.floor(clock.now())
      if (now > last.time) last.time = now
    } catch {
      // An outcome must not be lost because a clock is broken.
    }
    return last.time
  }
}
