import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { z } from 'zod'
import { memoryStore } from '../stores/memory.ts'
import {
  type Codec,
  type Command,
  CommandBus,
  type CommandLogStore,
  CommandRejected,
  defineCommand,
  type Handler,
  type SendOptions,
  StoreError,
  timeout,
  withCommandAudit,
} from './index.ts'

const order: Command = { type: 'order', data: { n: 1 } }

function busWith(handler: Handler): CommandBus {
  return new CommandBus().register('order', handler)
}

function slowed(base: CommandLogStore, ms: number): CommandLogStore {
  const record: CommandLogStore['record'] = async (each) => {
    await new Promise((resolve) => setTimeout(resolve, ms))
    return await base.record(each)
  }
  return { ...base, record }
}

describe('an id sent again before its record is written', () => {
  for (const mode of ['background', 'outcome'] as const) {
    test(`Given mode ${mode}, when the record waits in the backlog, then a repeat is answered and nothing runs again`, async () => {
      let runs = 0
      let isDown = true
      const base = memoryStore()
      const store: CommandLogStore = {
        ...base,
        record: (record) =>
          isDown ? Promise.reject(new StoreError('STORE_UNAVAILABLE', 'down')) : base.record(record),
      }
      const kept = defineCommand<'order', object>('order', { result: 'keep' })
      const bus = new CommandBus().register(kept, () => ({ result: ++runs }))
      const audited = withCommandAudit(bus, store, { mode, deadlineMs: 30 })
      const first = await audited.send(kept({ n: 1 }), { id: 'k' })
      const repeat = await audited.send(kept({ n: 1 }), { id: 'k' })
      assert.deepEqual([first.duplicate, repeat.duplicate, repeat.result, runs], [false, true, 1, 1])
      await assert.rejects(audited.send(kept({ n: 2 }), { id: 'k' }), { code: 'COMMAND_ID_REUSED' })
      isDown = false
      assert.deepEqual(await audited.flush(), { left: 0 })
      assert.equal((await audited.send(kept({ n: 1 }), { id: 'k' })).duplicate, true)
      assert.equal(runs, 1)
    })
  }

  test('Given two buses audited into one store, when both are sent one id, then one runs', async () => {
    for (const mode of ['background', 'outcome', 'write-ahead'] as const) {
      let runs = 0
      const handler: Handler = async () => void (runs++, await new Promise(setImmediate))
      const store = memoryStore()
      const buses = [1, 2].map(() => withCommandAudit(busWith(handler), store, { mode, source: { instance: 'pod' } }))
      await Promise.allSettled(buses.map((bus) => bus.send(order, { id: 'k' })))
      assert.equal(runs, 1, mode)
    }
  })

  test('Given another hand’s record under the id, when the background writes, then the loss is told', async () => {
    const base = memoryStore()
    const bus = busWith(async (_, { id }) => {
      await base.record({ ...(await sample()), id, state: 'failed', settledAt: 5 })
    })
    const audited = withCommandAudit(bus, base, { mode: 'background' })
    const failed = audited.events.once('storeFailed')
    await audited.send(order, { id: 'k' })
    assert.deepEqual([(await failed).data.error.code, (await audited.close()).left], ['ALREADY_SETTLED', 1])
  })

  test('Given a repeat within another correlation, when answered, then its receipt is the first one’s', async () => {
    const audited = withCommandAudit(
      busWith(() => {}),
      memoryStore(),
    )
    const first = await audited.send(order, { id: 'k', correlationId: 'c1' })
    assert.deepEqual(await audited.send(order, { id: 'k', correlationId: 'c2' }), { ...first, duplicate: true })
  })
})

