import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { postgresServer } from '../../test/servers/postgres.ts'
import { type TcpProxy, tcpProxy } from '../../test/servers/proxy.ts'
import { startLoad } from '../../test/stores/load.ts'
import { outcomeOf, timed, until } from '../../test/stores/outcome.ts'
import { run, settleAll, withSql } from '../../test/stores/postgres.ts'
import { ids, made, settled } from '../../test/stores/samples.ts'
import { startChild } from '../../test/stores/start-child.ts'
import { postgresStore } from './index.ts'

const stray: unknown[] = []
process.on('unhandledRejection', (reason) => stray.push(reason))

const server = await postgresServer({ max_connections: '40' })
after(() => server.end())

/** A new database for `use`, and a way to it that can be disturbed. */
async function throughProxy(use: (url: string, proxy: TcpProxy, direct: string) => Promise<void>): Promise<void> {
  const direct = await server.database()
  const proxy = await tcpProxy({ host: '127.0.0.1', port: server.port })
  const url = new URL(direct)
  url.port = String(proxy.port)
  try {
    await use(url.href, proxy, direct)
  } finally {
    await proxy.close()
  }
}

const terminateAll = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'`

describe('a server that goes away', () => {
  test('Given one that is killed and started again under load, then each write is answered truly, and all goes on', async () => {
    const url = await server.database()
    const stores = await Promise.all([1, 2].map(() => postgresStore({ url, deadlineMs: 3000 })))
    const load = startLoad(stores)
    for (let kill = 0; kill < 3; kill++) {
      await sleep(300)
      await server.kill()
      await sleep(100)
      await server.start()
    }
    await sleep(500)
    const answers = await load.stop()
    assert.match([...answers.values()].slice(-20).join(), /^((created|settled),?)+$/)
    const kinds = await settleAll(stores[0] as never, url, answers)
    assert.ok(Number(kinds.created) > 50 && Number(kinds['STORE_UNAVAILABLE unknown']) > 0, JSON.stringify(kinds))
    await Promise.all(stores.map((store) => store.close()))
  })

  test('Given one whose backends an administrator ends under load, then all goes on at once', async () => {
    const url = await server.database()
    const store = await postgresStore({ url })
    const load = startLoad([store])
    for (let kill = 0; kill < 8; kill++) {
      await sleep(150)
      await run(url, terminateAll)
    }
    await sleep(100)
    const kinds = await settleAll(store, url, await load.stop())
    // No more than the statements that were under way: nobody is told of an end that was another's.
    const { created = 0, settled: done = 0, unchanged = 0, ...others } = kinds
    assert.ok(created > 50, JSON.stringify(kinds))
    assert.deepEqual(Object.keys(others), ['STORE_UNAVAILABLE unknown'])
    await run(url, terminateAll)
    await sleep(50)
    assert.deepEqual(
      [await store.record(made('a')), await store.get('a'), done + unchanged > 0],
      ['created', made('a'), true],
    )
    await run(url, terminateAll)
    assert.equal((await store.list({ limit: 3 })).records.length, 3)
    await store.close()
  })

  test('Given one that is stopped, then calls fail at once with STORE_UNAVAILABLE, and nothing is written', async () => {
    const url = await server.database()
    const store = await postgresStore({ url })
    await store.record(made('a'))
    await server.stop()
    for (const call of [() => store.record(made('b')), () => store.get('a'), () => postgresStore({ url })]) {
      const [outcome, ms] = await timed(call())
      assert.equal(outcome, 'STORE_UNAVAILABLE no')
      assert.ok(ms < 3000, `${ms} ms`)
    }
    await server.start()
    assert.equal(await store.record(made('b')), 'created')
    assert.deepEqual(await store.get('a'), made('a'))
    await store.close()
  })
})

