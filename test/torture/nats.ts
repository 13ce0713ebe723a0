import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { type CommandQuery, type CommandRecord, type Page, StoreError } from 'commandlog'
import { type NatsStore, natsStore } from 'commandlog/nats'
import { natsServer } from '../servers/nats.ts'
import { type NatsCluster, natsCluster } from '../servers/nats-cluster.ts'
import { askMonitor, statesOf, streamsPath } from '../servers/nats-monitor.ts'
import type { NatsServer } from '../servers/nats-node.ts'
import type { KilledServers } from './server-campaign.ts'
import type { TorturedStore } from './stores.ts'

/** A place, as it is told to other processes. */
interface Place {
  readonly servers: readonly string[]
  readonly stream: string
}

function newStream(): string {
  return `torture-${randomBytes(6).toString('hex')}`
}

/** What the messages of a stream say against themselves. */
export async function checkStream({ servers, stream }: Place): Promise<readonly string[]> {
  const connection = await connect({ servers: [...servers] })
  try {
    const manager = await jetstreamManager(connection)
    const { state } = await manager.streams.info(stream)
    if (state.messages === 0) return []
    const faults: string[] = []
    const firsts = new Map<string, number>()
    const settled = new Set<string>()
    const named = new Set<string>()
    const consumer = await jetstream(connection).consumers.get(stream)
    const { num_pending: pending } = await consumer.info()
    let left = pending
    if (left === 0) return []
    for await (const message of await consumer.consume()) {
      const [line = ''] = message.string().split('\n', 1)
      const [, kind] = message.subject.split('.')
      if (kind === 'type') for (const id of JSON.parse(line).ids) named.add(id)
      // Parts of what is larger than a message are no heads, and count for nothing without one.
      else if (kind === 'record' && line.startsWith('{')) {
        faults.push(...judge(message.subject, message.seq, JSON.parse(line)))
      }
      if (--left === 0) break
    }
    return faults

    function judge(
      subject: string,
      seq: number,
      head: { readonly of?: number; readonly outcomeBy?: string },
    ): string[] {
      const first = firsts.get(subject)
      if (head.of === undefined) firsts.set(subject, seq)
      if (head.of === undefined && !named.has(idOf(subject)))
        return [`${subject} is not named among its type before it begins`]
      const isTwice = head.of === undefined ? first !== undefined : settled.has(subject)
      if (head.of !== undefined || head.outcomeBy !== undefined) settled.add(subject)
      if (isTwice) return [`${subject} was ${head.of === undefined ? 'begun' : 'settled'} twice`]
      return head.of !== undefined && head.of !== first ? [`the outcome ${seq} of ${subject} has no intent`] : []
    }
  } finally {
    await connection.close()
  }
}

/** The id of a record on this subject, where it is not so long that only its digest is in it. */
function idOf(subject: string): string {
  const token = subject.slice(subject.lastIndexOf('.') + 1)
  return token.startsWith('=') ? Buffer.from(token.slice(1), 'base64url').toString() : token
}

let killed: Promise<NatsServer> | undefined
/** Looking for an event takes a walk over the log, so that not each is looked for. */
const mostLookups = 10

/**
 * A campaign on a server of its own. Its clients are killed, and right after them the server, which starts again before
 * anybody looks at what is left.
 */
export const torturedNats: TorturedStore = {
  async prepare() {
    killed ??= natsServer()
    const place: Place = { servers: [(await killed).url], stream: newStream() }
    return JSON.stringify(place)
  },
  async open(place) {
    // Undefined in the processes that write.
    const server = await killed
    await server?.kill()
    await server?.start()
    return withFewLookups(await natsStore(JSON.parse(place)))
  },
  // It goes with its server.
  async cleanUp() {},
  check: (place) => checkStream(JSON.parse(place)),
}

