import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { made, settled } from '../../test/stores/samples.ts'
import { inFolder, withPath } from '../../test/stores/sqlite.ts'
import { runChild } from '../../test/stores/start-child.ts'
import { type SqliteStore, sqliteStore } from './index.ts'

const leaks = /secret|commandlog-sqlite|log\.db|command_log|INSERT|UPDATE|DELETE|SELECT|BEGIN|COMMIT/
const payload = { status: 'full', format: 'text', data: 'secret'.repeat(1000), bytes: 6000 } as const

/** Fails unless the call fails just so, and without telling more than it should. */
async function fails(call: Promise<unknown>, code: string, written: 'no' | 'unknown' = 'no'): Promise<void> {
  const [{ status, ...rest }] = await Promise.allSettled([call])
  assert.equal(status, 'rejected', JSON.stringify(rest))
  const error = (rest as { reason: Record<string, unknown> }).reason
  assert.deepEqual([error.name, error.code, error.written], ['StoreError', code, written], String(error.message))
  assert.doesNotMatch([error.message, String(error.cause), JSON.stringify(error)].join(' '), leaks)
}

/** Records until it fails; what failed, and how many were acknowledged. */
async function fill(store: SqliteStore): Promise<{ call: Promise<unknown>; acknowledged: number }> {
  for (let acknowledged = 0; ; acknowledged++) {
    const call = store.record(settled(`f${acknowledged}`, { payload }))
    const [{ status }] = await Promise.allSettled([call])
    if (status === 'rejected') return { call, acknowledged }
  }
}

/** Moves a file with what is beside it. */
function move(from: string, to: string): void {
  for (const ending of ['', '-wal', '-shm']) renameSync(from + ending, to + ending)
}

describe('a disk that is full', () => {
  test('Given a file that may not grow, when recorded, then it is STORE_FULL, and a purge makes room', () =>
    withPath(async (path) => {
      const database = new Database(path)
      const store = await sqliteStore({ database })
      database.pragma('max_page_count = 100')
      const { call, acknowledged } = await fill(store)
      await fails(call, 'STORE_FULL')
      assert.ok(acknowledged > 10)
      const group = Array.from({ length: 20 }, (_, n) => store.record(made(`g${n}`, { payload })))
      for (const each of group) await fails(each, 'STORE_FULL')
      assert.equal((await store.list({ limit: 1000 })).records.length, acknowledged)
      assert.equal(await store.purge({ retention: 'long-lived', before: 2000, limit: 10 }), 10)
      assert.equal(await store.record(made('fits', { payload })), 'created')
      assert.equal(database.pragma('integrity_check', { simple: true }), 'ok')
      await store.close()
      database.close()
    }))

  test('Given a disk without room, when recorded, then it is STORE_FULL, and all works once there is some', async (t) => {
    if (spawnSync('unshare', ['-rm', 'true']).status !== 0) return t.skip('needs unshare, and leave to mount')
    await inFolder(async (folder) => {
      const mount = 'mount -t tmpfs -o size=4m tmpfs "$0" && head -c 2097152 /dev/zero > "$0/reserve" && exec "$@"'
      const within = ['unshare', '-rm', 'sh', '-c', mount, folder]
      const result = await runChild('fill', { path: join(folder, 'log.db') }, within)
      const { full, purged, acknowledged, ...rest } = result as Record<string, unknown> & { acknowledged: number }
      for (const each of [full, purged].filter((one) => typeof one !== 'number')) {
        const { text, ...error } = each as Record<string, unknown>
        assert.deepEqual(error, { name: 'StoreError', code: 'STORE_FULL', written: 'no' })
        assert.doesNotMatch(String(text), leaks)
      }
      assert.ok(acknowledged > 10)
      const removed = typeof purged === 'number' ? purged : 0
      assert.deepEqual(rest, { again: 'created', purgedAgain: acknowledged + 1 - removed, left: 0 })
    })
  })
})

