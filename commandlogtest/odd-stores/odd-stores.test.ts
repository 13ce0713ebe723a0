import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CommandRecord, type StoreError, uuidv7 } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory.ts'
import { oddStores } from './index.ts'
import { randomFrom } from './odd-store.ts'

function records(seed: number): readonly CommandRecord[] {
  const random = randomFrom(seed)
  return Array.from({ length: 120 }, (_each, index) => {
    const isSettled = random() < 0.5
    return {
      id: `id-${Math.floor(random() * 50)}`,
      type: index % 2 === 0 ? 'even' : 'odd',
      state: isSettled ? 'successful' : 'created',
      correlationId: 'c',
      metadata: { b: [1, { z: 1, a: null }], a: 'x' },
      payload: { status: 'full', format: 'cbor', data: Uint8Array.of(1, index), bytes: 2 },
      events: isSettled ? [{ id: `e-${index}` }] : [],
      importance: 'normal',
      retention: 'long-lived',
      dryRun: false,
      receivedAt: 1000 + index,
    }
  })
}

async function recordUntilSure(store: Pick<ReturnType<typeof memoryStore>, 'record'>, record: CommandRecord) {
  for (;;) {
    try {
      return await store.record(record)
    } catch (error) {
      assert.ok((error as StoreError).name === 'StoreError' && (error as StoreError).code === 'STORE_UNAVAILABLE')
    }
  }
}

/** Plain values, so that only what they hold is compared. */
function plain(found: readonly CommandRecord[]): unknown {
  return JSON.parse(
    JSON.stringify(
      [...found].filter(({ type }) => type !== 'foreign.command'),
      sortedKeys,
    ),
  )
}

function sortedKeys(_key: string, value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return [...(value as Uint8Array)]
  if (Array.isArray(value)) return value
  if (typeof value !== 'object' || value === null) return value
  if ('type' in value && value.type === 'Buffer' && 'data' in value) return value.data
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

test('there are at least fourteen odd stores, each with a name of its own', () => {
  assert.ok(oddStores.length >= 14)
  assert.equal(new Set(oddStores.map(({ name }) => name)).size, oddStores.length)
})

for (const { name, make } of oddStores) {
  test(`${name} holds what the memory store holds after the same writes`, async () => {
    for (const seed of [1, 2]) {
      const [odd, memory] = [await make(seed)(uuidv7()), memoryStore()]
      for (const record of records(seed)) {
        await recordUntilSure(odd, record)
        await memory.record(record)
      }
      const found: CommandRecord[] = []
      let page = await odd.list({ order: 'oldest', limit: 7 })
      found.push(...page.records)
      while (page.next !== undefined) {
        page = await odd.list({ order: 'oldest', limit: 7, cursor: page.next })
        found.push(...page.records)
      }
      assert.deepEqual(plain(found), plain((await memory.list({ order: 'oldest', limit: 1000 })).records))
      assert.deepEqual(plain(await odd.findByCorrelation('c')), plain(await memory.findByCorrelation('c')))
      await odd.close()
      await assert.rejects(odd.get('id-1'), { name: 'StoreError', code: 'STORE_CLOSED' })
    }
  })
}
