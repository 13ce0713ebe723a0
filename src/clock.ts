/** Where times come from. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number
  /** Milliseconds that only ever grow. */
  monotonic(): number
}

/** The system's clocks. */
export const systemClock: Clock = { now: Date.now, monotonic: () => performance.now() }

const highest = new WeakMap<Clock, number>()

/** Whole epoch milliseconds that never run backwards, whatever the clock does. One clock, one such order. */
export function steadyNow(clock: Clock): () => number {
  return () => {
    const last = highest.get(clock) ?? Number.NEGATIVE_INFINITY
    const now = Math.max(last, Math.floor(clock.now()))
    if (now !== last) highest.set(clock, now)
    return now
  }
}
