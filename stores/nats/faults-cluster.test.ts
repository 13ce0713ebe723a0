import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { natsCluster } from '../../test/servers/nats-cluster.ts'
import type { NatsServer } from '../../test/servers/nats-node.ts'
import { settleAll, startLoad } from '../../test/stores/load.ts'
import { connectionsOf, stores, streamNames } from '../../test/stores/nats.ts'
import { outcomeOf, until } from '../../test/stores/outcome.ts'
import { made, settled } from '../../test/stores/samples.ts'
import type { NatsStore } from './index.ts'

const stray: unknown[] = []
process.on('unhandledRejection', (reason) => stray.push(reason))

// A server that retires gives its clients as much time as it must, and no more.
const cluster = await natsCluster(3, { config: 'lame_duck_duration: 30s\nlame_duck_grace_period: 1s' })
const { open, close } = stores()
after(() => close().then(() => cluster.end()))
const next = streamNames()

async function leaderOf(stream: string): Promise<NatsServer> {
  let leader: NatsServer | undefined
  await until(async () => (leader = await cluster.leaderOf(stream)) !== undefined)
  return leader as NatsServer
}

describe('a cluster whose leader is gone', { timeout: 120_000 }, () => {
  test('Given one that is killed under load, and patience for an election, then nobody hears of it, and followers have no gap and no repeat', async () => {
    const options = { servers: cluster.urls, stream: next(), replicas: 3, deadlineMs: 30_000 }
    const all: NatsStore[] = await Promise.all([1, 2, 3].map(() => open(options)))
    const followers = follow(all)
    const load = startLoad(all)
    after(() => load.stop())
    await sleep(300)
    const leader = await leaderOf(options.stream)
    await leader.kill()
    const [first] = all as [NatsStore]
    assert.equal(await first.record(made('a')), 'created')
    assert.deepEqual(await first.get('a'), made('a'))
    await sleep(200)
    const kinds = await settleAll(first, await load.stop())
    assert.deepEqual(Object.keys(kinds).sort(), ['created', 'settled'], JSON.stringify(kinds))
    await followers.haveSeen(Number(kinds.settled))
    await leader.start()
    await cluster.untilCurrent()
    await Promise.all(all.map((store) => store.close()))
  })

  test('Given one that is cut off from the others, then its clients are not told that anything is written which is not, and all goes on after it is healed', async () => {
    const stream = next()
    const options = { stream, replicas: 3, deadlineMs: 3000 }
    const before = await open({ ...options, servers: cluster.urls })
    await before.record(made('before'))
    const leader = await leaderOf(stream)
    const others = cluster.servers.filter((server) => server !== leader)
    const there = await open({ ...options, servers: others.map(({ url }) => url) })
    const alone = await open({ ...options, servers: leader.url })
    await cluster.partition(leader)
    // The one that is alone may take what it cannot have copied: it must not say so.
    const lonely = await Promise.all([made('x'), settled('before')].map((each) => outcomeOf(alone.record(each))))
    for (const outcome of lonely) assert.match(String(outcome), /^STORE_(TIMEOUT|UNAVAILABLE) (unknown|no)$/)
    await until(async () => (await outcomeOf(there.record(made('y')))) === 'created')
    assert.equal(await there.record(settled('before', { durationMs: 7 })), 'settled')
    assert.equal(await there.record(settled('x', { durationMs: 7 })), 'created')
    await cluster.heal(leader)
    await cluster.untilCurrent()
    for (const id of ['before', 'x']) {
      assert.equal(await alone.record(settled(id)), 'unchanged')
      assert.deepEqual(await alone.get(id), settled(id, { durationMs: 7 }))
    }
    assert.deepEqual((await alone.list()).records, (await there.list()).records)
    assert.equal((await alone.list()).records.length, 3)
    await Promise.all([before, there, alone].map((store) => store.close()))
  })
})

