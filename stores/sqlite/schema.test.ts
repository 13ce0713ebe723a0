import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import Database from 'better-sqlite3'
import type { CommandQuery } from '../../src/index.ts'
import { checkQuery } from '../../storekit/index.ts'
import { made } from '../../test/stores/samples.ts'
import { withPath } from '../../test/stores/sqlite.ts'
import { sqliteStore } from './index.ts'
import { boundsSql, countSql, everywhere, pageSql, type Sql, waysOf } from './queries.ts'
import { migrations } from './schema.ts'

const incompatible = { name: 'StoreError', code: 'STORE_INCOMPATIBLE', written: 'no' }

describe('a file of somebody else', () => {
  const foreign: Readonly<Record<string, string>> = {
    "another program's tables, without a version": 'CREATE TABLE users (name TEXT)',
    "another program's tables, with a version": 'CREATE TABLE users (name TEXT); PRAGMA user_version = 1',
    "another program's version and mark, and no tables": 'PRAGMA user_version = 3; PRAGMA application_id = 77',
    'our table name with other columns': 'CREATE TABLE command_log (note TEXT)',
    'our table name with other columns, and a version': 'CREATE TABLE command_log (note TEXT); PRAGMA user_version = 1',
    'our mark and a newer version': `PRAGMA application_id = ${0x636c6f67}; PRAGMA user_version = 2`,
    'our mark and a version below zero': `PRAGMA application_id = ${0x636c6f67}; PRAGMA user_version = -1`,
  }
  for (const [name, sql] of Object.entries(foreign)) {
    test(`Given ${name}, when opened, then it is STORE_INCOMPATIBLE, and not a byte is changed`, () =>
      withPath(async (path) => {
        const database = new Database(path)
        database.exec(sql)
        database.close()
        const before = readFileSync(path)
        await assert.rejects(sqliteStore({ path }), incompatible)
        assert.ok(readFileSync(path).equals(before))
      }))
  }

  test('Given a log whose version rises while it is open, when opened again, then it is STORE_INCOMPATIBLE', () =>
    withPath(async (path) => {
      const database = new Database(path)
      const store = await sqliteStore({ database })
      await store.record(made('a'))
      await store.close()
      database.pragma('user_version = 2')
      await assert.rejects(sqliteStore({ database }), incompatible)
      database.pragma('user_version = 1')
      const again = await sqliteStore({ database })
      assert.deepEqual(await again.get('a'), made('a'))
      await again.close()
      database.close()
    }))

  test('Given an empty file, when opened, then it becomes a log', () =>
    withPath(async (path) => {
      new Database(path).close()
      const store = await sqliteStore({ path })
      assert.equal(await store.record(made('a')), 'created')
      await store.close()
    }))
})

