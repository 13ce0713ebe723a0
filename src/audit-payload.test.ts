import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { memoryStore } from '../stores/memory.ts'
import {
  type AuditOptions,
  type Codec,
  CommandBus,
  type CommandRecord,
  CommandRejected,
  type CommandTraits,
  defineCommand,
  type Handler,
  type SendOptions,
  withCommandAudit,
} from './index.ts'

interface Sending {
  readonly traits?: CommandTraits<never, never>
  readonly data: unknown
  readonly handler?: Handler
  readonly audit?: AuditOptions
  readonly options?: SendOptions
}

/** What is on the record after one command, and everything that the lifecycle events carried. */
async function recordOf({
  traits = {},
  data,
  handler = () => {},
  audit = {},
  options = {},
}: Sending): Promise<{ record: CommandRecord; events: string }> {
  const store = memoryStore()
  const definition = defineCommand('x', traits as unknown as CommandTraits)
  const audited = withCommandAudit(new CommandBus().register(definition, handler), store, audit)
  const events: unknown[] = []
  audited.events.onAny(({ name, data: carried }) => void events.push([name, carried]))
  await audited.send(definition(data), { id: 'c', ...options }).catch(() => {})
  await new Promise(setImmediate)
  const record = await store.get('c')
  assert.ok(record)
  return { record, events: JSON.stringify(events) }
}

const unreadable: Record<string, () => unknown> = {
  'a cycle': () => {
    const value: Record<string, unknown> = {}
    value.self = value
    return value
  },
  'a bigint': () => ({ n: 5n }),
  'a getter that throws': () => ({
    get secret() {
      throw new Error('secret')
    },
  }),
  'a revoked proxy': () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    return { proxy }
  },
  'a function': () => () => {},
  'a symbol': () => Symbol('x'),
  'nesting of 100,000 levels': () => {
    let value: unknown = 1
    for (let depth = 0; depth < 100_000; depth++) value = [value]
    return value
  },
  'a toJSON that throws': () => ({ toJSON: () => assert.fail('secret') }),
}

describe('payloads', () => {
  for (const [what, make] of Object.entries(unreadable)) {
    test(`Given ${what}, when sent, then the command runs and the body is flagged unserialisable`, async () => {
      let runs = 0
      const { record } = await recordOf({ data: make(), handler: () => void runs++ })
      assert.deepEqual(
        [runs, record.state, record.payload],
        [1, 'successful', { status: 'unserialisable', format: 'json', bytes: 0 }],
      )
    })
  }

  test('Given no data, when sent, then the payload is full, empty and without data', async () => {
    assert.deepEqual((await recordOf({ data: undefined })).record.payload, { status: 'full', format: 'json', bytes: 0 })
    assert.deepEqual((await recordOf({ data: null })).record.payload, {
      status: 'full',
      format: 'json',
      data: 'null',
      bytes: 4,
    })
  })

  test('Given 8 MiB, when sent, then it is flagged at the default limit and kept when the limit is raised', async () => {
    const data = 'x'.repeat(8 * 1_048_576)
    const bytes = data.length + 2
    assert.deepEqual((await recordOf({ data })).record.payload, { status: 'too-large', format: 'json', bytes })
    const { record } = await recordOf({ data, audit: { maxPayloadBytes: bytes } })
    assert.deepEqual([record.payload.status, record.payload.data === `"${data}"`], ['full', true])
    assert.equal((await recordOf({ data, audit: { maxPayloadBytes: bytes - 1 } })).record.payload.status, 'too-large')
  })

  test('Given text of several bytes a character, when sent, then bytes are counted, not characters', async () => {
    const { record } = await recordOf({ data: '😀€', audit: { maxPayloadBytes: 9 } })
    assert.deepEqual(record.payload, { status: 'full', format: 'json', data: '"😀€"', bytes: 9 })
  })

  test('Given a handler that changes its data, when settled, then the record has what was asked', async () => {
    const data = { items: ['tea'] }
    const { record } = await recordOf({
      data,
      handler: (command) => void (command.data as typeof data).items.push('gold'),
    })
    assert.equal(record.payload.data, '{"items":["tea"]}')
  })

  test('Given a sender that changes its data after the call, when recorded, then the record has what was asked', async () => {
    const store = memoryStore()
    const definition = defineCommand('x', {
      schema: { '~standard': { version: 1, vendor: 't', validate: async (value) => ({ value }) } },
    })
    const audited = withCommandAudit(
      new CommandBus().register(definition, () => {}),
      store,
    )
    const data = { item: 'tea' }
    const metadata = { note: 'first' }
    const sent = audited.send(definition(data), { id: 'c', metadata })
    data.item = 'gold'
    metadata.note = 'second'
    await sent
    const record = await store.get('c')
    assert.deepEqual([record?.payload.data, record?.metadata], ['{"item":"tea"}', { note: 'first' }])
  })

  test('Given a schema that makes something else of it, when sent, then the record has what was asked', async () => {
    const traits: CommandTraits = {
      schema: { '~standard': { version: 1, vendor: 't', validate: () => ({ value: 'made' }) } },
    }
    let seen: unknown
    const { record } = await recordOf({
      traits: traits as never,
      data: 'asked',
      handler: ({ data }) => void (seen = data),
    })
    assert.deepEqual([seen, record.payload.data], ['made', '"asked"'])
  })

  test('Given payload omit by trait or call, when sent, then only its size is kept', async () => {
    const omitted = { status: 'omitted', format: 'json', bytes: 5 }
    assert.deepEqual((await recordOf({ data: 'abc', traits: { payload: 'omit' } })).record.payload, omitted)
    assert.deepEqual((await recordOf({ data: 'abc', options: { payload: 'omit' } })).record.payload, omitted)
    assert.equal(
      (await recordOf({ data: 'abc', traits: { payload: 'omit' }, options: { payload: 'keep' } })).record.payload
        .status,
      'full',
    )
  })

  test('Given a codec of one’s own, when sent, then its format and bytes are on the record', async () => {
    const codec: Codec = {
      format: 'hex',
      encode: (value) => Buffer.from(String(value)),
      decode: (data) => String(data),
    }
    const { record } = await recordOf({ data: 'abc', audit: { codec } })
    assert.deepEqual(
      [record.payload.format, record.payload.bytes, Buffer.from(record.payload.data as Uint8Array).toString()],
      ['hex', 3, 'abc'],
    )
  })

  test('Given result keep and omit, when settled, then only the kept one is on the record', async () => {
    const handler: Handler = () => ({ result: { token: 't' } })
    assert.equal('result' in (await recordOf({ data: 1, handler })).record, false)
    const { record } = await recordOf({ data: 1, handler, traits: { result: 'keep' } })
    assert.deepEqual(record.result, { status: 'full', format: 'json', data: '{"token":"t"}', bytes: 13 })
  })
})

