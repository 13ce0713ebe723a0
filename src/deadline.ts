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
export function deadline(ms: number, onExpiry: () => Error): <T>(call: () => PromiseLike<T>) => Promise<T> {
  // Equal limits expire in the order of their calls, and a Set keeps that order.
  const pending = new Set<Pending>()
  let timer: NodeJS.Timeout | undefined

  function sweep(): void {
    timer = undefined
    const now = performance.now()
    for (const call of pending) {
      if (call.expiresAt > now) break
      pending.delete(call)
      call.expire()
    }
    if (pending.size > 0) arm()
  }

  function arm(): void {
    const [oldest] = pending
    timer = startTimer(Math.max(1, Math.ceil((oldest?.expiresAt ?? 0) - performance.now())), sweep)
  }

  function settled(call: Pending): void {
    pending.delete(call)
    // The timer stays for the next call, but holds no process open on its own.
    if (pending.size === 0) timer?.unref()
  }

  return <T>(call: () => PromiseLike<T>): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      const entry: Pending = { expiresAt: performance.now() + ms, expire: () => reject(onExpiry()) }
      pending.add(entry)
      if (timer === undefined) arm()
      else if (pending.size === 1) timer.ref()
      let answer: PromiseLike<T>
      try {
        answer = call()
        answer.then(
          (value) => {
            settled(entry)
            resolve(value)
          },
          (error: unknown) => {
            settled(entry)
            reject(error)
          },
        )
      } catch (error) {
        // A store that throws instead of rejecting, or answers with something that is no promise.
        settled(entry)
        reject(error)
      }
    })
}
