import { PerformanceObserver } from 'node:perf_hooks'
import { setImmediate as turn } from 'node:timers/promises'

/** Empties the young generation, or the whole heap. Throws where node was started without `--expose-gc`. */
export function collect(type: 'minor' | 'major'): void {
  if (globalThis.gc === undefined) throw new Error('start node with --expose-gc')
  globalThis.gc({ type })
}

/** Counts the stretches of time in which the garbage collector ran after all. */
export interface CollectorWatch {
  /** Notes one measured stretch, by `performance.now()`. */
  note(start: number, end: number): void
  /** How many stretches were noted, and how many of them were not free of the collector. */
  stop(): Promise<{ readonly stretches: number; readonly disturbed: number }>
}

/** Starts to watch the collector. */
export function watchCollector(): CollectorWatch {
  const collections: number[] = []
  const stretches: { readonly start: number; readonly end: number }[] = []
  const observer = new PerformanceObserver((list) => {
    for (const { startTime } of list.getEntries()) collections.push(startTime)
  })
  observer.observe({ entryTypes: ['gc'] })
  return {
    note(start, end) {
      stretches.push({ start, end })
    },
    async stop() {
      // Entries are delivered a turn after their collection.
      await turn()
      await turn()
      observer.disconnect()
      const disturbed = stretches.filter(({ start, end }) => collections.some((at) => at >= start && at < end))
      return { stretches: stretches.length, disturbed: disturbed.length }
    },
  }
}
