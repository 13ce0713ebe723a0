import type { Run } from './compose.ts'
import { type Context, running } from './context.ts'
import { startTimer } from './deadline.ts'
import type { FullDecision } from './decision.ts'
import { CommandCancelled, CommandTimeout, OutcomeUnknown } from './errors.ts'
import { aborted } from './problem.ts'

/** How long a limit waits for what it cannot take back: longer than our event stores need for an append and a fence. */
const graceMs = 15_000

/** Runs within the command's async context, and gives up when its signal or its time says so. */
export function runLimited(context: Context, run: Run): Promise<FullDecision> {
  return withinLimits(context, () => running.run(context, run, context))
}

/**
 * Says whether the command that runs now has begun what a limit cannot take back, such as an append. Limits that strike
 * from then on wait for its end, so that nobody is told of a failure whose events arrive all the same.
 */
export function setMustFinish(mustFinish: boolean): void {
  // Also for the layers outside of a stranger's bus, which have limits of their own.
  for (let at = running.getStore(); at !== undefined; at = at.sameOutside) at.mustFinish = mustFinish
}

/** Settles as `start` does, unless the command's signal or time says so earlier; not at all started where it already does. */
export function withinLimits<T>(context: Context, start: () => Promise<T>): Promise<T> {
  const { sender, timeoutMs } = context
  if (sender === undefined && timeoutMs === undefined) return start()
  if (sender?.aborted) return Promise.reject(cancelled(sender))
  return new Promise<T>((resolve, reject) => {
    let hasGivenUp = false
    const leave = (error: unknown): void => {
      hasGivenUp = true
      reject(error)
    }
    const giveUp = (reason: unknown, error: Error): void => {
      context.abort(reason)
      // A handler that answers to the abort at once has the word: it knows best what was done.
      setImmediate(() => {
        if (context.mustFinish) outlast(context, started, error).catch(leave)
        else leave(error)
      })
    }
    const release = watch(context, giveUp)
    const finish = (settle: () => void, failed: boolean): void => {
      release()
      if (hasGivenUp) context.isLate(failed)
      else settle()
    }
    const started = start()
    started.then(
      (value) => finish(() => resolve(value), false),
      (error: unknown) => finish(() => reject(error), true),
    )
  })
}

/** Settles as a command does that must finish although a limit has struck; after the grace with what is known then. */
export function outlast<T>(context: Context, started: Promise<T>, struck: unknown): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = startTimer(graceMs, () => reject(context.mustFinish ? new OutcomeUnknown({ cause: struck }) : struck))
    started.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** Calls back when the signal or the time says so; answers with how to stop watching. */
function watch({ sender, timeoutMs }: Context, giveUp: (reason: unknown, error: Error) => void): () => void {
  const onAbort = (): void => {
    if (sender !== undefined) giveUp(sender.reason, cancelled(sender))
  }
  const onTime = (): void => {
    const error = new CommandTimeout(timeoutMs ?? 0)
    giveUp(error, error)
  }
  sender?.addEventListener('abort', onAbort, { once: true })
  const timer = timeoutMs === undefined ? undefined : startTimer(timeoutMs, onTime)
  return () => {
    clearTimeout(timer)
    sender?.removeEventListener('abort', onAbort)
  }
}

function cancelled(signal: AbortSignal): CommandCancelled {
  return new CommandCancelled(aborted, { cause: signal.reason })
}
