import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/** The network between the members of a cluster: a proxy for each pair and direction. */
export interface NatsRoutes {
  /** Where that member finds each of the others. */
  portsOf(member: number): readonly number[]
  /** Whether that member is cut off from all others, in both directions. */
  isolate(member: number, isIsolated: boolean): Promise<void>
  end(): Promise<void>
}

/** What the thread is told: who is alone now. */
export type Isolated = readonly number[]

/** What the thread says first: `ports[from][to]`. */
export type RoutePorts = readonly (readonly number[])[]

/**
 * Lays routes to members that listen on these ports. The proxies are in a thread of their own: a test that keeps its process
 * busy, or waits in `spawnSync`, does not cut its cluster apart.
 */
export async function natsRoutes(memberPorts: readonly number[]): Promise<NatsRoutes> {
  const worker = new Worker(new URL('nats-routes-thread.ts', import.meta.url), { workerData: memberPorts })
  const [ports]: [RoutePorts] = (await once(worker, 'message')) as [RoutePorts]
  worker.unref()
  const isolated = new Set<number>()
  let last: Promise<unknown> = Promise.resolve()
  return {
    portsOf: (member) => (ports[member] ?? []).filter((_, to) => to !== member),
    async isolate(member, isIsolated) {
      if (isIsolated) isolated.add(member)
      else isolated.delete(member)
      const message: Isolated = [...isolated]
      // One after the other, so that each answer belongs to its question.
      last = last.then(() => {
        worker.ref()
        worker.postMessage(message)
        return once(worker, 'message')
      })
      await last
      worker.unref()
    },
    async end() {
      await worker.terminate()
    },
  }
}
