import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type Command,
  CommandBus,
  CommandRejected,
  type Decision,
  type Middleware,
  retry,
  withCommandAudit,
} from '../src/index.ts'
import { memoryStore } from '../stores/memory.ts'
import { type DeciderOptions, decider } from './decider.ts'
import type { EventStore, NewEvent } from './event-store.ts'
import { EventStoreError } from './event-store-error.ts'
import { type MemoryEventStore, memoryEventStore } from './memory-event-store.ts'

type Deposit = Command<'deposit', { account: string; amount: number }>
type Withdraw = Command<'withdraw', { account: string; amount: number }>
type Asked = Deposit | Withdraw
interface Deposited {
  readonly type: 'deposited'
  readonly data: { readonly amount: number }
}
interface Withdrawn {
  readonly type: 'withdrawn'
  readonly data: { readonly amount: number }
}
type Happened = Deposited | Withdrawn

function decide({ type, data }: Asked, balance: number): Happened | readonly Happened[] {
  const { amount } = data
  if (amount === 0) return []
  if (type === 'deposit') return { type: 'deposited', data: { amount } }
  if (amount > balance) throw new CommandRejected({ code: 'not-enough', title: `Only ${balance} is left` })
  return { type: 'withdrawn', data: { amount } }
}

function evolve(balance: number, { type, data }: Happened): number {
  return type === 'deposited' ? balance + data.amount : balance - data.amount
}

type Options = Partial<DeciderOptions<Asked, Happened, number, undefined>>

function busOf(store: EventStore, options: Options, middleware: readonly Middleware[] = []): CommandBus<Asked> {
  let made = 0
  const account = decider<Asked, Happened, number>({
    initialState: () => 0,
    decide,
    evolve,
    stream: ({ data }) => data.account,
    store,
    newId: () => `event-${++made}`,
    ...options,
  })
  return new CommandBus<Asked>()
    .use(...middleware)
    .register('deposit', account)
    .register('withdraw', account)
}

function open(options: Options = {}, middleware: readonly Middleware[] = []) {
  const log = memoryStore()
  const events = memoryEventStore()
  const bank = withCommandAudit(busOf(options.store ?? events, options, middleware), log)
  return { events, bank, recordOf: (id: string) => log.get(id) }
}

const deposit = (amount: number): Deposit => ({ type: 'deposit', data: { account: 'a', amount } })
const withdraw = (amount: number): Withdraw => ({ type: 'withdraw', data: { account: 'a', amount } })

/** An event that somebody else appends. */
function rival(id: string, amount = 1): NewEvent {
  const metadata = { commandId: `rival-${id}`, correlationId: 'rival', recordedAt: 1 }
  return { id, type: 'deposited', data: { amount }, metadata }
}

test('a decision is appended with where it comes from, and its references are on the record', async () => {
  const { bank, events, recordOf } = open()
  const asked = { id: 'c-1', correlationId: 'visit', causationId: 'click', tenantId: 'north', userId: 'ada' }
  const receipt = await bank.send(deposit(5), asked)
  const ref = { id: 'event-1', type: 'deposited', stream: 'a', version: 1 }
  assert.deepEqual(receipt, { id: 'c-1', correlationId: 'visit', events: [ref], result: undefined, duplicate: false })
  const [stored] = await events.read('a')
  const { recordedAt = 0 } = stored?.metadata ?? {}
  assert.ok(Math.abs(Date.now() - recordedAt) < 60_000)
  const { id: commandId, ...carried } = asked
  assert.deepEqual(stored, { ...ref, data: { amount: 5 }, metadata: { commandId, ...carried, recordedAt } })
  const record = await recordOf('c-1')
  assert.deepEqual([record?.state, record?.events], ['successful', [ref]])
})

test('the state is that of the stream, and each stream has its own', async () => {
  const { bank, events } = open()
  await bank.send(deposit(5))
  await bank.send({ type: 'deposit', data: { account: 'b', amount: 50 } })
  await bank.send(withdraw(4))
  await assert.rejects(bank.send(withdraw(2)), { name: 'CommandRejected', message: 'Only 1 is left' })
  const versions = (await events.read('a')).map(({ type, version }) => [type, version])
  assert.deepEqual(versions, [
    ['deposited', 1],
    ['withdrawn', 2],
  ])
})

test('a refusal is recorded with its problem, and appends nothing', async () => {
  const { bank, events, recordOf } = open()
  await assert.rejects(bank.send(withdraw(1), { id: 'c-1' }))
  const record = await recordOf('c-1')
  assert.deepEqual([record?.state, record?.problem?.code, record?.events], ['rejected', 'not-enough', []])
  assert.deepEqual(await events.read('a'), [])
})

