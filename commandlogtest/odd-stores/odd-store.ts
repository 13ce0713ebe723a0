import { type BaseOptions, type Brick, baseStore } from '../saboteurs/base-store.ts'
import type { OpenTestStore, Steps, TestStore } from '../saboteurs/steps.ts'

/** A store that keeps every rule in an unusual way: what the suite must let pass. */
export interface OddStore {
  readonly name: string
  /** One sentence: how it is odd, and yet correct. */
  readonly odd: string
  /** `live`: odd only as a live, shared store, whose data others write too; `open`: by name, and live as well. */
  readonly runs: 'live' | 'open'
  readonly bricks: readonly Brick[]
  /** A new open function, with data of its own; the seed decides what is random. */
  make(seed?: number): OpenTestStore
}

/** What a random odd store draws from: a number from 0 up to 1. */
export type Random = () => number

/** What is worth saying of an odd store beyond its oddity. */
export interface OddOptions {
  readonly runs?: OddStore['runs']
  readonly bricks?: readonly Brick[]
}

/** An odd store made of the base store, some of whose steps work in another, still correct way. */
export function oddStore(
  name: string,
  odd: string,
  steps: (random: Random) => Partial<Steps>,
  { runs = 'open', bricks = ['follow', 'purge'] }: OddOptions = {},
): OddStore {
  const options = (seed: number): BaseOptions => ({ steps: steps(randomFrom(seed)), bricks })
  return { name, odd, runs, bricks, make: (seed = 1) => baseStore(options(seed)) }
}

/** Runs every call of a store through a wrapper, but for `follow` and `close`. */
export function around(wrap: <T>(call: () => Promise<T>, method: string) => Promise<T>): Pick<Steps, 'expose'> {
  return {
    expose(store) {
      const { record, get, findByCorrelation, findByType, list, purge } = store
      const wrapped: TestStore = {
        ...store,
        record: (each) => wrap(() => record(each), 'record'),
        get: (id) => wrap(() => get(id), 'get'),
        findByCorrelation: (id) => wrap(() => findByCorrelation(id), 'findByCorrelation'),
        findByType: (type, query) => wrap(() => findByType(type, query), 'findByType'),
        list: (query) => wrap(() => list(query), 'list'),
      }
      return purge === undefined ? wrapped : { ...wrapped, purge: (options) => wrap(() => purge(options), 'purge') }
    },
  }
}

/** Numbers from a seed (mulberry32): enough for choosing, and the same on every machine. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
