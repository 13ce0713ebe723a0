import { setTimeout as sleep } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { freePort } from './free-port.ts'
import { askMonitor, groupsOf, type NatsGroup, streamsPath } from './nats-monitor.ts'
import { type NatsMembership, type NatsOptions, type NatsServer, natsNode } from './nats-node.ts'
import { type NatsRoutes, natsRoutes } from './nats-routes.ts'

/**
 * How long elections, and catching up after them, may take. Seconds as a rule; but a leader that was cut off with messages
 * that nobody else had catches up only once the new one has made its next snapshot.
 */
const patienceMs = 120_000

/** What a server shares among all accounts, and one route for the servers' own. */
const [poolSize, routesToEach] = [3, 4]

/** Servers with JetStream that are one cluster, and talk to each other through proxies. */
export interface NatsCluster {
  readonly servers: readonly NatsServer[]
  readonly urls: readonly string[]
  /** The server that leads a stream, in its own eyes and in those of most others; nothing during an election. */
  leaderOf(stream: string): Promise<NatsServer | undefined>
  /** Breaks its connections with the other servers and allows no new ones; its clients stay connected. */
  partition(server: NatsServer): Promise<void>
  /** Ends that. The server finds the others again by itself, see `untilCurrent`. */
  heal(server: NatsServer): Promise<void>
  /** Resolves when there is a leader, all servers follow it, and each of them has all of its streams up to date. */
  untilCurrent(): Promise<void>
  /** Ends all servers and removes their data. */
  end(): Promise<void>
}

/** Starts a cluster of our own; resolves when it is current. It goes when this process ends, as a single server does. */
export async function natsCluster(size = 3, options: NatsOptions = {}): Promise<NatsCluster> {
  const ports = new Set<number>()
  while (ports.size < size) ports.add(await freePort())
  const routes = await natsRoutes([...ports])
  const starting = [...ports].map((port, member) => natsNode(options, membershipOf(port, routes.portsOf(member))))
  const started = await Promise.allSettled(starting)
  const servers = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const end = async () => {
    await Promise.all([...servers.map((server) => server.end()), routes.end()])
  }
  try {
    await Promise.all(starting)
    await untilCurrent(servers)
    await untilPlaceable(servers[0] as NatsServer, size)
  } catch (error) {
    await end()
    throw error
  }
  return {
    servers,
    urls: servers.map(({ url }) => url),
    leaderOf: (stream) => leaderOf(servers, stream),
    partition: (server) => routes.isolate(memberOf(servers, server), true),
    heal: (server) => routes.isolate(memberOf(servers, server), false),
    untilCurrent: () => untilCurrent(servers),
    end,
  }
}

function membershipOf(port: number, others: ReturnType<NatsRoutes['portsOf']>): NatsMembership {
  const config = `
    cluster {
      name: commandlog
      listen: "127.0.0.1:${port}"
      # Servers tell each other where the others are, and would meet there past the proxies. Nobody listens here.
      advertise: "127.0.0.1:1"
      pool_size: ${poolSize}
      routes: [${others.map((other) => `"nats://127.0.0.1:${other}"`).join(', ')}]
    }`
  return { config, healthPath: '/healthz?js-enabled-only=true' }
}

function memberOf(servers: readonly NatsServer[], server: NatsServer): number {
  const member = servers.indexOf(server)
  if (member === -1) throw new RangeError(`Expected a server of this cluster, came ${server.name}`)
  return member
}

async function leaderOf(servers: readonly NatsServer[], stream: string): Promise<NatsServer | undefined> {
  const votes = await Promise.all(servers.map((server) => leaderInTheEyesOf(server, stream)))
  const count = (server: NatsServer) => votes.filter((vote) => vote === server.name).length
  // One that is cut off goes on for a while believing in itself, and the others in one that was killed.
  const [first] = servers.toSorted((one, other) => count(other) - count(one))
  return first !== undefined && votes[servers.indexOf(first)] === first.name ? first : undefined
}

async function leaderInTheEyesOf({ monitorPort }: NatsServer, stream: string): Promise<string | undefined> {
  return groupsOf(await askMonitor(monitorPort, streamsPath)).get(stream)?.leader
}

async function untilCurrent(servers: readonly NatsServer[]): Promise<void> {
  const end = performance.now() + patienceMs
  while (!(await isCurrent(servers))) {
    if (performance.now() > end) throw new Error(`The cluster of ${servers.map(({ name }) => name)} does not agree`)
    await sleep(50)
  }
}

/** A leader may not have heard of what its followers can hold yet: then it has no peers for a stream, current as they are. */
async function untilPlaceable({ url, auth }: NatsServer, replicas: number): Promise<void> {
  const connection = await connect({ servers: url, ...auth, ignoreClusterUpdates: true })
  try {
    const { streams } = await jetstreamManager(connection)
    const name = 'placeable'
    const end = performance.now() + patienceMs
    for (;;) {
      try {
        await streams.add({ name, subjects: [name], num_replicas: replicas })
        await streams.delete(name)
        return
      } catch (error) {
        if (performance.now() > end) throw error
        await sleep(50)
      }
    }
  } finally {
    await connection.close()
  }
}

async function isCurrent(servers: readonly NatsServer[]): Promise<boolean> {
  const ask = (path: string) => Promise.all(servers.map(({ monitorPort }) => askMonitor(monitorPort, path)))
  const others = servers.length - 1
  // Two servers without a route would only notice when the third one is gone.
  if ((await ask('/routez')).some((view) => view?.routes?.length !== others * routesToEach)) return false
  const views = await ask(streamsPath)
  if (new Set(views.map((view) => view?.meta_cluster?.leader)).size !== 1) return false
  for (const [member, view] of views.entries()) {
    const groups = [view?.meta_cluster, ...groupsOf(view).values()]
    if (!groups.every((group) => isSettled(group, servers[member]?.name))) return false
  }
  return (await ask('/healthz')).every((health) => health?.status === 'ok')
}

/** A server that has not heard of a leader yet takes itself for current, and says so in its `/healthz`. */
function isSettled({ leader, replicas = [] }: NatsGroup = {}, name: string | undefined): boolean {
  if (leader === undefined) return false
  return leader !== name || replicas.every(({ current, offline }) => current && !offline)
}
