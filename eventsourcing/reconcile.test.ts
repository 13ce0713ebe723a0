import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import {
  type Command,
  CommandBus,
  type CommandLogStore,
  type CommandRecord,
  StoreError,
  withCommandAudit,
} from '../src/index.ts'
import { memoryStore } from '../stores/memory.ts'
import { sqliteStore } from '../stores/sqlite/index.ts'
import { decider } from './decider.ts'
import type { EventStore } from './event-store.ts'
import { memoryEventStore } from './memory-event-store.ts'
import { reconcile } from './reconcile.ts'

const hour = 3_600_000

/** What a process that died has left: an intent, and nothing more. */
function intent(id: string, given: Partial<CommandRecord> = {}): CommandRecord {
  return {
    ...{ id, type: 'open', state: 'created', correlationId: id, events: [] },
    ...{ payload: { status: 'full', format: 'json', data: '{}', bytes: 2 } },
    ...{ importance: 'normal', retention: 'long-lived', dryRun: false, receivedAt: Date.now() - hour },
    ...given,
  }
}

async function append(store: EventStore, commandId: string, ...ids: string[]): Promise<void> {
  const metadata = { commandId, correlationId: commandId, recordedAt: 1 }
  await store.append(
    `stream-${commandId}`,
    ids.map((id) => ({ id, type: 'opened', data: {}, metadata })),
  )
}

const ref = (id: string, command: string, version = 1) => ({ id, type: 'opened', stream: `stream-${command}`, version })

