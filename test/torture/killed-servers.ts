import { killedNats, killedNatsCluster, partitionedNats } from './nats.ts'
import type { KilledServers } from './server-campaign.ts'

/** Servers that can be killed under load, by the names of their stores. */
export const killedServers: Readonly<Record<string, () => Promise<KilledServers>>> = {
  'nats-server': killedNats,
  'nats-cluster': killedNatsCluster,
  'nats-partition': partitionedNats,
}
