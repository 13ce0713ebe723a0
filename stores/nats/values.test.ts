import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { jetstream } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import type { CommandRecord } from '../../src/index.ts'
import { natsServer } from '../../test/servers/nats.ts'
import { streamNames } from '../../test/stores/nats.ts'
import { outcomeOf } from '../../test/stores/outcome.ts'
import { made, settled } from '../../test/stores/samples.ts'
import { natsStore } from './index.ts'
import { correlationSubject, recordSubject } from './schema.ts'

const server = await natsServer()
after(() => server.end())
const next = streamNames()
const store = await natsStore({ servers: server.url, stream: next() })
after(() => store.close())

/** Names that a subject cannot have as they are, or that our way around it could confuse. */
const names: readonly string[] = [
  ...[
    '',
    ' ',
    '.',
    '*',
    '>',
    'a.b',
    'a b',
    'a.>',
    '$JS.API',
    'ä',
    '\0',
    '\r\n',
    'a\tb',
    '-',
    '_',
    '=',
    '=YQ',
    '~',
    'A',
    'a',
  ],
  ...['x'.repeat(64), 'x'.repeat(65), 'x'.repeat(96), 'x'.repeat(97), 'x'.repeat(4096), `${'x'.repeat(4095)}y`],
  ...['😀'.repeat(60), '\u2028', 'é', 'e\u0301'],
]

describe('names', { timeout: 30_000 }, () => {
  test('Given names that no subject can have, then each has a token of its own', () => {
    const tokens = names.map((name) => recordSubject('log', name).split('.')[2] ?? '')
    assert.equal(new Set(tokens).size, names.length)
    for (const token of tokens) assert.match(token, /^[A-Za-z0-9_=~-]{1,129}$/)
    assert.deepEqual(
      [correlationSubject('log', 'a'), recordSubject('log', 'a b'), recordSubject('log', 'a')],
      ['log.correlation.a', 'log.record.=YSBi', 'log.record.a'],
    )
  })

  test('Given records by those names, then each is found by its id and its correlation, and only itself', async () => {
    await Promise.all(names.map((name) => store.record(made(`n-${name}`, { correlationId: name, type: name }))))
    await Promise.all(names.map((name) => store.record(settled(`n-${name}`))))
    for (const name of names) {
      const expected = settled(`n-${name}`, { correlationId: name, type: name })
      assert.deepEqual(await store.get(`n-${name}`), expected)
      assert.deepEqual(await store.findByCorrelation(name), [expected])
    }
    assert.equal(await store.get('\ud800'), undefined)
    assert.deepEqual(await store.findByCorrelation('\ud800'), [])
  })
})

