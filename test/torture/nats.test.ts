import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { describe, test } from 'node:test'
import { connect } from '@nats-io/transport-node'
import type { CommandLogStore, CommandRecord } from 'commandlog'
import { memoryStore } from 'commandlog/memory'
import { natsStore } from 'commandlog/nats'
import { withFolder } from '../project.ts'
import { natsServer } from '../servers/nats.ts'
import { runCampaign } from './campaign.ts'
import { killedServers } from './killed-servers.ts'
import { checkStream } from './nats.ts'
import { type KilledServers, runServerCampaign } from './server-campaign.ts'

const payload = { status: 'full', format: 'json', data: '{"a":1}', bytes: 7 } as const
const intent: CommandRecord = {
  ...{ id: 'b', type: 'torture', state: 'created', correlationId: 'b', payload, events: [] },
  ...{ importance: 'normal', retention: 'long-lived', dryRun: false, receivedAt: 1000 },
}
const settled: CommandRecord = { ...intent, state: 'successful', settledAt: 1001, durationMs: 1 }

describe('servers that are killed', { timeout: 120_000 }, () => {
  test('no kill of clients and their server breaks a rule of nats', async () => {
    const { violations, kills, done, lost, duplicated, torn, wrong } = await withFolder(tmpdir(), (folder) =>
      runCampaign({ store: 'nats', kills: 3, seed: 3, folder }),
    )
    assert.deepEqual(violations, [])
    assert.deepEqual({ kills, lost, duplicated, torn, wrong }, { kills: 3, lost: 0, duplicated: 0, torn: 0, wrong: 0 })
    assert.ok(done > 0, 'the processes were killed before they had done anything')
  })

  for (const [store, kills] of [
    ['nats-server', 3],
    ['nats-cluster', 1],
  ] as const) {
    test(`no kill under load breaks a rule of ${store}, and it is told for how long nothing was written`, async () => {
      const tally = await runServerCampaign({
        servers: killedServers[store] as () => Promise<KilledServers>,
        kills,
        seed: 3,
      })
      assert.deepEqual(tally.violations, [])
      const { lost, duplicated, torn, wrong } = tally
      assert.deepEqual(
        { kills: tally.kills, lost, duplicated, torn, wrong },
        { kills, lost: 0, duplicated: 0, torn: 0, wrong: 0 },
      )
      assert.ok(tally.acknowledged > 100, 'the servers were killed before anything was written')
      assert.ok(tally.worstSilence >= tally.medianSilence && tally.medianSilence > 0)
    })
  }
})

/** Servers whose logs are in this process, and come back from a kill as `after` makes them. */
function memoryServers(after: (store: CommandLogStore) => CommandLogStore): () => Promise<KilledServers> {
  return async () => {
    const store = memoryStore()
    let isKilled = false
    const now = (): CommandLogStore => (isKilled ? after(store) : store)
    return {
      newPlace: () => 'memory',
      open: async () => ({
        record: (record) => now().record(record),
        get: (id) => now().get(id),
        list: (query) => now().list(query),
        findByType: (type, query) => now().findByType(type, query),
        findByCorrelation: (correlationId) => now().findByCorrelation(correlationId),
        async close() {},
      }),
      async kill() {
        isKilled = true
      },
      async revive() {},
      check: async () => [],
      end: () => store.close(),
    }
  }
}

describe('servers that break a rule are found out', { timeout: 60_000 }, () => {
  const planted: readonly (readonly [string, (store: CommandLogStore) => CommandLogStore, RegExp | undefined])[] = [
    ['keep everything', (store) => store, undefined],
    [
      'lose a record that was acknowledged',
      (store) => ({
        ...store,
        async list(query) {
          const page = await store.list(query)
          return { ...page, records: page.records.filter(({ id }) => !id.endsWith('.3')) }
        },
      }),
      /^lost after kill 1/m,
    ],
    [
      'lose outcomes that were acknowledged',
      (store) => ({
        ...store,
        async list(query) {
          const page = await store.list(query)
          return { ...page, records: page.records.map((each) => ({ ...each, state: 'created', events: [] })) }
        },
      }),
      /^lost after kill 1 at memory: read-after-acknowledgement: .* still created/m,
    ],
    [
      'give a record twice',
      (store) => ({
        ...store,
        async list(query) {
          const page = await store.list(query)
          return { ...page, records: [...page.records, ...page.records.slice(0, 1)] }
        },
      }),
      /^duplicated after kill 1/m,
    ],
  ]
  for (const [fault, after, expected] of planted) {
    test(`servers that ${fault}`, async () => {
      const { violations } = await runServerCampaign({ servers: memoryServers(after), kills: 1, seed: 1 })
      if (expected === undefined) assert.deepEqual(violations, [])
      else assert.match(violations.join('\n'), expected)
    })
  }
})

/** What is done to the stream behind the store's back, and what the check of the stream says to it. */
const damages: readonly (readonly [string, (stream: string) => readonly [string, object], string])[] = [
  [
    'an intent is gone',
    (stream) => [`$JS.API.STREAM.MSG.DELETE.${stream}`, { seq: 2 }],
    'the outcome 3 of * has no intent',
  ],
  [
    'the name of an intent is gone',
    (stream) => [`$JS.API.STREAM.MSG.DELETE.${stream}`, { seq: 1 }],
    '* is not named among its type before it begins',
  ],
  ['there are two intents', (stream) => [`${stream}.record.b`, { by: 'x' }], '* was begun twice'],
  ['there are two outcomes', (stream) => [`${stream}.record.b`, { by: 'x', of: 2 }], '* was settled twice'],
]

for (const [damage, does, expected] of damages) {
  test(`the check of a stream finds it where ${damage}`, { timeout: 20_000 }, async () => {
    const server = await natsServer()
    const place = { servers: [server.url], stream: 'damaged' }
    const store = await natsStore(place)
    for (const record of [intent, settled]) await store.record(record)
    await store.close()
    assert.deepEqual(await checkStream(place), [])
    const connection = await connect(place)
    const [subject, body] = does(place.stream)
    await connection.request(subject, `${JSON.stringify(body)}\n`)
    await connection.close()
    const found = await checkStream(place)
    await server.end()
    assert.deepEqual(found, [expected.replace('*', 'damaged.record.b')])
  })
}
