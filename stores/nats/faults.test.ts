import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { natsServer } from '../../test/servers/nats.ts'
import { type TcpProxy, tcpProxy } from '../../test/servers/proxy.ts'
import { settleAll, startLoad } from '../../test/stores/load.ts'
import { connectionsOf, stores, streamNames } from '../../test/stores/nats.ts'
import { outcomeOf, timed, until } from '../../test/stores/outcome.ts'
import { ids, made, settled } from '../../test/stores/samples.ts'
import { startChild } from '../../test/stores/start-child.ts'

const stray: unknown[] = []
process.on('unhandledRejection', (reason) => stray.push(reason))

const server = await natsServer()
const { open, close } = stores()
after(() => close().then(() => server.end()))
const servers = [server.url]
const next = streamNames()

/** A way to the server that can be disturbed. */
async function throughProxy(use: (servers: string[], proxy: TcpProxy) => Promise<void>): Promise<void> {
  const proxy = await tcpProxy({ host: '127.0.0.1', port: server.port })
  try {
    await use([`nats://127.0.0.1:${proxy.port}`], proxy)
  } finally {
    await proxy.close()
  }
}

describe('a server that goes away', { timeout: 60_000 }, () => {
  test('Given one that is killed and started again under load, then each write is answered truly, and all goes on', async () => {
    const stream = next()
    const both = await Promise.all([1, 2].map(() => open({ servers, stream, deadlineMs: 3000 })))
    const load = startLoad(both)
    for (let kill = 0; kill < 3; kill++) {
      await sleep(250)
      await server.kill()
      await sleep(100)
      await server.start()
    }
    await sleep(700)
    const answers = await load.stop()
    assert.match([...answers.values()].slice(-20).join(), /^((created|settled),?)+$/)
    const kinds = await settleAll(both[0] as never, answers)
    assert.ok(Number(kinds.created) > 50, JSON.stringify(kinds))
    await Promise.all(both.map((store) => store.close()))
  })

  test('Given one that is down for longer than a deadline, then calls are STORE_UNAVAILABLE or late, nothing that is said not to be written is, and all goes on', async () => {
    const stream = next()
    const store = await open({ servers, stream, deadlineMs: 600 })
    await store.record(made('a'))
    const following = store.follow()[Symbol.asyncIterator]()
    const { value } = await following.next()
    const waiting = outcomeOf(following.next())
    await server.stop()
    await sleep(50)
    const calls = [store.record(made('b')), store.get('a'), store.list(), open({ servers, stream, deadlineMs: 600 })]
    for (const [outcome, ms] of await Promise.all(calls.map(timed))) {
      assert.match(String(outcome), /^STORE_(UNAVAILABLE|TIMEOUT) no$/)
      assert.ok(ms < 3000, `${ms} ms`)
    }
    await server.start()
    await until(async () => (await outcomeOf(store.get('a').then((found) => found?.id))) === 'a')
    assert.equal(await store.get('b'), undefined)
    assert.equal(await store.record(made('b')), 'created')
    assert.match(String(await waiting), /^STORE_(UNAVAILABLE|TIMEOUT) no$/)
    for await (const { record } of store.follow({ after: value?.position })) {
      assert.deepEqual(record, made('b'))
      break
    }
    await store.close()
  })
})

describe('a server that is away for seconds', { timeout: 60_000 }, () => {
  test('Given somebody else in its place who turns everybody away, then a store tries less and less often, and a call that waits succeeds soon after it is back', async () => {
    const store = await open({ servers, stream: next(), deadlineMs: 10_000 })
    await server.stop()
    let tries = 0
    const doorman = createServer((socket) => {
      tries++
      socket.destroy()
    }).listen(server.port, '127.0.0.1')
    const writing = outcomeOf(store.record(made('a')))
    await sleep(3000)
    await new Promise((resolve) => doorman.close(resolve))
    await server.start()
    const backAt = performance.now()
    assert.equal(await writing, 'created')
    assert.ok(performance.now() - backAt < 4000, `${performance.now() - backAt} ms`)
    assert.ok(tries >= 2 && tries <= 12, `${tries} tries in three seconds`)
    // It does not wait longer the next time for having waited long this time.
    await server.stop()
    await server.start()
    assert.equal(await store.record(made('b')), 'created')
    await store.close()
  })
})

