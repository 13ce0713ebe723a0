import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type JetStreamClient, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { natsServer, sharedNats } from './nats.ts'
import { type NatsCluster, natsCluster } from './nats-cluster.ts'
import type { NatsServer } from './nats-node.ts'
import { areGone, processTree } from './processes.ts'

/** A client that lives for as long as `use`, and never gives up. */
async function withClient<T>(
  server: NatsServer,
  use: (js: JetStreamClient, connection: NatsConnection) => Promise<T>,
): Promise<T> {
  const connection = await connect({
    servers: server.url,
    ...server.auth,
    ignoreClusterUpdates: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    timeout: 5000,
  })
  try {
    return await use(jetstream(connection, { timeout: 5000 }), connection)
  } finally {
    await connection.close()
  }
}

async function addStream(connection: NatsConnection, name: string, replicas = 1): Promise<void> {
  const manager = await jetstreamManager(connection)
  await manager.streams.add({ name, subjects: [`${name}.>`], num_replicas: replicas })
}

/** All that the stream holds, in its order. */
async function contents(server: NatsServer, stream: string): Promise<string[]> {
  return await withClient(server, async (_, connection) => {
    const { streams } = await jetstreamManager(connection)
    const { state } = await streams.info(stream)
    const found: string[] = []
    // An empty stream begins at 0.
    for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq++) {
      found.push((await streams.getMessage(stream, { seq }))?.string() ?? 'gone')
    }
    return found
  })
}

/** What the client says of its connection from now on. */
function statusesOf(connection: NatsConnection): string[] {
  const heard: string[] = []
  const listen = async () => {
    for await (const { type } of connection.status()) heard.push(type)
  }
  void listen()
  return heard
}

/** How many messages of the stream the server itself has. */
async function countOn({ monitorPort }: NatsServer, stream: string): Promise<number | undefined> {
  const response = await fetch(`http://127.0.0.1:${monitorPort}/jsz?accounts=true&streams=true`)
  const { account_details: accounts } = (await response.json()) as {
    account_details: { stream_detail: { name: string; state: { messages: number } }[] }[]
  }
  return accounts.flatMap(({ stream_detail: streams }) => streams).find(({ name }) => name === stream)?.state.messages
}

/** Publishes with the id, by which the server knows it again, until it is acknowledged. */
async function publishStubbornly(js: JetStreamClient, subject: string, id: string): Promise<void> {
  const end = performance.now() + 20_000
  for (;;) {
    try {
      await js.publish(subject, id, { msgID: id, timeout: 1000 })
      return
    } catch (error) {
      if (performance.now() > end) throw error
      await sleep(50)
    }
  }
}

