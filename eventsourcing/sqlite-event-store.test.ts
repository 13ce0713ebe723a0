import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import Database from 'better-sqlite3'
import { sqliteStore } from '../stores/sqlite/index.ts'
import type { NewEvent } from './event-store.ts'
import { sqliteEventStore } from './sqlite-event-store.ts'

/** Gives the path of a new file to `use`, and removes its folder afterwards. */
async function withPath(use: (path: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'commandlog-events-'))
  try {
    await use(join(folder, 'events.db'))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function event(id: string, data: unknown = { id }, commandId = 'c1'): NewEvent {
  return { id, type: 'Happened', data, metadata: { commandId, correlationId: 'k', recordedAt: 1 } }
}

/** How many transactions a write-ahead log holds: the last frame of each says how large the file then is. */
function commitsIn(log: string): number {
  const bytes = readFileSync(log)
  const frame = 24 + bytes.readUInt32BE(8)
  let commits = 0
  for (let at = 32; at + frame <= bytes.length; at += frame) if (bytes.readUInt32BE(at + 4) > 0) commits++
  return commits
}

const refused = (code: string) => ({ name: 'EventStoreError', code, written: 'no' })

describe('a file with events', { timeout: 60_000 }, () => {
  test('it is shared with a command log, whichever was there first', () =>
    withPath(async (path) => {
      for (const order of ['log first', 'events first']) {
        const shared = `${path} ${order}`
        const openLog = () => sqliteStore({ path: shared })
        const openEvents = () => sqliteEventStore({ path: shared })
        const first = order === 'log first' ? await openLog() : await openEvents()
        const second = order === 'log first' ? await openEvents() : await openLog()
        await first.close()
        await second.close()
        const [log, events] = [await openLog(), await openEvents()]
        assert.equal(await events.append('s', [event('e1')]), 1)
        assert.deepEqual(await log.list(), { records: [] })
        assert.deepEqual(await events.read('s'), [{ ...event('e1'), stream: 's', version: 1 }])
        await Promise.all([log.close(), events.close()])
        const database = new Database(shared, { readonly: true })
        assert.equal(database.pragma('user_version', { simple: true }), 1)
        assert.equal(database.pragma('application_id', { simple: true }), 0x636c6f67)
        database.close()
      }
    }))

  test('Given the database of another program, then it is STORE_INCOMPATIBLE and unchanged, but for a borrowed handle', () =>
    withPath(async (path) => {
      const database = new Database(path)
      database.exec('CREATE TABLE theirs (a)')
      await assert.rejects(sqliteEventStore({ path }), refused('STORE_INCOMPATIBLE'))
      assert.deepEqual(database.prepare('SELECT name FROM sqlite_schema').all(), [{ name: 'theirs' }])
      const events = await sqliteEventStore({ database })
      assert.equal(await events.append('s', [event('e1'), event('e2')]), 2)
      await events.close()
      assert.equal(database.open, true)
      database.close()
    }))

  test('Given tables of a newer version, then it is STORE_INCOMPATIBLE', () =>
    withPath(async (path) => {
      await (await sqliteEventStore({ path })).close()
      const database = new Database(path)
      database.exec('UPDATE event_log_meta SET version = 99')
      database.close()
      await assert.rejects(sqliteEventStore({ path }), refused('STORE_INCOMPATIBLE'))
    }))

  test('a person can query it by hand', () =>
    withPath(async (path) => {
      const events = await sqliteEventStore({ path })
      await events.append('account-1', [event('e1', { amount: 5 })])
      await events.fence('c2')
      await events.close()
      const database = new Database(path, { readonly: true })
      assert.deepEqual(
        database.prepare("SELECT stream, version, data ->> 'amount' AS amount, command_id FROM event_log").all(),
        [{ stream: 'account-1', version: 1, amount: 5, command_id: 'c1' }],
      )
      assert.deepEqual(database.prepare('SELECT * FROM event_log_fence').all(), [{ command_id: 'c2' }])
      database.close()
    }))

  test('appends that arrive together share a transaction, and one that loses takes none of its neighbours along', () =>
    withPath(async (path) => {
      const events = await sqliteEventStore({ path })
      await events.append('s', [event('e0')])
      const before = commitsIn(`${path}-wal`)
      const all = await Promise.allSettled([
        events.append('s', [event('e1')], { expectedVersion: 1 }),
        events.append('s', [event('e2')], { expectedVersion: 1 }),
        events.append('t', [event('e3'), event('e0')]),
        events.append('t', [event('e4')], { expectedVersion: 0 }),
      ])
      assert.deepEqual(
        all.map((each) => (each.status === 'fulfilled' ? each.value : each.reason.code)),
        [2, 'VERSION_CONFLICT', 'DUPLICATE_EVENT', 1],
      )
      assert.equal(commitsIn(`${path}-wal`) - before, 1)
      await events.close()
    }))

  test('Given a file that another connection has locked, then reads go on, and an append is STORE_TIMEOUT without freezing', () =>
    withPath(async (path) => {
      const events = await sqliteEventStore({ path, deadlineMs: 150 })
      const other = new Database(path)
      other.exec('BEGIN IMMEDIATE')
      let turns = 0
      const ticking = setInterval(() => turns++, 5)
      await assert.rejects(events.append('s', [event('e1')]), refused('STORE_TIMEOUT'))
      clearInterval(ticking)
      assert.ok(turns > 5, `${turns} turns`)
      assert.deepEqual(await events.read('s'), [])
      other.exec('ROLLBACK')
      other.close()
      assert.equal(await events.append('s', [event('e1')]), 1)
      await events.close()
    }))

  test('Given an event whose data were damaged by hand, then reading it is STORE_CORRUPT and tells nothing of it', () =>
    withPath(async (path) => {
      const events = await sqliteEventStore({ path })
      await events.append('s', [event('e1')])
      const database = new Database(path)
      database.prepare("UPDATE event_log SET data = '{secret'").run()
      database.close()
      await assert.rejects(events.read('s'), (error: Error) => {
        assert.equal((error as Error & { code: string }).code, 'STORE_CORRUPT')
        assert.doesNotMatch(`${error.message} ${error.stack} ${JSON.stringify(error)}`, /secret/)
        return true
      })
      await events.close()
    }))

  test('Given a file that was deleted under the store, then an append is STORE_UNAVAILABLE instead of lost', () =>
    withPath(async (path) => {
      const events = await sqliteEventStore({ path })
      await events.append('s', [event('e1')])
      for (const suffix of ['', '-wal', '-shm']) await rm(path + suffix, { force: true })
      await assert.rejects(events.append('s', [event('e2')]), { name: 'EventStoreError', code: 'STORE_UNAVAILABLE' })
      await events.close()
    }))

  test('streams, ids and commands are found by an index, however many events there are', () =>
    withPath(async (path) => {
      const events = await sqliteEventStore({ path })
      await events.close()
      const database = new Database(path, { readonly: true })
      for (const where of [
        'stream = ? AND version >= ? ORDER BY version',
        'id = ?',
        'command_id = ? ORDER BY position',
      ]) {
        const plan = database.prepare(`EXPLAIN QUERY PLAN SELECT * FROM event_log WHERE ${where}`)
        const details = plan.all(...Array(where.split('?').length - 1).fill('x')) as { detail: string }[]
        assert.match(details.map(({ detail }) => detail).join(), /^SEARCH event_log USING INDEX [^,]+$/, where)
      }
      database.close()
    }))

  test('what was appended is synced: the level is FULL on the connection that writes', () =>
    withPath(async (path) => {
      const database = new Database(path)
      const events = await sqliteEventStore({ database })
      await events.append('s', [event('e1')])
      assert.equal(database.pragma('synchronous', { simple: true }), 2)
      assert.equal(database.pragma('journal_mode', { simple: true }), 'wal')
      await events.close()
      database.close()
    }))
})
