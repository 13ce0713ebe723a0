import { show } from './show.ts'
import { Violation } from './violation.ts'

/** A rejection that nobody handled, and the calls before it. */
export interface Stray {
  readonly violation: Violation
  readonly lines: readonly string[]
}

// One listener for all checks that run at once: nobody can say whose rejection it is.
const watchers = new Set<(reason: unknown) => void>()

function tellAll(reason: unknown): void {
  for (const watcher of watchers) watcher(reason)
}

/** Watches for rejections that nobody handles, which would end the process of whoever uses the store. */
export function watchRejections(lines: () => readonly string[]): { end(): Promise<Stray | undefined> } {
  let first: Stray | undefined
  const watcher = (reason: unknown): void => {
    const details = { expected: 'a rejection of a call, or none', actual: show(reason) }
    first ??= { violation: new Violation('a rejection was left unhandled', details), lines: lines() }
  }
  if (watchers.size === 0) process.on('unhandledRejection', tellAll)
  watchers.add(watcher)
  return {
    async end() {
      // Node tells of them once the turn is over.
      await new Promise((resolve) => setImmediate(resolve))
      watchers.delete(watcher)
      if (watchers.size === 0) process.off('unhandledRejection', tellAll)
      return first
    },
  }
}