describe('a file that somebody touches while it is open', () => {
  for (const pause of [0, 300]) {
    test(`Given one that is deleted, when recorded ${pause} ms later, then it is STORE_UNAVAILABLE, and no new file is made`, () =>
      withPath(async (path) => {
        const store = await sqliteStore({ path })
        await store.record(made('a'))
        for (const ending of ['', '-wal', '-shm']) rmSync(path + ending)
        await sleep(pause)
        await fails(store.record(made('b', { payload })), 'STORE_UNAVAILABLE', pause === 0 ? 'unknown' : 'no')
        for (let attempt = 0; attempt < 3; attempt++) {
          await fails(store.record(made('c', { payload })), 'STORE_UNAVAILABLE')
          await fails(store.list(), 'STORE_UNAVAILABLE')
        }
        assert.equal(statSync(path, { throwIfNoEntry: false }), undefined)
        await store.close()
      }))
  }

  test('Given one that is moved away and back, when recorded, then it fails meanwhile, and nothing is lost', () =>
    withPath(async (path) => {
      const store = await sqliteStore({ path })
      await store.record(made('a'))
      move(path, `${path}.away`)
      await fails(store.record(made('b', { payload })), 'STORE_UNAVAILABLE', 'unknown')
      await fails(store.record(made('c', { payload })), 'STORE_UNAVAILABLE')
      move(`${path}.away`, path)
      assert.match(await store.record(made('b', { payload })), /created|unchanged/)
      assert.equal(await store.record(made('c')), 'created')
      const { records } = await store.list({ order: 'oldest' })
      assert.deepEqual(records, [made('a'), made('b', { payload }), made('c')])
      await store.close()
    }))

  for (const endings of [[''], ['', '-wal', '-shm']]) {
    test(`Given one that another log replaces, with ${endings.length - 1} files beside it, then it fails, and the other log is whole`, () =>
      withPath(async (path) => {
        const store = await sqliteStore({ path })
        for (let n = 0; n < 50; n++) await store.record(made(`ours${n}`, { payload }))
        const other = await sqliteStore({ path: `${path}.other` })
        await other.record(made('theirs'))
        await other.close()
        for (const ending of endings) rmSync(path + ending)
        renameSync(`${path}.other`, path)
        await fails(store.record(made('a', { payload })), 'STORE_UNAVAILABLE', 'unknown')
        for (let attempt = 0; attempt < 3; attempt++) {
          const code = endings.length === 1 ? 'STORE_UNAVAILABLE' : 'STORE_INCOMPATIBLE'
          await fails(store.record(made('b', { payload })), code)
          await fails(store.get('theirs'), code)
        }
        await store.close()
        if (endings.length === 1) for (const ending of ['-wal', '-shm']) rmSync(path + ending, { force: true })
        const again = await sqliteStore({ path })
        assert.deepEqual((await again.list()).records, [made('theirs')])
        await again.close()
      }))
  }

  test('Given one whose write-ahead log is deleted, when recorded, then it fails, and what was acknowledged is kept', () =>
    withPath(async (path) => {
      const store = await sqliteStore({ path })
      await store.record(made('a'))
      rmSync(`${path}-wal`)
      await fails(store.record(made('b', { payload })), 'STORE_UNAVAILABLE', 'unknown')
      assert.match(await store.record(made('b', { payload })), /created|unchanged/)
      const { records } = await store.list({ order: 'oldest' })
      assert.deepEqual(records, [made('a'), made('b', { payload })])
      await store.close()
    }))

  test('Given a link to one that another log replaces, when recorded, then it fails, and the other log is whole', () =>
    withPath(async (path) => {
      symlinkSync(`${path}.target`, path)
      const store = await sqliteStore({ path })
      for (let n = 0; n < 50; n++) await store.record(made(`ours${n}`, { payload }))
      const other = await sqliteStore({ path: `${path}.other` })
      await other.record(made('theirs'))
      await other.close()
      renameSync(`${path}.other`, `${path}.target`)
      await fails(store.record(made('a', { payload })), 'STORE_UNAVAILABLE', 'unknown')
      await fails(store.record(made('b', { payload })), 'STORE_UNAVAILABLE')
      await store.close()
      for (const ending of ['-wal', '-shm']) rmSync(`${path}.target${ending}`)
      const again = await sqliteStore({ path })
      assert.deepEqual((await again.list()).records, [made('theirs')])
      await again.close()
    }))

  test('Given one that is made a directory, when used, then it is STORE_UNAVAILABLE', () =>
    withPath(async (path) => {
      const store = await sqliteStore({ path })
      move(path, `${path}.away`)
      mkdirSync(path)
      await fails(store.record(made('a', { payload })), 'STORE_UNAVAILABLE', 'unknown')
      await fails(store.record(made('a', { payload })), 'STORE_UNAVAILABLE')
      await store.close()
    }))
})

