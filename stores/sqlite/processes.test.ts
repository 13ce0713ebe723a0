import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { describe, test } from 'node:test'
import Database from 'better-sqlite3'
import { made, settled } from '../../test/stores/samples.ts'
import { withPath } from '../../test/stores/sqlite.ts'
import { runChild, startChild } from '../../test/stores/start-child.ts'
import { sqliteStore } from './index.ts'

const ids = (count: number): string[] => Array.from({ length: count }, (_, n) => `c${n}`)

describe('several processes on one file', () => {
  for (const number of [2, 8]) {
    test(`Given ${number} processes that open a new file at once, then all succeed, with one schema and one log`, () =>
      withPath(async (path) => {
        const children = await Promise.all(ids(number).map(() => startChild('open', { path })))
        const results = await Promise.all(children.map((child) => child.go()))
        assert.deepEqual(results, Array(number).fill('created'))
        const database = new Database(path)
        const logs = database.prepare('SELECT count(*) AS logs FROM command_log_meta').get()
        const version = database.pragma('user_version', { simple: true })
        const integrity = database.pragma('integrity_check', { simple: true })
        database.close()
        assert.deepEqual([logs, version, integrity], [{ logs: 1 }, 1, 'ok'])
        const store = await sqliteStore({ path })
        assert.equal((await store.list()).records.length, number)
        await store.close()
      }))
  }

  test('Given three processes that write the same ids, then each is created once and settled once, and followers see all', () =>
    withPath(async (path) => {
      const count = 400
      const store = await sqliteStore({ path })
      const followers = await Promise.all([1, 2].map(() => startChild('follow', { path, count })))
      const following = followers.map((child) => child.go())
      const writers = await Promise.all([1, 2, 3].map(() => startChild('race', { path, count })))
      const results = (await Promise.all(writers.map((child) => child.go()))) as Record<string, unknown[]>[]
      const told = ids(count).map((id) => results.flatMap((each) => each[id] ?? []).sort())
      assert.deepEqual(told, Array(count).fill(['created', 'settled', ...Array(4).fill('unchanged')]))
      const [first = [], second] = (await Promise.all(following)) as string[][]
      assert.deepEqual(first.toSorted(), ids(count).sort())
      assert.deepEqual(second, first)
      const { records } = await store.list({ limit: 1000 })
      assert.deepEqual(
        records.map(({ id, state }) => [id, state]).sort(),
        ids(count)
          .sort()
          .map((id) => [id, 'successful']),
      )
      await store.close()
    }))

  test('Given three processes that purge at once while another writes, then what they removed adds up', () =>
    withPath(async (path) => {
      const count = 3000
      const store = await sqliteStore({ path })
      await Promise.all(ids(count).map((id) => store.record(settled(id))))
      await store.record(made('open'))
      const children = await Promise.all([1, 2, 3].map(() => startChild('purge', { path })))
      const purging = Promise.all(children.map((child) => child.go()))
      const late = await Promise.all(ids(50).map((id) => store.record(settled(`late-${id}`, { receivedAt: 2000 }))))
      const removed = (await purging) as number[]
      assert.equal(
        removed.reduce((sum, each) => sum + each, 0),
        count,
      )
      assert.deepEqual(late, Array(50).fill('created'))
      assert.equal((await store.list({ limit: 1000 })).records.length, 51)
      await store.close()
    }))

  test('Given a process that writes, reads and closes, then it ends by itself, and leaves one file', () =>
    withPath(async (path) => {
      const { stored } = (await runChild('write', { path, count: 3 })) as { stored: string[] }
      assert.deepEqual(stored, ids(3))
      assert.deepEqual([existsSync(path), existsSync(`${path}-wal`), existsSync(`${path}-shm`)], [true, false, false])
    }))
})

describe('a lock that another process holds', () => {
  test('Given one that is let go before the deadline, when writing, then it waits and succeeds, and readers never wait', () =>
    withPath(async (path) => {
      const store = await sqliteStore({ path, deadlineMs: 20_000 })
      const holder = await startChild('lock', { path, count: 1000 })
      const startedAt = performance.now()
      let isHeld = true
      const released = holder.go().finally(() => {
        isHeld = false
      })
      const writing = store.record(made('a'))
      assert.equal(await store.get('a'), undefined)
      assert.equal(isHeld, true)
      assert.equal(await writing, 'created')
      assert.ok(performance.now() - startedAt >= 990)
      assert.equal(await released, 'released')
      await store.close()
    }))

  test('Given one that lasts, when writing or opening, then it is STORE_TIMEOUT, nothing is written, and timers keep ticking', (t) =>
    withPath(async (path) => {
      const store = await sqliteStore({ path, deadlineMs: 500 })
      const holder = await startChild('lock', { path, count: 4000 })
      const released = holder.go()
      let [ticks, longest, last] = [0, 0, performance.now()]
      const timer = setInterval(() => {
        ticks++
        longest = Math.max(longest, performance.now() - last)
        last = performance.now()
      }, 10)
      const error = { name: 'StoreError', code: 'STORE_TIMEOUT', written: 'no' }
      t.after(() => clearInterval(timer))
      const attempts = [store.record(made('a')), store.purge({ retention: 'long-lived', before: 1 })] as const
      const [recorded, purged] = attempts
      await assert.rejects(recorded, error)
      assert.equal(await purged, 0)
      await assert.rejects(sqliteStore({ path, deadlineMs: 300 }), error)
      clearInterval(timer)
      assert.ok(ticks >= 10 && longest < 400, `${ticks} ticks, the longest pause ${longest} ms`)
      await released
      assert.equal(await store.get('a'), undefined)
      assert.equal(await store.record(made('a')), 'created')
      await store.close()
    }))
})

