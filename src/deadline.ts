/** The longest delay that a timer can hold; a longer one would fire at once. */
const longestTimer = 2 ** 31 - 1

/** A timer that fires after `ms`, or after 24 days where `ms` is longer. */
export function startTimer(ms: number, fire: () => void): NodeJS.Timeout {
  return setTimeout(fire, Math.min(ms, longestTimer))
}

interface Pending {
  readonly expiresAt: number
  readonly expire: () => void
}

/**
 * A time limit, the same for every call: one timer serves them all, so that a call costs a set insertion and not a timer
 * of its own.
 */
export class Deadline {
  readonly #ms: number
  readonly #onExpiry: () => Error
  // Equal limits expire in the order of their calls, and a Set keeps that order.
  readonly #pending = new Set<Pending>()
  #timer: NodeJS.Timeout | undefined

  /** `onExpiry` makes the error of a call that took longer than `ms`. */
  constructor(ms: number, onExpiry: () => Error) {
    this.#ms = ms
    this.#onExpiry = onExpiry
  }

  /** Settles as the call does, or rejects once its time is over; what a call throws at once is a rejection too. */
  run<T>(call: () => PromiseLike<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const entry: Pending = { expiresAt: performance.now() + this.#ms, expire: () => reject(this.#onExpiry()) }
      this.#pending.add(entry)
      if (this.#timer === undefined) this.#arm()
      else if (this.#pending.size === 1) this.#timer.ref()
      const fail = (error: unknown): void => {
        this.#settled(entry)
        reject(error)
      }
      try {
        call().then((value) => {
          this.#settled(entry)
          resolve(value)
        }, fail)
      } catch (error) {
        // A store that throws instead of rejecting, or answers with something that is no promise.
        fail(error)
      }
    })
  }

  #settled(entry: Pending): void {
    this.#pending.delete(entry)
    // The timer stays for the next call, but holds no process open on its own.
    if (this.#pending.size === 0) this.#timer?.unref()
  }

  #arm(): void {
    const [oldest] = this.#pending
    const wait = (oldest?.expiresAt ?? 0) - performance.now()
    this.#timer = startTimer(Math.max(1, Math.ceil(wait)), () => this.#sweep())
  }

  #sweep(): void {
    this.#timer = undefined
    const now = performance.now()
    for (const entry of this.#pending) {
      if (entry.expiresAt > now) break
      this.#pending.delete(entry)
      entry.expire()
    }
    if (this.#pending.size > 0) this.#arm()
  }
}
