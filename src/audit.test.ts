import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { memoryStore } from '../stores/memory.ts'
import {
  AuditUnavailable,
  type Command,
  CommandBus,
  CommandCancelled,
  CommandConflict,
  type CommandRecord,
  CommandRejected,
  defineCommand,
  type Handler,
  retry,
  timeout,
  withCommandAudit,
} from './index.ts'

const order: Command = { type: 'order', data: { item: 'tea' } }
const modes = ['write-ahead', 'outcome', 'background'] as const

function busWith(handler: Handler): CommandBus {
  return new CommandBus().register('order', handler)
}

/** A clock that moves only when told to, and steps back when told to. */
function handClock(start = 1000) {
  const clock = { time: start, steps: 0, now: () => clock.time, monotonic: () => clock.steps }
  return clock
}

describe('the record', () => {
  test('Given a successful command with every field, when settled, then the record is complete', async () => {
    const clock = handClock()
    const store = memoryStore()
    const bus = busWith(() => {
      clock.time = 900
      clock.steps = 7.5
      return { events: [{ id: 'e-1', type: 'ordered', stream: 'order-1', version: 1 }] }
    })
    const source = { service: 'shop', instance: 'a', build: '1.2.3' }
    const audited = withCommandAudit(bus, store, { clock, source, newId: () => 'c-1' })
    await audited.send(order, {
      ...{
        causationId: 'click',
        clientRef: 'web',
        tenantId: 't',
        userId: 'u',
        correlationId: 'k',
        traceparent: '00-ab-cd-01',
      },
      ...{ importance: 'high', metadata: { note: ['x'] }, attributes: { price: 5 } },
    })
    const expected: CommandRecord = {
      id: 'c-1',
      type: 'order',
      state: 'successful',
      correlationId: 'k',
      causationId: 'click',
      clientRef: 'web',
      tenantId: 't',
      userId: 'u',
      payload: { status: 'full', format: 'json', data: '{"item":"tea"}', bytes: 14 },
      metadata: { note: ['x'] },
      attributes: { price: 5 },
      events: [{ id: 'e-1', type: 'ordered', stream: 'order-1', version: 1 }],
      importance: 'high',
      retention: 'permanent',
      dryRun: false,
      receivedAt: 1000,
      settledAt: 1000,
      durationMs: 7.5,
      attempts: 1,
      source,
      traceparent: '00-ab-cd-01',
    }
    assert.deepEqual(await store.get('c-1'), expected)
  })

  const endings: Record<string, [thrown: unknown, state: string, kept: Partial<CommandRecord>]> = {
    'a refusal': [
      new CommandRejected({ code: 'sold-out', title: 'Sold out' }),
      'rejected',
      { problem: { code: 'sold-out', title: 'Sold out' } },
    ],
    'a conflict': [new CommandConflict({ code: 'stale' }), 'conflict', { problem: { code: 'stale' } }],
    'a cancellation': [
      new CommandCancelled({ code: 'changed-mind' }),
      'cancelled',
      { problem: { code: 'changed-mind' } },
    ],
    'a problem of status 404': [
      { title: 'Gone', status: 404 },
      'rejected',
      { problem: { title: 'Gone', status: 404 } },
    ],
    'a problem of status 409 alone': [
      { title: 'Clash', status: 409 },
      'rejected',
      { problem: { title: 'Clash', status: 409 } },
    ],
    'a problem of status 303': [
      { title: 'Elsewhere', status: 303 },
      'cancelled',
      { problem: { title: 'Elsewhere', status: 303 } },
    ],
    'a problem of status 204': [
      { title: 'Nothing to do', status: 204 },
      'successful',
      { problem: { title: 'Nothing to do', status: 204 } },
    ],
    'a problem under .problem': [
      Object.assign(new Error('x'), { problem: { title: 'No', code: 'no' } }),
      'rejected',
      { problem: { title: 'No', code: 'no' } },
    ],
    'a text': ['just a text', 'failed', { error: { name: 'NonError', message: 'just a text' } }],
    'nothing at all': [undefined, 'failed', { error: { name: 'NonError', message: 'undefined' } }],
    'a symbol': [Symbol('odd'), 'failed', { error: { name: 'NonError', message: 'Symbol(odd)' } }],
    'an object': [{ some: 'thing' }, 'failed', { error: { name: 'NonError', message: '' } }],
    'a revoked proxy': [revoked(), 'failed', { error: { name: 'NonError', message: '' } }],
  }
  for (const [what, [thrown, state, kept]] of Object.entries(endings)) {
    test(`Given a handler that throws ${what}, when sent, then the sender gets it and the record is ${state}`, async () => {
      for (const mode of modes) {
        const store = memoryStore()
        const audited = withCommandAudit(
          busWith(() => fail(thrown)),
          store,
          { mode },
        )
        await audited.send(order, { id: 'c' }).then(
          () => assert.fail('expected a rejection'),
          (error: unknown) => assert.ok(Object.is(error, thrown)),
        )
        assert.deepEqual(await audited.close(), { left: 0 })
        const record = await store.get('c')
        const { problem, error } = record ?? {}
        assert.deepEqual(
          { state: record?.state, ...(problem && { problem }), ...(error && { error }) },
          { state, ...kept },
        )
      }
    })
  }

  test('Given an error, when it fails, then its name, message and stack are kept within bounds', async () => {
    const store = memoryStore()
    const error = new RangeError('x'.repeat(100_000))
    const audited = withCommandAudit(
      busWith(() => fail(error)),
      store,
    )
    await caught(audited.send(order, { id: 'c' }))
    const kept = (await store.get('c'))?.error
    assert.deepEqual([kept?.name, kept?.message.length], ['RangeError', 8192])
    assert.ok((kept?.stack ?? '').length <= 16_384)
  })

  test('Given a problem with hostile extensions, when refused, then what is no JSON is left out', async () => {
    const store = memoryStore()
    const audited = withCommandAudit(
      busWith(({ data }) => fail(new CommandRejected(data as never))),
      store,
    )
    const huge = { code: 'huge', title: 'Huge', extra: 'x'.repeat(100_000) }
    const odd = { code: 'odd', amount: 5n as never, title: 7 as never, status: 'bad' as never }
    await caught(audited.send({ type: 'order', data: huge }, { id: 'a' }))
    await caught(audited.send({ type: 'order', data: odd }, { id: 'b' }))
    assert.deepEqual((await store.get('a'))?.problem, { code: 'huge', title: 'Huge' })
    assert.deepEqual((await store.get('b'))?.problem, { code: 'odd' })
  })

  test('Given an own member __proto__ in metadata and problem, when stored, then it stays an own member', async () => {
    const store = memoryStore()
    const hostile = JSON.parse('{"__proto__":{"polluted":true},"constructor":1}')
    const audited = withCommandAudit(
      busWith(() => fail(new CommandRejected({ code: 'x', ...hostile, extra: hostile }))),
      store,
    )
    await caught(audited.send(order, { id: 'c', metadata: hostile }))
    const record = await store.get('c')
    assert.equal(JSON.stringify(record?.metadata), '{"__proto__":{"polluted":true},"constructor":1}')
    assert.equal(({} as { polluted?: boolean }).polluted, undefined)
  })

  test('Given a clock that steps back, when commands are sent, then receivedAt and durations never run backwards', async () => {
    const clock = {
      times: [5000, 9000, 1000, 2000, 9001],
      now: () => clock.times.shift() ?? 0,
      monotonic: () => -Math.random(),
    }
    const store = memoryStore()
    const audited = withCommandAudit(
      busWith(() => {}),
      store,
      { clock, mode: 'outcome' },
    )
    await audited.send(order, { id: 'a' })
    await audited.send(order, { id: 'b' })
    const { records } = await store.list({ order: 'oldest' })
    assert.deepEqual(
      records.map(({ receivedAt, settledAt }) => [receivedAt, settledAt]),
      [
        [5000, 9000],
        [9000, 9000],
      ],
    )
    assert.ok(records.every(({ durationMs = -1 }) => durationMs >= 0))
  })

  test('Given retries inside, when they succeed, then there is one record with its attempts', async () => {
    let runs = 0
    const bus = busWith(() => {
      if (++runs < 3) throw Object.assign(new Error('busy'), { retryable: true })
    }).use(retry({ baseMs: 1 }))
    const store = memoryStore()
    await withCommandAudit(bus, store).send(order, { id: 'c' })
    const { records } = await store.list()
    assert.deepEqual(
      records.map(({ state, attempts }) => [state, attempts]),
      [['successful', 3]],
    )
  })

  test('Given a time limit, when it is over, then the record is failed with code timeout and never flips', async () => {
    const store = memoryStore()
    const finish = Promise.withResolvers<void>()
    const bus = busWith(() => finish.promise).use(timeout(5))
    const audited = withCommandAudit(bus, store)
    await assert.rejects(audited.send(order, { id: 'c' }), { code: 'COMMAND_TIMEOUT' })
    const before = await store.get('c')
    finish.resolve()
    await new Promise(setImmediate)
    assert.deepEqual([before?.state, before?.problem?.code], ['failed', 'timeout'])
    assert.deepEqual(await store.get('c'), before)
  })

  test('Given timeoutMs, when the handler settles late, then the event late says so', async () => {
    const finish = Promise.withResolvers<void>()
    const audited = withCommandAudit(
      busWith(() => finish.promise),
      memoryStore(),
    )
    const late = audited.events.once('late')
    await assert.rejects(audited.send(order, { id: 'c', timeoutMs: 5 }), { code: 'COMMAND_TIMEOUT' })
    finish.resolve()
    const { data } = await late
    assert.deepEqual([data.record.id, data.record.state, data.failed], ['c', 'failed', false])
  })

  for (const when of ['before it is sent', 'while it runs'] as const) {
    test(`Given an abort ${when}, when settled, then the record is cancelled`, async () => {
      const store = memoryStore()
      const controller = new AbortController()
      let runs = 0
      const audited = withCommandAudit(
        busWith(() => {
          runs++
          controller.abort()
          return new Promise<void>(() => {})
        }),
        store,
      )
      if (when === 'before it is sent') controller.abort()
      await assert.rejects(audited.send(order, { id: 'c', signal: controller.signal }), { name: 'CommandCancelled' })
      const record = await store.get('c')
      assert.deepEqual(
        [record?.state, record?.problem?.code, runs],
        ['cancelled', 'aborted', when === 'while it runs' ? 1 : 0],
      )
    })
  }

  test('Given a handler that passes its sender’s abort on, when settled, then the record is cancelled', async () => {
    const store = memoryStore()
    const controller = new AbortController()
    const bus = busWith((_, { signal }) => {
      setImmediate(() => controller.abort())
      return new Promise<void>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    const sent = withCommandAudit(bus, store).send(order, { id: 'c', signal: controller.signal })
    await assert.rejects(sent, { name: 'AbortError' })
    assert.equal((await store.get('c'))?.state, 'cancelled')
  })
})

describe('what is not accepted', () => {
  test('Given faults of the caller, when sent, then nothing runs and nothing is recorded', async () => {
    const store = memoryStore()
    let runs = 0
    const audited = withCommandAudit(
      busWith(() => void runs++),
      store,
    )
    await assert.rejects(audited.send({ type: 'unknown', data: 0 }), { code: 'UNKNOWN_COMMAND' })
    await assert.rejects(audited.send(order, { id: '\0' }), { code: 'INVALID_IDENTIFIER' })
    await assert.rejects(audited.send(order, { metadata: 5 as never }), { code: 'INVALID_METADATA' })
    await assert.rejects(audited.send(undefined as unknown as Command), { code: 'INVALID_ARGUMENT' })
    assert.deepEqual([runs, (await store.list()).records], [0, []])
  })

  test('Given data that does not fit its schema, when sent, then it is one rejected record, never created', async () => {
    const store = memoryStore()
    const written: string[] = []
    const strict = defineCommand('strict', {
      schema: { '~standard': { version: 1, vendor: 'test', validate: async () => ({ issues: [{ message: 'no' }] }) } },
    })
    const spy = { ...store, record: (record: CommandRecord) => (written.push(record.state), store.record(record)) }
    const audited = withCommandAudit(
      new CommandBus().register(strict, () => {}),
      spy,
    )
    await assert.rejects(audited.send(strict('x'), { id: 'c' }), { name: 'CommandRejected' })
    const record = await store.get('c')
    assert.deepEqual([written, record?.problem?.code, record?.payload.data], [['rejected'], 'invalid-command', '"x"'])
    assert.equal('attempts' in (record ?? {}), false)
  })
})

describe('children', () => {
  test('Given commands that send commands, when one is refused, then every level has its own record', async () => {
    const store = memoryStore()
    const bus = new CommandBus()
    const audited = withCommandAudit(bus, store)
    bus.register('order', async (_, context) => {
      await context.send({ type: 'reserve', data: 1 }, { id: 'child' })
      await audited.send({ type: 'pay', data: 2 }, { id: 'direct' })
    })
    bus.register('reserve', () => {})
    bus.register('pay', () => fail(new CommandRejected({ code: 'no-money' })))
    await assert.rejects(audited.send(order, { id: 'root', tenantId: 't' }), { name: 'CommandRejected' })
    const records = await store.findByCorrelation('root')
    assert.deepEqual(
      records.map(({ id, state, causationId, tenantId }) => [id, state, causationId, tenantId]),
      [
        ['root', 'rejected', undefined, 't'],
        ['child', 'successful', 'root', 't'],
        ['direct', 'rejected', 'root', 't'],
      ],
    )
  })

  test('Given 1,000 concurrent roots with children, when all are done, then every chain is whole and unmixed', async () => {
    const store = memoryStore()
    const bus = new CommandBus()
    bus.register('child', async () => void (await new Promise(setImmediate)))
    bus.register('order', async (_, context) => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10))
      await context.send({ type: 'child', data: 0 }, { id: `${context.id}/1` })
      await audited.send({ type: 'child', data: 0 }, { id: `${context.id}/2` })
    })
    const audited = withCommandAudit(bus, store)
    await Promise.all(Array.from({ length: 1000 }, (_, n) => audited.send(order, { id: `r${n}` })))
    for (let n = 0; n < 1000; n++) {
      const chain = (await store.findByCorrelation(`r${n}`)).map(({ id, causationId }) => [id, causationId])
      assert.deepEqual(chain, [
        [`r${n}`, undefined],
        [`r${n}/1`, `r${n}`],
        [`r${n}/2`, `r${n}`],
      ])
    }
  })
})

