import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { made, settled } from '../../test/stores/samples.ts'
import { inFolder, withPath } from '../../test/stores/sqlite.ts'
import { startChild } from '../../test/stores/start-child.ts'
import { type SqliteDatabase, type SqliteStoreOptions, sqliteStore } from './index.ts'

/** Gives an open handle to `use`, and closes it afterwards. */
async function withDatabase(use: (database: Database.Database, path: string) => Promise<void>): Promise<void> {
  await withPath(async (path) => {
    const database = new Database(path, { timeout: 0 })
    try {
      await use(database, path)
    } finally {
      database.close()
    }
  })
}

function pragma(database: Database.Database, name: string): unknown {
  return database.pragma(name, { simple: true })
}

const incompatible = { name: 'StoreError', code: 'STORE_INCOMPATIBLE', written: 'no' }
const timeout = { name: 'StoreError', code: 'STORE_TIMEOUT', written: 'no' }

describe('durability', () => {
  for (const [durability, level] of [
    [undefined, 2],
    ['power', 2],
    ['process', 1],
  ] as const) {
    test(`Given durability ${durability}, when records were written to a new and an old file, then synchronous is ${level} and the log write-ahead`, () =>
      withDatabase(async (database) => {
        for (const id of ['new', 'old']) {
          database.pragma('synchronous = OFF')
          const store = await sqliteStore({ database, durability })
          await store.record(made(id))
          const names = ['synchronous', 'journal_mode', 'fullfsync', 'checkpoint_fullfsync']
          assert.deepEqual(
            names.map((name) => pragma(database, name)),
            [level, 'wal', 1, 1],
          )
          await store.close()
        }
      }))
  }
})

describe('a borrowed handle', () => {
  test('Given a database of better-sqlite3, then its type is the one that is asked for', () =>
    withDatabase(async (database) => {
      const fits: SqliteDatabase = database
      assert.equal(typeof fits.prepare, 'function')
      // @ts-expect-error A path and a handle exclude each other.
      const both: SqliteStoreOptions = { database, path: 'x' }
      // @ts-expect-error One of them is needed.
      const neither: SqliteStoreOptions = {}
      for (const options of [both, neither]) await assert.rejects(sqliteStore(options), TypeError)
    }))

  test('Given a store on it, when the store is closed, then the handle is not', () =>
    withDatabase(async (database) => {
      const store = await sqliteStore({ database })
      await store.record(made('a'))
      await store.close()
      assert.deepEqual(database.prepare('SELECT id FROM command_log').all(), [{ id: 'a' }])
      const again = await sqliteStore({ database })
      assert.deepEqual(await again.get('a'), made('a'))
      await again.close()
    }))

  for (const moment of ['before', 'after'] as const) {
    test(`Given integers made bigints ${moment} it was lent, when used, then numbers come back as numbers`, () =>
      withDatabase(async (database) => {
        if (moment === 'before') database.defaultSafeIntegers(true)
        const store = await sqliteStore({ database })
        database.defaultSafeIntegers(true)
        const record = settled('a', { attempts: 3 })
        await store.record(record)
        assert.deepEqual(await store.get('a'), record)
        assert.deepEqual((await store.list({ from: 1, limit: 1 })).records, [record])
        assert.equal(await store.purge({ retention: 'long-lived', before: 2000 }), 1)
        await store.close()
      }))
  }

  test("Given its owner's open transaction, when recorded, then the write waits, and is no part of it", () =>
    withDatabase(async (database) => {
      const store = await sqliteStore({ database })
      database.exec('CREATE TABLE mine (n)')
      database.exec('BEGIN')
      database.exec('INSERT INTO mine VALUES (1)')
      const writing = store.record(made('a'))
      await sleep(50)
      assert.deepEqual([database.inTransaction, await store.get('a')], [true, undefined])
      database.exec('ROLLBACK')
      assert.equal(await writing, 'created')
      assert.deepEqual(await store.get('a'), made('a'))
      assert.deepEqual(database.prepare('SELECT n FROM mine').all(), [])
      await store.close()
    }))

  test("Given its owner's transaction that lasts, when recorded or opened, then it is STORE_TIMEOUT, and the transaction whole", () =>
    withDatabase(async (database) => {
      const store = await sqliteStore({ database, deadlineMs: 100 })
      database.exec('CREATE TABLE mine (n)')
      database.exec('BEGIN')
      database.exec('INSERT INTO mine VALUES (1)')
      await assert.rejects(store.record(made('a')), timeout)
      await assert.rejects(sqliteStore({ database, deadlineMs: 100 }), timeout)
      database.exec('COMMIT')
      assert.deepEqual(database.prepare('SELECT n FROM mine').all(), [{ n: 1 }])
      assert.equal(await store.get('a'), undefined)
      assert.equal(await store.record(made('a')), 'created')
      await store.close()
    }))

  test("Given its owner's open transaction, when a read fails, then the transaction goes on", () =>
    withDatabase(async (database) => {
      const store = await sqliteStore({ database })
      await store.record(settled('a'))
      database.exec("UPDATE command_log SET events = '['")
      database.exec('CREATE TABLE mine (n)')
      database.exec('BEGIN')
      database.exec('INSERT INTO mine VALUES (1)')
      await assert.rejects(store.get('a'), { name: 'StoreError', written: 'no' })
      assert.equal(database.inTransaction, true)
      database.exec('COMMIT')
      assert.deepEqual(database.prepare('SELECT n FROM mine').all(), [{ n: 1 }])
      await store.close()
    }))

  test('Given rows that its owner is still reading, when recorded, then the write waits for them', () =>
    withDatabase(async (database) => {
      const store = await sqliteStore({ database })
      await store.record(made('a'))
      await store.record(made('b'))
      const rows = database.prepare('SELECT id FROM command_log').iterate()
      rows.next()
      const writing = store.record(made('c'))
      await sleep(30)
      rows.return?.()
      assert.equal(await writing, 'created')
      await store.close()
    }))

  test('Given a timeout of its own, when another process has the lock, then timers keep ticking and its timeout stays', (t) =>
    withPath(async (path) => {
      const database = new Database(path, { timeout: 4000 })
      const store = await sqliteStore({ database, deadlineMs: 300 })
      const released = (await startChild('lock', { path, count: 2000 })).go()
      let ticks = 0
      const timer = setInterval(() => ticks++, 10)
      t.after(() => clearInterval(timer))
      await assert.rejects(store.record(made('a')), timeout)
      assert.ok(ticks >= 5, `${ticks} ticks`)
      assert.equal(pragma(database, 'busy_timeout'), 4000)
      await released
      assert.equal(await store.record(made('a')), 'created')
      await store.close()
      database.close()
    }))

  test('Given one that its owner closes, when used, then it is STORE_UNAVAILABLE', () =>
    withPath(async (path) => {
      const database = new Database(path)
      const store = await sqliteStore({ database })
      database.close()
      const error = { name: 'StoreError', code: 'STORE_UNAVAILABLE', written: 'no' }
      await assert.rejects(store.record(made('a')), error)
      await assert.rejects(store.get('a'), error)
      await assert.rejects(sqliteStore({ database }), error)
      await store.close()
    }))

  test('Given one that may only read, when opened, then it is STORE_READ_ONLY', () =>
    withPath(async (path) => {
      await (await sqliteStore({ path })).close()
      const database = new Database(path, { readonly: true })
      await assert.rejects(sqliteStore({ database }), { name: 'StoreError', code: 'STORE_READ_ONLY', written: 'no' })
      database.close()
    }))

  test('Given a database in memory, by each of its names, then it is refused', async () => {
    for (const name of [':memory:', '', Buffer.alloc(0)]) {
      const database = new Database(name)
      await assert.rejects(sqliteStore({ database }), incompatible)
      database.close()
    }
  })

  test('Given a handle of an older SQLite, when opened, then it is STORE_INCOMPATIBLE and nothing is changed', () =>
    withDatabase(async (database) => {
      for (const version of ['3.7.11', '3.51.2', '3.50.99', '2.99.99']) {
        const older: SqliteDatabase = {
          name: database.name,
          memory: false,
          inTransaction: false,
          prepare: (sql) => database.prepare(sql.replace('sqlite_version()', `'${version}'`)),
          exec: (sql) => database.exec(sql),
          pragma: (text, options) => database.pragma(text, options),
          close: () => undefined,
        }
        await assert.rejects(sqliteStore({ database: older }), incompatible)
      }
      assert.deepEqual(database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get(), { tables: 0 })
    }))
})

