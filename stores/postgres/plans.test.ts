import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import postgres from 'postgres'
import type { CommandQuery } from '../../src/index.ts'
import { checkQuery } from '../../storekit/index.ts'
import { sharedPostgres } from '../../test/servers/postgres.ts'
import { run } from '../../test/stores/postgres.ts'
import { keptPlanOf, lookedAt, type PlanStep, planOf, shownPlan } from '../../test/stores/postgres-plan.ts'
import { postgresStore } from './index.ts'
import { checkOptions } from './options.ts'
import { type Batch, purgeSql } from './purge.ts'
import { type Bounds, boundsSql, pageSql } from './queries.ts'
import { changesSql } from './reads.ts'
import { namesOf } from './schema.ts'

const server = await sharedPostgres()
after(() => server.end())
const url = await server.database()
const names = namesOf(checkOptions({ url }))
const sql = postgres(url, { max: 1, fetch_types: false, onnotice: () => {} })
after(() => sql.end())
const count = 50_000

/**
 * A long log: what is asked for is rare and spread, or frequent; one in ten records fails, one in a thousand is open.
 * Three quarters are of one tenant and of one type, as logs are.
 */
const fill = `
  INSERT INTO command_log (id, type, state, correlation_id, causation_id, client_ref, tenant_id, user_id, payload,
      payload_kind, payload_status, payload_format, payload_bytes, attributes, events, problem, problem_code, importance,
      retention, dry_run, received_at, settled_at)
    SELECT 'id' || n, CASE WHEN n % 4 = 0 THEN 'type' || n % 40 ELSE 'order' END,
      CASE WHEN n % 1000 = 7 THEN 'created' WHEN n % 10 = 0 THEN 'failed' ELSE 'successful' END,
      'k' || n / 3, CASE WHEN n % 3 > 0 THEN 'id' || n - 1 END, 'client' || n % 500,
      CASE WHEN n % 4 = 0 THEN 'tenant' || n % 400 ELSE 'large' END, 'user' || n % 2000, '{"cents":1200}', 'json', 'full',
      'json', 14, jsonb_build_object('order', n / 5, 'shift', CASE WHEN n % 2 = 0 THEN 'early' ELSE 'late' END),
      jsonb_build_array(jsonb_build_object('id', 'e' || n)),
      CASE WHEN n % 10 = 0 THEN '{"code":"rare"}'::jsonb END, CASE WHEN n % 10 = 0 THEN 'code' || n % 100 END, 'normal',
      CASE WHEN n % 10 = 0 THEN 'permanent' ELSE 'long-lived' END, false, 1000000 + n * 10, 1000001 + n * 10
    FROM generate_series(1, ${count}) AS n;
  INSERT INTO command_log_event SELECT 'e' || sequence, sequence FROM command_log;
  INSERT INTO command_log_attribute SELECT a.key, a.value::text, sequence FROM command_log, jsonb_each(attributes) a;
  ANALYZE`

before(async () => {
  await (await postgresStore({ url })).close()
  await run(url, fill)
})

const whole: Bounds = { low: '0', high: String(2n ** 63n - 1n) }

/** A query, the index that finds it, and how many rows may be looked at for a page of ten. */
const queries: readonly (readonly [CommandQuery, index: string, most?: number])[] = [
  [{}, 'pkey'],
  [{ order: 'oldest' }, 'pkey'],
  [{ correlationId: 'k9000' }, 'correlation'],
  [{ causationId: 'id30001' }, 'causation'],
  [{ clientRef: 'client77' }, 'client'],
  [{ userId: 'user77' }, 'user'],
  [{ tenantId: 'tenant40' }, 'tenant'],
  [{ tenantId: 'large' }, 'tenant'],
  [{ tenantId: 'nobody' }, 'tenant'],
  [{ type: 'type4' }, 'type'],
  [{ type: 'order' }, 'type'],
  [{ type: 'order', order: 'oldest' }, 'type'],
  [{ type: ['type4', 'type8', 'nothing'] }, 'type', 60],
  [{ state: 'failed' }, 'state'],
  [{ state: ['failed', 'created'] }, 'state', 60],
  [{ state: 'created' }, 'state'],
  [{ state: 'successful' }, 'pkey', 50],
  [{ problemCode: 'code10' }, 'problem', 600],
  [{ problemCode: 'code50' }, 'problem'],
  [{ problemCode: 'nothing' }, 'problem'],
  [{ eventId: 'e25000' }, 'event_pkey'],
  [{ attributes: { order: 5000 } }, 'attribute_pkey'],
  [{ attributes: { shift: 'late' } }, 'attribute_pkey'],
  [{ attributes: { shift: 'nothing' } }, 'attribute_pkey'],
  [{ importance: 'normal' }, 'pkey'],
  [{ dryRun: false }, 'pkey'],
  [{ retention: 'long-lived' }, 'pkey', 50],
  // Of several filters the one that finds least is looked up, and the others are looked at row by row.
  [{ correlationId: 'k9000', type: 'order', tenantId: 'large' }, 'correlation'],
  [{ eventId: 'e25000', type: 'order', tenantId: 'large' }, 'event_pkey'],
  [{ attributes: { order: 5000, shift: 'late' }, state: 'successful' }, 'attribute_pkey'],
  [{ userId: 'user77', type: 'order', tenantId: 'large' }, 'user', 60],
  [{ problemCode: 'code10', tenantId: 'tenant10' }, 'problem', 600],
  [{ tenantId: 'large', state: 'created' }, 'state', 120],
  [{ type: 'order', state: 'created' }, 'state', 120],
]

