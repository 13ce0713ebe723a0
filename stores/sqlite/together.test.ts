import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import Database from 'better-sqlite3'
import type { CommandRecord } from '../../src/index.ts'
import { made, settled } from '../../test/stores/samples.ts'
import { withPath } from '../../test/stores/sqlite.ts'
import { type SqliteDatabase, type SqliteStore, sqliteStore } from './index.ts'

/** A store beside a table of somebody else, and what is in that table. */
async function withTable(use: (store: SqliteStore, found: () => readonly unknown[]) => Promise<void>): Promise<void> {
  await withPath(async (path) => {
    const store = await sqliteStore({ path })
    const database = new Database(path)
    database.exec('CREATE TABLE theirs (id TEXT NOT NULL UNIQUE) STRICT')
    try {
      await use(store, () => database.prepare('SELECT id FROM theirs ORDER BY id').pluck().all())
    } finally {
      database.close()
      await store.close()
    }
  })
}

/** Inserts the record's id into that table, and settles the record. */
function both(record: CommandRecord) {
  return (file: Pick<SqliteDatabase, 'prepare'>): CommandRecord => {
    file.prepare('INSERT INTO theirs VALUES (?)').run(record.id)
    return record
  }
}

const refused = (code: string) => ({ name: 'StoreError', code, written: 'no' })

describe('settling records together with rows of others', { timeout: 60_000 }, () => {
  test('the record is settled, or created with its outcome, and the rows are there', () =>
    withTable(async (store, found) => {
      await store.record(made('a'))
      assert.deepEqual(await store.settleTogether(both(settled('a'))), settled('a'))
      await store.settleTogether(both(settled('b')))
      assert.deepEqual((await store.list({ order: 'oldest' })).records, [settled('a'), settled('b')])
      assert.deepEqual(found(), ['a', 'b'])
    }))

  test('Given a record that has an outcome, then it is ALREADY_SETTLED and the rows are not there', () =>
    withTable(async (store, found) => {
      await store.record(settled('a'))
      await assert.rejects(store.settleTogether(both(settled('a'))), refused('ALREADY_SETTLED'))
      assert.deepEqual(found(), [])
    }))

  test('Given one of many at once that fails after it has written, then it hears why, and takes no neighbour along', () =>
    withTable(async (store, found) => {
      const own = new Error('of the caller')
      const works = [
        both(settled('a')),
        (file: Pick<SqliteDatabase, 'prepare'>): CommandRecord => {
          both(settled('b'))(file)
          throw own
        },
        both({ ...settled('c'), attempts: Number.NaN }),
        both(settled('d')),
        both(settled('d')),
        (file: Pick<SqliteDatabase, 'prepare'>): CommandRecord => {
          file.prepare('no statement at all').run()
          return settled('e')
        },
      ]
      const results = await Promise.allSettled(works.map((work) => store.settleTogether(work)))
      assert.deepEqual(
        results.map((each) => (each.status === 'fulfilled' ? each.value.id : (each.reason.code ?? each.reason))),
        ['a', own, 'INVALID_RECORD', 'd', 'INVALID_RECORD', 'STORE_UNAVAILABLE'],
      )
      assert.deepEqual(found(), ['a', 'd'])
      assert.deepEqual((await store.list({ order: 'oldest' })).records, [settled('a'), settled('d')])
    }))

  test('Given another connection that has the file locked, then the work is done once it is free, and once only', () =>
    withPath(async (path) => {
      const database = new Database(path)
      const store = await sqliteStore({ path })
      database.exec('CREATE TABLE theirs (id TEXT NOT NULL UNIQUE) STRICT; BEGIN IMMEDIATE')
      const settling = store.settleTogether(both(settled('a')))
      setTimeout(() => database.exec('COMMIT'), 30)
      assert.deepEqual(await settling, settled('a'))
      assert.deepEqual(database.prepare('SELECT id FROM theirs').pluck().all(), ['a'])
      database.close()
      await store.close()
    }))

  test('close waits for what was called before it, and refuses what comes later', () =>
    withTable(async (store, found) => {
      const settling = store.settleTogether(both(settled('a')))
      await store.close()
      await settling
      await assert.rejects(store.settleTogether(both(settled('b'))), refused('STORE_CLOSED'))
      assert.deepEqual(found(), ['a'])
    }))

  test('records that are written in the usual way at the same time are all there', () =>
    withTable(async (store, found) => {
      const ids = Array.from({ length: 60 }, (_, n) => `${n}`)
      await Promise.all(
        ids.flatMap((id) => [store.record(settled(`r${id}`)), store.settleTogether(both(settled(`t${id}`)))]),
      )
      assert.equal((await store.list({ limit: 1000 })).records.length, 120)
      assert.equal(found().length, 60)
    }))
})