describe('options', () => {
  const refused: [unknown, ErrorConstructor][] = [
    [undefined, TypeError],
    [null, TypeError],
    ['refused.db', TypeError],
    [{}, TypeError],
    [{ path: '' }, TypeError],
    [{ path: ':memory:' }, TypeError],
    [{ path: ' refused.db' }, TypeError],
    [{ path: 'refused.db\n' }, TypeError],
    [{ path: 'refused\0.db' }, TypeError],
    [{ path: 'refused\ud800.db' }, TypeError],
    [{ path: 5 }, TypeError],
    [{ path: null }, TypeError],
    [{ database: null }, TypeError],
    [{ database: {} }, TypeError],
    [{ database: 'refused.db' }, TypeError],
    [{ path: 'refused.db', durability: 'none' }, TypeError],
    [{ path: 'refused.db', durability: null }, TypeError],
    ...[0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '100', null].map(
      (deadlineMs): [unknown, ErrorConstructor] => [{ path: 'refused.db', deadlineMs }, RangeError],
    ),
  ]
  for (const [options, error] of refused) {
    const shown = JSON.stringify(options, (_, value) => (typeof value === 'number' ? String(value) : value))
    test(`Given ${shown}, then it is a ${error.name}, and no file is made`, async () => {
      await assert.rejects(sqliteStore(options as never), error)
      assert.deepEqual(
        readdirSync('.').filter((name) => name.includes('refused')),
        [],
      )
    })
  }

  test('Given a path with strange characters, then it is the name of a file, and its log is found again', () =>
    inFolder(async (folder) => {
      const names = [
        'file:x?mode=memory',
        'a#b',
        '100%',
        '%41',
        'a b  c',
        'ü-日本-😀',
        'quote\'"',
        'new\nline',
        '-wal',
        'a\\b',
      ]
      for (const name of names) {
        const path = join(folder, name)
        const store = await sqliteStore({ path })
        await store.record(made(`in ${name}`))
        assert.ok(readdirSync(folder).includes(name), name)
        await store.close()
      }
      assert.deepEqual(readdirSync(folder).sort(), names.toSorted())
      for (const name of names) {
        const store = await sqliteStore({ path: join(folder, name) })
        assert.deepEqual(await store.get(`in ${name}`), made(`in ${name}`))
        await store.close()
      }
    }))
})