describe('repeats', () => {
  const kept = defineCommand<'kept', { readonly n: number; readonly m?: number }>('kept', { result: 'keep' })

  for (const mode of modes) {
    test(`Given a settled id in mode ${mode}, when sent again, then it is answered from the record`, async () => {
      let runs = 0
      const bus = new CommandBus().register(kept, ({ data }) => {
        runs++
        return { events: [{ id: `e${runs}` }], result: { got: data.n } }
      })
      const audited = withCommandAudit(bus, memoryStore(), { mode })
      const first = await audited.send(kept({ n: 1, m: 2 }), { id: 'c', correlationId: 'k' })
      await audited.flush()
      const repeat = await audited.send(kept({ m: 2, n: 1 }), { id: 'c', correlationId: 'k' })
      assert.deepEqual(repeat, { ...first, duplicate: true })
      assert.equal(runs, 1)
      await assert.rejects(audited.send(kept({ n: 2 }), { id: 'c' }), { code: 'COMMAND_ID_REUSED', commandId: 'c' })
      assert.equal(audited.counters.duplicates, 1)
    })
  }

  test('Given a refused id, when sent again, then it is refused as the same kind of error', async () => {
    const thrown = [
      new CommandRejected({ code: 'a', title: 'A', extra: 1 }),
      new CommandConflict({ code: 'b' }),
      new CommandCancelled({ code: 'c' }),
    ]
    for (const error of thrown) {
      let runs = 0
      const audited = withCommandAudit(
        busWith(() => (runs++, fail(error))),
        memoryStore(),
      )
      await caught(audited.send(order, { id: 'c' }))
      const repeat = (await caught(audited.send(order, { id: 'c' }))) as CommandRejected
      assert.deepEqual([repeat.name, repeat.problem, runs], [error.name, error.problem, 1])
    }
  })

  test('Given a failed id, when sent again, then it is COMMAND_FAILED with what was recorded', async () => {
    const audited = withCommandAudit(
      busWith(() => fail(new TypeError('broke'))),
      memoryStore(),
    )
    await caught(audited.send(order, { id: 'c' }))
    await assert.rejects(audited.send(order, { id: 'c' }), { code: 'COMMAND_FAILED', message: 'broke' })
  })

  test('Given a running id, when sent again, then it is COMMAND_IN_FLIGHT in every mode and layer', async () => {
    for (const mode of modes) {
      const finish = Promise.withResolvers<void>()
      let runs = 0
      const bus = busWith(() => (runs++, finish.promise))
      const store = memoryStore()
      const audited = withCommandAudit(bus, store, { mode })
      const first = audited.send(order, { id: 'c' })
      await assert.rejects(audited.send(order, { id: 'c' }), { code: 'COMMAND_IN_FLIGHT' })
      await assert.rejects(audited.send({ type: 'order', data: 'other' }, { id: 'c' }), { code: 'COMMAND_ID_REUSED' })
      finish.resolve()
      await first
      assert.equal(runs, 1)
    }
  })

  for (const mode of modes) {
    test(`Given an id of another tenant in mode ${mode}, when sent, then it is refused and tells nothing of the other`, async () => {
      const finish = Promise.withResolvers<void>()
      let runs = 0
      const bus = new CommandBus().register(kept, async () => {
        runs++
        await finish.promise
        return { result: 'for acme only' }
      })
      const audited = withCommandAudit(bus, memoryStore(), { mode })
      const told: unknown[] = []
      audited.events.on('duplicate', ({ data }) => void told.push(data))
      const ofAcme = { id: 'c', tenantId: 'acme', userId: 'ada' }
      const first = audited.send(kept({ n: 1 }), ofAcme)
      const others = [
        { id: 'c', tenantId: 'globex', userId: 'ada' },
        { id: 'c', userId: 'ada' },
      ]
      const refuseOthers = async (): Promise<void> => {
        for (const options of others) {
          const error = (await caught(audited.send(kept({ n: 1 }), options))) as Error
          assert.deepEqual({ ...error }, { name: 'CommandIdReused', code: 'COMMAND_ID_REUSED', commandId: 'c' })
          assert.doesNotMatch(error.message, /acme|ada/)
        }
      }
      await refuseOthers()
      finish.resolve()
      const receipt = await first
      await refuseOthers()
      await audited.flush()
      await refuseOthers()
      assert.deepEqual([runs, told, audited.counters.duplicates], [1, [], 0])
      assert.deepEqual(await audited.send(kept({ n: 1 }), ofAcme), { ...receipt, duplicate: true })
    })
  }

  test('Given another user of the tenant, when an id is sent again, then only a command of scope user is refused', async () => {
    const own = defineCommand('own', { scope: 'user' })
    const shared = defineCommand('shared', { scope: 'tenant' })
    const bus = new CommandBus().register(own, () => {}).register(shared, () => {})
    const audited = withCommandAudit(bus, memoryStore())
    await audited.send(own(1), { id: 'o', tenantId: 't', userId: 'ada' })
    await audited.send(shared(1), { id: 's', tenantId: 't', userId: 'ada' })
    const bob = { tenantId: 't', userId: 'bob' }
    await assert.rejects(audited.send(own(1), { id: 'o', ...bob }), { code: 'COMMAND_ID_REUSED' })
    assert.equal((await audited.send(shared(1), { id: 's', ...bob })).duplicate, true)
  })

  test('Given a running id, when sent again, then the event has the record of the one that runs', async () => {
    const finish = Promise.withResolvers<void>()
    const bus = busWith(async () => await finish.promise)
    const audited = withCommandAudit(bus, memoryStore(), { mode: 'outcome', clock: handClock() })
    const duplicate = audited.events.once('duplicate')
    const first = audited.send(order, { id: 'c', userId: 'ada', correlationId: 'k' })
    await caught(audited.send(order, { id: 'c', causationId: 'again' }))
    finish.resolve()
    await first
    assert.deepEqual((await duplicate).data.record, {
      ...{ id: 'c', type: 'order', state: 'created', correlationId: 'k', userId: 'ada', events: [], receivedAt: 1000 },
      payload: { status: 'full', format: 'json', data: '{"item":"tea"}', bytes: 14 },
      ...{ importance: 'normal', retention: 'long-lived', dryRun: false },
    })
  })

  test('Given an intent that another process left, when its id is sent, then it is COMMAND_IN_FLIGHT', async () => {
    const store = memoryStore()
    let runs = 0
    const audited = withCommandAudit(
      busWith(() => void runs++),
      store,
      { newId: () => 'c' },
    )
    const died = withCommandAudit(
      busWith(() => new Promise<void>(() => {})),
      store,
    )
    void died.send(order, { id: 'c' }).catch(() => {})
    await new Promise(setImmediate)
    await assert.rejects(audited.send(order), { code: 'COMMAND_IN_FLIGHT' })
    await assert.rejects(audited.send(order, { id: 'c' }), { code: 'COMMAND_IN_FLIGHT' })
    assert.equal(runs, 0)
  })

  test('Given 50 racing sends of one id over several buses, when all are done, then the handler ran once', async () => {
    const store = memoryStore()
    let runs = 0
    const buses = Array.from({ length: 5 }, () =>
      withCommandAudit(
        busWith(async () => void (runs++, await new Promise(setImmediate))),
        store,
      ),
    )
    const sends = Array.from({ length: 50 }, (_, n) => buses[n % 5]?.send(order, { id: 'c' }) as Promise<unknown>)
    const results = await Promise.allSettled(sends)
    assert.equal(runs, 1)
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length >= 1, true)
    const codes = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []))
    assert.deepEqual([...new Set(codes)], ['COMMAND_IN_FLIGHT'])
  })
})

