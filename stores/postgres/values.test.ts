import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { CommandRecord, JsonValue } from '../../src/index.ts'
import { sharedPostgres } from '../../test/servers/postgres.ts'
import { outcomeOf } from '../../test/stores/outcome.ts'
import { run } from '../../test/stores/postgres.ts'
import { made, settled } from '../../test/stores/samples.ts'
import { postgresStore } from './index.ts'

const server = await sharedPostgres()
after(() => server.end())
const url = await server.database()
const store = await postgresStore({ url })
after(() => store.close())
let count = 0

function deep(levels: number): JsonValue {
  let value: JsonValue = 1
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { a: value }
  return value
}

/** Texts that JSON can have and jsonb cannot, or that our way around it could confuse. */
const texts: Readonly<Record<string, string>> = {
  NUL: 'a\0b',
  'a high surrogate alone': 'a\ud800b',
  'a low surrogate alone': '\udc00',
  'surrogates the wrong way round': '\udc00\ud800',
  'a pair': '\ud83d\ude00',
  'the mark itself': '\ufffe',
  'the mark and what looks like an escape of ours': '\ufffe0000 \ufffed800 \ufffefffe',
  'what looks like an escape': '\\u0000 \\\\u0000 \\ud800',
  'quotes, braces and commas': '{"a",\\"b\\",NULL}',
  'the word NULL': 'NULL',
  'only blanks': ' \t\n\r\u2028',
}

describe('what jsonb cannot hold', () => {
  for (const [name, text] of Object.entries(texts)) {
    test(`Given ${name}, then every document with it comes back, and filters find it`, async () => {
      const id = `t${count++}`
      const data = JSON.stringify({ [text]: [text] })
      const given = settled(id, {
        payload: { status: 'full', format: 'json', data, bytes: Buffer.byteLength(data) },
        result: { status: 'full', format: 'json', data, bytes: Buffer.byteLength(data) },
        metadata: { [text]: text },
        attributes: { [`${id}${text}`]: text },
        events: [{ id: `${id}${text}`, type: text }],
        problem: { code: `${id}${text}`, title: text, [text]: { deep: [text] } },
        error: { name: text, message: text },
        source: { service: text },
      })
      assert.equal(await store.record(given), 'created')
      const { payload, result, ...rest } = (await store.get(id)) as CommandRecord
      assert.deepEqual(JSON.parse(payload.data as string), JSON.parse(data))
      assert.deepEqual(JSON.parse(result?.data as string), JSON.parse(data))
      const { payload: _, result: __, ...expected } = given
      assert.deepEqual(rest, expected)
      for (const query of [
        { eventId: `${id}${text}` },
        { problemCode: `${id}${text}` },
        { attributes: { [`${id}${text}`]: text } },
      ]) {
        assert.deepEqual(
          (await store.list(query)).records.map((record) => record.id),
          [id],
          JSON.stringify(query),
        )
      }
    })
  }

  const bodies: Readonly<Record<string, string>> = {
    'no JSON at all': 'not {json',
    'nothing at all': '',
    'an escaped mark': '{"a":"\\ufffe0000","b":"\\uFFFE"}',
    'escaped halves in capitals': '["\\uD83D\\uDE00", "\\uD83D", "\\uDE00\\uD83D\\u0000"]',
    'a huge number': '[1e400, 1e999999, -1E+100000]',
    'many numbers that take a kilobyte each': `[${Array(20_000).fill('1e999').join()}]`,
    'twenty digits': '[12345678901234567890, 0.1234567890123456789]',
    'a key twice': '{"a":1,"a":2}',
    'ten thousand levels': '['.repeat(20_000) + ']'.repeat(20_000),
    'a byte order mark': '\ufeff{}',
  }
  for (const [name, data] of Object.entries(bodies)) {
    test(`Given a body of ${name} under the name json, then it comes back as the same value or the same text`, async () => {
      const id = `b${count++}`
      const payload = { status: 'full', format: 'json', data, bytes: Buffer.byteLength(data) } as const
      assert.equal(await store.record(made(id, { payload })), 'created')
      const given = (await store.get(id))?.payload.data as string
      const value = (text: string): unknown => {
        try {
          return JSON.stringify(JSON.parse(text))
        } catch {
          return text
        }
      }
      assert.equal(value(given), value(data))
    })
  }

  test('Given a body that jsonb refuses, then all that is beside it comes back, and so do its neighbours', async () => {
    const payload = { status: 'full', format: 'json', data: 'not {json', bytes: 9 } as const
    const fields = { payload, metadata: { a: deep(1000) }, problem: { code: 'too-deep', detail: deep(1000) as never } }
    const ids = ['d1', 'd2', 'd3']
    const results = await Promise.all(ids.map((id) => store.record(settled(id, id === 'd2' ? fields : {}))))
    assert.deepEqual(results, Array(3).fill('created'))
    const found = await Promise.all(ids.map((id) => store.get(id)))
    assert.deepEqual(JSON.stringify(found[1]?.metadata), JSON.stringify(fields.metadata))
    assert.deepEqual(JSON.stringify(found[1]?.problem), JSON.stringify(fields.problem))
    assert.deepEqual([found[0], found[2]], [settled('d1'), settled('d3')])
    assert.deepEqual((await store.list({ problemCode: 'too-deep' })).records.length, 1)
  })

  test('Given bytes, and texts of other formats, then they come back as they were', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    for (const [format, data] of [
      ['cbor', bytes],
      ['cbor', new Uint8Array()],
      ['yaml', 'a: 😀 {"\\u0000'],
      ['yaml', ''],
    ] as const) {
      const id = `f${count++}`
      const payload = { status: 'full', format, data, bytes: data.length } as const
      await store.record(made(id, { payload }))
      assert.deepEqual(await store.get(id), made(id, { payload }))
    }
  })

  test('Given what no column can hold, then it is INVALID_RECORD, and neighbours are written', async () => {
    const calls = [
      made('v1'),
      made('v2', { payload: { status: 'full', format: 'yaml', data: 'a\0', bytes: 2 } }),
      made('v3', { traceparent: 'a\0' }),
      made('v4', { receivedAt: 2 ** 70 }),
    ].map((record) => outcomeOf(store.record(record)))
    const results = await Promise.all(calls)
    assert.equal(results[0], 'created')
    assert.equal(results[1], 'created')
    for (const result of results.slice(2)) assert.equal(result, 'INVALID_RECORD no')
  })
})

