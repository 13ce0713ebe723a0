import type { Command, Decision } from './command.ts'
import type { CommandContext, Context } from './context.ts'
import { checkDecision, type FullDecision } from './decision.ts'
import { InvalidDecision, NextCalledTwice, NextNotAwaited } from './errors.ts'
import { outlast } from './limits.ts'

/** Decides a command: answers with events and a result, or refuses by throwing. */
export type Handler<C extends Command = Command, Result = unknown> = (
  command: C,
  context: CommandContext<C>,
) => Decision<Result> | void | Promise<Decision<Result> | void>

/** Wraps every command: calls `next` once, waits for it, and answers with its decision or another. */
export type Middleware = (context: CommandContext, next: () => Promise<Decision>) => Promise<Decision>

/** What the onion runs, from the outside in. */
export type Run = (context: Context) => Promise<FullDecision>

const repeaters = new WeakSet<Middleware>()
const leavers = new WeakSet<Middleware>()

/**
 * Marks a middleware that may call `next` again after an earlier call has failed, as a retry does. Without the mark a
 * second call is `NextCalledTwice`; with it, a call while another is running or after a success still is.
 */
export function mayRepeat<M extends Middleware>(middleware: M): M {
  repeaters.add(middleware)
  return middleware
}

/**
 * Marks a middleware that may throw while what it wraps is still running, as a time limit does. Without the mark that is
 * `NextNotAwaited`; answering early with a decision always is.
 */
export function mayLeave<M extends Middleware>(middleware: M): M {
  leavers.add(middleware)
  return middleware
}

/** Makes one function of an onion: the first middleware is the outermost, the handler is in the middle. */
export function compose(middleware: readonly Middleware[], handler: Handler): Run {
  const innermost: Run = async (context) => {
    context.attempts++
    return checkDecision(await handler(context.command, context))
  }
  return middleware.reduceRight<Run>((inner, outer) => guard(outer, inner), innermost)
}

/** Runs one middleware and holds it to the two rules of the onion. */
function guard(middleware: Middleware, inner: Run): Run {
  const repeats = repeaters.has(middleware)
  const leaves = leavers.has(middleware)
  return async (context) => {
    let calls: 'none' | 'running' | 'failed' | 'done' = 'none'
    let broken: NextCalledTwice | undefined
    let hasLeft = false
    let begun: Promise<Decision> | undefined
    const next = (): Promise<Decision> => {
      if (calls !== 'none' && !(repeats && calls === 'failed')) {
        broken = new NextCalledTwice()
        return Promise.reject(broken)
      }
      calls = 'running'
      const running = inner(context)
      running.then(
        () => {
          calls = 'done'
          if (hasLeft) context.isLate(false)
        },
        () => {
          calls = 'failed'
          if (hasLeft) context.isLate(true)
        },
      )
      begun = running
      return running
    }
    const leave = (error: unknown): never => {
      hasLeft = isRunning(calls)
      if (hasLeft && !leaves) throw new NextNotAwaited({ cause: error })
      throw error
    }
    let decision: Decision
    try {
      decision = await middleware(context, next)
    } catch (error) {
      const mustWait = leaves && context.mustFinish && isRunning(calls)
      decision = await (mustWait && begun !== undefined ? outlast(context, begun, error).catch(leave) : leave(error))
    }
    // A middleware that swallowed the refusal of its second call is refused all the same.
    if (broken !== undefined) throw broken
    hasLeft = isRunning(calls)
    if (hasLeft) throw new NextNotAwaited()
    // Nothing is what a handler may answer with; a middleware that does has forgotten the decision it was given.
    if (decision === undefined) throw new InvalidDecision('a middleware answered with nothing')
    return checkDecision(decision)
  }
}

// A function of its own, since the compiler does not see that the callbacks of `next` change the variable.
function isRunning(calls: string): boolean {
  return calls === 'running'
}
