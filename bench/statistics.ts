/** The middle of some figures, and the quartiles around it. */
export interface Spread {
  readonly low: number
  readonly median: number
  readonly high: number
}

/** Median and quartiles: what a benchmark on a shared machine can honestly state, since single outliers do not move them. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  return { low: quantile(sorted, 0.25), median: quantile(sorted, 0.5), high: quantile(sorted, 0.75) }
}

/** What each value has beyond its partner of the same round, so that a slow round cancels out. */
export function differences(values: readonly number[], partners: readonly number[]): number[] {
  return values.map((value, round) => value - (partners[round] ?? Number.NaN))
}

/** Each value as a part of its partner of the same round. */
export function quotients(values: readonly number[], partners: readonly number[]): number[] {
  return values.map((value, round) => value / (partners[round] ?? Number.NaN))
}

function quantile(sorted: readonly number[], at: number): number {
  const place = (sorted.length - 1) * at
  const below = sorted[Math.floor(place)] ?? Number.NaN
  const above = sorted[Math.ceil(place)] ?? Number.NaN
  return below + (above - below) * (place - Math.floor(place))
}
