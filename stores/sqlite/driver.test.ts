import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { CommandRecord } from '../../src/index.ts'
import { parseJson } from '../../storekit/index.ts'
import { made, settled } from '../../test/stores/samples.ts'
import { withPath } from '../../test/stores/sqlite.ts'
import { type SqliteStore, sqliteStore } from './index.ts'

/** Gives a store on a new file to `use`, and closes it afterwards. */
async function withStore(use: (store: SqliteStore) => Promise<void>): Promise<void> {
  await withPath(async (path) => {
    const store = await sqliteStore({ path })
    try {
      await use(store)
    } finally {
      await store.close()
    }
  })
}

const invalid = { name: 'StoreError', code: 'INVALID_RECORD', written: 'no' }
const body = { status: 'full', format: 'json', data: '1', bytes: 1 } as const
const cycle: Record<string, unknown> = {}
cycle.self = cycle

describe('a record that cannot be written', () => {
  const bad: Readonly<Record<string, object>> = {
    'a half attempt': { attempts: 1.5 },
    'a time between two milliseconds': { settledAt: 1.5 },
    'a time beyond all integers': { settledAt: 1e300 },
    'a time that is none': { settledAt: Number.NaN },
    'a Date as time': { settledAt: new Date(1) },
    'a list as time': { settledAt: [5] },
    'an empty list as attempts': { attempts: [] },
    'an object as duration': { durationMs: {} },
    'a text as attempts': { attempts: '3' },
    'a duration without end': { durationMs: Number.POSITIVE_INFINITY },
    'a size that is no number': { payload: { ...body, bytes: true } },
    'a size that is missing': { payload: { ...body, bytes: undefined } },
    'half a byte in its result': { result: { ...body, bytes: 0.5 } },
    'a number as payload': { payload: { ...body, data: 5 } },
    'a payload without status': { payload: { ...body, status: undefined } },
    'a bigint in its error': { error: { name: 'E', message: 5n } },
    'a cycle in its source': { source: cycle },
    'a bigint in an event': { events: [{ id: 'e', version: 5n }] },
    'an object as tenant': { tenantId: {} },
    'a list as trace': { traceparent: ['a', 'b'] },
  }
  for (const [name, fields] of Object.entries(bad)) {
    test(`Given ${name} in the midst of a group, then it is INVALID_RECORD, and its neighbours are written`, () =>
      withStore(async (store) => {
        const neighbours = Array.from({ length: 10 }, (_, n) => settled(`c${n}`))
        const records = neighbours.toSpliced(5, 0, settled('bad', fields))
        const results = await Promise.allSettled(records.map((record) => store.record(record)))
        const [refused] = results.splice(5, 1)
        assert.deepEqual(results, Array(10).fill({ status: 'fulfilled', value: 'created' }))
        assert.equal(refused?.status, 'rejected')
        const { name, code, written } = refused.reason
        assert.deepEqual({ name, code, written }, invalid)
        assert.doesNotMatch(JSON.stringify(refused.reason) + refused.reason.message, /INSERT|command_log/)
        assert.deepEqual((await store.list({ order: 'oldest' })).records, neighbours)
      }))
  }

  test('Given an intent and a bad outcome of it in one group, then the intent is written', () =>
    withStore(async (store) => {
      const [intent, outcome] = await Promise.allSettled([
        store.record(made('a')),
        store.record(settled('a', { attempts: 1.5 })),
      ])
      assert.deepEqual([intent.status, outcome.status], ['fulfilled', 'rejected'])
      assert.deepEqual(await store.get('a'), made('a'))
      assert.equal(await store.record(settled('a')), 'settled')
    }))

  test('Given one that is larger than SQLite takes, then it is RECORD_TOO_LARGE, and those before and after it are written', () =>
    withStore(async (store) => {
      assert.equal(await store.record(made('before')), 'created')
      // One byte a character in memory, two in the file.
      const data = 'é'.repeat(500_000_001)
      const huge = made('huge', { payload: { status: 'full', format: 'text', data, bytes: 1e9 + 2 } })
      await assert.rejects(store.record(huge), { name: 'StoreError', code: 'RECORD_TOO_LARGE', written: 'no' })
      assert.equal(await store.record(made('after')), 'created')
      assert.equal(await store.get('huge'), undefined)
    }))
})

