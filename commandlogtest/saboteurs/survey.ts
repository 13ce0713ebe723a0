import type { Check } from '../check.ts'
import { checks, durableChecks, followChecks, purgeChecks } from '../lists.ts'
import { checkSettings } from '../options.ts'
import { performCheck } from '../run-check.ts'
import type { Saboteur } from './saboteur.ts'

/** Every check of the suite. */
export const allChecks: readonly Check[] = [...checks, ...durableChecks, ...followChecks, ...purgeChecks]

/** How a store is put before the suite: opened by name, or as one live instance. */
export type Mode = 'open' | 'live'

/** What to try on a saboteur. */
export interface Trial {
  readonly seed: number
  readonly mode: Mode
  /** The names of the checks; all when absent. */
  readonly only?: readonly string[] | undefined
  /** Told of each check that catches it, at once: a saboteur may yet bring the whole process down. */
  readonly onCaught?: (check: string) => void
}

const mostHangs = 4

/**
 * The names of the checks that catch a saboteur. Of one that hangs only the first checks are tried, as in the suite
 * itself; those that are named for it always are.
 */
export async function survey(saboteur: Saboteur, { seed, mode, only, onCaught }: Trial): Promise<readonly string[]> {
  const wanted = allChecks.filter(({ name }) => only === undefined || only.includes(name))
  const named = wanted.filter(({ name }) => saboteur.caughtBy.includes(name))
  const caught: string[] = []
  // Where a check is known to fail there is no need to wait until it is certain.
  let hangs = only === undefined ? 0 : 1
  for (const check of new Set([...named, ...wanted])) {
    if (hangs >= mostHangs && !named.includes(check)) continue
    const subject = mode === 'open' ? saboteur.make() : await saboteur.make()('live')
    const settings = { ...checkSettings({ seed }), callLimitMs: hangs === 0 ? 1500 : 400, shrinkMs: 0 }
    const { failure } = await performCheck(check, subject, settings)
    if (failure === undefined) continue
    caught.push(check.name)
    onCaught?.(check.name)
    hangs += Number(failure.isHang)
  }
  return caught
}
