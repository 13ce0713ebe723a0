import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { after, test } from 'node:test'
import { withFolder } from '../project.ts'
import { sharedPostgres } from '../servers/postgres.ts'
import { run } from '../stores/postgres.ts'
import { settled } from '../stores/samples.ts'
import { runCampaign } from './campaign.ts'
import { torturedPostgres } from './postgres.ts'

after(async () => (await sharedPostgres()).end())

for (const store of ['postgres', 'postgres-server']) {
  test(`no kill breaks a rule of ${store}`, async () => {
    const { violations, kills, done, lost, duplicated, torn, wrong } = await withFolder(tmpdir(), (folder) =>
      runCampaign({ store, kills: 5, seed: 3, folder }),
    )
    assert.deepEqual(violations, [])
    assert.deepEqual({ kills, lost, duplicated, torn, wrong }, { kills: 5, lost: 0, duplicated: 0, torn: 0, wrong: 0 })
    assert.ok(done > 0, 'the processes were killed before they had done anything')
  })
}

const attributes = { shard: 1, isOdd: true, name: '"' }

/** What is done to the tables behind the store's back, and what the check of the tables says to it. */
const damages: readonly (readonly [string, string, readonly string[]])[] = [
  ['an event is not in the lookup', 'DELETE FROM command_log_event', ['1 events missing in the lookup']],
  [
    'an event of no record is in the lookup',
    "INSERT INTO command_log_event VALUES ('f', 1)",
    ['1 events only in the lookup'],
  ],
  [
    'an attribute has another value in the lookup',
    "UPDATE command_log_attribute SET value = '8' WHERE name = 'shard'",
    ['1 attributes missing in the lookup', '1 attributes only in the lookup'],
  ],
  [
    'an outcome has no time',
    'UPDATE command_log SET settled_at = NULL',
    ['1 outcomes without a time, or times without an outcome'],
  ],
  ['there are two logs', "INSERT INTO command_log_meta (data, version) VALUES ('x', 1)", ['1 logs in one database']],
]

for (const [damage, sql, expected] of damages) {
  test(`the check of Postgres tables finds it where ${damage}`, async () => {
    const place = await torturedPostgres.prepare(tmpdir(), 'damaged')
    const store = await torturedPostgres.open(place)
    await store.record(settled('b', { attributes }))
    await store.close()
    assert.deepEqual(await torturedPostgres.check(place), [])
    await run(place, sql)
    assert.deepEqual(await torturedPostgres.check(place), expected)
  })
}