describe('a server that is silent', () => {
  test('Given one that is frozen, then calls end at their deadline, writes unknown, and all is well after the thaw', async () => {
    const url = await server.database()
    const store = await postgresStore({ url, deadlineMs: 800 })
    await Promise.all([store.record(made('a')), store.get('a'), store.list()])
    server.freeze()
    const reads = [store.get('a'), store.list(), store.findByCorrelation('k')]
    const writes = [...ids(4).map((id) => store.record(made(id))), store.purge({ retention: 'long-lived', before: 5 })]
    const ends = await Promise.all([...reads, ...writes].map(timed))
    const late = await Promise.all([timed(store.record(made('late'))), timed(postgresStore({ url, deadlineMs: 800 }))])
    server.thaw()
    for (const [outcome, ms] of [...ends, ...late]) {
      assert.match(String(outcome), /^STORE_TIMEOUT/)
      assert.ok(ms < 3000, `${ms} ms`)
    }
    assert.deepEqual(
      // Whether the purge ever got a connection is left to chance.
      ends.slice(0, -1).map(([outcome]) => String(outcome).split(' ')[1]),
      ['no', 'no', 'no', ...Array(4).fill('unknown')],
    )
    for (const id of [...ids(4), 'late']) {
      await until(async () => /created|unchanged/.test(String(await outcomeOf(store.record(made(id))))))
    }
    assert.equal((await store.list()).records.length, 6)
    await store.close()
  })

  test('Given one that falls silent while a store closes, then closing ends at the deadline, and so does every call', () =>
    throughProxy(async (url, proxy) => {
      const store = await postgresStore({ url, deadlineMs: 700 })
      await store.record(made('a'))
      const following = store.follow()[Symbol.asyncIterator]()
      await following.next()
      const next = following.next()
      proxy.freeze()
      const calls = [store.record(made('b')), store.get('a')].map(timed)
      const startedAt = performance.now()
      await store.close()
      assert.ok(performance.now() - startedAt < 3000, `${performance.now() - startedAt} ms`)
      const [[written], [read]] = (await Promise.all(calls)) as unknown as [[string], [string]]
      assert.deepEqual([written, read, (await next).done], ['STORE_TIMEOUT unknown', 'STORE_TIMEOUT no', true])
    }))

  test('Given a process that closes its store while the server is silent, then it ends by itself', () =>
    throughProxy(async (url, proxy, direct) => {
      const child = await startChild('outlive', { url })
      const ending = child.go()
      const store = await postgresStore({ url: direct })
      await until(async () => (await store.get('c0')) !== undefined)
      proxy.freeze()
      assert.equal(await ending, 'STORE_TIMEOUT unknown')
      await store.close()
    }))
})

describe('a network that fails', () => {
  test('Given an answer that is lost after the commit, then it is unknown, and a retry says unchanged, and one record is there', () =>
    throughProxy(async (url, proxy, direct) => {
      const store = await postgresStore({ url, connections: 1, deadlineMs: 2000 })
      await store.record(made('warm'))
      for (const id of ids(5)) {
        await store.record(made(`again-${id}`))
        proxy.cutAfterNextRequest()
        assert.equal(await outcomeOf(store.record(settled(id))), 'STORE_UNAVAILABLE unknown')
        const count = run(direct, `SELECT count(*)::int FROM command_log WHERE id = '${id}'`)
        assert.deepEqual(await count, [{ count: 1 }])
        assert.equal(await store.record(settled(id)), 'unchanged')
        assert.deepEqual(await store.get(id), settled(id))
      }
      await store.close()
    }))

  test('Given answers that are lost without a word, then it is STORE_TIMEOUT and unknown, and the record is there', () =>
    throughProxy(async (url, proxy) => {
      const store = await postgresStore({ url, deadlineMs: 600 })
      await store.record(made('warm'))
      proxy.dropAnswers(true)
      const [outcome, ms] = await timed(store.record(made('a')))
      proxy.dropAnswers(false)
      assert.deepEqual([outcome, ms < 3000], ['STORE_TIMEOUT unknown', true])
      assert.equal(await store.record(made('a')), 'unchanged')
      await store.close()
    }))

  test('Given connections that break, end on one side or are refused, then calls end soon, and all goes on', () =>
    throughProxy(async (url, proxy) => {
      const store = await postgresStore({ url, deadlineMs: 1500 })
      let count = 0
      for (const fault of [() => proxy.cut(), () => proxy.halfClose()]) {
        await store.record(made(`c${count++}`))
        fault()
        await sleep(20)
        assert.equal(await outcomeOf(store.get('c0').then((found) => found?.id)), 'c0')
        assert.equal(await store.record(made(`c${count++}`)), 'created')
      }
      await proxy.refuse(true)
      proxy.cut()
      await sleep(20)
      for (const call of [() => store.record(made('no')), () => store.get('c0'), () => postgresStore({ url })]) {
        const [outcome, ms] = await timed(call())
        assert.deepEqual([outcome, ms < 1400], ['STORE_UNAVAILABLE no', true])
      }
      await proxy.refuse(false)
      assert.equal(await store.record(made('yes')), 'created')
      assert.equal(await store.get('no'), undefined)
      await store.close()
    }))
})

