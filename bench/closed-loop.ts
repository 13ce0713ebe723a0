import { monitorEventLoopDelay } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import type { CommandLogStore } from '../src/index.ts'
import { auditedOrders, type Orders } from './typical-command.ts'

/** How long to load a store, and with how many senders. */
export interface Load {
  readonly inFlight: number
  readonly warmupMs: number
  readonly ms: number
}

/** What came of it. */
export interface LoadFigures {
  readonly commandsPerSecond: number
  /** Milliseconds from `send` to its receipt. */
  readonly latencyP50: number
  readonly latencyP99: number
  /** Milliseconds that a timer was late; NaN where the event loop never turned. */
  readonly loopDelayP99: number
  /** Megabytes at the end, garbage included. */
  readonly heapUsed: number
}

/** A closed loop: each of so many senders sends its next command once it has the receipt of the last. */
export async function loadStore(store: CommandLogStore, { inFlight, warmupMs, ms }: Load): Promise<LoadFigures> {
  const orders = auditedOrders(store)
  await sendFor(orders, inFlight, warmupMs)
  const resolution = 1
  const delay = monitorEventLoopDelay({ resolution })
  delay.enable()
  const { latencies, elapsedMs } = await sendFor(orders, inFlight, ms)
  delay.disable()
  const heapUsed = getHeapStatistics().used_heap_size / 2 ** 20
  await orders.close()
  const sorted = Float64Array.from(latencies).sort()
  return {
    commandsPerSecond: latencies.length / (elapsedMs / 1000),
    latencyP50: at(sorted, 0.5),
    latencyP99: at(sorted, 0.99),
    // The histogram has the time between two ticks, of which the resolution is no delay.
    loopDelayP99: delay.count === 0 ? Number.NaN : Math.max(0, delay.percentile(99) / 1e6 - resolution),
    heapUsed,
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

function at(sorted: Float64Array, part: number): number {
  return sorted[Math.floor((sorted.length - 1) * part)] ?? Number.NaN
}
