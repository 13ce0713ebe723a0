import { type Brick, baseStore } from './base-store.ts'
import type { OpenTestStore, Steps } from './steps.ts'

/** A store that breaks one rule: what the suite must catch. */
export interface Saboteur {
  /** Its topic and what it does, such as `filters/ignores-type`. */
  readonly name: string
  /** One sentence: what it does wrong. */
  readonly breaks: string
  /** The names of the checks that must catch it. */
  readonly caughtBy: readonly string[]
  /** `live`: a single live instance shows it; `open`: only several handles, or opening again. */
  readonly needs: 'live' | 'open'
  /** The further bricks that it has: those that its fault is about, and no others. */
  readonly bricks: readonly Brick[]
  /** A new open function, with data of its own: the same name is the same data. */
  make(): OpenTestStore
}

/** What is worth saying of a saboteur beyond its fault. */
export interface SaboteurOptions {
  readonly needs?: 'live' | 'open'
  readonly bricks?: readonly Brick[]
}

/** A saboteur before the checks that catch it are known. */
export type Suspect = Omit<Saboteur, 'caughtBy'>

/** A saboteur made of the correct base store, some of whose steps are replaced. State lives with each `make`. */
export function suspect(
  name: string,
  breaks: string,
  sabotage: () => Partial<Steps>,
  { needs = 'live', bricks = [] }: SaboteurOptions = {},
): Suspect {
  return { name, breaks, needs, bricks, make: () => baseStore({ steps: sabotage(), bricks }) }
}

/** Resolves some macrotasks later: where another call can get in between. */
export async function pause(times = 1): Promise<void> {
  for (let turn = 0; turn < times; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Resolves after this time. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
