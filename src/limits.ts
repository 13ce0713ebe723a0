import type { Run } from './compose.ts'
import { type Context, running } from './context.ts'
import { startTimer } from './deadline.ts'
import type { FullDecision } from './decision.ts'
import { CommandCancelled, CommandTimeout } from './errors.ts'
import { aborted } from './problem.ts'

/** Runs within the command's async context, and gives up when its signal or its time says so. */
export function runLimited(context: Context, run: Run): Promise<FullDecision> {
  return withinLimits(context, () => running.run(context, run, context))
}

/** Settles as `start` does, unless the command's signal or time says so earlier; not at all started where it already does. */
export function withinLimits<T>(context: Context, start: () => Promise<T>): Promise<T> {
  const { sender, timeoutMs } = context
  if (sender === undefined && timeoutMs === undefined) return start()
  if (sender?.aborted) return Promise.reject(cancelled(sender))
  return new Promise<T>((resolve, reject) => {
    let hasGivenUp = false
    const giveUp = (reason: unknown, error: Error): void => {
      context.abort(reason)
      // A handler that answers to the abort at once has the word: it knows best what was done.
      setImmediate(() => {
        hasGivenUp = true
        reject(error)
      })
    }
    const release = watch(context, giveUp)
    const finish = (settle: () => void, failed: boolean): void => {
      release()
      if (hasGivenUp) context.isLate(failed)
      else settle()
    }
    start().then(
      (value) => finish(() => resolve(value), false),
      (error: unknown) => finish(() => reject(error), true),
    )
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