describe('a NATS server of our own', { timeout: 60_000 }, () => {
  let server: NatsServer
  before(async () => {
    server = await natsServer({ jetstream: { sync_interval: 'always' } })
  })
  after(() => server.end())

  test('stores what is published, in files', async () => {
    const file = await withClient(server, async (js, connection) => {
      await addStream(connection, 'stored')
      const ack = await js.publish('stored.it', 'something')
      assert.deepEqual([ack.stream, ack.seq, ack.duplicate], ['stored', 1, false])
      return (await (await jetstreamManager(connection)).streams.info('stored')).config.storage
    })
    assert.equal(file, 'file')
    assert.deepEqual(await contents(server, 'stored'), ['something'])
  })

  test('takes the settings that were asked for', async () => {
    const response = await fetch(`http://127.0.0.1:${server.monitorPort}/jsz?config=true`)
    const { config } = (await response.json()) as { config: { sync_always: boolean } }
    assert.equal(config.sync_always, true)
  })

  test('has after SIGKILL and a new start all that it acknowledged', async () => {
    const acknowledged: string[] = []
    await withClient(server, async (js, connection) => {
      await addStream(connection, 'killed')
      const publishing = Array.from({ length: 200 }, async (_, index) => {
        await js.publish('killed.it', String(index), { timeout: 500 })
        if (acknowledged.push(String(index)) === 50) await server.kill()
      })
      await Promise.allSettled(publishing)
    })
    await server.start()
    const stored = await contents(server, 'killed')
    assert.ok(acknowledged.length >= 50, `${acknowledged.length} acknowledged`)
    assert.deepEqual(
      acknowledged.filter((it) => !stored.includes(it)),
      [],
    )
  })

  test('keeps its ports and data when it is stopped and started', async () => {
    await withClient(server, (_, connection) => addStream(connection, 'stopped'))
    await server.stop()
    await assert.rejects(
      withClient(server, async () => {}),
      /connection refused/i,
    )
    await server.start()
    assert.deepEqual(await contents(server, 'stopped'), [])
  })

  test('acknowledges nothing while it is frozen, and stores it afterwards', async () => {
    await withClient(server, async (js, connection) => {
      await addStream(connection, 'frozen')
      server.freeze()
      await assert.rejects(js.publish('frozen.it', 'late', { timeout: 500 }), /timeout/i)
      server.thaw()
      await js.publish('frozen.it', 'next')
    })
    assert.deepEqual(await contents(server, 'frozen'), ['late', 'next'])
  })

  test('can be killed and stopped while it is frozen', async () => {
    for (const way of ['kill', 'stop'] as const) {
      server.freeze()
      await server[way]()
      await server.start()
    }
    await withClient(server, (_, connection) => addStream(connection, 'thawed'))
    assert.deepEqual(await contents(server, 'thawed'), [])
  })

  test('knows nothing of a second one', async () => {
    const second = await natsServer()
    await withClient(second, (_, connection) => addStream(connection, 'only_there'))
    await assert.rejects(contents(server, 'only_there'), /stream not found/)
    await second.end()
    assert.deepEqual(await contents(server, 'stored'), ['something'])
  })

  test('lets nobody in without the password', async () => {
    const closed = await natsServer({ auth: { user: 'someone', pass: 'with "quotes"' } })
    await withClient(closed, (_, connection) => addStream(connection, 'secret'))
    await assert.rejects(
      contents({ ...closed, auth: { user: 'someone', pass: 'guessed' } }, 'secret'),
      /authorization/i,
    )
    await closed.end()
  })

  test('that cannot start says why and leaves nothing', async () => {
    await assert.rejects(
      natsServer({ config: 'max_payload: much' }),
      /nats-server does not start\n.*server\.conf:6:1: /,
    )
  })

  for (const state of ['running', 'frozen', 'stopped', 'killed'] as const) {
    test(`ends and takes its data along when it is ${state}`, async () => {
      const ending = await natsServer()
      const { folder, tree } = await leftoversOf(ending.monitorPort)
      if (state === 'frozen') ending.freeze()
      if (state === 'stopped') await ending.stop()
      if (state === 'killed') await ending.kill()
      await Promise.all([ending.end(), ending.end()])
      assert.deepEqual([tree.length, existsSync(folder), await areGone(tree, 0)], [1, false, true])
    })
  }
})

/** The folder and the processes of the server with that monitoring port. */
async function leftoversOf(monitorPort: number): Promise<{ folder: string; tree: number[] }> {
  const response = await fetch(`http://127.0.0.1:${monitorPort}/jsz?config=true`)
  const { config } = (await response.json()) as { config: { store_dir: string } }
  const data = dirname(config.store_dir)
  return { folder: dirname(data), tree: processTree(({ args }) => args.includes(` -sd ${data} `)) }
}

test('a test process that is killed leaves nothing of its NATS server behind', { timeout: 20_000 }, async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'nats-starter.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let port = 0
  for await (const line of createInterface({ input: child.stdout })) {
    port = Number(line)
    break
  }
  const { folder, tree } = await leftoversOf(port)
  child.kill('SIGKILL')
  assert.deepEqual([tree.length, await areGone(tree, 5000)], [1, true])
  const end = performance.now() + 5000
  while (existsSync(folder) && performance.now() < end) await sleep(20)
  assert.equal(existsSync(folder), false)
})

