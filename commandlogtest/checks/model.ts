import { type Check, property } from '../check.ts'
import { newModel } from '../model.ts'
import { finish, operations, perform, type Run } from '../operations.ts'

/** The store against the model, call by call. */
export const modelChecks: readonly Check[] = [
  property(
    'model/any-sequence-of-calls',
    'Any sequence of writes, reads, filters and page walks gives what a plain array gives.',
    {
      given: operations,
      weight: 1,
      async holds(scope, steps) {
        const run: Run = { scope, model: newModel(), walks: [], client: () => scope.client }
        for (const step of steps) await perform(run, step)
        await finish(run)
      },
    },
  ),
]