for (const [name, open] of [
  ['memory', memoryStore],
  ['SQLite', (folder: string) => sqliteStore({ path: join(folder, 'log.db') })],
] as const) {
  test(`what has left events is successful with them, what has not is abandoned, and both show who said so: ${name}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'commandlog-'))
    after(() => rmSync(folder, { recursive: true, force: true }))
    const log = await open(folder)
    const events = memoryEventStore()
    await log.record(intent('done', { metadata: { page: 7 } }))
    await log.record(intent('lost'))
    await append(events, 'done', 'e-1', 'e-2')
    const startedAt = Date.now()
    const { records, counts, ...rest } = await reconcile(log, events, { types: 'open', olderThan: 1000, who: 'ops' })
    assert.deepEqual(rest, {})
    assert.deepEqual(counts, { successful: 1, abandoned: 1, 'settled-meanwhile': 0, undecided: 0, error: 0 })
    const [done, lost] = [await log.get('done'), await log.get('lost')]
    assert.deepEqual(
      records.map(({ record, ...said }) => said),
      [
        { id: 'done', type: 'open', finding: 'successful', why: '2 of its events are in the event store' },
        {
          id: 'lost',
          type: 'open',
          finding: 'abandoned',
          why: 'None of its events are in the event store, and none can come',
        },
      ],
    )
    assert.deepEqual(
      records.map(({ record }) => record),
      [done, lost],
    )
    const at = done?.settledAt ?? 0
    assert.ok(at >= startedAt && at <= Date.now())
    const settledBy = { name: 'reconcile', at, who: 'ops' }
    assert.deepEqual(
      [done?.state, done?.events, done?.metadata, done?.problem],
      ['successful', [ref('e-1', 'done'), ref('e-2', 'done', 2)], { page: 7, settledBy }, undefined],
    )
    assert.deepEqual([lost?.state, lost?.events, lost?.problem?.code], ['failed', [], 'abandoned'])
    await assert.rejects(append(events, 'lost', 'e-3'), { code: 'FENCED' })
    const again = await reconcile(log, events, { types: 'open', olderThan: 0 })
    assert.deepEqual(again.records, [])
    await log.close()
  })
}

test('what is younger, of another type, or settled is left alone, and not fenced', async () => {
  const log = memoryStore()
  const events = memoryEventStore()
  await log.record(intent('young', { receivedAt: Date.now() }))
  await log.record(intent('other', { type: 'send-mail' }))
  await log.record(intent('settled', { state: 'rejected' }))
  const { records } = await reconcile(log, events, { types: ['open', 'close'], olderThan: hour / 2 })
  assert.deepEqual(records, [])
  await append(events, 'young', 'e-1')
  const all = await reconcile(log, events, { types: ['open', 'close'], olderThan: new Date() })
  assert.deepEqual(
    all.records.map(({ id, finding }) => [id, finding]),
    [['young', 'successful']],
  )
  assert.equal((await log.get('other'))?.state, 'created')
})

test('an event store that cannot fence leaves every record undecided', async () => {
  const log = memoryStore()
  const { fence: _, ...unfenced } = memoryEventStore()
  await log.record(intent('lost'))
  const { records } = await reconcile(log, unfenced, { types: 'open', olderThan: 0 })
  const record = await log.get('lost')
  const why = 'The event store cannot fence'
  assert.deepEqual(records, [{ id: 'lost', type: 'open', finding: 'undecided', why, record }])
  assert.equal(record?.state, 'created')
})

test('a dry run names the records, and neither fences nor settles', async () => {
  const log = memoryStore()
  const events = memoryEventStore()
  await log.record(intent('lost'))
  const { records } = await reconcile(log, events, { types: 'open', olderThan: 0, dryRun: true })
  assert.deepEqual(
    records.map(({ id, finding, why }) => [id, finding, why]),
    [['lost', 'undecided', 'This is a dry run']],
  )
  await append(events, 'lost', 'e-1')
  assert.equal((await log.get('lost'))?.state, 'created')
})

test('a record that is settled meanwhile stays as it was settled, and is reported so', async () => {
  const log = memoryStore()
  const events = memoryEventStore()
  await log.record(intent('racing'))
  const racing = {
    ...events,
    async fence(id: string) {
      await log.record(intent('racing', { state: 'cancelled' }))
      return await events.fence(id)
    },
  }
  const { records } = await reconcile(log, racing, { types: 'open', olderThan: 0 })
  const why = 'It was settled by another hand as cancelled'
  const record = await log.get('racing')
  assert.deepEqual(records, [{ id: 'racing', type: 'open', finding: 'settled-meanwhile', why, record }])
})

test('a record that cannot be judged or written does not stop the others', async () => {
  const log = memoryStore()
  const events = memoryEventStore()
  for (const id of ['a', 'b', 'c']) await log.record(intent(id))
  const broken = new StoreError('STORE_UNAVAILABLE', 'No disk', 'no')
  const unwilling: CommandLogStore = {
    ...log,
    record: (record) => (record.id === 'b' ? Promise.reject(broken) : log.record(record)),
  }
  const { records, counts } = await reconcile(unwilling, events, { types: 'open', olderThan: 0 })
  assert.deepEqual(
    records.map(({ id, finding, error }) => [id, finding, error]),
    [
      ['a', 'abandoned', undefined],
      ['b', 'error', broken],
      ['c', 'abandoned', undefined],
    ],
  )
  assert.deepEqual([counts.abandoned, counts.error], [2, 1])
})

test('a log that fails between two pages ends the walk, and the report holds what was done until then', async () => {
  const log = memoryStore()
  for (let index = 0; index < 150; index++) await log.record(intent(`c-${index}`))
  const broken = new StoreError('STORE_UNAVAILABLE', 'No disk', 'no')
  const flaky: CommandLogStore = {
    ...log,
    list: (query) => (query?.cursor === undefined ? log.list(query) : Promise.reject(broken)),
  }
  const options = { types: 'open', olderThan: 0 }
  const first = await reconcile(flaky, memoryEventStore(), options)
  assert.deepEqual([first.records.length, first.endedBy], [100, broken])
  assert.equal((await reconcile(log, memoryEventStore(), options)).records.length, 50)
})

test('a decider that was only slow can append nothing once it was judged, and its record stays', async () => {
  const log = memoryStore()
  const events = memoryEventStore()
  let go = (): void => {}
  const waiting = new Promise<void>((resolve) => {
    go = resolve
  })
  const slow = decider({
    initialState: () => 0,
    async decide(_: Command<'open'>) {
      await waiting
      return { type: 'opened' as const, data: {} }
    },
    evolve: (count: number, _: { type: 'opened'; data: object }) => count + 1,
    stream: () => 'shop',
    store: events,
  })
  const bus = withCommandAudit(new CommandBus<Command<'open'>>().register('open', slow), log)
  const sent = bus.send({ type: 'open', data: {} }, { id: 'slow' })
  while ((await log.get('slow')) === undefined) await new Promise(setImmediate)
  await reconcile(log, events, { types: 'open', olderThan: 0 })
  go()
  await assert.rejects(sent, { code: 'FENCED' })
  const { state, problem } = (await log.get('slow')) ?? {}
  assert.deepEqual([state, problem?.code, await events.read('shop')], ['failed', 'abandoned', []])
})

test('without types every command that is old enough is judged', async () => {
  const log = memoryStore()
  await log.record(intent('a'))
  await log.record(intent('b', { type: 'send-mail' }))
  const { counts } = await reconcile(log, memoryEventStore(), { olderThan: 0 })
  assert.deepEqual([counts.abandoned, (await log.get('b'))?.problem?.code], [2, 'abandoned'])
})

test('options that are none are refused by name', async () => {
  for (const [argument, options] of [
    ['types', { olderThan: 0, types: null }],
    ['types', { olderThan: 0, types: [1] }],
    ['olderThan', { types: 'open' }],
    ['olderThan', { types: 'open', olderThan: -1 }],
    ['olderThan', { types: 'open', olderThan: new Date(Number.NaN) }],
    ['dryRun', { olderThan: 0, dryRun: 'yes' }],
    ['who', { olderThan: 0, who: 5 }],
  ] as const) {
    const call = reconcile(memoryStore(), memoryEventStore(), options as unknown as Parameters<typeof reconcile>[2])
    await assert.rejects(call, { name: 'InvalidArgument', argument })
  }
  // @ts-expect-error the log comes first
  const swapped = reconcile(memoryEventStore(), memoryStore(), { olderThan: 0 })
  await assert.rejects(swapped, { name: 'InvalidArgument', argument: 'log' })
})