describe('a server that is silent', { timeout: 60_000 }, () => {
  test('Given one that is frozen, then calls end at their deadline, writes unknown, and are settled by a retry after the thaw', async () => {
    const stream = next()
    const store = await open({ servers, stream, deadlineMs: 800 })
    await Promise.all([store.record(made('a')), store.get('a'), store.list()])
    server.freeze()
    const reads = [store.get('a'), store.list(), store.findByCorrelation('k')]
    const writes = ids(4).map((id) => store.record(made(id)))
    const ends = await Promise.all([...reads, ...writes].map(timed))
    const late = await timed(open({ servers, stream, deadlineMs: 800 }))
    server.thaw()
    for (const [outcome, ms] of [...ends, late]) {
      assert.match(String(outcome), /^STORE_(TIMEOUT|UNAVAILABLE)/)
      assert.ok(ms < 3000, `${ms} ms`)
    }
    assert.deepEqual(
      ends.map(([outcome]) => String(outcome).split(' ')[1]),
      ['no', 'no', 'no', ...Array(4).fill('unknown')],
    )
    // What waited in the server's buffers is stored by now, or never.
    for (const id of ids(4)) {
      await until(async () => /created|unchanged/.test(String(await outcomeOf(store.record(made(id))))))
    }
    assert.equal((await store.list()).records.length, 5)
    await store.close()
  })

  test('Given one that falls silent while a store closes, then closing ends at the deadline, and so does every call', () =>
    throughProxy(async (through, proxy) => {
      const store = await open({ servers: through, stream: next(), deadlineMs: 700 })
      await store.record(made('a'))
      const following = store.follow()[Symbol.asyncIterator]()
      await following.next()
      const waiting = following.next()
      proxy.freeze()
      const calls = [store.record(made('b')), store.get('a')].map(timed)
      const startedAt = performance.now()
      await store.close()
      assert.ok(performance.now() - startedAt < 3000, `${performance.now() - startedAt} ms`)
      const [[written], [read]] = (await Promise.all(calls)) as unknown as [[string], [string]]
      assert.match(`${written}, ${read}`, /^STORE_(TIMEOUT|UNAVAILABLE) unknown, STORE_(TIMEOUT|UNAVAILABLE) no$/)
      assert.equal((await waiting).done, true)
    }))

  test('Given a process that closes its store while the server is silent, then it ends by itself', () =>
    throughProxy(async (through, proxy) => {
      const stream = next()
      const child = await startChild('outlive', { servers: through, stream })
      const ending = child.go()
      const store = await open({ servers, stream })
      await until(async () => (await store.get('c0')) !== undefined)
      proxy.freeze()
      assert.match(String(await ending), /^STORE_(TIMEOUT|UNAVAILABLE) unknown$/)
      await store.close()
    }))
})

describe('a network that fails', { timeout: 60_000 }, () => {
  test('Given an answer that is lost after it was stored, then the store asks again, and one record is there', () =>
    throughProxy(async (through, proxy) => {
      const store = await open({ servers: through, stream: next(), deadlineMs: 3000 })
      for (const id of ids(3)) {
        await store.record(made(`again-${id}`))
        proxy.cutAfterNextRequest()
        assert.equal(await store.record(settled(id)), 'created')
        assert.equal(await store.record(settled(id)), 'unchanged')
        assert.deepEqual(
          (await store.findByCorrelation('k')).filter((found) => found.id === id),
          [settled(id)],
        )
      }
      await store.close()
    }))

  test('Given a publish that is stored while nobody hears of it, then it is unknown, and a retry says unchanged', () =>
    throughProxy(async (through, proxy) => {
      const store = await open({ servers: through, stream: next(), deadlineMs: 600 })
      await store.record(made('warm'))
      proxy.dropAnswers(true)
      const writes = await Promise.all(
        [made('a'), settled('b'), settled('warm')].map((each) => timed(store.record(each))),
      )
      proxy.dropAnswers(false)
      for (const [outcome, ms] of writes) {
        assert.match(String(outcome), /^STORE_(TIMEOUT|UNAVAILABLE) unknown$/)
        assert.ok(ms < 3000, `${ms} ms`)
      }
      proxy.cut()
      const again = async (record = made('a')): Promise<unknown> => {
        let heard: unknown
        await until(async () => !String((heard = await outcomeOf(store.record(record)))).startsWith('STORE'))
        return heard
      }
      assert.deepEqual(
        [await again(), await again(settled('b')), await again(settled('warm'))],
        Array(3).fill('unchanged'),
      )
      await store.close()
    }))

  test('Given connections that break, end on one side or are refused, then calls end soon, and all goes on', () =>
    throughProxy(async (through, proxy) => {
      const stream = next()
      const store = await open({ servers: through, stream, deadlineMs: 1500 })
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
      const refused = [store.record(made('no')), store.get('c0'), open({ servers: through, stream, deadlineMs: 500 })]
      for (const [outcome, ms] of await Promise.all(refused.map(timed))) {
        assert.match(String(outcome), /^STORE_(UNAVAILABLE|TIMEOUT) no$/)
        assert.ok(ms < 4000, `${ms} ms`)
      }
      await proxy.refuse(false)
      await until(async () => (await outcomeOf(store.record(made('yes')))) === 'created')
      assert.equal(await store.get('no'), undefined)
      await store.close()
    }))
})

test('no promise was left to reject by itself, and no connection is left', async () => {
  assert.deepEqual(stray, [])
  await until(async () => (await connectionsOf(server)) === 0)
})