describe('a file that cannot be a log', () => {
  test('Given garbage, when opened, then it is STORE_CORRUPT, and not a byte is changed', () =>
    withPath(async (path) => {
      for (const garbage of ['secret'.repeat(2000), 'xy', 'SQLite format 3\0'.padEnd(5000, 'secret')]) {
        writeFileSync(path, garbage)
        await fails(sqliteStore({ path }), 'STORE_CORRUPT')
        assert.equal(readFileSync(path, 'utf8'), garbage)
      }
    }))

  test('Given no bytes at all, when opened, then it becomes a log', () =>
    withPath(async (path) => {
      writeFileSync(path, '')
      const store = await sqliteStore({ path })
      assert.equal(await store.record(made('a')), 'created')
      await store.close()
    }))

  test('Given one that is cut off or damaged, when opened and read, then it is STORE_CORRUPT, never a shorter log', () =>
    withPath(async (path) => {
      const store = await sqliteStore({ path })
      for (let n = 0; n < 50; n++) await store.record(made(`c${n}`, { payload }))
      await store.close()
      const whole = readFileSync(path)
      const readAll = async (): Promise<unknown> => {
        const again = await sqliteStore({ path })
        try {
          return await again.list({ limit: 1000 })
        } finally {
          await again.close()
        }
      }
      for (const size of [50, 100, 1000, 4096, 20_000, whole.length >>> 1, whole.length - 4096]) {
        writeFileSync(path, whole)
        truncateSync(path, size)
        await fails(readAll(), 'STORE_CORRUPT')
      }
      writeFileSync(path, Buffer.from(whole).fill(0xff, 4096, whole.length - 4096))
      await fails(readAll(), 'STORE_CORRUPT')
      writeFileSync(path, whole)
      assert.equal(((await readAll()) as { records: unknown[] }).records.length, 50)
    }))

  test('Given a record whose JSON is damaged, when read, then it is STORE_CORRUPT, and others can be read', () =>
    withPath(async (path) => {
      const database = new Database(path)
      const store = await sqliteStore({ database })
      await store.record(settled('a', { metadata: { a: 'secret' } }))
      await store.record(settled('b'))
      database.exec(`UPDATE command_log SET metadata = '{"a":"secret' WHERE id = 'a'`)
      await fails(store.get('a'), 'STORE_CORRUPT')
      assert.deepEqual(await store.get('b'), settled('b'))
      await store.close()
      database.close()
    }))

  test('Given a directory that does not exist, or a directory instead of a file, then it is STORE_UNAVAILABLE', () =>
    inFolder(async (folder) => {
      await fails(sqliteStore({ path: join(folder, 'none', 'log.db') }), 'STORE_UNAVAILABLE')
      await fails(sqliteStore({ path: folder }), 'STORE_UNAVAILABLE')
      mkdirSync(join(folder, 'none'))
      await (await sqliteStore({ path: join(folder, 'none', 'log.db') })).close()
    }))
})

describe('a file that may not be written', () => {
  /** Root may write anything, so another user tries. */
  const within = process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : []

  for (const [file, directory] of [
    [0o444, 0o777],
    [0o444, 0o555],
    [0o666, 0o555],
    [0o000, 0o777],
  ] as const) {
    const modes = `${file.toString(8).padStart(3, '0')} in a directory ${directory.toString(8)}`
    test(`Given a file ${modes}, when opened, then it is STORE_READ_ONLY, and once it may be written it opens`, () =>
      inFolder(async (folder) => {
        const path = join(folder, 'log.db')
        const store = await sqliteStore({ path })
        await store.record(made('a'))
        await store.close()
        const attempt = async (fileMode: number, directoryMode: number): Promise<unknown> => {
          chmodSync(path, fileMode)
          chmodSync(folder, directoryMode)
          return await runChild('tryToOpen', { path }, within)
        }
        const { text, ...error } = (await attempt(file, directory)) as Record<string, unknown>
        assert.deepEqual(error, { name: 'StoreError', code: 'STORE_READ_ONLY', written: 'no' })
        assert.doesNotMatch(String(text), leaks)
        assert.deepEqual(await attempt(0o666, 0o777), 'opened')
        chmodSync(folder, 0o700)
      }))
  }
})
