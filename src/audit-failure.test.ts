import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { memoryStore } from '../stores/memory.ts'
import {
  type AuditOptions,
  AuditUnavailable,
  type Command,
  CommandBus,
  type CommandLogStore,
  type CommandRecord,
  CommandRejected,
  type Handler,
  type RecordResult,
  StoreError,
  withCommandAudit,
} from './index.ts'

const order: Command = { type: 'order', data: { secret: 'pin-1234' } }
const modes = ['write-ahead', 'outcome', 'background'] as const
type Write = (record: CommandRecord, store: CommandLogStore) => Promise<RecordResult>

/** A store whose writes somebody else decides: what a failing database looks like from outside. */
function storeThat(
  write: Write,
  base = memoryStore(),
): CommandLogStore & { base: CommandLogStore; calls: CommandRecord[] } {
  const calls: CommandRecord[] = []
  const record = (each: CommandRecord): Promise<RecordResult> => {
    calls.push(each)
    return write(each, base)
  }
  return { ...base, record, base, calls }
}

const down = (written: 'no' | 'unknown' = 'no'): StoreError =>
  new StoreError('STORE_UNAVAILABLE', 'The store is down', written)

/** Every way in which a store can be dead. */
const deadStores: Record<string, Write> = {
  'rejects with no': () => Promise.reject(down()),
  'rejects with unknown': () => Promise.reject(down('unknown')),
  'rejects with a raw error': () => Promise.reject(new Error('postgres://user:password@host/db')),
  'rejects with nothing': () => Promise.reject(undefined),
  hangs: () => new Promise(() => {}),
  'throws synchronously': () => {
    throw new TypeError('secret of a driver')
  },
  'answers with no promise': () => undefined as never,
}

function busWith(handler: Handler): { bus: CommandBus; runs: () => number } {
  let runs = 0
  const bus: CommandBus = new CommandBus().register('order', (command, context) => {
    runs++
    return handler(command, context)
  })
  return { bus, runs: () => runs }
}

function quick(options: AuditOptions = {}): AuditOptions {
  return { deadlineMs: 40, ...options }
}

