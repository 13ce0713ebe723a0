import { monitorEventLoopDelay } from 'node:perf_hooks'
import { GCProfiler, getHeapStatistics } from 'node:v8'
import type { CommandLogStore } from '../src/index.ts'
import type { Measure } from './trial.ts'
import { auditedOrders, type OrderOptions, type Orders } from './typical-command.ts'

/** How long to load a store, with how many senders and what. */
export interface Load extends OrderOptions {
  readonly inFlight: number
  readonly warmupMs: number
  readonly ms: number
}

/** What a load tells of a store. Latency is from `send` to its receipt; the heap is that of this thread. */
export const loadMeasures: readonly Measure[] = [
  { measure: 'commands/s', unit: 'commands/s', better: 'higher' },
  { measure: 'latency p50', unit: 'ms', better: 'lower' },
  { measure: 'latency p99', unit: 'ms', better: 'lower' },
  { measure: 'loop delay p99', unit: 'ms', better: 'lower' },
  { measure: 'collector', unit: '% of time', better: 'lower' },
  { measure: 'allocated', unit: 'bytes/command', better: 'lower' },
  { measure: 'heap', unit: 'MB', better: 'lower' },
]

/** A closed loop: each of so many senders sends its next command once it has the receipt of the last. */
export async function loadStore(
  store: CommandLogStore,
  { inFlight, warmupMs, ms, ...options }: Load,
): Promise<Readonly<Record<string, number>>> {
  const orders = auditedOrders(store, options)
  await sendFor(orders, inFlight, warmupMs)
  const resolution = 1
  const delay = monitorEventLoopDelay({ resolution })
  const heap = watchHeap()
  delay.enable()
  const { latencies, elapsedMs } = await sendFor(orders, inFlight, ms)
  delay.disable()
  const { allocated, collectorMs, used } = heap.stop()
  await orders.close()
  const sorted = Float64Array.from(latencies).sort()
  return {
    'commands/s': latencies.length / (elapsedMs / 1000),
    'latency p50': at(sorted, 0.5),
    'latency p99': at(sorted, 0.99),
    // The histogram has the time between two ticks, of which the resolution is no delay. Where the loop never turned: none.
    'loop delay p99': delay.count === 0 ? Number.NaN : Math.max(0, delay.percentile(99) / 1e6 - resolution),
    collector: (100 * collectorMs) / elapsedMs,
    allocated: allocated / latencies.length,
    heap: used / 2 ** 20,
  }
}

interface HeapFigures {
  /** Bytes, garbage or not. */
  readonly allocated: number
  readonly collectorMs: number
  /** Bytes at the end, garbage included. */
  readonly used: number
}

/** What grew between any two collections was allocated. */
function watchHeap(): { stop(): HeapFigures } {
  const profiler = new GCProfiler()
  let last = getHeapStatistics().used_heap_size
  profiler.start()
  return {
    stop() {
      const { statistics } = profiler.stop()
      const used = getHeapStatistics().used_heap_size
      let [allocated, micros] = [0, 0]
      for (const { cost, beforeGC, afterGC } of statistics) {
        allocated += Math.max(0, beforeGC.heapStatistics.usedHeapSize - last)
        last = afterGC.heapStatistics.usedHeapSize
        micros += cost
      }
      return { allocated: allocated + Math.max(0, used - last), collectorMs: micros / 1000, used }
    },
  }
}

async function sendFor(
  orders: Orders,
  inFlight: number,
  ms: number,
): Promise<{ readonly latencies: readonly number[]; readonly elapsedMs: number }> {
  const latencies: number[] = []
  const start = performance.now()
  const sender = async (): Promise<void> => {
    for (;;) {
      const sent = performance.now()
      if (sent - start >= ms) return
      await orders.sendNext()
      latencies.push(performance.now() - sent)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, sender))
  return { latencies, elapsedMs: performance.now() - start }
}

/** The element at that part of the way through. */
export function at(sorted: Float64Array, part: number): number {
  return sorted[Math.floor((sorted.length - 1) * part)] ?? Number.NaN
}
