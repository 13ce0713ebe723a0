import type { OddStore } from './odd-store.ts'
import { followOddities, objectOddities, pageOddities } from './shapes.ts'
import { timingOddities } from './timing.ts'
import { valueOddities } from './values.ts'

/** Every odd but correct store. */
export const oddStores: readonly OddStore[] = [
  ...timingOddities,
  ...valueOddities,
  ...pageOddities,
  ...followOddities,
  ...objectOddities,
]

export type { OddStore } from './odd-store.ts'