describe('senders that change what they sent', () => {
  test('Given a command object changed after send, when it runs, then what runs is what was asked', async () => {
    const store = memoryStore()
    const ran: unknown[] = []
    const bus = new CommandBus()
      .register('a', ({ type, data }) => void ran.push([type, data]))
      .register('b', () => void ran.push('b'))
    const command = { type: 'a', data: 'first' }
    const options: { id: string; timeoutMs?: number; tenantId: string } = { id: 'k', tenantId: 't' }
    const sent = withCommandAudit(bus, slowed(store, 5)).send(command, options)
    Object.assign(command, { type: 'b', data: 'second' })
    Object.assign(options, { timeoutMs: 1, tenantId: 'other' })
    await sent
    const record = await store.get('k')
    assert.deepEqual([ran, record?.payload.data, record?.tenantId], [[['a', 'first']], '"first"', 't'])
  })
})

describe('secrets', () => {
  const card = '4111111111111111'

  test('Given a schema that makes another text of a secret, when refused, then that is masked too', async () => {
    const pay = defineCommand('pay', {
      schema: z.object({ card: z.string().transform((text) => text.replaceAll(' ', '')) }),
      redact: () => ({}),
    })
    const store = memoryStore()
    const bus = new CommandBus().register(pay, ({ data }) => {
      throw new CommandRejected({ code: 'no', detail: `${data.card} was declined` })
    })
    const audited = withCommandAudit(bus, store)
    await audited.send(pay({ card: '4111 1111 1111 1111' }), { id: 'k' }).catch(() => {})
    assert.equal((await store.get('k'))?.problem?.detail, '[redacted] was declined')
  })

  test('Given a secret where a text is cut, when it fails, then no part of it is stored', async () => {
    const pay = defineCommand<'pay', { card: string }>('pay', { redact: () => ({}) })
    for (const text of ['x'.repeat(8185) + card, 'k'.repeat(14_000)]) {
      const store = memoryStore()
      const data = { card: text.startsWith('k') ? text : card }
      const bus = new CommandBus().register(pay, () => {
        throw new Error(`quoted ${text}`)
      })
      await withCommandAudit(bus, store)
        .send(pay(data), { id: 'k' })
        .catch(() => {})
      assert.doesNotMatch(JSON.stringify((await store.get('k'))?.error), /4111|kkkk/)
    }
  })

  test('Given data that decides how it is encoded, when redacted, then the redactor sees just that', async () => {
    class Card {
      number = card
      cvv = '123'
      toJSON(): object {
        return { last4: this.number.slice(-4), cvv: this.cvv }
      }
    }
    const pay = defineCommand<'pay', Card>('pay', { redact: ({ cvv: _, ...rest }) => rest })
    const store = memoryStore()
    await withCommandAudit(
      new CommandBus().register(pay, () => {}),
      store,
    ).send(pay(new Card()), { id: 'k' })
    assert.equal((await store.get('k'))?.payload.data, '{"last4":"1111"}')
  })

  test('Given a handler that answers with a secret number, when it fails, then the number is not quoted', async () => {
    const store = memoryStore()
    await withCommandAudit(
      busWith(() => Number(card) as never),
      store,
    )
      .send(order, { id: 'k' })
      .catch(() => {})
    assert.doesNotMatch(JSON.stringify(await store.get('k')), /4111/)
  })

  test('Given a store that fails with a raw error, when told, then nothing of that error is told', async () => {
    const store = { ...memoryStore(), record: () => Promise.reject(new Error('postgres://u:hunter2@host')) }
    const audited = withCommandAudit(
      busWith(() => {}),
      store,
      { onStoreFailure: 'fail-open', deadlineMs: 20 },
    )
    const failed = audited.events.once('storeFailed')
    await audited.send(order)
    const { error } = (await failed).data
    assert.deepEqual([error.cause, /hunter2/.test(`${error.stack}`)], [undefined, false])
  })

  test('Given a wrapper around an audited bus, when sent, then its record is redacted too', async () => {
    const pay = defineCommand('pay', { schema: z.object({ card: z.string() }), redact: () => ({}) })
    const [inner, outer] = [memoryStore(), memoryStore()]
    const audited = withCommandAudit(
      new CommandBus().register('pay', () => {}),
      inner,
    )
    const wrapper = { send: (command: Command, options?: SendOptions) => audited.send(command, options) }
    await withCommandAudit(wrapper, outer).send(pay({ card }), { id: 'k' })
    assert.deepEqual([(await inner.get('k'))?.payload.data, (await outer.get('k'))?.payload.data], ['{}', '{}'])
  })
})