test('a decision without events is successful, whatever form nothing takes', async () => {
  for (const nothing of [undefined, [], {}, { events: [] }, { result: undefined }]) {
    const { bank, events, recordOf } = open({ decide: async () => nothing })
    await bank.send(deposit(0), { id: 'c-1' })
    const record = await recordOf('c-1')
    assert.deepEqual([record?.state, record?.events, await events.read('a')], ['successful', [], []])
  }
})

test('several events of an asynchronous decision have ascending versions, and come with a result', async () => {
  const events = memoryEventStore()
  await events.append('a', [rival('r-1')])
  const appended: unknown[] = []
  const store: EventStore = {
    ...events,
    append(stream, added, options) {
      appended.push(options)
      return events.append(stream, added, options)
    },
  }
  const handler = decider({
    initialState: () => 0,
    async decide({ data }: Deposit, balance: number): Promise<{ events: Happened[]; result: number }> {
      const half = { type: 'deposited', data: { amount: data.amount / 2 } } as const
      return { events: [half, half], result: balance + data.amount }
    },
    evolve,
    stream: () => 'a',
    store,
  })
  const receipt = await new CommandBus<Deposit>().register('deposit', handler).send(deposit(4))
  assert.deepEqual([receipt.result, receipt.events.map(({ version }) => version)], [5, [2, 3]])
  assert.deepEqual(appended, [{ expectedVersion: 1, result: 5 }])
})

test('what is no decision, or holds what is no event, is InvalidDecision and appends nothing', async () => {
  for (const [wrong, why] of [
    [7, /answered with number/],
    [null, /answered with null/],
    [[{ data: 1 }], /an event that has no type/],
    [{ events: ['opened'] }, /an event that has no type/],
  ] as const) {
    const { bank, events } = open({ decide: () => wrong as unknown as [] })
    await assert.rejects(bank.send(deposit(1)), { name: 'InvalidDecision', message: why })
    assert.deepEqual(await events.read('a'), [])
  }
})

describe('a lost race', () => {
  test('is decided anew on fresh state', async () => {
    const events = memoryEventStore()
    const seen: number[] = []
    const { bank } = open({
      store: events,
      async decide(command, balance) {
        seen.push(balance)
        if (seen.length < 3) await events.append('a', [rival(`r-${seen.length}`, 10)])
        return decide(command, balance)
      },
    })
    const { events: refs } = await bank.send(deposit(1))
    assert.deepEqual([seen, refs.map(({ version }) => version)], [[0, 10, 20], [3]])
  })

  test('is a conflict once the retries are used up, and nothing of it is appended', async () => {
    const events = memoryEventStore()
    let decided = 0
    const { bank, recordOf } = open({
      store: events,
      retries: 2,
      async decide(command, balance) {
        await events.append('a', [rival(`r-${++decided}`)])
        return decide(command, balance)
      },
    })
    const problem = {
      type: 'about:blank',
      title: 'Conflict',
      status: 409,
      code: 'stream-conflict',
      detail: 'Others kept changing what this command decides on',
    }
    await assert.rejects(bank.send(deposit(1), { id: 'c-1' }), { name: 'CommandConflict', problem })
    const record = await recordOf('c-1')
    assert.deepEqual([record?.state, record?.problem, decided], ['conflict', problem, 3])
    assert.equal((await events.read('a')).length, 3)
  })

  test('ends when the sender gives up', async () => {
    const events = memoryEventStore()
    const given = new AbortController()
    let decided = 0
    const { bank, recordOf } = open({
      store: events,
      retries: 1_000_000,
      async decide(command, balance) {
        await events.append('a', [rival(`r-${++decided}`)])
        if (decided === 3) given.abort(new Error('the shop has closed'))
        return decide(command, balance)
      },
    })
    await assert.rejects(bank.send(deposit(1), { id: 'c-1', signal: given.signal }))
    const record = await recordOf('c-1')
    assert.deepEqual([record?.state, decided, (await events.read('a')).length], ['cancelled', 3, 3])
  })
})

