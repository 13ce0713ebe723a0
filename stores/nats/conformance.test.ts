import { after, before, describe, test } from 'node:test'
import { connect } from '@nats-io/transport-node'
import {
  type CheckOptions,
  checks,
  durableChecks,
  followChecks,
  type OpenStore,
  purgeChecks,
  runCheck,
} from '../../commandlogtest/index.ts'
import { sharedNats } from '../../test/servers/nats.ts'
import { type NatsCluster, natsCluster } from '../../test/servers/nats-cluster.ts'
import { streamNames } from '../../test/stores/nats.ts'
import { type NatsStore, type NatsStoreOptions, natsStore } from './index.ts'

const server = await sharedNats()
const { url, auth } = server
after(() => server.end())

const all = [...checks, ...followChecks, ...purgeChecks, ...durableChecks]

function conforms(list: typeof all, open: OpenStore, options: CheckOptions): void {
  for (const check of list) {
    test(`${check.name}: ${check.rule}`, async () => {
      await runCheck(check, open, options)
    })
  }
}

/** Opens logs on these servers, a stream for each name: names are longer, and richer in letters, than streams' may be. */
function opener(options: () => NatsStoreOptions): (name: string) => Promise<NatsStore> {
  const streams = new Map<string, string>()
  const next = streamNames()
  return (name) => {
    const stream = streams.get(name) ?? next()
    streams.set(name, stream)
    return natsStore({ ...options(), stream })
  }
}

describe('a store that opens its own connection keeps every rule', { timeout: 120_000 }, () => {
  conforms(
    all,
    opener(() => ({ servers: url, ...auth })),
    { runs: 3 },
  )
})

describe('stores on one borrowed connection keep every rule beyond the core', { timeout: 120_000 }, async () => {
  const connection = await connect({ servers: url, ...auth })
  after(() => connection.close())
  conforms(
    [...followChecks, ...purgeChecks, ...durableChecks],
    opener(() => ({ connection })),
    { runs: 1 },
  )
})

describe('a store with three replicas keeps every rule', { timeout: 240_000 }, () => {
  let cluster: NatsCluster
  before(async () => {
    cluster = await natsCluster()
  })
  after(() => cluster.end())
  conforms(
    all,
    opener(() => ({ servers: cluster.urls, replicas: 3 })),
    { runs: 1 },
  )
})