describe('buses of others', () => {
  test('Given a bus whose send was overridden or patched, when audited, then that is not bypassed', async () => {
    let guarded = 0
    class Guarded extends CommandBus {
      override send = ((...sent: Parameters<CommandBus['send']>) => {
        guarded++
        return super.send(...sent)
      }) as CommandBus['send']
    }
    const bus = new Guarded().register('order', () => ({ result: 5 }))
    const { result } = await withCommandAudit(bus, memoryStore()).send(order)
    assert.deepEqual([guarded, result], [1, 5])
  })

  test('Given a wrapper around a bus whose schema transforms, when audited, then it transforms once', async () => {
    const count = defineCommand('count', { schema: z.string().transform(Number) })
    const bus = new CommandBus().register(count, ({ data }) => ({ result: data + 1 }))
    const wrapper = { send: (command: Command, options?: SendOptions) => bus.send(command, options) }
    const receipt = await withCommandAudit(wrapper, memoryStore()).send(count('4'))
    assert.equal(receipt.result, 5)
  })

  test('Given a stranger’s own options and answer, when audited, then both pass', async () => {
    const seen: unknown[] = []
    const stranger = {
      async send(command: Command, options?: { priority?: number }) {
        seen.push(options?.priority)
        return { orderId: command.type }
      },
    }
    const receipt = await withCommandAudit(stranger, memoryStore()).send(order, { priority: 7 })
    assert.deepEqual([seen, receipt.result.orderId], [[7], 'order'])
  })
})