test('a dry run decides, answers with the events that would be, and appends nothing', async () => {
  const { bank, events, recordOf } = open()
  await bank.send(deposit(5))
  const { events: refs } = await bank.send(withdraw(5), { dryRun: true, id: 'c-1' })
  const would = [{ id: 'event-2', type: 'withdrawn', stream: 'a', version: 2 }]
  const record = await recordOf('c-1')
  assert.deepEqual([refs, record?.events, record?.dryRun], [would, would, true])
  await assert.rejects(bank.send(withdraw(6), { dryRun: true }), { name: 'CommandRejected' })
  assert.equal((await events.read('a')).length, 1)
})

test('what could not be appended is refused in a dry run too', async () => {
  for (const event of [
    { type: '', data: { amount: 1 } },
    { type: 'deposited', data: { amount: 1n } },
  ]) {
    const { bank } = open({ decide: () => event as unknown as Deposited })
    const refused = { name: 'EventStoreError', code: 'INVALID_EVENT' }
    await assert.rejects(bank.send(deposit(1)), refused)
    await assert.rejects(bank.send(deposit(1), { dryRun: true }), refused)
  }
})

describe('a command whose events are in the stream already', () => {
  test('answers with them and decides nothing: a retry after a fault further out appends once', async () => {
    let faults = 0
    const faulty: Middleware = async (_, next): Promise<Decision> => {
      const decision = await next()
      if (faults++ === 0) throw Object.assign(new Error('lost'), { retryable: true })
      return decision
    }
    const { bank, events, recordOf } = open({}, [retry({ baseMs: 0 }), faulty])
    await bank.send(deposit(5), { id: 'c-1' })
    const stored = await events.read('a')
    const record = await recordOf('c-1')
    const ref = { id: 'event-1', type: 'deposited', stream: 'a', version: 1 }
    assert.deepEqual([record?.attempts, record?.events, stored.length], [2, [ref], 1])
  })

  test('is decided all the same in a dry run', async () => {
    const events = memoryEventStore()
    const bus = busOf(events, {})
    await bus.send(deposit(5), { id: 'c-1' })
    const { events: refs } = await bus.send(deposit(6), { id: 'c-1', dryRun: true })
    assert.deepEqual(refs, [{ id: 'event-2', type: 'deposited', stream: 'a', version: 2 }])
  })
})

describe('an append whose outcome is unknown', () => {
  /** A store whose appends fail as told, before or after they have been written. */
  function doubtful(events: MemoryEventStore, faults: ('written' | 'lost')[]): EventStore {
    return {
      ...events,
      async append(...args) {
        const fault = faults.shift()
        if (fault === undefined) return await events.append(...args)
        if (fault === 'written') await events.append(...args)
        throw new EventStoreError('STORE_TIMEOUT', 'No answer', { written: 'unknown' })
      },
    }
  }

  for (const [faults, expected] of [
    [['written'], ['event-1']],
    [['lost'], ['event-2']],
    [['lost', 'written'], ['event-2']],
  ] as const) {
    test(`counts once when it was ${faults.join(', then ')}`, async () => {
      const events = memoryEventStore()
      const { bank } = open({ store: doubtful(events, [...faults]) })
      const { events: refs } = await bank.send(deposit(5))
      const stored = await events.read('a')
      assert.deepEqual([refs.map(({ id }) => id), stored.map(({ id }) => id)], [expected, expected])
    })
  }

  test('counts once when it arrives late, between the next look and the next append', async () => {
    const events = memoryEventStore()
    let late: Parameters<EventStore['append']> | undefined
    const store: EventStore = {
      ...events,
      async append(...args) {
        if (late === undefined) {
          late = args
          throw new EventStoreError('STORE_TIMEOUT', 'No answer', { written: 'unknown' })
        }
        if ((await events.read('a')).length === 0) await events.append(...late)
        return await events.append(...args)
      },
    }
    const { bank } = open({ store })
    const { events: refs } = await bank.send(deposit(5))
    assert.deepEqual([refs.map(({ id }) => id), (await events.read('a')).length], [['event-1'], 1])
  })

  test('is settled by a fence where the retries are used up', async () => {
    for (const [fault, expected] of [
      ['written', 'successful'],
      ['lost', 'failed'],
    ] as const) {
      const events = memoryEventStore()
      const { bank, recordOf } = open({ store: doubtful(events, [fault]), retries: 0 })
      await bank.send(deposit(5), { id: 'c-1' }).catch(() => {})
      const record = await recordOf('c-1')
      const stored = (await events.read('a')).map(({ id }) => id)
      assert.deepEqual([record?.state, record?.events.map(({ id }) => id)], [expected, stored])
      const late = { ...rival('late'), metadata: { ...rival('late').metadata, commandId: 'c-1' } }
      await assert.rejects(events.append('a', [late]), { code: 'FENCED' })
    }
  })

  test('is found by one more look where a conflict comes last', async () => {
    const events = memoryEventStore()
    let calls = 0
    const store: EventStore = {
      ...events,
      async append(stream, added, options) {
        calls++
        if (calls === 1) throw new EventStoreError('STORE_TIMEOUT', 'No answer', { written: 'unknown' })
        // The first append arrives now.
        await events.append(stream, [{ ...(added[0] as NewEvent), id: 'first' }], options)
        return await events.append(stream, added, options)
      },
    }
    const { bank } = open({ store, retries: 1 })
    const { events: refs } = await bank.send(deposit(5))
    assert.deepEqual([refs.map(({ id }) => id), (await events.read('a')).length], [['first'], 1])
  })
})

