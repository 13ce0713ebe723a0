import { performance } from 'node:perf_hooks'

/** The longest delay that a timer can hold; a longer one would fire at once. */
const longestTimer = 2 ** 31 - 1

/** A timer that fires after `ms`, or after 24 days where `ms` is longer. */
export function startTimer(ms: number, fire: () => void): NodeJS.Timeout {
  return setTimeout(fire, Math.min(ms, longestTimer))
}

/** A call under way, between those that expire before and after it. */
class Pending {
  readonly expiresAt: number
  readonly reject: (error: unknown) => void
  readonly onExpiry: () => Error
  before: Pending | undefined = undefined
  after: Pending | undefined = undefined

  constructor(expiresAt: number, reject: (error: unknown) => void, onExpiry: () => Error) {
    this.expiresAt = expiresAt
    this.reject = reject
    this.onExpiry = onExpiry
  }
}

/**
 * A time limit, the same for every call: one timer serves them all, so that a call costs a place in a list and not a timer
 * of its own. Equal limits expire in the order of their calls, so the list is in order by itself.
 */
export class Deadline {
  readonly #ms: number
  readonly #onExpiry: () => Error
  #oldest: Pending | undefined
  #newest: Pending | undefined
  #timer: NodeJS.Timeout | undefined

  /** `onExpiry` makes the error of a call that took longer than `ms`. */
  constructor(ms: number, onExpiry: () => Error) {
    this.#ms = ms
    this.#onExpiry = onExpiry
  }

  /** Settles as the promise does, or rejects once its time is over, with an error of its own where there is one. */
  limit<T>(promise: PromiseLike<T>, onExpiry: () => Error = this.#onExpiry): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const pending = new Pending(performance.now() + this.#ms, reject, onExpiry)
      this.#add(pending)
      promise.then(
        (value) => {
          this.#remove(pending)
          resolve(value)
        },
        (error: unknown) => {
          this.#remove(pending)
          reject(error)
        },
      )
    })
  }

  #add(pending: Pending): void {
    const newest = this.#newest
    this.#newest = pending
    if (newest !== undefined) {
      newest.after = pending
      pending.before = newest
      return
    }
    this.#oldest = pending
    if (this.#timer === undefined) this.#arm(pending)
    else this.#timer.ref()
  }

  /** Does nothing the second time: a call may settle after it has expired. */
  #remove(pending: Pending): void {
    const { before, after } = pending
    if (before === undefined && this.#oldest !== pending) return
    if (before === undefined) this.#oldest = after
    else before.after = after
    if (after === undefined) this.#newest = before
    else after.before = before
    pending.before = undefined
    pending.after = undefined
    // The timer stays for the next call, but holds no process open on its own.
    if (this.#oldest === undefined) this.#timer?.unref()
  }

  #arm({ expiresAt }: Pending): void {
    const wait = Math.max(1, Math.ceil(expiresAt - performance.now()))
    this.#timer = startTimer(wait, () => this.#sweep())
  }

  #sweep(): void {
    this.#timer = undefined
    const now = performance.now()
    let pending = this.#oldest
    while (pending !== undefined && pending.expiresAt <= now) {
      this.#remove(pending)
      pending.reject(pending.onExpiry())
      pending = this.#oldest
    }
    if (pending !== undefined) this.#arm(pending)
  }
}
