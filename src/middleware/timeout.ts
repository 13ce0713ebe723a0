import type { Decision } from '../command.ts'
import { type Middleware, mayLeave } from '../compose.ts'
import type { Context } from '../context.ts'
import { startTimer } from '../deadline.ts'
import { CommandTimeout, InvalidArgument } from '../errors.ts'

/**
 * Gives every command that passes at most `ms` milliseconds: after that, what it wraps sees its signal aborted and the
 * sender gets `CommandTimeout`, whether the handler has stopped or not, except where a decider is appending: that is waited
 * for.
 */
export function timeout(ms: number): Middleware {
  if (!(typeof ms === 'number' && ms > 0)) throw new InvalidArgument('timeout(ms)', 'a positive number', ms)
  return mayLeave(function timeoutMiddleware(context, next) {
    return new Promise<Decision>((resolve, reject) => {
      const timer = startTimer(ms, () => {
        const error = new CommandTimeout(ms)
        ;(context as Context).abort(error)
        // A handler that answers to the abort at once has the word.
        setImmediate(reject, error)
      })
      next().then(
        (decision) => {
          clearTimeout(timer)
          resolve(decision)
        },
        (error: unknown) => {
          clearTimeout(timer)
          reject(error)
        },
      )
    })
  })
}