test('a refusal, or nothing to do, after an append whose outcome is unknown keeps that append out', async () => {
  for (const [ending, state] of [
    [() => [], 'successful'],
    [
      () => {
        throw new CommandRejected({ code: 'too-late' })
      },
      'rejected',
    ],
  ] as const) {
    const events = memoryEventStore()
    const appends: Parameters<EventStore['append']>[] = []
    const store: EventStore = {
      ...events,
      async append(...args) {
        appends.push(args)
        throw new EventStoreError('STORE_TIMEOUT', 'No answer', { written: 'unknown' })
      },
    }
    const { bank, recordOf } = open({
      store,
      decide: (command, balance) => (appends.length === 0 ? decide(command, balance) : ending()),
    })
    await bank.send(deposit(5), { id: 'c-1' }).catch(() => {})
    const [late] = appends
    assert.ok(late !== undefined && appends.length === 1)
    await assert.rejects(events.append(...late), { code: 'FENCED' })
    assert.equal((await recordOf('c-1'))?.state, state)
  }
})

test('an abort after an append whose outcome is unknown tells of its events where they are', async () => {
  const events = memoryEventStore()
  const given = new AbortController()
  const store: EventStore = {
    ...events,
    async append(...args) {
      await events.append(...args)
      given.abort(new Error('the shop has closed'))
      throw new EventStoreError('STORE_TIMEOUT', 'No answer', { written: 'unknown' })
    },
  }
  const bus = busOf(store, {})
  const { events: refs } = await bus.send(deposit(5), { signal: given.signal })
  assert.deepEqual(refs, [{ id: 'event-1', type: 'deposited', stream: 'a', version: 1 }])
})

describe('an append whose outcome stays unknown', () => {
  const unknown = new EventStoreError('STORE_TIMEOUT', 'No answer', { written: 'unknown' })
  const deposit = { type: 'deposit', data: { account: 'a', amount: 1 } } as const

  /** What the sender of one command is told, and what is on its record. */
  async function outcomeOn(store: EventStore): Promise<unknown> {
    const log = memoryStore()
    const bus = withCommandAudit(busOf(store, { retries: 1 }), log)
    const told = await bus.send(deposit, { id: 'c-1' }).then(
      ({ events }) => events.length,
      (error) => error.code,
    )
    const record = await log.get('c-1')
    return [told, record?.state, record?.problem?.code, record?.events.length]
  }

  test('is OUTCOME_UNKNOWN where the store cannot fence, and where the fence fails', async () => {
    const { read, close } = memoryEventStore()
    const append = () => Promise.reject(unknown)
    const expected = ['OUTCOME_UNKNOWN', 'failed', 'outcome-unknown', 0]
    assert.deepEqual(await outcomeOn({ read, close, append }), expected)
    const fence = () => Promise.reject(new EventStoreError('STORE_UNAVAILABLE', 'It is gone'))
    assert.deepEqual(await outcomeOn({ ...memoryEventStore(), append, fence } as EventStore), expected)
  })

  test('is a conflict without a fence too, where the stream has passed what was expected', async () => {
    const { read, append, close } = memoryEventStore()
    let calls = 0
    const store: EventStore = {
      ...{ read, close },
      async append(...args) {
        calls++
        if (calls === 1) throw unknown
        await append('a', [rival(`r-${calls}`)])
        return await append(...args)
      },
    }
    assert.deepEqual(await outcomeOn(store), ['COMMAND_CONFLICT', 'conflict', 'stream-conflict', 0])
  })

  test('is settled by a fence after a failure that does not say whether it has written', async () => {
    for (const isWritten of [true, false]) {
      const events = memoryEventStore()
      const store: EventStore = {
        ...events,
        async append(...args) {
          if (isWritten) await events.append(...args)
          throw new TypeError('socket closed')
        },
      }
      const expected = isWritten ? [1, 'successful', undefined, 1] : [undefined, 'failed', undefined, 0]
      assert.deepEqual(await outcomeOn(store), expected)
      assert.equal((await events.read('a')).length, isWritten ? 1 : 0)
    }
  })
})