describe('long values', () => {
  test('Given attributes, events and codes longer than an index takes, then each is found, and only itself', async () => {
    const [a, b] = ['x'.repeat(5000), `${'x'.repeat(4999)}ü`]
    for (const [id, text] of [
      ['l1', a],
      ['l2', b],
    ] as const) {
      await store.record(
        settled(id, { attributes: { [text]: text }, events: [{ id: text }], problem: { code: text, title: 't' } }),
      )
      for (const query of [{ attributes: { [text]: text } }, { eventId: text }, { problemCode: text }]) {
        assert.deepEqual(
          (await store.list(query)).records.map((record) => record.id),
          [id],
        )
      }
    }
    assert.equal(await store.purge({ retention: 'long-lived', before: 999 }), 0)
  })

  test('Given a page of a thousand records of 100 kB, then pages are shorter, and the walk has them all', async () => {
    const data = JSON.stringify('x'.repeat(100_000))
    const payload = { status: 'full', format: 'json', data, bytes: data.length } as const
    await Promise.all(Array.from({ length: 300 }, (_, n) => store.record(made(`p${n}`, { payload, tenantId: 'long' }))))
    const pages: number[] = []
    let cursor: string | undefined
    do {
      const page = await store.list({ tenantId: 'long', limit: 1000, ...(cursor !== undefined && { cursor }) })
      pages.push(page.records.length)
      cursor = page.next
    } while (cursor !== undefined)
    assert.equal(
      pages.reduce((sum, each) => sum + each, 0),
      300,
    )
    assert.ok(pages.length > 1 && pages.length < 6, String(pages))
  })

  test('Given everything above, when all of it is purged, then nothing is left in any table', async () => {
    await run(url, "UPDATE command_log SET state = 'successful'")
    assert.ok((await store.purge({ retention: 'long-lived', before: 2 ** 50 })) > 300)
    const left = await run(
      url,
      'SELECT count(*) FROM command_log UNION ALL SELECT count(*) FROM command_log_event UNION ALL SELECT count(*) FROM command_log_attribute',
    )
    assert.deepEqual(left, Array(3).fill({ count: '0' }))
  })
})
