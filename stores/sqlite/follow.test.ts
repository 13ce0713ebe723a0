import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, test } from 'node:test'
import Database from 'better-sqlite3'
import { made, settled } from '../../test/stores/samples.ts'
import { withPath } from '../../test/stores/sqlite.ts'
import { sqliteStore } from './index.ts'

const closed = { name: 'StoreError', code: 'STORE_CLOSED', written: 'no' }

describe('closing', () => {
  test('Given 1,000 accepted writes, when closed at once, then all are acknowledged and there, and the file is alone', () =>
    withPath(async (path) => {
      const store = await sqliteStore({ path })
      const writing = Array.from({ length: 1000 }, (_, n) => store.record(made(`c${n}`)))
      const closing = store.close()
      const late = store.record(made('late'))
      await assert.rejects(late, closed)
      await closing
      assert.deepEqual(await Promise.all(writing), Array(1000).fill('created'))
      assert.deepEqual([existsSync(`${path}-wal`), existsSync(`${path}-shm`)], [false, false])
      const again = await sqliteStore({ path })
      assert.equal((await again.list({ limit: 1000 })).records.length, 1000)
      await again.close()
    }))

  test('Given two handles, when one is closed, then the write-ahead log stays for the other, until that is closed', () =>
    withPath(async (path) => {
      const [one, other] = [await sqliteStore({ path }), await sqliteStore({ path })]
      await one.record(made('a'))
      await one.close()
      assert.equal(existsSync(`${path}-wal`), true)
      assert.equal(await other.record(made('b')), 'created')
      assert.deepEqual(await other.get('a'), made('a'))
      await other.close()
      assert.equal(existsSync(`${path}-wal`), false)
    }))

  test('Given a closed store, when closed again, then it resolves, and every other call is STORE_CLOSED', () =>
    withPath(async (path) => {
      const store = await sqliteStore({ path })
      await Promise.all([store.close(), store.close()])
      await store.close()
      const calls = [
        store.record(made('a')),
        store.get('a'),
        store.list(),
        store.findByType('order'),
        store.findByCorrelation('k'),
        store.purge({ retention: 'long-lived', before: 1 }),
        store.follow()[Symbol.asyncIterator]().next(),
      ]
      for (const call of await Promise.allSettled(calls)) {
        assert.equal(call.status, 'rejected')
        const { name, code, written } = call.reason
        assert.deepEqual({ name, code, written }, closed)
      }
    }))

  test('Given a purge under way, when closed, then it ends early, says what it removed, and the rest is still there', () =>
    withPath(async (path) => {
      const store = await sqliteStore({ path })
      await Promise.all(Array.from({ length: 5000 }, (_, n) => store.record(settled(`c${n}`))))
      const purging = store.purge({ retention: 'long-lived', before: 2000 })
      await new Promise(setImmediate)
      await store.close()
      const removed = await purging
      assert.ok(removed < 5000, `${removed} removed`)
      const database = new Database(path)
      const { left } = database.prepare('SELECT count(*) AS left FROM command_log').get() as { left: number }
      const { events } = database.prepare('SELECT count(*) AS events FROM command_log_event').get() as {
        events: number
      }
      database.close()
      assert.deepEqual([left, events], [5000 - removed, 5000 - removed])
    }))

  test('Given a write that waits for a lock, when closed, then closing waits for it', () =>
    withPath(async (path) => {
      const store = await sqliteStore({ path })
      const database = new Database(path)
      database.exec('BEGIN IMMEDIATE')
      const writing = store.record(made('a'))
      setTimeout(() => database.exec('COMMIT'), 50)
      await store.close()
      assert.equal(await writing, 'created')
      database.close()
    }))
})

describe('following', () => {
  test('Given followers in mid-wait and in mid-backlog, when the store is closed, then each ends quietly', () =>
    withPath(async (path) => {
      const store = await sqliteStore({ path })
      for (const id of ['a', 'b']) await store.record(made(id))
      const [waiting, reading] = [store.follow(), store.follow()].map((each) => each[Symbol.asyncIterator]())
      for (const id of ['a', 'b']) assert.equal((await waiting?.next())?.value?.record.id, id)
      await reading?.next()
      const step = waiting?.next()
      await store.close()
      assert.deepEqual(await step, { done: true, value: undefined })
      assert.deepEqual(await reading?.next(), { done: true, value: undefined })
    }))

  test('Given a follower on another handle, when a record is written, then it hears of it soon', () =>
    withPath(async (path) => {
      const [one, other] = [await sqliteStore({ path }), await sqliteStore({ path })]
      const follower = other.follow()[Symbol.asyncIterator]()
      const step = follower.next()
      const startedAt = performance.now()
      await one.record(made('a'))
      assert.deepEqual((await step).value?.record, made('a'))
      assert.ok(performance.now() - startedAt < 3000)
      await Promise.all([one.close(), other.close()])
    }))

  test('Given a purge of the newest record, when followed from there, then what comes next is seen', () =>
    withPath(async (path) => {
      const store = await sqliteStore({ path })
      await store.record(settled('a'))
      const { value } = await store.follow()[Symbol.asyncIterator]().next()
      assert.equal(await store.purge({ retention: 'long-lived', before: 2000 }), 1)
      await store.close()
      const again = await sqliteStore({ path })
      assert.equal(await again.record(settled('a')), 'created')
      const next = await again.follow({ after: value?.position })[Symbol.asyncIterator]().next()
      assert.deepEqual(next.value?.record, settled('a'))
      assert.notEqual(next.value?.position, value?.position)
      await again.close()
    }))
})
