// The thread with the proxies of a cluster's routes, for `nats-routes.ts`.

import { parentPort, workerData } from 'node:worker_threads'
import type { Isolated, RoutePorts } from './nats-routes.ts'
import { type TcpProxy, tcpProxy } from './proxy.ts'

const memberPorts: readonly number[] = workerData
const members = [...memberPorts.keys()]
const routes: { from: number; to: number; proxy: TcpProxy }[] = []

for (const from of members) {
  for (const [to, port] of memberPorts.entries()) {
    if (from !== to) routes.push({ from, to, proxy: await tcpProxy({ host: '127.0.0.1', port }) })
  }
}

const ports: RoutePorts = members.map((member) =>
  members.map((to) => routes.find((route) => route.from === member && route.to === to)?.proxy.port ?? 0),
)
parentPort?.postMessage(ports)
parentPort?.on('message', (isolated: Isolated) => void isolate(isolated))

/** A failure of it is the thread's, and so an error in the test's process. */
async function isolate(isolated: Isolated): Promise<void> {
  for (const { from, to, proxy } of routes) {
    const isCut = isolated.includes(from) || isolated.includes(to)
    await proxy.refuse(isCut)
    if (isCut) proxy.cut()
  }
  parentPort?.postMessage('done')
}