describe('what strangers throw and answer', () => {
  test('Given traits and params that promise, when they reject, then it is TRAIT_FAILED and nothing is left unhandled', async () => {
    const late = (): never => Promise.reject(new Error('late')) as never
    const bad = defineCommand<'bad', number>('bad', { attributes: late })
    const bus: CommandBus = new CommandBus().register(bad, () => {}).register('order', () => {})
    const audited = withCommandAudit(bus, memoryStore(), {
      params: (_, params) => (params.userId === 'u' ? late() : params),
    })
    await assert.rejects(audited.send(bad(1)), { code: 'TRAIT_FAILED' })
    await assert.rejects(audited.send(order, { userId: 'u' }), { code: 'TRAIT_FAILED' })
    await new Promise(setImmediate)
  })

  test('Given a codec that answers with nothing, when sent, then bodies are flagged and the outcome stands', async () => {
    const codec: Codec = { format: 'odd', encode: () => undefined as never, decode: () => 0 }
    const store = memoryStore()
    const kept = defineCommand('kept', { result: 'keep' })
    const audited = withCommandAudit(
      new CommandBus().register(kept, () => ({ result: 5 })),
      store,
      { codec },
    )
    assert.equal((await audited.send(kept({}), { id: 'k' })).result, 5)
    const record = await store.get('k')
    assert.deepEqual([record?.payload.status, record?.result?.status], ['unserialisable', 'unserialisable'])
  })

  test('Given bytes that share memory with the data, when the handler changes it, then the record does not change', async () => {
    const raw: Codec = { format: 'raw', encode: (value) => value as Uint8Array, decode: (data) => data }
    const store = memoryStore()
    const bus = busWith(({ data }) => void (data as Uint8Array).fill(9))
    await withCommandAudit(bus, store, { codec: raw, mode: 'outcome' }).send(
      { type: 'order', data: Uint8Array.of(1, 2) },
      { id: 'k' },
    )
    assert.deepEqual((await store.get('k'))?.payload.data, Uint8Array.of(1, 2))
  })

  test('Given a thrown function whose toString throws, and a clock that fails, when sent, then the sender gets what was thrown', async () => {
    const odd = Object.assign(() => {}, {
      toString() {
        throw new Error('hah')
      },
    })
    let readings = 0
    const clock = { now: () => (readings++ === 0 ? 1000 : assert.fail('clock')), monotonic: () => 0 }
    const store = memoryStore()
    const audited = withCommandAudit(
      busWith(() => {
        throw odd
      }),
      store,
      { clock },
    )
    await audited.send(order, { id: 'k' }).then(
      () => assert.fail('expected a rejection'),
      (error: unknown) => assert.equal(error, odd),
    )
    const record = await store.get('k')
    assert.deepEqual([record?.state, record?.settledAt, record?.error?.message], ['failed', 1000, 'function'])
  })

  test('Given a validator of another realm, or one that answers with nothing, when sent, then it is heeded', async () => {
    const answers: [answer: unknown, code: string][] = [
      [runInNewContext('Promise').resolve({ issues: [{ message: 'no' }] }), 'COMMAND_REJECTED'],
      [undefined, 'TRAIT_FAILED'],
      [{}, 'TRAIT_FAILED'],
    ]
    for (const [answer, code] of answers) {
      const strict = defineCommand('strict', {
        schema: { '~standard': { version: 1, vendor: 't', validate: () => answer as never } },
      })
      let runs = 0
      await assert.rejects(new CommandBus().register(strict, () => void runs++).send(strict(1)), { code })
      assert.equal(runs, 0)
    }
  })

  test('Given a validator that hangs, when the time is over, then the command times out on record', async () => {
    const slow = defineCommand('slow', {
      schema: { '~standard': { version: 1, vendor: 't', validate: () => new Promise<never>(() => {}) } },
    })
    const store = memoryStore()
    const audited = withCommandAudit(
      new CommandBus().register(slow, () => {}),
      store,
    )
    await assert.rejects(audited.send(slow(1), { id: 'k', timeoutMs: 10 }), { code: 'COMMAND_TIMEOUT' })
    assert.equal((await store.get('k'))?.state, 'failed')
  })

  test('Given events of which one is illegal, when decided, then the command fails and the legal ones are on the record', async () => {
    const store = memoryStore()
    const bus = busWith(() => ({ events: [{ id: 'e1' }, { id: 'x'.repeat(300) }, { id: 'e2', version: 2 }] }))
    await assert.rejects(withCommandAudit(bus, store).send(order, { id: 'k' }), { code: 'INVALID_DECISION' })
    const record = await store.get('k')
    assert.deepEqual([record?.state, record?.events], ['failed', [{ id: 'e1' }, { id: 'e2', version: 2 }]])
  })

  test('Given a middleware that forgets its decision, when sent, then it is INVALID_DECISION', async () => {
    const bus = busWith(() => ({ events: [{ id: 'e' }] })).use((async (_: unknown, next: () => Promise<unknown>) => {
      await next()
    }) as never)
    await assert.rejects(bus.send(order), { code: 'INVALID_DECISION' })
  })

  test('Given the timeout middleware, when the handler settles late, then the event late says so', async () => {
    const finish = Promise.withResolvers<void>()
    const audited = withCommandAudit(busWith(() => finish.promise).use(timeout(5)), memoryStore())
    const late = audited.events.once('late')
    await assert.rejects(audited.send(order), { code: 'COMMAND_TIMEOUT' })
    finish.resolve()
    assert.equal((await late).data.failed, false)
  })
})