describe('what is kept', () => {
  const outcomes: Record<string, [handler: Handler, keptBy: string[]]> = {
    successful: [() => {}, ['all']],
    rejected: [() => fail(new CommandRejected({ code: 'x' })), ['all', 'not-successful']],
    failed: [() => fail(new Error('x')), ['all', 'not-successful', 'failures']],
  }
  for (const [state, [handler, keptBy]] of Object.entries(outcomes)) {
    test(`Given a ${state} command, when sent under each keep, then it is stored by ${keptBy.join(' and ')} only`, async () => {
      for (const keep of ['all', 'not-successful', 'failures', 'none'] as const) {
        for (const mode of modes) {
          const store = memoryStore()
          const audited = withCommandAudit(busWith(handler), store, { mode })
          const settled: string[] = []
          audited.events.on('settled', ({ data }) => void settled.push(data.record.state))
          await audited.send(order, { id: 'c', keep }).catch(() => {})
          await audited.flush()
          await new Promise(setImmediate)
          assert.equal((await store.get('c'))?.state, keptBy.includes(keep) ? state : undefined)
          assert.deepEqual(settled, [state], 'hooks run whatever is kept')
        }
      }
    })
  }

  test('Given a dry run, when sent, then it and its children are marked, low and short-lived', async () => {
    const store = memoryStore()
    const bus = busWith((_, context) => context.send({ type: 'child', data: 0 }).then(() => {}))
    bus.register('child', () => {})
    await withCommandAudit(bus, store).send(order, { dryRun: true })
    const { records } = await store.list()
    assert.deepEqual(
      records.map(({ dryRun, importance, retention }) => [dryRun, importance, retention]),
      [
        [true, 'low', 'short-lived'],
        [true, 'low', 'short-lived'],
      ],
    )
  })

  test('Given params, when sent, then record and handler both have what it changed', async () => {
    const store = memoryStore()
    let seen: unknown
    const bus = busWith((_, { tenantId, dryRun, metadata }) => {
      seen = [tenantId, dryRun, metadata]
    })
    const audited = withCommandAudit(bus, store, {
      params: (context, params) => ({
        tenantId: `${params.tenantId}-${context.command.type}`,
        dryRun: true,
        importance: 'high',
        payload: 'omit',
        metadata: { ...params.metadata, by: 'params' },
      }),
    })
    await audited.send(order, { id: 'c', tenantId: 't', userId: 'u', metadata: { a: 1 } })
    const record = await store.get('c')
    assert.deepEqual(seen, ['t-order', true, { a: 1, by: 'params' }])
    assert.deepEqual(
      [record?.tenantId, record?.userId, record?.dryRun, record?.retention, record?.payload],
      ['t-order', 'u', true, 'permanent', { status: 'omitted', format: 'json', bytes: 14 }],
    )
  })

  test('Given params that throw, answer late or answer nonsense, when sent, then nothing runs and nothing is stored', async () => {
    for (const params of [() => fail(new Error('x')), async () => ({}), () => 5, () => ({ tenantId: '\0' })]) {
      const store = memoryStore()
      let runs = 0
      const audited = withCommandAudit(
        busWith(() => void runs++),
        store,
        { params: params as never },
      )
      const error = (await caught(audited.send(order))) as { code: string }
      assert.ok(['TRAIT_FAILED', 'INVALID_IDENTIFIER'].includes(error.code))
      assert.deepEqual([runs, (await store.list()).records.length], [0, 0])
    }
  })
})