/** Answers what is beyond the first lookups by event from one walk. */
function withFewLookups(store: NatsStore): NatsStore {
  let count = 0
  let walked: Promise<ReadonlyMap<string, readonly CommandRecord[]>> | undefined
  return {
    ...store,
    async list(query?: CommandQuery): Promise<Page> {
      if (query?.eventId === undefined) return await store.list(query)
      if (count++ < mostLookups) return await complete(store, query)
      walked ??= byEvent(store)
      return { records: (await walked).get(query.eventId) ?? [] }
    },
  }
}

/** All pages of a query as one: a page may end without having looked at everything. */
async function complete(store: NatsStore, query: CommandQuery): Promise<Page> {
  const records: CommandRecord[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await store.list({ ...query, ...(cursor !== undefined && { cursor }) })
    records.push(...page.records)
    cursor = page.next
    if (cursor === undefined) return { records }
  }
}

async function byEvent(store: NatsStore): Promise<ReadonlyMap<string, readonly CommandRecord[]>> {
  const found = new Map<string, CommandRecord[]>()
  for (const record of (await complete(store, { order: 'oldest', limit: 500 })).records) {
    for (const { id } of record.events) found.set(id, [...(found.get(id) ?? []), record])
  }
  return found
}

/** One server, one replica: it is killed under load. */
export async function killedNats(): Promise<KilledServers> {
  const server = await natsServer()
  const servers = [server.url]
  return {
    newPlace: newStream,
    open: (stream) => natsStore({ servers, stream }),
    async kill() {
      await server.kill()
      await server.start()
    },
    async revive() {},
    check: (stream) => checkStream({ servers, stream }),
    end: () => server.end(),
  }
}

/** Three servers, three replicas: the one that leads the stream is killed under load. */
export async function killedNatsCluster(): Promise<KilledServers> {
  const cluster = await natsCluster()
  let victim: NatsServer | undefined
  return {
    ...replicated(cluster),
    open: (stream) => natsStore({ servers: cluster.urls, stream, replicas: 3 }),
    async kill(stream) {
      victim = await untilLed(cluster, stream)
      await victim.kill()
    },
    async revive() {
      await victim?.start()
    },
  }
}

/** The same, but the one that leads is cut off from the others, and each store stays with a server of its own. */
export async function partitionedNats(): Promise<KilledServers> {
  const cluster = await natsCluster()
  let victim: NatsServer | undefined
  let count = 0
  return {
    ...replicated(cluster),
    async open(stream) {
      const server = cluster.servers[count++ % 3]
      const store = await natsStore({ servers: server?.url ?? [], stream, replicas: 3 })
      return {
        ...store,
        async get(id) {
          const found = await store.get(id)
          // Until it knows, a leader that is cut off gives what it had. No store promises more than that.
          if (server === victim) throw new StoreError('STORE_UNAVAILABLE', 'It may be what was there before')
          return found
        },
      }
    },
    async kill(stream) {
      victim = await untilLed(cluster, stream)
      await cluster.partition(victim)
    },
    async revive() {
      if (victim !== undefined) await cluster.heal(victim)
      await cluster.untilCurrent()
      victim = undefined
    },
  }
}

async function untilLed(cluster: NatsCluster, stream: string): Promise<NatsServer> {
  for (;;) {
    const leader = await cluster.leaderOf(stream)
    if (leader !== undefined) return leader
    await sleep(20)
  }
}

function replicated(cluster: NatsCluster): Pick<KilledServers, 'newPlace' | 'check' | 'end'> {
  return {
    newPlace: newStream,
    async check(stream) {
      await cluster.untilCurrent()
      const views = await Promise.all(
        cluster.servers.map(async ({ monitorPort }) =>
          statesOf(await askMonitor(monitorPort, streamsPath)).get(stream),
        ),
      )
      const states = new Set(views.map((state) => JSON.stringify(state)))
      const differ = states.size === 1 ? [] : [`the replicas differ: ${[...states].join(' ')}`]
      return [...differ, ...(await checkStream({ servers: cluster.urls, stream }))]
    },
    end: () => cluster.end(),
  }
}
