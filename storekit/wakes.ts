/** Wakes followers that have read all there was. */
export interface Wakes {
  wakeAll(): void
  /** Resolves at the next `wakeAll`, when the signal is aborted, and after `pollMs` where there is one. */
  wait(signal: AbortSignal): Promise<void>
}

/** What a store's `FollowSource` waits with; `pollMs` for a store that others write to as well, who wake nobody here. */
export function wakes(pollMs?: number): Wakes {
  const waiting = new Set<() => void>()
  return {
    wakeAll() {
      for (const wake of waiting) wake()
    },
    wait: (signal) =>
      new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer)
          waiting.delete(wake)
          signal.removeEventListener('abort', wake)
          resolve()
        }
        const timer = pollMs === undefined ? undefined : setTimeout(wake, pollMs)
        waiting.add(wake)
        signal.addEventListener('abort', wake)
        if (signal.aborted) wake()
      }),
  }
}
