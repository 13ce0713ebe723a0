import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import type { CommandRecord } from 'commandlog'
import { withFolder } from '../project.ts'
import { made } from '../stores/samples.ts'
import { type CampaignOptions, runCampaign, type Tally } from './campaign.ts'
import type { Facts } from './facts.ts'
import { digest, type History, newHistory } from './history.ts'
import { rules } from './rules.ts'
import { checkSqliteFile, torturedStore } from './stores.ts'

function campaign(options: Omit<CampaignOptions, 'folder'>): Promise<Tally> {
  return withFolder(tmpdir(), (folder) => runCampaign({ ...options, folder }))
}

test('no kill of a process that writes to an SQLite log breaks a rule', async () => {
  const { violations, kills, done, lost, duplicated, torn, wrong } = await campaign({
    store: 'sqlite',
    kills: 5,
    seed: 3,
  })
  assert.deepEqual(violations, [])
  assert.deepEqual({ kills, lost, duplicated, torn, wrong }, { kills: 5, lost: 0, duplicated: 0, torn: 0, wrong: 0 })
  assert.ok(done > 0, 'the processes were killed before they had done anything')
})

test('a store that acknowledges before it writes is found to lose records', async () => {
  const { lost, violations } = await campaign({ store: 'sqlite', kills: 2, seed: 2, lie: true })
  assert.ok(lost > 0, 'nothing was missed')
  assert.match(violations.join('\n'), /^intents-stay: \d+ after kill/m)
})

test('a store that nobody has heard of is refused by name', async () => {
  await assert.rejects(
    campaign({ store: 'paper', kills: 1, seed: 1 }),
    /--store: expected one of sqlite, postgres, postgres-server, nats, not paper/,
  )
})

const payload = { status: 'full', format: 'json', data: '{"a":1}', bytes: 7 } as const
const intent = made('a', { type: 'torture', correlationId: 'a', payload })
const outcome = { state: 'successful', events: [{ id: 'e' }], settledAt: 1001, durationMs: 1 } as const
const settled: CommandRecord = { ...intent, ...outcome, id: 'b', causationId: 'a' }

/** A log in which all is well: `a` was killed in its handler, `b` is done, and `c` never got anywhere. */
function sound(): Facts & { readonly history: History } {
  const history = newHistory()
  const asked = { type: 'torture', payload: digest(payload.data), attributes: {} }
  for (const id of ['a', 'c']) history.asked.set(id, asked)
  history.asked.set('b', { ...asked, causationId: 'a' })
  for (const id of ['a', 'b']) history.started.add(id)
  history.done.set('b', { state: 'successful', events: ['e'] })
  return factsOf(history, [intent, settled])
}

function factsOf(history: History, walked: readonly CommandRecord[]): Facts {
  return {
    ...{ history, walked },
    got: new Map([
      ...[...history.asked.keys()].map((id) => [id, undefined] as const),
      ...walked.map((each) => [each.id, each] as const),
    ]),
    byEvent: new Map(walked.flatMap(({ id, events }) => events.map((event) => [event.id, [id]] as const))),
    changes: walked.map((record, index) => ({ position: String(index), record })),
  }
}

function brokenBy(facts: Facts): Readonly<Record<string, readonly string[]>> {
  const found = rules.map(({ name, find }) => [name, find(facts)] as const)
  return Object.fromEntries(found.filter(([, ids]) => ids.length > 0))
}

