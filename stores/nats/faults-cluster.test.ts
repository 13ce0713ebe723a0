import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { natsCluster } from '../../test/servers/nats-cluster.ts'
import type { NatsServer } from '../../test/servers/nats-node.ts'
import { settleAll, startLoad } from '../../test/stores/load.ts'
import { connectionsOf, stores, streamNames } from '../../test/stores/nats.ts'
import { outcomeOf, until } from '../../test/stores/outcome.ts'
import { made, settled } from '../../test/stores/samples.ts'
import type { NatsStore } from './index.ts'

const stray: unknown[] = []
process.on('unhandledRejection', (reason) => stray.push(reason))

const cluster = await natsCluster()
const { open, close } = stores()
after(() => close().then(() => cluster.end()))
const next = streamNames()

async function leaderOf(stream: string): Promise<NatsServer> {
  let leader: NatsServer | undefined
  await until(async () => (leader = await cluster.leaderOf(stream)) !== undefined)
  return leader as NatsServer
}

describe('a cluster whose leader is gone', { timeout: 120_000 }, () => {
  test('Given one that is killed under load, and patience for an election, then nobody hears of it', async () => {
    const options = { servers: cluster.urls, stream: next(), replicas: 3, deadlineMs: 30_000 }
    const all: NatsStore[] = await Promise.all([1, 2, 3].map(() => open(options)))
    const load = startLoad(all)
    await sleep(300)
    const leader = await leaderOf(options.stream)
    await leader.kill()
    const [first] = all as [NatsStore]
    assert.equal(await first.record(made('a')), 'created')
    assert.deepEqual(await first.get('a'), made('a'))
    await sleep(200)
    const kinds = await settleAll(first, await load.stop())
    assert.deepEqual(Object.keys(kinds).sort(), ['created', 'settled'], JSON.stringify(kinds))
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

test('no promise was left to reject by itself, and no connection is left', async () => {
  assert.deepEqual(stray, [])
  for (const server of cluster.servers) await until(async () => (await connectionsOf(server)) === 0)
})