describe('a server that refuses', () => {
  for (const [name, change] of [
    ['a wrong password', (url: URL) => void (url.password = 'secret')],
    ['an unknown user', (url: URL) => void (url.username = 'secretive')],
    ['an unknown database', (url: URL) => void (url.pathname = '/secret')],
  ] as const) {
    test(`Given ${name}, then it is STORE_UNAVAILABLE at once, and no secret is told`, async () => {
      const url = new URL(server.url)
      change(url)
      const [outcome, ms] = await timed(postgresStore({ url: url.href }))
      assert.equal(outcome, 'STORE_UNAVAILABLE no')
      assert.ok(ms < 3000, `${ms} ms`)
    })
  }

  test('Given a record that another transaction has in hand, then it is STORE_TIMEOUT and no, and nothing is written', async () => {
    const url = await server.database()
    const store = await postgresStore({ url, deadlineMs: 600 })
    await store.record(made('a'))
    await withSql(url, async (sql) => {
      await sql.unsafe("BEGIN; SELECT FROM command_log WHERE id = 'a' FOR UPDATE")
      assert.deepEqual(await outcomeOf(store.record(settled('a'))), 'STORE_TIMEOUT no')
      assert.equal(await store.record(made('b')), 'created')
      await sql.unsafe('ROLLBACK')
    })
    assert.deepEqual(await store.get('a'), made('a'))
    assert.equal(await store.record(settled('a')), 'settled')
    await store.close()
  })

  test('Given no connection to be had, then a store lives on those it has, another waits, and then is STORE_UNAVAILABLE', async () => {
    const url = await server.database()
    const store = await postgresStore({ url })
    await store.record(made('a'))
    const others = Array.from({ length: 60 }, () => postgres(url, { max: 1, fetch_types: false, onnotice: () => {} }))
    await Promise.allSettled(others.map((sql) => sql.unsafe('SELECT 1')))
    const results = await Promise.all(ids(30).flatMap((id) => [store.record(made(id)), store.get('a')]))
    assert.deepEqual(results.filter((result) => result === 'created').length, 30)
    const [outcome, ms] = await timed(postgresStore({ url, deadlineMs: 2000 }))
    assert.deepEqual([outcome, ms < 4500], ['STORE_UNAVAILABLE no', true])
    const patient = postgresStore({ url })
    await sleep(200)
    await Promise.all(others.map((sql) => sql.end({ timeout: 0 })))
    await (await patient).close()
    await store.close()
  })
})

test('no promise was left to reject by itself, and no connection is left', async () => {
  assert.deepEqual(stray, [])
  const left = "SELECT count(*)::int AS left FROM pg_stat_activity WHERE application_name = 'commandlog'"
  await until(async () => (await run(server.url, left))[0]?.left === 0)
})