/** What is wrong with a log, and what the rules say to it. */
const planted: readonly (readonly [string, (facts: Facts) => Facts, Readonly<Record<string, readonly string[]>>])[] = [
  ['an intent is lost', ({ history }) => factsOf(history, []), { 'intents-stay': ['a', 'b'] }],
  [
    'an outcome is lost',
    ({ history }) => factsOf(history, [intent, { ...intent, id: 'b', causationId: 'a' }]),
    { 'outcomes-stay': ['b'] },
  ],
  [
    'an outcome has lost its event',
    ({ history }) => factsOf(history, [intent, { ...settled, events: [] }]),
    { 'outcomes-as-said': ['b'] },
  ],
  [
    'a record is there twice',
    (facts) => ({
      ...facts,
      walked: [intent, settled, settled],
      changes: [...facts.changes, { position: '9', record: settled }],
    }),
    { 'nothing-twice': ['b'] },
  ],
  [
    'a walk leaves a record out',
    (facts) => ({ ...facts, walked: [intent], changes: facts.changes.slice(0, 1) }),
    { 'walk-is-get': ['b'] },
  ],
  [
    'a record is of nobody’s command',
    ({ history }) => factsOf(history, [intent, settled, { ...intent, id: 'd' }]),
    { 'as-asked': ['d'] },
  ],
  [
    'a payload is another one',
    ({ history }) => factsOf(history, [intent, { ...settled, payload: { ...payload, data: '{"a":2}' } }]),
    { 'as-asked': ['b'] },
  ],
  [
    'an outcome has no duration',
    ({ history }) => factsOf(history, [intent, withoutDuration(settled)]),
    { whole: ['b'] },
  ],
  ['an event leads nowhere', (facts) => ({ ...facts, byEvent: new Map([['e', []]]) }), { 'events-lead-back': ['b'] }],
  [
    'a command stands before its cause',
    ({ history }) => factsOf(history, [settled, intent]),
    { 'causes-come-first': ['b'] },
  ],
  [
    'a follower is given an intent after its outcome',
    (facts) => ({ ...facts, changes: [...facts.changes, { position: '1', record: { ...intent, id: 'b' } }] }),
    { 'follow-once': ['3 changes at 2 positions of 2 records', 'b'] },
  ],
  [
    'a process has failed by itself',
    (facts) => {
      facts.history.failures.push('STORE_CORRUPT')
      return facts
    },
    { 'no-failure': ['STORE_CORRUPT'] },
  ],
]

function withoutDuration({ durationMs, ...record }: CommandRecord): CommandRecord {
  return record
}

for (const [fault, plant, expected] of planted) {
  test(`the rules find it where ${fault}`, () => {
    assert.deepEqual(brokenBy(plant(sound())), expected)
  })
}

test('the rules find nothing in a log in which all is well, and each is broken by a planted fault', () => {
  assert.deepEqual(brokenBy(sound()), {})
  const broken = new Set(planted.flatMap(([, , expected]) => Object.keys(expected)))
  assert.deepEqual(
    rules.map(({ name }) => name).filter((name) => !broken.has(name)),
    [],
  )
})

/** What is done to a file behind its store's back, and what the check of the file says to it. */
const damages: readonly (readonly [string, string, readonly string[]])[] = [
  ['an event is not in the lookup', 'DELETE FROM command_log_event', ['1 events missing in the lookup']],
  [
    'an event of no record is in the lookup',
    "INSERT INTO command_log_event VALUES ('f', 1)",
    ['1 events only in the lookup'],
  ],
  [
    'an attribute is not in the lookup',
    "DELETE FROM command_log_attribute WHERE name = 'isOdd'",
    ['1 attributes missing in the lookup'],
  ],
  [
    'an attribute has another value in the lookup',
    "UPDATE command_log_attribute SET value = '8' WHERE name = 'shard'",
    ['1 attributes missing in the lookup'],
  ],
  [
    'an attribute of no record is in the lookup',
    "INSERT INTO command_log_attribute VALUES ('f', '1', 1)",
    ['1 attributes only in the lookup'],
  ],
  [
    'a record has a change before its sequence',
    'UPDATE command_log SET change = -change',
    ['2 changes before their sequence', '1 created records with a later change'],
  ],
  [
    'two records have one change',
    'DROP INDEX command_log_change; UPDATE command_log SET change = 90; UPDATE command_log_meta SET next = 91',
    ['1 changes more than once', '1 created records with a later change'],
  ],
]

for (const [damage, sql, expected] of damages) {
  test(`the check of an SQLite file finds it where ${damage}`, async () => {
    await withFolder(tmpdir(), async (folder) => {
      const path = join(folder, 'log.db')
      const store = await (await torturedStore('sqlite')).open(path)
      await store.record(intent)
      await store.record({ ...settled, attributes: { shard: 1, isOdd: true, name: '"' } })
      await store.close()
      assert.deepEqual(checkSqliteFile(path), [])
      const database = new Database(path)
      database.exec(sql)
      database.close()
      assert.deepEqual(checkSqliteFile(path), expected)
    })
  })
}