/** Watches what a running process asks of the kernel, until it ends. */
async function attachStrace(
  pid: number,
  args: readonly string[],
  calls = 'fsync,fdatasync',
): Promise<{ output(): Promise<string> }> {
  const strace = spawn('strace', ['-f', '-e', `trace=${calls}`, ...args, '-p', String(pid)])
  let output = ''
  const attached = Promise.withResolvers<void>()
  strace.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text
    if (output.includes('attached')) attached.resolve()
  })
  strace.on('error', () => attached.reject(new Error('This test needs strace: apt-get install strace')))
  const ended = once(strace, 'close')
  ended.then(
    () => attached.reject(new Error(`strace could not watch the process; ptrace must be permitted\n${output}`)),
    attached.reject,
  )
  await attached.promise
  return { output: async () => (await ended, output) }
}

describe('what reaches the disk', { skip: process.platform === 'linux' ? false : 'strace is for Linux' }, () => {
  for (const [durability, least, most] of [
    ['power', 5, 20],
    ['process', 0, 4],
  ] as const) {
    test(`Given durability '${durability}', when 5 records are written one by one, then there are ${least} to ${most} syncs`, () =>
      withPath(async (path) => {
        const child = await startChild('write', { path, count: 5, durability })
        const strace = await attachStrace(child.pid, [])
        const { results } = (await child.go()) as { results: unknown[] }
        const syncs = (await strace.output()).match(/\b(?:fsync|fdatasync)\(.*= 0/g)?.length ?? 0
        assert.deepEqual(results, Array(5).fill('created'))
        assert.ok(syncs >= least && syncs <= most, `${syncs} syncs`)
      }))
  }

  test('Given a sync that fails, when recorded, then it is STORE_UNAVAILABLE and unknown, and the store goes on once it works', () =>
    withPath(async (path) => {
      const child = await startChild('write', { path, count: 4 })
      const inject = ['fsync', 'fdatasync'].flatMap((each) => ['-e', `inject=${each}:error=EIO:when=2`])
      const strace = await attachStrace(child.pid, inject)
      const { results, stored } = (await child.go()) as { results: Record<string, unknown>[]; stored: string[] }
      assert.match(await strace.output(), /EIO.*INJECTED/)
      const [first, failed, ...rest] = results
      assert.deepEqual([first, ...rest], Array(3).fill('created'))
      const { text, ...error } = failed ?? {}
      assert.deepEqual(error, { name: 'StoreError', code: 'STORE_UNAVAILABLE', written: 'unknown' })
      assert.doesNotMatch(String(text), /INSERT|COMMIT|log\.db/)
      assert.deepEqual(
        stored.filter((id) => id !== 'c1'),
        ['c0', 'c2', 'c3'],
      )
    }))

  test('Given a disk on which no sync works, when recorded, then nothing is acknowledged', () =>
    withPath(async (path) => {
      const child = await startChild('write', { path, count: 3 })
      const inject = ['fsync', 'fdatasync'].flatMap((each) => ['-e', `inject=${each}:error=EIO:when=1+`])
      const strace = await attachStrace(child.pid, inject)
      const { results } = (await child.go()) as { results: { code: string }[] }
      await strace.output()
      assert.deepEqual(
        results.map(({ code }) => code),
        Array(3).fill('STORE_UNAVAILABLE'),
      )
    }))

  for (const [error, code] of [
    ['ENOSPC', 'STORE_FULL'],
    ['EIO', 'STORE_UNAVAILABLE'],
  ] as const) {
    for (const nth of [1, 2, 3, 5, 9]) {
      test(`Given ${error} at the write to the disk with number ${nth}, when recorded, then it is ${code}, and true about what is stored`, () =>
        withPath(async (path) => {
          const child = await startChild('write', { path, count: 5 })
          const strace = await attachStrace(child.pid, ['-e', `inject=pwrite64:error=${error}:when=${nth}`], 'pwrite64')
          const { results, stored } = (await child.go()) as { results: unknown[]; stored: string[] }
          assert.match(await strace.output(), /INJECTED/)
          const failures = results.filter((result) => result !== 'created') as Record<string, unknown>[]
          assert.deepEqual(
            failures.map(({ name, code }) => [name, code]),
            [['StoreError', code]],
          )
          const expected = ids(5).filter((id, n) => results[n] === 'created' || stored.includes(id))
          assert.deepEqual(stored, expected)
          if (failures[0]?.written === 'no') assert.equal(stored.length, 4)
        }))
    }
  }
})