describe('bodies', { timeout: 60_000 }, () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte)
  const bodies: readonly (readonly [name: string, format: string, data: string | Uint8Array])[] = [
    ['every byte', 'cbor', bytes],
    ['no bytes', 'cbor', new Uint8Array()],
    ['no text', 'json', ''],
    ['lines and a NUL', 'yaml', 'a\n\r\n\0{"by":1}\n'],
    ['other letters', 'yaml', 'ä😀\ufeff'],
    ['a mebibyte of bytes', 'cbor', new Uint8Array(1024 * 1024).fill(43)],
    ['a mebibyte of text', 'json', JSON.stringify('ü'.repeat(512 * 1024 - 1))],
    ['five megabytes', 'json', JSON.stringify('\\"\n'.repeat(800_000))],
  ]
  for (const [index, [name, format, data]] of bodies.entries()) {
    test(`Given ${name} as payload and as result, then they come back as they were, from one write or from two`, async () => {
      const size = typeof data === 'string' ? Buffer.byteLength(data) : data.length
      const body = { status: 'full', format, data, bytes: size } as const
      const whole = settled(`b${index}`, { payload: body, result: body })
      assert.equal(await store.record(whole), 'created')
      const intent = made(`c${index}`, { payload: body })
      const outcome = settled(`c${index}`, { result: body })
      assert.equal(await store.record(intent), 'created')
      assert.equal(await store.record(outcome), 'settled')
      const both = settled(`d${index}`, { payload: body, result: body })
      const results = await Promise.all([store.record(made(`d${index}`, { payload: body })), store.record(both)])
      assert.deepEqual(results, ['created', 'settled'])
      const found = await Promise.all([whole.id, intent.id, both.id].map((id) => store.get(id)))
      assert.deepEqual(found, [whole, { ...outcome, payload: body }, both])
      const listed = await store.list({ limit: 3, order: 'newest' })
      assert.deepEqual(
        listed.records.map(({ id }) => id),
        [both.id, intent.id, whole.id],
      )
    })
  }

  test('Given more than a batch of the server holds, then it is RECORD_TOO_LARGE, and neighbours are written', async () => {
    const narrow = await natsServer({ config: 'max_payload: 4096' })
    const there = await natsStore({ servers: narrow.url })
    const body = (length: number) =>
      ({ status: 'full', format: 'text', data: 'x'.repeat(length), bytes: length }) as const
    const calls = [10, 3_000_000, 5_000_000].map((length) =>
      there.record(settled(`l${length}`, { payload: body(length) })),
    )
    assert.deepEqual(await Promise.all(calls.map(outcomeOf)), ['created', 'created', 'RECORD_TOO_LARGE no'])
    assert.deepEqual((await there.get('l3000000'))?.payload, body(3_000_000))
    assert.equal(await there.get('l5000000'), undefined)
    const huge = store.record(made('huge', { payload: body(70 * 1024 * 1024) }))
    assert.equal(await outcomeOf(huge), 'RECORD_TOO_LARGE no')
    await there.close()
    await narrow.end()
  })

  test('Given what JSON or UTF-8 cannot hold, then it is INVALID_RECORD, and neighbours are written', async () => {
    const calls = [
      made('v1'),
      made('v\ud800'),
      made('v2', { correlationId: '\udc00' }),
      made('v3', { payload: { status: 'full', format: 'text', data: '\ud800', bytes: 3 } }),
      settled('v4', { durationMs: Number.NaN }),
    ].map((record) => outcomeOf(store.record(record)))
    assert.deepEqual(await Promise.all(calls), ['created', ...Array(4).fill('INVALID_RECORD no')])
  })
})

test('Given a message of somebody else in the place of a record, when that id is written among others, then it alone is refused, at once', {
  timeout: 30_000,
}, async () => {
  const stream = next()
  const log = await natsStore({ servers: server.url, stream })
  const link = await connect({ servers: server.url, ...server.auth })
  await jetstream(link).publish(recordSubject(stream, 'taken'), '{"x":1}\n{}')
  const told = await Promise.all(['a', 'taken', 'b'].map((id) => outcomeOf(log.record(made(id)))))
  assert.deepEqual(told, ['created', 'STORE_CORRUPT no', 'created'])
  await Promise.all([log.close(), link.close()])
})

describe('races', { timeout: 30_000 }, () => {
  test('Given handles that write one id at once, again and again, then one is told created, and one settled', async () => {
    const stream = next()
    const stores = await Promise.all([1, 2, 3].map(() => natsStore({ servers: server.url, stream })))
    for (let round = 0; round < 40; round++) {
      const records: CommandRecord[] = [made(`r${round}`), settled(`r${round}`)]
      // Neighbours make batches of them, in which one alone is in the way.
      const crowd = Array.from({ length: 250 }, (_, n) => made(`r${round}-${n}`))
      const told = await Promise.all(
        stores.map(async (each) => {
          const own = Promise.all(records.map((record) => each.record(record)))
          const others = round % 8 === 0 ? crowd.map((record) => each.record(record)) : []
          return [...(await own), ...(await Promise.all(others))]
        }),
      )
      const results = told.flatMap((each) => each.slice(0, 2))
      const count = (result: string): number => results.filter((each) => each === result).length
      assert.deepEqual([count('created'), count('settled') <= 1], [1, true], results.join())
      const created = told.flatMap((each) => each.slice(2)).filter((each) => each === 'created')
      assert.equal(created.length, round % 8 === 0 ? crowd.length : 0)
      assert.equal((await stores[round % 3]?.get(`r${round}`))?.state, 'successful')
    }
    await Promise.all(stores.map((each) => each.close()))
  })
})