describe('wrapping', () => {
  test('Given a typed bus, when audited, then commands, options and results are as typed as before', async () => {
    const greet = defineCommand<'greet', string, string, 'tenant'>('greet', { scope: 'tenant' })
    const bus = new CommandBus().register(greet, ({ data }) => ({ result: data.length }))
    const audited = withCommandAudit(bus, memoryStore())
    const { result } = await audited.send(greet('tea'), { tenantId: 't' })
    const length: number = result
    assert.equal(length, 3)
    // @ts-expect-error: the type demands a tenant, audited or not
    await assert.rejects(audited.send(greet('tea')), { code: 'MISSING_TENANT' })
    const union = new CommandBus<Command<'a', number, string> | Command<'b', string>>().register('a', () => ({
      result: 'x',
    }))
    const typed = withCommandAudit(union, memoryStore())
    const text: string = (await typed.send({ type: 'a', data: 1 })).result
    assert.equal(text, 'x')
    // @ts-expect-error: data of another command
    await assert.rejects(typed.send({ type: 'b', data: 1 }), { code: 'UNKNOWN_COMMAND' })
  })

  test('Given no options at all, when sent, then what is absent is absent from the record', async () => {
    const store = memoryStore()
    const unset = {
      metadata: undefined,
      attributes: undefined,
      tenantId: undefined,
      correlationId: undefined,
      signal: undefined,
    }
    await withCommandAudit(
      busWith(() => {}),
      store,
    ).send({ type: 'order', data: undefined }, { id: 'c', ...unset })
    const keys = Object.keys((await store.get('c')) ?? {}).sort()
    assert.deepEqual(keys, [
      ...['attempts', 'correlationId', 'dryRun', 'durationMs', 'events', 'id', 'importance', 'payload'],
      ...['receivedAt', 'retention', 'settledAt', 'state', 'type'],
    ])
  })

  test('Given a bus and a store, when wrapped twice, then it is ALREADY_AUDITED until the first is closed', async () => {
    const [bus, store] = [busWith(() => {}), memoryStore()]
    const audited = withCommandAudit(bus, store)
    assert.throws(() => withCommandAudit(bus, store), { code: 'ALREADY_AUDITED' })
    assert.throws(() => withCommandAudit(audited, store), { code: 'ALREADY_AUDITED' })
    await audited.close()
    assert.equal((await withCommandAudit(bus, store).send(order)).duplicate, false)
  })

  test('Given two audits into two stores, when sent, then both have the same outcome of one run', async () => {
    const [inner, outer] = [memoryStore(), memoryStore()]
    let runs = 0
    const bus = busWith(async (_, context) => {
      runs++
      if (context.causationId === undefined) await context.send(order, { id: 'child' })
    })
    const audited = withCommandAudit(withCommandAudit(bus, inner), outer, { mode: 'outcome' })
    await audited.send(order, { id: 'c' })
    const ids = async (store: typeof inner) =>
      (await store.list({ order: 'oldest' })).records.map(({ id, state }) => [id, state]).sort()
    assert.deepEqual(await ids(inner), [
      ['c', 'successful'],
      ['child', 'successful'],
    ])
    assert.deepEqual(await ids(outer), await ids(inner))
    assert.equal(runs, 2)
  })

  test('Given a stranger’s bus, when audited, then commands, children and refusals are recorded', async () => {
    const store = memoryStore()
    const real = new CommandBus()
    real.register('order', async (_, context) => {
      await context.send({ type: 'child', data: 0 }, { id: 'child' })
      return { events: [{ id: 'e1' }], result: 5 }
    })
    real.register('child', () => fail(new CommandRejected({ code: 'no' })))
    const stranger = { send: (command: Command, options?: object) => real.send(command, options) }
    const audited = withCommandAudit(stranger, store)
    await assert.rejects(audited.send(order, { id: 'c', tenantId: 't' }), { name: 'CommandRejected' })
    const records = (await store.list({ order: 'oldest' })).records
    assert.deepEqual(
      records.map(({ id, state, causationId, tenantId }) => [id, state, causationId, tenantId]),
      [
        ['c', 'rejected', undefined, 't'],
        ['child', 'rejected', 'c', 't'],
      ],
    )
  })

  test('Given a handler that sends through the bus itself, when audited, then the audit counts what it cannot record', async () => {
    const store = memoryStore()
    const real = new CommandBus().register('child', () => {})
    const stranger = { send: (command: Command, options?: object) => real.send(command, options) }
    const other = withCommandAudit(
      new CommandBus().register('child', () => {}),
      memoryStore(),
    )
    const child = { type: 'child', data: 0 }
    real.register('past', async () => void (await real.send(child)))
    real.register('through', async (_, context) => {
      await context.send(child)
      await other.send(child)
    })
    real.register('nested', async (_, context) => void (await context.send({ type: 'past', data: 0 })))
    for (const bus of [real, stranger]) {
      const audited = withCommandAudit(bus, store, { mode: 'outcome' })
      const bypassed: number[] = []
      for (const type of ['child', 'through', 'past', 'nested']) {
        await audited.send({ type, data: 0 })
        bypassed.push(audited.counters.bypassed)
      }
      assert.deepEqual(bypassed, [0, 0, 1, 2])
      await real.send({ type: 'past', data: 0 })
      assert.equal(audited.counters.bypassed, 2)
    }
  })

  test('Given a stranger’s bus that answers anything, when audited, then the answer is the result', async () => {
    const bad = { events: [{ id: 'e1' }, { id: 5 }], result: 'done' }
    for (const [answer, result, events] of [
      [7, 7, 0],
      [undefined, undefined, 0],
      [bad, 'done', 1],
      [{ odd: 1 }, { odd: 1 }, 0],
      [{ result: 'done' }, 'done', 0],
      [{ result: undefined, events: undefined }, undefined, 0],
      [{ result: 'done', cost: 5 }, { result: 'done', cost: 5 }, 0],
      [{ result: 'done', events: 'none' }, { result: 'done', events: 'none' }, 0],
      [{ events: undefined }, { events: undefined }, 0],
      [{}, {}, 0],
    ] as const) {
      const store = memoryStore()
      const audited = withCommandAudit({ send: async (_: Command) => answer }, store)
      const receipt = (await audited.send(order)) as unknown as { result: unknown; events: unknown[] }
      assert.deepEqual([receipt.result, receipt.events.length], [result, events])
      assert.equal((await store.list({ state: 'successful' })).records.length, 1)
    }
  })

  test('Given a stranger’s bus, when audited, then its options and its results are typed as they come', async () => {
    const seen: unknown[] = []
    const narrow = { send: async (command: Command<'order'>) => ({ result: command.type.length }) }
    const receipt = await withCommandAudit(narrow, memoryStore()).send({ type: 'order', data: 1 }, { id: 'c' })
    assert.deepEqual([receipt.id, receipt.result satisfies number], ['c', 5])
    const own = {
      send: async (_: Command, options: { lane?: number } = {}) => {
        seen.push(options.lane)
        return { result: 'x', cost: 5 }
      },
    }
    const audited = withCommandAudit(own, memoryStore())
    const { result } = await audited.send(order, { lane: 3, tenantId: 't' })
    assert.deepEqual([seen, result.cost satisfies number], [[3], 5])
    // @ts-expect-error: no option of that bus
    await audited.send(order, { lanes: 3 })
    const either = {
      send: async (_: Command): Promise<{ result: number; events?: { id: string }[] }> => ({ result: 5 }),
    }
    const answer = await withCommandAudit(either, memoryStore()).send(order, { userId: 'u' })
    assert.equal(answer.result satisfies number, 5)
  })

  test('Given options or arguments of the wrong kind, when wrapped, then it is INVALID_ARGUMENT', () => {
    const [bus, store] = [busWith(() => {}), memoryStore()]
    const wrong = [
      { mode: 'later' },
      { onStoreFailure: 'panic' },
      { deadlineMs: 0 },
      { codec: {} },
      { clock: {} },
      { newId: 5 },
      { backlog: { records: 0 } },
    ]
    for (const options of wrong)
      assert.throws(() => withCommandAudit(bus, store, options as never), { code: 'INVALID_ARGUMENT' })
    assert.throws(() => withCommandAudit({} as never, store), { code: 'INVALID_ARGUMENT' })
    assert.throws(() => withCommandAudit(bus, {} as never), { code: 'INVALID_ARGUMENT' })
  })

  test('Given an unwritable id generator, when sent, then its ids are held to the same rules', async () => {
    const audited = withCommandAudit(
      busWith(() => {}),
      memoryStore(),
      { newId: () => '' },
    )
    await assert.rejects(audited.send(order), { code: 'INVALID_IDENTIFIER' })
  })

  test('Given an audit that is unavailable, then its error says which command and why', () => {
    const error = new AuditUnavailable('c', 'STORE_TIMEOUT', 'unknown')
    assert.deepEqual(
      [error.commandId, error.storeCode, error.written, error.code],
      ['c', 'STORE_TIMEOUT', 'unknown', 'AUDIT_UNAVAILABLE'],
    )
  })
})

function fail(error: unknown): never {
  throw error
}

async function caught(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  assert.fail('expected a rejection')
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
