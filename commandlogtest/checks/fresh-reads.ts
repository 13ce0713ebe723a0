import fc from 'fast-check'
import { type Check, property } from '../check.ts'
import { filtersOf, richIntent, richOutcome } from '../every-filter.ts'
import type { Scope } from '../scope.ts'

/** Reading one's writes by every filter. */
export const freshReadChecks: readonly Check[] = [
  property(
    'record/every-filter-is-fresh',
    'What was acknowledged is found by the very next query, whichever filter it has; once settled also with its new state, and no longer as created.',
    {
      given: fc.constant(['in two writes', 'in one'] as const),
      weight: 0.02,
      async holds(scope, ways) {
        const count = filtersOf(richOutcome(scope, richIntent(scope, ''))).length
        // Each filter has a record of its own, to be asked for before any other call.
        for (let which = 0; which < count; which++)
          for (const way of ways) await expectFresh(scope, { text: `${which} ${way}`, which, inOne: way === 'in one' })
      },
    },
  ),
]

interface Fresh {
  readonly text: string
  /** The number of the filter. */
  readonly which: number
  readonly inOne: boolean
}

/** Writes a record, and asks for it by this filter after each write. */
async function expectFresh(scope: Scope, { text, which, inOne }: Fresh): Promise<void> {
  const intent = richIntent(scope, text)
  const outcome = richOutcome(scope, intent)
  const own = { tenantId: scope.tenant, causationId: intent.causationId ?? '' }
  if (!inOne) {
    await scope.write(intent)
    await scope.expectWalk({ ...own, ...filtersOf(intent)[which] }, [intent])
  }
  const { state, ...filter } = filtersOf(outcome)[which] ?? {}
  await scope.write(outcome, inOne ? 'created' : 'settled')
  await scope.expectWalk({ ...own, ...filter, state: state ?? outcome.state }, [outcome])
  await scope.expectWalk({ ...own, ...filter, state: 'created' }, [])
  await scope.expectWalk({ ...own, ...filter }, [outcome])
}