describe('a dead store', () => {
  for (const [how, write] of Object.entries(deadStores)) {
    test(`Given a store that ${how}, when fail-closed, then no command runs and the error leaks nothing`, async () => {
      const { bus, runs } = busWith(() => {})
      const audited = withCommandAudit(bus, storeThat(write), quick())
      const error = await caught(audited.send(order))
      assert.ok(error instanceof AuditUnavailable)
      assert.equal(runs(), 0)
      assert.doesNotMatch(`${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`, /password|secret/)
    })

    test(`Given a store that ${how}, when fail-open, then every command runs, is counted and reported`, async () => {
      const { bus, runs } = busWith(({ data }) =>
        data === 'bad' ? fail(new CommandRejected({ code: 'bad' })) : { result: data },
      )
      const audited = withCommandAudit(bus, storeThat(write), quick({ onStoreFailure: 'fail-open' }))
      const failures: string[] = []
      audited.events.on('storeFailed', ({ data }) => void failures.push(data.error.name))
      assert.equal((await audited.send({ type: 'order', data: 1 })).result, 1)
      await assert.rejects(audited.send({ type: 'order', data: 'bad' }), { name: 'CommandRejected' })
      assert.deepEqual([runs(), audited.counters.ranUnrecorded], [2, 2])
      assert.ok(failures.length >= 4 && failures.every((name) => name === 'StoreError'))
      assert.deepEqual(await audited.close(), { left: 2 })
    })

    for (const mode of ['outcome', 'background'] as const) {
      test(`Given a store that ${how}, when mode is ${mode}, then outcomes stay the handler’s and all are counted`, async () => {
        const own = new Error('own')
        const { bus, runs } = busWith(({ data }) => (data === 'bad' ? fail(own) : { result: data }))
        const audited = withCommandAudit(bus, storeThat(write), quick({ mode }))
        assert.equal((await audited.send({ type: 'order', data: 1 })).result, 1)
        assert.equal(await caught(audited.send({ type: 'order', data: 'bad' })), own)
        assert.equal(runs(), 2)
        assert.deepEqual(await audited.flush(), { left: 2 })
        assert.deepEqual(await audited.close(), { left: 2 })
      })
    }
  }

  test('Given a store that died after the intent, when settled, then the sender still gets its result', async () => {
    const store = storeThat((record, base) =>
      record.state === 'created' ? base.record(record) : Promise.reject(down()),
    )
    const { bus, runs } = busWith(() => ({ result: 5 }))
    const audited = withCommandAudit(bus, store, quick())
    assert.equal((await audited.send(order, { id: 'c' })).result, 5)
    assert.deepEqual([runs(), (await store.base.get('c'))?.state], [1, 'created'])
    assert.deepEqual(await audited.close(), { left: 1 })
  })

  test('Given a store that comes back, when flushed, then what was left is written and nothing runs again', async () => {
    for (const mode of modes) {
      let isDown = true
      const store = storeThat((record, base) =>
        isDown && record.state !== 'created' ? Promise.reject(down()) : base.record(record),
      )
      const { bus, runs } = busWith(() => {})
      const audited = withCommandAudit(bus, store, quick({ mode }))
      await audited.send(order, { id: 'a' })
      await audited.send(order, { id: 'b' })
      assert.deepEqual(await audited.flush(), { left: 2 })
      isDown = false
      assert.deepEqual(await audited.flush(), { left: 0 })
      const { records } = await store.base.list({ state: 'successful', order: 'oldest' })
      assert.deepEqual([records.map(({ id }) => id).sort(), runs()], [['a', 'b'], 2])
    }
  })

  test('Given a store that comes back by itself, when nobody flushes, then what was left is written all the same', async () => {
    let isDown = true
    const store = storeThat((record, base) => (isDown ? Promise.reject(down()) : base.record(record)))
    const audited = withCommandAudit(busWith(() => {}).bus, store, quick({ mode: 'background' }))
    await audited.send(order, { id: 'a' })
    await new Promise(setImmediate)
    isDown = false
    while ((await store.base.get('a')) === undefined) await new Promise((resolve) => setTimeout(resolve, 5))
  })

  test('Given a store that is closed, when settled, then the record is lost and said to be, without trying again', async () => {
    const store = storeThat(() => Promise.reject(new StoreError('STORE_CLOSED', 'The store is closed')))
    const audited = withCommandAudit(busWith(() => {}).bus, store, { mode: 'outcome' })
    const failed = audited.events.once('storeFailed')
    await audited.send(order)
    assert.deepEqual([(await failed).data.lost, store.calls.length, audited.counters.lost], [true, 1, 1])
    assert.deepEqual(await audited.close(), { left: 1 })
  })
})

describe('an indefinite answer', () => {
  const lostAck = (times: number): Write => {
    let lost = 0
    return async (record, base) => {
      const result = await base.record(record)
      if (lost++ < times) throw down('unknown')
      return result
    }
  }

  test('Given an intent whose ack was lost, when tried again, then the command runs once and is recorded once', async () => {
    const store = storeThat(lostAck(1))
    const { bus, runs } = busWith(() => ({ result: 1 }))
    const audited = withCommandAudit(bus, store)
    assert.equal((await audited.send(order)).result, 1)
    const { records } = await store.base.list()
    assert.deepEqual([runs(), records.map(({ state }) => state)], [1, ['successful']])
  })

  test('Given a chosen id whose ack was lost, when its record cannot be shown to be ours, then it does not run', async () => {
    const { bus, runs } = busWith(() => {})
    const anonymous = withCommandAudit(bus, storeThat(lostAck(1)))
    await assert.rejects(anonymous.send(order, { id: 'c' }), { code: 'AUDIT_UNAVAILABLE', written: 'unknown' })
    assert.equal(runs(), 0)
    const named = withCommandAudit(bus, storeThat(lostAck(1)), { source: { instance: 'pod-1' } })
    await named.send(order, { id: 'c' })
    assert.equal(runs(), 1)
  })

  test('Given an outcome whose ack was lost, when tried again, then it counts as written', async () => {
    for (const mode of ['write-ahead', 'outcome'] as const) {
      let writes = 0
      const store = storeThat(async (record, base) => {
        const result = await base.record(record)
        if (record.state !== 'created' && writes++ === 0) throw down('unknown')
        return result
      })
      const audited = withCommandAudit(busWith(() => {}).bus, store, { mode })
      await audited.send(order, { id: 'c' })
      assert.deepEqual(await audited.close(), { left: 0 })
      assert.deepEqual([(await store.base.get('c'))?.state, audited.counters.lost], ['successful', 0])
    }
  })

  test('Given an intent that stays unknown, when given up, then the error says that it may be on the record', async () => {
    const audited = withCommandAudit(busWith(() => {}).bus, storeThat(lostAck(99)), quick())
    const error = (await caught(audited.send(order))) as AuditUnavailable
    assert.deepEqual([error.name, error.written], ['AuditUnavailable', 'unknown'])
  })

  test('Given an outcome that another hand has settled, when written, then the event says that it is lost', async () => {
    const base = memoryStore()
    const { bus } = busWith(async (_, { id }) => {
      const intent = await base.get(id)
      assert.ok(intent)
      await base.record({ ...intent, state: 'failed', settledAt: 1 })
      return { result: 5 }
    })
    const audited = withCommandAudit(bus, base)
    const failed = audited.events.once('storeFailed')
    assert.equal((await audited.send(order, { id: 'c' })).result, 5)
    const { data } = await failed
    assert.deepEqual([data.error.code, data.lost, (await base.get('c'))?.state], ['ALREADY_SETTLED', true, 'failed'])
  })
})