describe('a NATS cluster of our own', { timeout: 180_000 }, () => {
  let cluster: NatsCluster
  before(async () => {
    cluster = await natsCluster()
  })
  after(() => cluster.end())

  /** The server that leads the stream now, and the others. */
  async function membersOf(stream: string): Promise<{ leader: NatsServer; others: [NatsServer, ...NatsServer[]] }> {
    const end = performance.now() + 20_000
    for (;;) {
      const leader = await cluster.leaderOf(stream)
      const [first, ...rest] = cluster.servers.filter((server) => server !== leader)
      if (leader !== undefined && first !== undefined) return { leader, others: [first, ...rest] }
      assert.ok(performance.now() < end, `Expected a leader of ${stream}`)
      await sleep(50)
    }
  }

  test('takes a stream with three replicas at once, which has one leader', async () => {
    const [server] = cluster.servers
    assert.ok(server)
    const led = await withClient(server, async (js, connection) => {
      await addStream(connection, 'three', 3)
      await js.publish('three.it', 'first', { msgID: 'first' })
      return (await (await jetstreamManager(connection)).streams.info('three')).cluster
    })
    assert.equal(led?.leader, (await membersOf('three')).leader.name)
    assert.equal(led?.replicas?.length, 2)
    assert.equal(await cluster.leaderOf('unheard_of'), undefined)
  })

  test('goes on when the leader is killed, who catches up afterwards', async () => {
    const { leader, others } = await membersOf('three')
    await leader.kill()
    await withClient(others[0], (js) => publishStubbornly(js, 'three.it', 'second'))
    assert.notEqual((await membersOf('three')).leader, leader)
    await leader.start()
    await cluster.untilCurrent()
    assert.equal(await countOn(leader, 'three'), 2)
    assert.deepEqual(await contents(leader, 'three'), ['first', 'second'])
  })

  test('goes on without a leader who is cut off, whose clients stay and are told nothing', async () => {
    const { leader, others } = await membersOf('three')
    await withClient(leader, async (js, connection) => {
      const heard = statusesOf(connection)
      await cluster.partition(leader)
      await withClient(others[0], (there) => publishStubbornly(there, 'three.it', 'third'))
      assert.notEqual((await membersOf('three')).leader, leader)
      await assert.rejects(js.publish('three.it', 'lost', { timeout: 500 }))
      await connection.flush()
      assert.deepEqual(heard, [])
      await cluster.heal(leader)
      await cluster.untilCurrent()
      await publishStubbornly(js, 'three.it', 'fourth')
    })
    for (const server of cluster.servers) {
      assert.deepEqual(await contents(server, 'three'), ['first', 'second', 'third', 'fourth'])
    }
    await cluster.untilCurrent()
    assert.deepEqual(await Promise.all(cluster.servers.map((server) => countOn(server, 'three'))), [4, 4, 4])
  })
})

describe('the shared NATS server', { timeout: 60_000 }, () => {
  after(() => {
    delete process.env.COMMANDLOG_NATS_URL
  })

  test('is one for the whole process, and nobody may take it from the others', async () => {
    delete process.env.COMMANDLOG_NATS_URL
    const [one, same] = await Promise.all([sharedNats(), sharedNats()])
    assert.equal(one, same)
    assert.equal(one.isOwn, true)
    await assert.rejects(one.kill(), /the one that tests share/)
    assert.throws(() => one.freeze(), /the one that tests share/)
    await withClient(one, (_, connection) => addStream(connection, 'shared'))
    await one.end()
  })

  test('is the one that COMMANDLOG_NATS_URL names, with the user it names', async () => {
    const theirs = await natsServer({ auth: { user: 'someone', pass: 'p@ss' } })
    process.env.COMMANDLOG_NATS_URL = theirs.url.replace('//', '//someone:p%40ss@')
    const server = await sharedNats()
    assert.deepEqual([server.url, server.port, server.isOwn], [theirs.url, theirs.port, false])
    await withClient(server, (_, connection) => addStream(connection, 'named'))
    await server.end()
    assert.deepEqual(await contents(theirs, 'named'), [])
    await theirs.end()
  })
})