describe('texts', () => {
  const places: Readonly<Record<string, (text: string) => Partial<CommandRecord>>> = {
    id: (text) => ({ id: text }),
    type: (type) => ({ type }),
    correlationId: (correlationId) => ({ correlationId }),
    causationId: (causationId) => ({ causationId }),
    clientRef: (clientRef) => ({ clientRef }),
    tenantId: (tenantId) => ({ tenantId }),
    userId: (userId) => ({ userId }),
    replayOf: (replayOf) => ({ replayOf }),
    traceparent: (traceparent) => ({ traceparent }),
    payload: (data) => ({ payload: { ...body, data } }),
    result: (data) => ({ result: { ...body, data } }),
    format: (format) => ({ payload: { ...body, format } }),
    'event id': (id) => ({ events: [{ id }] }),
    'event type': (type) => ({ events: [{ id: 'e', type }] }),
    'metadata name': (text) => ({ metadata: { [text]: 1 } }),
    'metadata value': (text) => ({ metadata: { a: [text] } }),
    'attribute name': (text) => ({ attributes: { [text]: 1 } }),
    'attribute value': (text) => ({ attributes: { a: text } }),
    'problem code': (code) => ({ problem: { code } }),
    'error message': (message) => ({ error: { name: 'E', message } }),
    source: (service) => ({ source: { service } }),
  }
  const hostile = [
    '\ud800',
    'a\udc00b',
    '\udc00\ud800',
    '\0',
    'a\0b',
    '\ufffd',
    "'; DROP TABLE command_log; --",
    '"\\\n\u2028',
    '\\u0000',
    '',
  ]

  for (const [place, fieldsOf] of Object.entries(places)) {
    test(`Given any text as ${place}, then it is kept exactly or refused, and found by nothing else`, () =>
      withStore(async (store) => {
        for (const [n, text] of hostile.entries()) {
          const record = settled(`c${n}`, fieldsOf(text))
          try {
            await store.record(record)
          } catch (error) {
            assert.ok(!text.isWellFormed(), JSON.stringify(text))
            assert.equal((error as { code: unknown }).code, 'INVALID_RECORD')
            continue
          }
          assert.deepEqual(await store.get(record.id), record, JSON.stringify(text))
        }
        for (const text of hostile) {
          const { id, type, tenantId, userId, correlationId, events = [], attributes, problem } = fieldsOf(text)
          const wanted = {
            type,
            tenantId,
            userId,
            correlationId,
            eventId: place === 'event id' ? events[0]?.id : undefined,
            attributes,
            problemCode: problem?.code,
          }
          if (Object.values(wanted).every((each) => each === undefined) || id !== undefined) continue
          for (const found of (await store.list(wanted)).records) {
            assert.deepEqual({ ...found, ...fieldsOf(text) }, found, JSON.stringify(text))
          }
        }
      }))
  }

  test('Given names with escapes that V8 takes for each other, when parsed, then each is itself', () => {
    const names = ['a\\', 'a\0', 'a"', 'a\n', '"', '\\', '\0', '#0', '##0', '__proto__\\', 'é\\', 'é\0', '\ud800']
    for (const first of names) {
      for (const second of names) {
        for (const value of [
          { x: {}, [first]: 1 },
          { x: 1, [second]: 1 },
          [{ [first]: '\\' }, { [second]: [{ [first]: 2 }] }],
        ]) {
          assert.deepEqual(parseJson(JSON.stringify(value)), value)
        }
      }
    }
  })

  test('Given large texts full of escapes, when parsed, then they are themselves', () => {
    const value = {
      stack: '"\\\n'.repeat(500_000),
      'na"me': 'x'.repeat(3_000_000),
      list: Array(20_000).fill({ 'a\n': '"' }),
    }
    assert.deepEqual(parseJson(JSON.stringify(value)), value)
  })
})