describe('how pages are found', () => {
  const byRow = 'l INTEGER PRIMARY KEY (rowid>? AND rowid<?)'
  const byIndex = (name: string, column: string) =>
    `l COVERING INDEX command_log_${name} (${column}=? AND rowid>? AND rowid<?)`
  const plans: readonly (readonly [CommandQuery, ...string[]])[] = [
    [{}, byRow],
    [{ order: 'oldest' }, byRow],
    [{ correlationId: 'x' }, byIndex('correlation', 'correlation_id')],
    [{ causationId: 'x' }, byIndex('causation', 'causation_id')],
    [{ clientRef: 'x' }, byIndex('client', 'client_ref')],
    [{ userId: 'x' }, byIndex('user', 'user_id')],
    [{ problemCode: 'x' }, byIndex('problem', 'problem_code')],
    [{ state: 'failed' }, byIndex('state', 'state')],
    [{ tenantId: 'x' }, byIndex('tenant', 'tenant_id')],
    [{ type: 'x' }, byIndex('type', 'type')],
    [{ type: 'x', order: 'oldest' }, byIndex('type', 'type')],
    [{ eventId: 'x' }, 'e PRIMARY KEY (event_id=? AND sequence>? AND sequence<?)'],
    [{ attributes: { a: 1 } }, 'a PRIMARY KEY (name=? AND value=? AND sequence>? AND sequence<?)'],
    [{ type: ['x', 'y'] }, byIndex('type', 'type'), byIndex('type', 'type')],
    [{ state: ['failed', 'created'] }, byIndex('state', 'state'), byIndex('state', 'state')],
    // What most records have is looked at row by row, from where the page begins.
    [{ state: 'successful' }, byRow],
    [{ importance: 'high' }, byRow],
    [{ retention: 'permanent' }, byRow],
    [{ dryRun: false }, byRow],
    [{ from: 1, to: 2 }, byRow],
    // The filter that finds least is the one that is looked up.
    [{ correlationId: 'x', type: 'y' }, 'l INDEX command_log_correlation (correlation_id=? AND rowid>? AND rowid<?)'],
    [{ tenantId: 'x', state: 'failed' }, 'l INDEX command_log_state (state=? AND rowid>? AND rowid<?)'],
    [{ tenantId: 'x', state: 'successful' }, 'l INDEX command_log_tenant (tenant_id=? AND rowid>? AND rowid<?)'],
  ]
  const database = new Database(':memory:')
  for (const statement of migrations.flat()) database.exec(statement)
  const planOf = ({ text, values }: Sql): string[] =>
    (database.prepare(`EXPLAIN QUERY PLAN ${text}`).all(...values) as { detail: string }[]).map(({ detail }) => detail)

  for (const [query, ...expected] of plans) {
    test(`Given ${JSON.stringify(query)}, then each page, deep or first, is a search from where it begins, and nothing is sorted`, () => {
      const [first, deep] = [
        { low: 0, high: Number.MAX_SAFE_INTEGER },
        { low: 500_000, high: 1_000_000 },
      ].map((bounds) => planOf(pageSql(checkQuery(query), waysOf(checkQuery(query))[0] ?? everywhere, bounds)))
      assert.deepEqual(deep, first)
      const [records, ...searches] = (deep ?? []).filter((step) => step.startsWith('SEARCH'))
      assert.equal(records, 'SEARCH l USING INTEGER PRIMARY KEY (rowid=?)')
      const begins = searches.filter((step) => step.includes('>'))
      assert.deepEqual(
        begins,
        expected.map((each) => `SEARCH ${each.replace(' ', ' USING ')}`),
      )
      // A branch for each value is read through to its end, which its limit brings; tables are never.
      const rest = (deep ?? []).filter((step) => /SCAN (?!\(subquery)|TEMP B-TREE/.test(step))
      assert.deepEqual(rest, [])
    })
  }

  test('Given several filters, then what each would find is counted in its index alone', () => {
    const all = { correlationId: 'x', causationId: 'x', clientRef: 'x', userId: 'x', tenantId: 'x', problemCode: 'x' }
    const ways = waysOf(
      checkQuery({ ...all, state: 'failed', type: ['x', 'y'], eventId: 'x', attributes: { a: 1, b: 2 } }),
    )
    assert.equal(ways.length, 11)
    for (const way of ways) {
      const steps = planOf(countSql(way, 1000)).filter((step) => /SEARCH|SCAN (?!\(|CONSTANT)/.test(step))
      assert.ok(
        steps.every((step) => /^SEARCH . USING (?:COVERING INDEX command_log_|PRIMARY KEY)/.test(step)),
        steps.join(),
      )
    }
  })

  test('Given a common tenant and a rare type, then few rows are read, whichever of the two comes first', async () => {
    await withPath(async (path) => {
      const store = await sqliteStore({ path })
      const records = Array.from({ length: 3000 }, (_, index) =>
        made(`c${index}`, { tenantId: 'large', type: index === 7 ? 'rare' : 'common', attributes: { shop: 1 } }),
      )
      await Promise.all(records.map((record) => store.record(record)))
      for (const query of [{ tenantId: 'large' }, { attributes: { shop: 1 } }]) {
        assert.deepEqual(
          (await store.list({ ...query, type: 'rare' })).records.map(({ id }) => id),
          ['c7'],
        )
      }
      await store.close()
    })
  })

  test('Given a time, then where it lies is found by an index that covers it', () => {
    assert.deepEqual(
      planOf(boundsSql(checkQuery({ from: 1, to: 2 }), 10)).filter((step) => !step.includes('(subquery')),
      ['SEARCH l USING COVERING INDEX command_log_received (retention=? AND received_at>? AND received_at<?)'],
    )
  })
})