describe('a cluster that is operated', { timeout: 120_000 }, () => {
  test('Given a stream that gets two more replicas under load, and loses them again, then nobody hears of it, and no follower that is cut off answers a read with what it had', async () => {
    const options = { stream: next(), deadlineMs: 15_000 }
    const before = await open({ ...options, servers: cluster.urls })
    await before.record(made('before'))
    const leader = await leaderOf(options.stream)
    const [follower, other] = cluster.servers.filter((server) => server !== leader) as [NatsServer, NatsServer]
    const servers = [leader.url, other.url]
    const all = await Promise.all([1, 2].map(() => open({ ...options, servers })))
    const near = await open({ ...options, servers: follower.url, deadlineMs: 2000 })
    const load = startLoad(all, 8)
    after(() => load.stop())
    await scaleTo(3, options.stream)
    await cluster.untilCurrent()
    await sleep(2000)
    assert.deepEqual(await near.get('before'), made('before'))
    await cluster.partition(follower)
    const [first] = all as [NatsStore]
    assert.equal(await first.record(made('after')), 'created')
    assert.match(String(await outcomeOf(near.get('after'))), /^STORE_(TIMEOUT|UNAVAILABLE) no$/)
    await cluster.heal(follower)
    await cluster.untilCurrent()
    await scaleTo(1, options.stream)
    await until(async () => (await outcomeOf(near.get('after').then((found) => found?.id))) === 'after')
    const kinds = await settleAll(first, await load.stop())
    assert.deepEqual(Object.keys(kinds).sort(), ['created', 'settled'], JSON.stringify(kinds))
    await Promise.all([before, near, ...all].map((store) => store.close()))
  })

  test('Given a leader that retires and tells its clients so, then nobody hears of it, and followers have no gap and no repeat', async () => {
    const options = { servers: cluster.urls, stream: next(), replicas: 3, deadlineMs: 30_000 }
    const all: NatsStore[] = await Promise.all([1, 2, 3].map(() => open(options)))
    const leader = await leaderOf(options.stream)
    const followers = follow(all)
    const load = startLoad(all, 8)
    after(() => load.stop())
    await sleep(300)
    process.kill(processOf(leader), 'SIGUSR2')
    await until(async () => (await connectionsOf(leader).catch(() => 0)) === 0)
    await sleep(500)
    const [first] = all as [NatsStore]
    const kinds = await settleAll(first, await load.stop())
    assert.deepEqual(Object.keys(kinds).sort(), ['created', 'settled'], JSON.stringify(kinds))
    await followers.haveSeen(Number(kinds.settled))
    await leader.stop()
    await leader.start()
    await cluster.untilCurrent()
    await Promise.all(all.map((store) => store.close()))
  })
})

/** As an operator does. */
async function scaleTo(replicas: number, stream: string): Promise<void> {
  const connection = await connect({ servers: [...cluster.urls] })
  const { streams } = await jetstreamManager(connection)
  const update = () => streams.update(stream, { num_replicas: replicas })
  // Who leads may not have heard yet that the others are back.
  await until(() => update().then(Boolean, () => false)).finally(() => connection.close())
}

/** Which process a server of ours is: its configuration has its name. */
function processOf({ name }: NatsServer): number {
  for (const pid of readdirSync('/proc').map(Number)) {
    try {
      const file = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        .split('\0')
        .find((word) => word.endsWith('server.conf'))
      if (file !== undefined && readFileSync(file, 'utf8').includes(`server_name: ${name}\n`)) return pid
    } catch {
      // It has ended meanwhile, or is no process.
    }
  }
  throw new Error(`${name} does not run`)
}

/** Follows with each of these; they end with their stores. */
function follow(all: readonly NatsStore[]): { haveSeen(count: number): Promise<void> } {
  const seen = all.map((): string[] => [])
  const following = all.map(async (store, at) => {
    for await (const { record } of store.follow()) if (record.state !== 'created') seen[at]?.push(record.id)
  })
  const failed = Promise.all(following)
  return {
    /** Resolves once each has seen so many records settled; none twice. */
    async haveSeen(count) {
      await Promise.race([failed, until(() => seen.every(({ length }) => length >= count))])
      assert.deepEqual(
        seen.map((each) => [each.length, new Set(each).size]),
        all.map(() => [count, count]),
      )
    },
  }
}

test('no promise was left to reject by itself, and no connection is left', async () => {
  assert.deepEqual(stray, [])
  for (const server of cluster.servers) await until(async () => (await connectionsOf(server)) === 0)
})
