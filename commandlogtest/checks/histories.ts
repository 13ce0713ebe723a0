import { type Check, property } from '../check.ts'
import { plans, playAndCheck } from '../parallel.ts'

/** Many clients at once, judged by their history. */
export const historiesChecks: readonly Check[] = [
  property(
    'histories/any-history-is-linearizable',
    'Whatever several clients do at once, every id behaves as one register, and all readers see one order.',
    {
      given: plans(6, 8),
      weight: 0.5,
      holds: (scope, plan) => playAndCheck(scope, plan, [scope.client]),
    },
  ),
  {
    name: 'histories/many-clients-at-once',
    rule: 'The same holds for as many clients as the options ask for, each with a long list of calls.',
    run: (context) =>
      property('histories/many-clients-at-once', '', {
        given: plans(context.concurrency, 30),
        weight: 0.06,
        holds: (scope, plan) => playAndCheck(scope, plan, [scope.client]),
      }).run(context),
  },
]
