import type { OpenEventStore } from '../session.ts'
import { baseStore, type Steps } from './base-store.ts'

/** An event store that breaks one rule: what the checks must catch. */
export interface EventSaboteur {
  readonly name: string
  /** One sentence: what it does wrong. */
  readonly breaks: string
  /** The names of the checks that must catch it. */
  readonly caughtBy: readonly string[]
  /** A new open function, with data of its own. */
  make(): OpenEventStore
}

/** A saboteur made of a correct store, some of whose steps are replaced. */
export function saboteur(
  name: string,
  breaks: string,
  caughtBy: readonly string[],
  sabotage: (steps: Steps) => Partial<Steps>,
): EventSaboteur {
  return { name, breaks, caughtBy, make: () => baseStore(sabotage) }
}

/** A saboteur made of a correct store, some of whose methods are replaced. */
export function wrapping(
  name: string,
  breaks: string,
  caughtBy: readonly string[],
  wrap: (store: Awaited<ReturnType<OpenEventStore>>) => Partial<Awaited<ReturnType<OpenEventStore>>>,
): EventSaboteur {
  return {
    name,
    breaks,
    caughtBy,
    make() {
      const open = baseStore(() => ({}))
      return async (of) => {
        const store = await open(of)
        return { ...store, ...wrap(store) }
      }
    },
  }
}
