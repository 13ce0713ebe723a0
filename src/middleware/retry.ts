import { setTimeout as sleep } from 'node:timers/promises'
import { checkNames, namesOf } from '../check-options.ts'
import { type Middleware, mayRepeat } from '../compose.ts'
import { InvalidArgument } from '../errors.ts'

/** What `retry` takes. */
export interface RetryOptions {
  /** How often the handler is started at most, the first time included; default 3. */
  readonly attempts?: number
  /** The longest pause before the second attempt; it doubles each time. Default 50. */
  readonly baseMs?: number
  /** The longest pause of all; default 2,000. */
  readonly maxMs?: number
}

const names = namesOf<RetryOptions>({ attempts: true, baseMs: true, maxMs: true })

/**
 * Runs what it wraps again when it failed with an error that says `retryable: true`, and with no other. Pauses are
 * random up to a bound that doubles, so that rivals do not meet again. Gives up with the last error, and at once when
 * the command's signal is aborted. The log keeps one record with `attempts`.
 */
export function retry(options: RetryOptions = {}): Middleware {
  checkNames('options', options, names)
  const { attempts = 3, baseMs = 50, maxMs = 2000 } = options
  if (!(Number.isSafeInteger(attempts) && attempts >= 1))
    throw new InvalidArgument('attempts', 'a whole number from 1', attempts)
  if (!(typeof baseMs === 'number' && baseMs >= 0)) throw new InvalidArgument('baseMs', 'a number from 0', baseMs)
  if (!(typeof maxMs === 'number' && maxMs >= 0)) throw new InvalidArgument('maxMs', 'a number from 0', maxMs)
  return mayRepeat(async function retryMiddleware(context, next) {
    for (let attempt = 1; ; attempt++) {
      try {
        return await next()
      } catch (error) {
        if (attempt >= attempts || !isRetryable(error) || context.signal.aborted) throw error
        await pause(Math.random() * Math.min(maxMs, baseMs * 2 ** (attempt - 1)), context.signal)
        if (context.signal.aborted) throw error
      }
    }
  })
}

function isRetryable(error: unknown): boolean {
  try {
    return (error as { retryable?: unknown } | null | undefined)?.retryable === true
  } catch {
    // A getter of the application's error threw: it says nothing of retrying.
    return false
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal })
  } catch {
    // Aborted: the caller looks at the signal.
  }
}
