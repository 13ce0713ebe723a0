/** What `withLimit` rejects with: recognised by identity. */
export const limitReached: unique symbol = Symbol('limit reached')

/** Settles as the promise does, or rejects with `limitReached` after this time; a late rejection is not left unhandled. */
export function withLimit<T>(promise: PromiseLike<T>, limitMs: number): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(limitReached), limitMs)
    promise.then(
      (value) => {
        clearTimeout(timer)
        resolve(value)
      },
      (error: unknown) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}

/** A promise that is awaited later: should the check fail before, its rejection is not left unhandled. */
export function begun<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined)
  return promise
}

/** Resolves after so many microtasks, or, from 8 on, after a turn of the event loop and so many less. */
export async function afterTicks(ticks: number): Promise<void> {
  if (ticks >= 8) await new Promise((resolve) => setImmediate(resolve))
  for (let tick = ticks % 8; tick > 0; tick--) await undefined
}

/** Resolves after this time. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
