import { setTimeout as sleep } from 'node:timers/promises'
import { StoreError } from '../../src/index.ts'
import { isBusy } from './store-error.ts'

/** Tries until no other connection is in the way, or the time is over, and lets the event loop go on meanwhile. */
export async function patiently<T>(deadlineMs: number, work: () => T): Promise<T> {
  // A little earlier than a caller's own deadline, who would otherwise have to say that it may have been written.
  const until = performance.now() + deadlineMs * 0.95
  for (;;) {
    try {
      return work()
    } catch (thrown) {
      if (!isBusy(thrown)) throw thrown
    }
    const pause = 1 + Math.random() * 4
    if (performance.now() + pause > until) {
      throw new StoreError('STORE_TIMEOUT', `Another connection had the file locked for ${deadlineMs} ms`)
    }
    await sleep(pause)
  }
}