test('any other failure of the event store is passed on at once, the very error', async () => {
  const events = memoryEventStore()
  const full = new EventStoreError('STORE_FULL', 'No more room')
  const { bank, recordOf } = open({ store: { ...events, append: () => Promise.reject(full) } })
  await assert.rejects(bank.send(deposit(5), { id: 'c-1' }), (error) => error === full)
  assert.equal((await recordOf('c-1'))?.state, 'failed')
})

test('a fenced command fails, and appends nothing', async () => {
  const { bank, events } = open()
  await events.fence('c-1')
  await assert.rejects(bank.send(deposit(5), { id: 'c-1' }), { name: 'EventStoreError', code: 'FENCED' })
  assert.deepEqual(await events.read('a'), [])
})

test('options that are none are refused by name', () => {
  const good = { initialState: () => 0, decide, evolve, stream: () => 'a', store: memoryEventStore() }
  for (const [argument, value] of [
    ['initialState', 0],
    ['decide', undefined],
    ['evolve', {}],
    ['stream', 'a'],
    ['store', {}],
    ['retries', -1],
    ['retries', 0.5],
    ['snapshot.store', { snapshot: {} }],
  ] as const) {
    const options = { ...good, ...(typeof value === 'object' && 'snapshot' in value ? value : { [argument]: value }) }
    const wrong = options as unknown as DeciderOptions<Asked, Happened, number, undefined>
    assert.throws(() => decider(wrong), { name: 'InvalidArgument', argument })
  }
})

test('types: a decider of a union is a handler of each of its commands, and of no other', () => {
  const common = { initialState: () => 0, stream: () => 'a', store: memoryEventStore() }
  const handler = decider({ ...common, decide, evolve })
  type Close = Command<'close', { reason: string }>
  type Report = Command<'report', null, { balance: number }>
  new CommandBus<Asked | Close>()
    .register('deposit', handler)
    .register('withdraw', handler)
    // @ts-expect-error the decider knows nothing of this command
    .register('close', handler)
  const report = decider({
    ...common,
    evolve,
    decide: (_: Report, balance: number) => ({ result: { balance } }),
  })
  new CommandBus<Report>().register('report', report)
  // @ts-expect-error a report answers with a balance
  new CommandBus<Report>().register('report', decider({ ...common, evolve, decide: (_: Report) => [] }))
  // @ts-expect-error evolve knows nothing of this event
  decider({ ...common, evolve, decide: (_: Deposit) => ({ type: 'closed' as const, data: null }) })
  // Names of events keep their literal types, whatever comes first, and in whatever form they are yielded.
  const written = decider({
    ...common,
    decide: async ({ type, data }: Asked, balance) => {
      if (data.amount === 0) return
      if (type === 'deposit') return { type: 'deposited', data: { amount: data.amount } }
      return balance > 9 ? [{ type: 'withdrawn', data: { amount: data.amount } }] : []
    },
    evolve: (balance, { data }: Happened) => balance + data.amount,
  })
  new CommandBus<Asked>().register('deposit', written).register('withdraw', written)
  const counted = decider({
    ...common,
    evolve,
    decide: (_: Report, balance) => ({ events: { type: 'deposited', data: { amount: 1 } }, result: { balance } }),
  })
  new CommandBus<Report>().register('report', counted)
  // @ts-expect-error no event has this name
  decider({ ...common, evolve, decide: (_: Deposit) => ({ type: 'closed', data: { amount: 1 } }) })
  // @ts-expect-error the event has other data
  decider({ ...common, evolve, decide: (_: Deposit) => ({ type: 'deposited', data: { amount: 'much' } }) })
  // @ts-expect-error the state is a number
  decider({ ...common, evolve, decide: (_: Deposit, state: string) => ({ type: 'closed' as const, data: state }) })
  decider<Asked, Happened, number>({
    ...common,
    evolve,
    decide(command, balance, { dryRun }) {
      // @ts-expect-error narrowed by its type, a deposit is no withdrawal
      if (command.type === 'deposit') command.type satisfies 'withdraw'
      return dryRun ? [] : { type: 'deposited', data: { amount: balance } }
    },
  })
})
