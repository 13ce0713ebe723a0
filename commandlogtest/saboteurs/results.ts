import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { saboteurs } from './index.ts'
import type { Saboteur } from './saboteur.ts'
import type { Mode } from './survey.ts'

/** A saboteur put before the checks named for it. */
export interface Duty {
  readonly saboteur: Saboteur
  readonly mode: Mode
  /** The checks named for it, as far as they can be tried in this mode. */
  readonly named: readonly string[]
}

/** What came of a duty. */
export interface Result {
  readonly saboteur: string
  readonly mode: Mode
  readonly named: readonly string[]
  /** In how many seeds one of the named checks caught it. */
  readonly seeds: number
  /** Which checks caught it in any seed: all that do in the first one, only the first of them in the others. */
  readonly killers: readonly string[]
}

/** How many seeds are tried, and in how many of them a saboteur must be caught. */
export const seedsTried = 20
export const seedsDemanded = 19

/** Every saboteur opened by name, and those that a single live instance shows live too. */
export const duties: readonly Duty[] = saboteurs.flatMap((saboteur) => {
  const modes: readonly Mode[] = saboteur.needs === 'live' ? ['open', 'live'] : ['open']
  return modes
    .map((mode) => ({ saboteur, mode, named: namedFor(saboteur, mode) }))
    .filter(({ named }) => named.length > 0)
})

/** The checks named for a saboteur: what takes several handles cannot be tried on a live store. */
export function namedFor({ caughtBy }: Saboteur, mode: Mode): readonly string[] {
  return caughtBy.filter((check) => mode === 'open' || !check.startsWith('durable/'))
}

/** What is known so far: one JSON object a line, of which the last one of a duty counts. */
export function readResults(path: string): Map<string, Result> {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : []
  return new Map(lines.map((line) => JSON.parse(line) as Result).map((result) => [keyOf(result), result]))
}

/** Notes a result at once, so that an interrupted run can go on. */
export function noteResult(path: string, result: Result): void {
  appendFileSync(path, `${JSON.stringify(result)}\n`)
}

/** What is known about a duty, unless other checks are named for it by now. */
export function resultOf({ saboteur, mode, named }: Duty, results: ReadonlyMap<string, Result>): Result | undefined {
  const result = results.get(keyOf({ saboteur: saboteur.name, mode }))
  return result?.named.join() === named.join() ? result : undefined
}

function keyOf({ saboteur, mode }: { saboteur: string; mode: Mode }): string {
  return `${saboteur} ${mode}`
}