describe('order of events', () => {
  test('Given write-ahead, when the store is slow, then no handler starts before its intent is acknowledged', async () => {
    const acknowledged = new Set<string>()
    const store = storeThat(async (record, base) => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10))
      const result = await base.record(record)
      acknowledged.add(`${record.id} ${record.state}`)
      return result
    })
    const { bus } = busWith((_, { id }) => assert.ok(acknowledged.has(`${id} created`)))
    const audited = withCommandAudit(bus, store)
    await Promise.all(
      Array.from({ length: 200 }, async (_, n) => {
        await audited.send(order, { id: `c${n}` })
        assert.ok(acknowledged.has(`c${n} successful`), 'the outcome is durable before send resolves')
      }),
    )
  })

  test('Given an intent handed to a store that reads it late, when settled, then the intent still reads as created', async () => {
    const seen: string[] = []
    const store = storeThat(async (record, base) => {
      const result = await base.record(record)
      setTimeout(() => seen.push(record.state), 10)
      return result
    })
    await withCommandAudit(busWith(() => {}).bus, store).send(order)
    await new Promise((resolve) => setTimeout(resolve, 30))
    assert.deepEqual(seen, ['created', 'successful'])
  })
})

describe('records that are too large for the store', () => {
  for (const mode of modes) {
    test(`Given mode ${mode}, when the store refuses the size, then the record is kept without its body`, async () => {
      const store = storeThat(async (record, base) => {
        if (record.payload.data !== undefined) throw new StoreError('RECORD_TOO_LARGE', 'Too large')
        return await base.record(record)
      })
      const audited = withCommandAudit(busWith(() => ({ result: 1 })).bus, store, { mode })
      assert.equal((await audited.send(order, { id: 'c' })).result, 1)
      assert.deepEqual(await audited.close(), { left: 0 })
      const record = await store.base.get('c')
      assert.deepEqual(
        [record?.state, record?.payload],
        ['successful', { status: 'too-large', format: 'json', bytes: 21 }],
      )
    })
  }
})