/** Nothing is read that need not be, and nothing sorted that is many. */
function checkPlan(plan: readonly PlanStep[], index: string, most: number): void {
  const shown = shownPlan(plan)
  const types = plan.map((step) => step['Node Type'])
  assert.ok(!types.includes('Seq Scan'), shown)
  // Few rows may be had as a heap and sorted; walking the index in its order is for many.
  assert.ok(most >= 600 || !types.some((type) => type.startsWith('Bitmap')), shown)
  for (const step of plan.filter((each) => each['Node Type'].includes('Sort'))) {
    assert.ok(step['Actual Rows'] <= 10, shown)
  }
  const used = new Set(plan.map((step) => step['Index Name']))
  assert.ok(used.has(`command_log_${index}`), shown)
  assert.ok(lookedAt(plan) <= most, `looked at ${lookedAt(plan)}: ${shown}`)
}

describe('how pages are found', () => {
  for (const [query, index, most = 40] of queries) {
    test(`Given ${JSON.stringify(query)}, then a first and a deep page are found by ${index}, and nothing is sorted`, async () => {
      for (const bounds of [whole, { low: '20000', high: '30000' }]) {
        const page = pageSql(names, checkQuery({ ...query, limit: 10 }), bounds)
        checkPlan(await planOf(sql, page), index, most)
        if (page.isFixed) checkPlan(await keptPlanOf(sql, page), index, most)
      }
    })
  }

  test('Given a time, then where it lies is found by the index of times', async () => {
    const plan = await planOf(sql, boundsSql(names, checkQuery({ from: 1_250_000, to: 1_250_500 }), 1000))
    assert.ok(plan.some((step) => step['Index Name'] === 'command_log_received'))
    assert.ok(lookedAt(plan) <= 60)
  })

  test('Given the place of a follower, then the next changes are found by the index of changes', async () => {
    for (const change of ['0', '49000']) {
      const plan = await planOf(sql, { text: changesSql(names), values: [change] })
      assert.ok(plan.some((step) => step['Index Name'] === 'command_log_change'))
      assert.ok(lookedAt(plan) <= 300, String(lookedAt(plan)))
    }
  })

  const batches: readonly (readonly [Pick<Batch, 'isOldestFirst' | 'from'>, index: string])[] = [
    [{ isOldestFirst: false, from: '-1' }, 'received'],
    [{ isOldestFirst: false, from: '1250000' }, 'received'],
    [{ isOldestFirst: true, from: '-1' }, 'pkey'],
  ]
  for (const [batch, index] of batches) {
    test(`Given a batch to purge, ${JSON.stringify(batch)}, then it is found by ${index}, its rows and lookups by their keys`, async () => {
      const due = { retention: 'long-lived', before: 1_400_000, count: 100, range: {}, ...batch }
      const plan = await planOf(sql, purgeSql(names, due))
      const shown = shownPlan(plan)
      const scans = plan.filter((step) => step['Relation Name'] !== undefined)
      assert.ok(!scans.some((step) => step['Node Type'] === 'Seq Scan'), shown)
      const used = new Set(plan.map((step) => step['Index Name']))
      for (const each of [index, 'event_pkey', 'attribute_pkey']) assert.ok(used.has(`command_log_${each}`), shown)
      assert.ok(lookedAt(plan) <= 900, `looked at ${lookedAt(plan)}: ${shown}`)
    })
  }
})
