import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CommandLogStore, CommandQuery, CommandRecord, CommandState, Page } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory.ts'
import { randomFrom } from '../odd-stores/odd-store.ts'
import { baseStore, saboteurs } from './index.ts'

const random = randomFrom(20_261_121)
const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T
const states: readonly CommandState[] = [
  'created',
  'created',
  'successful',
  'rejected',
  'conflict',
  'failed',
  'cancelled',
]

function anyRecord(): CommandRecord {
  const state = pick(states)
  return {
    id: `id-${Math.floor(random() * 60)}`,
    type: pick(['a', 'A', 'a.b', 'a%']),
    state,
    correlationId: pick(['c1', 'c2', 'C1']),
    ...(random() < 0.5 && { tenantId: pick(['t', 'T', '']) }),
    ...(random() < 0.5 && { attributes: { n: pick([1, '1', true]) } }),
    payload: { status: 'full', format: 'json', data: '{"a":1}', bytes: 7 },
    events: state === 'created' ? [] : [{ id: pick(['e1', 'e2']), version: 1 }],
    ...(state === 'rejected' && { problem: { code: pick(['p', 'pp']), title: 'No' } }),
    importance: 'normal',
    retention: pick(['short-lived', 'long-lived', 'permanent']),
    dryRun: random() < 0.2,
    receivedAt: 1000 + Math.floor(random() * 20),
  }
}

function anyQuery(): CommandQuery {
  const all: CommandQuery = {
    type: pick<string | string[]>(['a', ['a', 'A'], []]),
    state: pick<CommandState | CommandState[]>(['created', ['failed', 'rejected'], []]),
    correlationId: pick(['c1', 'C1']),
    tenantId: pick(['t', '']),
    eventId: 'e1',
    problemCode: 'p',
    attributes: pick<Record<string, string | number>>([{}, { n: 1 }, { n: '1' }]),
    from: 1005,
    to: 1012,
    dryRun: pick([true, false]),
  }
  const chosen = Object.entries(all).filter(() => random() < 0.2)
  return { ...Object.fromEntries(chosen), order: pick(['newest', 'oldest']), limit: pick([1, 3, 100]) }
}

async function walk(store: CommandLogStore, query: CommandQuery): Promise<readonly (readonly CommandRecord[])[]> {
  const pages: (readonly CommandRecord[])[] = []
  let page: Page = await store.list(query)
  for (;;) {
    pages.push(page.records)
    if (page.next === undefined) return pages
    page = await store.list({ ...query, cursor: page.next })
  }
}

test('the base store, of which no step is replaced, answers every call as the memory store does', async () => {
  const open = baseStore()
  const handles = [await open('data'), await open('data')]
  const memory = memoryStore()
  for (let step = 0; step < 3000; step++) {
    const base = pick(handles)
    const [record, query] = [anyRecord(), anyQuery()]
    const choice = random()
    if (choice < 0.6) assert.equal(await base.record(record), await memory.record(record))
    else if (choice < 0.7) assert.deepEqual(await base.get(record.id), await memory.get(record.id))
    else if (choice < 0.8) {
      assert.deepEqual(
        await base.findByCorrelation(record.correlationId),
        await memory.findByCorrelation(record.correlationId),
      )
    } else if (choice < 0.98) assert.deepEqual(await walk(base, query), await walk(memory, query))
    else {
      const options = { retention: record.retention, before: 1004, limit: 2 } as const
      assert.equal(await base.purge?.(options), await memory.purge(options))
    }
  }
})

test('the base store follows as the memory store does', async () => {
  const [base, memory] = [await baseStore()('data'), memoryStore()]
  const records = Array.from({ length: 300 }, anyRecord)
  const seen = await Promise.all([base, memory].map((store) => follow(store, records)))
  assert.deepEqual(seen[0], seen[1])
  assert.ok(seen[0] !== undefined && seen[0].length > 60)
})

async function follow(store: Partial<ReturnType<typeof memoryStore>>, records: readonly CommandRecord[]) {
  const seen: string[] = []
  for (const record of records.slice(0, 100)) await store.record?.(record)
  const changes = store.follow?.()[Symbol.asyncIterator]()
  const watching = (async () => {
    for (let step = await changes?.next(); step?.done === false; step = await changes?.next()) {
      seen.push(`${step.value.record.id} ${step.value.record.state}`)
    }
  })()
  for (const record of records.slice(100)) await store.record?.(record)
  await new Promise((resolve) => setTimeout(resolve, 20))
  await store.close?.()
  await watching
  return seen
}

test('the base store keeps data by name, for every handle, beyond close', async () => {
  const open = baseStore()
  const record = anyRecord()
  const [one, two, other] = [await open('a'), await open('a'), await open('b')]
  assert.equal(await one.record(record), 'created')
  assert.deepEqual(await two.get(record.id), record)
  assert.equal(await other.get(record.id), undefined)
  const { next } = await one.list({ limit: 1 })
  assert.ok(next !== undefined)
  await Promise.all([one.close(), two.close(), two.close()])
  await assert.rejects(one.get(record.id), { name: 'StoreError', code: 'STORE_CLOSED', written: 'no' })
  const again = await open('a')
  assert.deepEqual(await again.get(record.id), record)
  assert.deepEqual(await again.list({ limit: 1, cursor: next }), { records: [] })
})

test('there are at least ninety saboteurs, each with a name of its own and a sentence', () => {
  assert.ok(saboteurs.length >= 90, `${saboteurs.length}`)
  assert.equal(new Set(saboteurs.map(({ name }) => name)).size, saboteurs.length)
  for (const { name, breaks } of saboteurs) {
    assert.match(name, /^[a-z]+\/[a-z0-9-]+$/)
    assert.match(breaks, /^[A-Za-z].*\.$/, name)
  }
})

for (const { name, bricks, make } of saboteurs) {
  test(`${name} opens, and has the methods of a store`, async () => {
    const store = await make()('data')
    for (const method of ['record', 'get', 'findByCorrelation', 'findByType', 'list', 'close', ...bricks]) {
      assert.equal(typeof store[method as keyof typeof store], 'function', method)
    }
    void Promise.resolve(store.close())
  })
}