describe('the background', () => {
  test('Given a slow store, when its bounds are reached, then senders wait and nothing is lost', async () => {
    let [waiting, most] = [0, 0]
    const store = storeThat(async (record, base) => {
      most = Math.max(most, ++waiting)
      await new Promise((resolve) => setTimeout(resolve, 2))
      waiting--
      return await base.record(record)
    })
    const { bus, runs } = busWith(() => {})
    const audited = withCommandAudit(bus, store, { mode: 'background', backlog: { records: 10 } })
    await Promise.all(Array.from({ length: 300 }, () => audited.send(order)))
    assert.deepEqual(await audited.close(), { left: 0 })
    assert.deepEqual([runs(), (await store.base.list({ limit: 1000 })).records.length, most], [300, 300, 10])
  })

  test('Given a dead store with a full backlog, when fail-closed, then the next command does not run', async () => {
    const { bus, runs } = busWith(() => {})
    const audited = withCommandAudit(
      bus,
      storeThat(() => Promise.reject(down())),
      quick({ mode: 'background', backlog: { records: 2 } }),
    )
    await audited.send(order)
    await audited.send(order)
    await assert.rejects(audited.send(order), { code: 'AUDIT_UNAVAILABLE', storeCode: 'BACKLOG_FULL', written: 'no' })
    assert.equal(runs(), 2)
    assert.deepEqual(await audited.close(), { left: 2 })
  })

  test('Given a dead store with a full backlog, when fail-open, then commands run and the lost are counted', async () => {
    const { bus, runs } = busWith(() => {})
    const options = quick({ mode: 'background', onStoreFailure: 'fail-open', backlog: { bytes: 600 } })
    const audited = withCommandAudit(
      bus,
      storeThat(() => Promise.reject(down())),
      options,
    )
    for (let n = 0; n < 4; n++) await audited.send(order)
    assert.deepEqual([runs(), audited.counters.lost], [4, 2])
    assert.deepEqual(await audited.close(), { left: 4 })
  })

  test('Given nested commands and a backlog of one, when sent, then nobody waits for ever', async () => {
    const store = memoryStore()
    const bus = new CommandBus()
    bus.register('order', async ({ data }, context) => {
      if ((data as number) > 0)
        await Promise.all([1, 2].map(() => context.send({ type: 'order', data: (data as number) - 1 })))
    })
    const audited = withCommandAudit(bus, store, { mode: 'background', backlog: { records: 1 } })
    await Promise.all([1, 2, 3].map(() => audited.send({ type: 'order', data: 4 })))
    assert.deepEqual(await audited.close(), { left: 0 })
    assert.equal((await store.list({ limit: 1000 })).records.length, 93)
  })
})

describe('closing', () => {
  test('Given running commands, when closed, then they and their children finish, and roots are refused', async () => {
    const go = Promise.withResolvers<void>()
    const store = memoryStore()
    const bus = new CommandBus()
    bus.register('order', async (_, context) => {
      await go.promise
      await context.send({ type: 'child', data: 0 })
    })
    bus.register('child', () => {})
    const audited = withCommandAudit(bus, store)
    const running = audited.send(order)
    const closed = audited.close()
    await assert.rejects(audited.send(order), { code: 'AUDIT_CLOSED' })
    go.resolve()
    await running
    assert.deepEqual([await closed, await audited.close()], [{ left: 0 }, { left: 0 }])
    assert.equal((await store.list({ state: 'successful' })).records.length, 2)
  })

  test('Given a command that never ends, when closed, then it is counted after the deadline', async () => {
    const { bus } = busWith(() => new Promise<void>(() => {}))
    const audited = withCommandAudit(bus, memoryStore(), quick())
    void audited.send(order)
    assert.deepEqual(await audited.close(), { left: 1 })
  })

  test('Given an idle audited bus, then it holds no process open', async () => {
    const audited = withCommandAudit(busWith(() => {}).bus, memoryStore())
    await audited.send(order)
    assert.deepEqual(
      process.getActiveResourcesInfo().filter((name) => name === 'Timeout'),
      [],
    )
  })
})

describe('lifecycle events', () => {
  test('Given listeners, when commands are sent, then each hears copies of the record as it may be stored', async () => {
    const store = memoryStore()
    const { bus } = busWith(() => {})
    const audited = withCommandAudit(bus, store)
    const heard: [string, string][] = []
    for (const name of ['received', 'settled', 'duplicate'] as const) {
      audited.events.on(name, ({ data: { record } }) => {
        heard.push([name, record.state])
        ;(record as { state: string }).state = 'changed'
        ;(record.payload as { data: string }).data = 'changed'
      })
    }
    await audited.send(order, { id: 'c' })
    await audited.send(order, { id: 'c' })
    await new Promise(setImmediate)
    assert.deepEqual(heard, [
      ['received', 'created'],
      ['settled', 'successful'],
      ['duplicate', 'successful'],
    ])
    const record = await store.get('c')
    assert.deepEqual([record?.state, record?.payload.data], ['successful', '{"secret":"pin-1234"}'])
  })

  test('Given listeners that throw, reject or never end, when sent, then the command neither fails nor waits', async () => {
    const { bus } = busWith(() => ({ result: 1 }))
    const audited = withCommandAudit(bus, memoryStore())
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
    audited.events.on('received', () => fail(new Error('pin-1234')))
    audited.events.on('settled', () => Promise.reject(new Error('late')))
    audited.events.on('settled', () => new Promise<void>(() => {}))
    assert.equal((await audited.send(order)).result, 1)
    const warning = await warned
    assert.match(warning.message, /listener of the audit event 'received' threw/)
    assert.doesNotMatch(warning.message, /pin/)
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