describe('bounds', () => {
  test('Given a burst against a hung store in the background, when fail-closed, then only what can be held runs', async () => {
    let runs = 0
    const store = { ...memoryStore(), record: () => new Promise<never>(() => {}) }
    const audited = withCommandAudit(
      busWith(() => void runs++),
      store,
      { mode: 'background', backlog: { records: 3 }, deadlineMs: 30 },
    )
    const results = await Promise.allSettled(Array.from({ length: 50 }, () => audited.send(order)))
    assert.deepEqual(
      [runs, results.filter(({ status }) => status === 'fulfilled').length, audited.counters.lost],
      [3, 3, 0],
    )
  })

  test('Given writes that fail once, when written in the background, then they arrive in order', async () => {
    const base = memoryStore()
    const failed = new Set<string>()
    const store: CommandLogStore = {
      ...base,
      record(record) {
        if (failed.has(record.id)) return base.record(record)
        failed.add(record.id)
        return Promise.reject(new StoreError('STORE_UNAVAILABLE', 'once'))
      },
    }
    const audited = withCommandAudit(
      busWith(() => {}),
      store,
      { mode: 'background' },
    )
    for (const id of ['a', 'b', 'c', 'd']) await audited.send(order, { id })
    await new Promise(setImmediate)
    await audited.flush()
    assert.deepEqual(
      (await base.list({ order: 'oldest' })).records.map(({ id }) => id),
      ['a', 'b', 'c', 'd'],
    )
  })

  test('Given large metadata and problems in the backlog, when its bytes are used up, then it is full', async () => {
    const store = { ...memoryStore(), record: () => Promise.reject(new StoreError('STORE_UNAVAILABLE', 'down')) }
    const options = { mode: 'background', backlog: { bytes: 100_000 }, deadlineMs: 20 } as const
    const audited = withCommandAudit(
      busWith(() => {}),
      store,
      options,
    )
    const metadata = { text: 'x'.repeat(60_000) }
    await audited.send(order, { metadata })
    await audited.send(order, { metadata })
    await assert.rejects(audited.send(order, { metadata }), { storeCode: 'BACKLOG_FULL' })
  })

  test('Given metadata that doubles with every level, when sent, then it is refused at once', async () => {
    let metadata: Record<string, unknown> = { n: 1 }
    for (let level = 0; level < 60; level++) metadata = { a: metadata, b: metadata }
    await assert.rejects(busWith(() => {}).send(order, { metadata: metadata as never }), { code: 'METADATA_TOO_LARGE' })
  })

  test('Given a deadline beyond what a timer holds, when closed, then running commands are waited for', async () => {
    const go = Promise.withResolvers<void>()
    const audited = withCommandAudit(
      busWith(() => go.promise),
      memoryStore(),
      { deadlineMs: 2 ** 40 },
    )
    const sent = audited.send(order)
    setTimeout(go.resolve, 20)
    assert.deepEqual(await audited.close(), { left: 0 })
    await sent
  })

  test('Given an outcome write that hangs, when its time is over, then the sender has waited for one deadline only', async () => {
    const base = memoryStore()
    const store: CommandLogStore = {
      ...base,
      record: (record) => (record.state === 'created' ? base.record(record) : new Promise(() => {})),
    }
    const audited = withCommandAudit(
      busWith(() => {}),
      store,
      { deadlineMs: 1000 },
    )
    const startedAt = performance.now()
    await audited.send(order)
    assert.ok(performance.now() - startedAt < 1900)
  })

  test('Given a command that sends its successor for ever, when it goes on, then no ancestors are kept', async () => {
    const parents: unknown[] = []
    const bus: CommandBus = new CommandBus()
    const done = Promise.withResolvers<void>()
    bus.register('tick', ({ data }, context) => {
      parents.push((context as unknown as { parent?: object }).parent)
      if (data === 20) done.resolve()
      else setTimeout(() => void bus.send({ type: 'tick', data: (data as number) + 1 }).catch(() => {}))
    })
    await bus.send({ type: 'tick', data: 0 })
    await done.promise
    assert.ok(
      parents.slice(1).every((parent) => !('parent' in (parent as object)) && !('command' in (parent as object))),
    )
  })
})

describe('types that users write', () => {
  test('Given a function that sends any command, then it compiles and runs', async () => {
    const bus: CommandBus = new CommandBus().register('order', () => {})
    function dispatch<C extends Command>(command: C, options?: SendOptions): Promise<unknown> {
      return bus.send(command, options)
    }
    await dispatch(order, { id: 'k' })
  })
})

async function sample() {
  const store = memoryStore()
  await withCommandAudit(
    busWith(() => {}),
    store,
  ).send(order, { id: 'sample' })
  const record = await store.get('sample')
  assert.ok(record)
  return record
}