describe('redaction', () => {
  const card = '4111111111111111'
  const data = { item: 'tea', card, cvc: 123 }
  const redact = ({ item }: typeof data): unknown => ({ item })

  test('Given a redactor, when sent, then only what it leaves is stored and the handler has it all', async () => {
    let seen: unknown
    const { record, events } = await recordOf({
      data,
      traits: { redact: redact as never },
      handler: ({ data: own }) => void (seen = own),
    })
    assert.deepEqual(record.payload, {
      status: 'redacted',
      format: 'json',
      data: '{"item":"tea"}',
      bytes: JSON.stringify(data).length,
    })
    assert.equal(seen, data)
    assert.doesNotMatch(events, /4111/)
  })

  test('Given a redactor that changes its argument, when sent, then the data in flight stays as it is', async () => {
    const own = structuredClone(data)
    let seen: unknown
    const { record } = await recordOf({
      data: own,
      traits: { redact: ((copy: { card: string }) => ((copy.card = '****'), copy)) as never },
      handler: (command) => void (seen = structuredClone(command.data)),
    })
    assert.deepEqual([own, seen], [data, data])
    assert.equal(record.payload.data, '{"item":"tea","card":"****","cvc":123}')
  })

  const failing: Record<string, [redact: (copy: never) => unknown, status: string]> = {
    throws: [() => assert.fail(card), 'redaction-failed'],
    'returns a promise': [async () => data, 'redaction-failed'],
    'returns a rejecting promise': [() => Promise.reject(new Error(card)), 'redaction-failed'],
    'returns what cannot be encoded': [() => ({ card, n: 5n }), 'redaction-failed'],
    'returns nothing': [() => undefined, 'omitted'],
  }
  for (const [what, [broken, status]] of Object.entries(failing)) {
    test(`Given a redactor that ${what}, when sent, then the body is ${status} and nothing of it shows`, async () => {
      const handler: Handler = () => {
        throw new Error(`declined ${card}`)
      }
      const { record, events } = await recordOf({
        data,
        traits: { redact: broken as never },
        handler,
        options: { metadata: { pan: card } },
      })
      assert.deepEqual([record.payload.status, record.payload.data, record.state], [status, undefined, 'failed'])
      assert.doesNotMatch(JSON.stringify(record) + events, /4111/)
      assert.equal(events.includes('redactionFailed'), status === 'redaction-failed')
    })
  }

  test('Given a secret in problem, error and metadata, when stored, then it is masked and the rest stays readable', async () => {
    const rejecting: Handler = () => {
      throw new CommandRejected({
        code: 'declined',
        title: 'Declined',
        detail: `Card ${card} with cvc 123 is declined`,
        seen: [card, 123],
      })
    }
    const metadata = { pan: `pan=${card}`, item: 'tea', n: 1234 }
    const refused = await recordOf({
      data,
      traits: { redact: redact as never },
      handler: rejecting,
      options: { metadata },
    })
    assert.deepEqual(refused.record.problem, {
      code: 'declined',
      title: 'Declined',
      detail: 'Card [redacted] with cvc [redacted] is declined',
      seen: ['[redacted]', '[redacted]'],
    })
    assert.deepEqual(refused.record.metadata, { pan: 'pan=[redacted]', item: 'tea', n: 1234 })
    const failed = await recordOf({
      data,
      traits: { redact: redact as never },
      handler: () => {
        throw new Error(`gateway refused ${card}`)
      },
    })
    assert.equal(failed.record.error?.message, 'gateway refused [redacted]')
    assert.doesNotMatch(JSON.stringify(failed.record) + failed.events, /4111/)
  })

  test('Given a payload that is omitted, when it fails, then nothing of it shows and the rest stays readable', async () => {
    const output = { ...data, holder: 'ADA LOVELACE' }
    const schema = {
      '~standard': { version: 1, vendor: 'own', validate: () => ({ value: output }) },
    } as never
    const omit = (_: unknown, params: object) => ({ ...params, payload: 'omit' as const })
    const ways: Pick<Sending, 'traits' | 'options' | 'audit'>[] = [
      { traits: { payload: 'omit', schema } },
      { traits: { schema }, options: { payload: 'omit' } },
      { traits: { schema }, audit: { params: omit } },
    ]
    for (const { traits, options, audit = {} } of ways) {
      const { record, events } = await recordOf({
        ...{ data, traits: traits as never, audit },
        options: { ...options, metadata: { pan: `pan=${card}`, till: 7 } },
        handler: () => {
          throw new Error(`gateway refused ${card} of ADA LOVELACE at till 7`)
        },
      })
      assert.deepEqual(record.payload, { status: 'omitted', format: 'json', bytes: JSON.stringify(data).length })
      assert.equal(record.error?.message, 'gateway refused [redacted] of [redacted] at till 7')
      assert.deepEqual(record.metadata, { pan: 'pan=[redacted]', till: 7 })
      assert.doesNotMatch(JSON.stringify(record) + events, /4111|LOVELACE/)
    }
  })

  test('Given an omitted payload and a redactor, when it fails, then what the redactor left may show', async () => {
    const { record } = await recordOf({
      data,
      traits: { redact: redact as never, payload: 'omit' },
      handler: () => {
        throw new Error(`no tea for ${card}`)
      },
    })
    assert.deepEqual([record.payload.status, record.error?.message], ['omitted', 'no tea for [redacted]'])
  })

  test('Given an omitted payload that is too large to search, when it fails, then no text that could quote it is stored', async () => {
    const { record } = await recordOf({
      ...{ data, traits: { payload: 'omit' }, audit: { maxPayloadBytes: 10 } },
      options: { metadata: { pan: card } },
      handler: () => {
        throw new Error(`gateway refused ${card}`)
      },
    })
    assert.deepEqual([record.error, record.metadata], [{ name: 'Error', message: '[redacted]' }, undefined])
  })

  test('Given no data at all, omitted or redacted, when it fails, then there is nothing to mask', async () => {
    for (const traits of [{ payload: 'omit' as const }, { redact: () => undefined }]) {
      const { record } = await recordOf({
        ...{ data: undefined, traits },
        handler: () => {
          throw new Error('the printer is on fire')
        },
      })
      assert.equal(record.error?.message, 'the printer is on fire')
    }
  })

  test('Given a body that cannot be encoded, when it fails, then no text that could quote it is stored', async () => {
    const { record } = await recordOf({
      data: { card, n: 5n },
      traits: { redact: (() => ({})) as never },
      handler: () => {
        throw new Error(card)
      },
    })
    assert.deepEqual(
      [record.payload.status, record.error],
      ['unserialisable', { name: 'Error', message: '[redacted]' }],
    )
  })

  test('Given regular-expression characters in a short secret, when masked, then it is taken literally', async () => {
    const { record } = await recordOf({
      data: { a: '.*', b: '$&', c: 'x-' },
      traits: { redact: (() => ({})) as never },
      handler: () => {
        throw new Error('see .* and $& and x- but not xyz')
      },
    })
    assert.equal(record.error?.message, 'see [redacted] and [redacted] and [redacted] but not xyz')
  })
})
