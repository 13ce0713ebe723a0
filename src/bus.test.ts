import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import {
  type Command,
  CommandBus,
  type CommandContext,
  type CommandDefinition,
  type CommandOf,
  type CommandOfType,
  CommandRejected,
  defineCommand,
  type Receipt,
  type SendOptions,
} from './index.ts'

type Deposit = Command<'deposit', { readonly amount: number }, { readonly balance: number }>
type Close = Command<'close', { readonly reason: string }>

const deposit: Deposit = { type: 'deposit', data: { amount: 5 } }

describe('send', () => {
  test('Given a handler, when its command is sent, then the receipt carries its events and result', async () => {
    const bus = new CommandBus<Deposit | Close>().register('deposit', ({ data }) => ({
      events: [{ id: 'e-1', type: 'deposited', stream: 'account-1', version: 3 }],
      result: { balance: data.amount },
    }))
    const receipt = await bus.send(deposit, { id: 'c-1' })
    assert.deepEqual(receipt, {
      id: 'c-1',
      correlationId: 'c-1',
      events: [{ id: 'e-1', type: 'deposited', stream: 'account-1', version: 3 }],
      result: { balance: 5 },
      duplicate: false,
    })
  })

  test('Given a handler that returns nothing, when sent, then there are no events and no result', async () => {
    const bus = new CommandBus().register('deposit', () => {})
    const { events, result } = await bus.send(deposit)
    assert.deepEqual([events, result], [[], undefined])
  })

  test('Given whole events from a handler, when sent, then the receipt keeps only their references', async () => {
    const event = { id: 'e-1', type: 'deposited', secret: 'pin' }
    const bus = new CommandBus().register('deposit', () => ({ events: [event] }))
    assert.deepEqual((await bus.send(deposit)).events, [{ id: 'e-1', type: 'deposited' }])
  })

  test('Given a handler that throws, when sent, then the sender gets the very error', async () => {
    const thrown = [
      new Error('boom'),
      new CommandRejected({ code: 'no' }),
      'a text',
      null,
      { title: 'Odd', status: 500 },
    ]
    for (const error of thrown) {
      const bus = new CommandBus().register('deposit', () => {
        throw error
      })
      assert.equal(await caught(bus.send(deposit)), error)
    }
  })

  test('Given ids made by the bus, when sent one after the other, then they ascend', async () => {
    const bus = new CommandBus().register('deposit', () => {})
    const ids: string[] = []
    for (let n = 0; n < 5000; n++) ids.push((await bus.send(deposit)).id)
    assert.deepEqual(ids, [...new Set(ids)].sort())
    assert.match(ids[0] ?? '', /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  const illegal: Record<string, [command: unknown, options: SendOptions | undefined, code: string]> = {
    'an unknown type': [{ type: 'withdraw', data: 1 }, undefined, 'UNKNOWN_COMMAND'],
    'no command': [undefined, undefined, 'INVALID_ARGUMENT'],
    'a command without a type': [{ data: 1 }, undefined, 'INVALID_ARGUMENT'],
    'an id of 257 bytes': [deposit, { id: 'x'.repeat(257) }, 'INVALID_IDENTIFIER'],
    'an id of 86 characters and 258 bytes': [deposit, { id: '€'.repeat(86) }, 'INVALID_IDENTIFIER'],
    'an empty id': [deposit, { id: '' }, 'INVALID_IDENTIFIER'],
    'an id with NUL': [deposit, { id: 'a\0b' }, 'INVALID_IDENTIFIER'],
    'an id with a lone surrogate': [deposit, { id: 'a\ud800' }, 'INVALID_IDENTIFIER'],
    'a tenant with NUL': [deposit, { tenantId: '\0' }, 'INVALID_IDENTIFIER'],
    'a correlation that is no text': [deposit, { correlationId: 5 as never }, 'INVALID_IDENTIFIER'],
    'a causation of 257 bytes': [deposit, { causationId: 'x'.repeat(257) }, 'INVALID_IDENTIFIER'],
    'an unknown importance': [deposit, { importance: 'urgent' as never }, 'INVALID_ARGUMENT'],
    'an unknown keep': [deposit, { keep: 'some' as never }, 'INVALID_ARGUMENT'],
    'a dry run that is no boolean': [deposit, { dryRun: 'yes' as never }, 'INVALID_ARGUMENT'],
    'a time limit of zero': [deposit, { timeoutMs: 0 }, 'INVALID_ARGUMENT'],
    'a signal that is none': [deposit, { signal: {} as never }, 'INVALID_ARGUMENT'],
    'metadata that is no object': [deposit, { metadata: [] as never }, 'INVALID_METADATA'],
    'metadata with a date': [deposit, { metadata: { at: new Date() } as never }, 'INVALID_METADATA'],
    'metadata with a bigint': [deposit, { metadata: { n: 1n } as never }, 'INVALID_METADATA'],
    'metadata with NaN': [deposit, { metadata: { n: Number.NaN } }, 'INVALID_METADATA'],
    'cyclic metadata': [deposit, { metadata: cyclic() as never }, 'INVALID_METADATA'],
    'metadata with a throwing getter': [deposit, { metadata: throwing() as never }, 'INVALID_METADATA'],
    'metadata over 64 KiB': [deposit, { metadata: { text: 'x'.repeat(65_536) } }, 'METADATA_TOO_LARGE'],
    'nested attributes': [deposit, { attributes: { a: {} as never } }, 'INVALID_METADATA'],
    'attributes over 64 KiB': [deposit, { attributes: { text: 'x'.repeat(65_536) } }, 'METADATA_TOO_LARGE'],
  }
  for (const [what, [command, options, code]] of Object.entries(illegal)) {
    test(`Given ${what}, when sent, then it is ${code} before anything runs`, async () => {
      let runs = 0
      const bus: CommandBus = new CommandBus().register('deposit', () => {
        runs++
      })
      const error = await caught(bus.send(command as Command, options))
      assert.equal((error as { code?: string }).code, code)
      assert.ok(error instanceof Error && error.message.length < 300, 'the message does not quote what was sent')
      assert.equal(runs, 0)
    })
  }

  test('Given legal but odd texts of exactly 256 bytes, when sent, then they arrive unchanged', async () => {
    const odd = `*.> %_'"/\\é😀${'x'.repeat(240)}`
    assert.equal(Buffer.byteLength(odd), 256)
    const seen: string[] = []
    const bus = new CommandBus().register('deposit', (_, context) => {
      seen.push(context.id, context.tenantId ?? '', context.correlationId)
    })
    await bus.send(deposit, { id: odd, tenantId: odd, correlationId: odd })
    assert.deepEqual(seen, [odd, odd, odd])
  })

  const indecisive: Record<string, unknown> = {
    'a text': 'done',
    'an array': [],
    'an object with neither events nor result': { ok: true },
    'events that are no array': { events: 'e-1' },
    'an event without an id': { events: [{ type: 't' }] },
    'an event with an id of 257 bytes': { events: [{ id: 'x'.repeat(257) }] },
    'an event with a broken version': { events: [{ id: 'e', version: 1.5 }] },
  }
  for (const [what, answer] of Object.entries(indecisive)) {
    test(`Given a handler that answers with ${what}, when sent, then it is INVALID_DECISION`, async () => {
      const bus: CommandBus = new CommandBus().register('deposit', () => answer as never)
      await assert.rejects(bus.send(deposit), { name: 'InvalidDecision', code: 'INVALID_DECISION' })
    })
  }
})

describe('register', () => {
  test('Given a type with a handler, when another is registered, then it is HANDLER_EXISTS', () => {
    const bus = new CommandBus().register('deposit', () => {})
    assert.throws(() => bus.register('deposit', () => {}), { code: 'HANDLER_EXISTS', type: 'deposit' })
  })

  test('Given arguments of the wrong kind, when registered or used, then it is INVALID_ARGUMENT', () => {
    const bus = new CommandBus()
    assert.throws(() => bus.register('deposit', undefined as never), { code: 'INVALID_ARGUMENT' })
    assert.throws(() => bus.register('', () => {}), { code: 'INVALID_IDENTIFIER' })
    assert.throws(() => bus.use(undefined as never), { code: 'INVALID_ARGUMENT' })
  })
})

describe('definitions', () => {
  const order = defineCommand('order', {
    schema: z.object({ item: z.string(), count: z.coerce.number().default(1) }),
    attributes: ({ item }) => ({ item }),
    dryRun: ({ item }) => item === 'sample',
    importance: 'high',
  })

  test('Given a schema, when sent, then the handler gets its output', async () => {
    const bus = new CommandBus().register(order, ({ data }) => ({ result: data.count + 1 }))
    const receipt: Receipt<number> = await bus.send(order({ item: 'tea' }))
    assert.equal(receipt.result, 2)
  })

  test('Given data that does not fit, when sent, then it is rejected with its issues and no handler runs', async () => {
    let runs = 0
    const bus = new CommandBus().register(order, () => {
      runs++
    })
    const error = await caught(bus.send({ type: 'order', data: { item: 5 } }))
    assert.ok(error instanceof CommandRejected)
    assert.equal(error.problem.code, 'invalid-command')
    assert.equal(error.problem.status, 422)
    assert.deepEqual((error.problem.issues as { path: unknown }[])[0]?.path, ['item'])
    assert.equal(runs, 0)
  })

  test('Given an asynchronous schema, when sent, then it is waited for', async () => {
    const slow = defineCommand('slow', { schema: z.string().refine(async (text) => text === 'fine') })
    const bus = new CommandBus().register(slow, ({ data }) => ({ result: data }))
    assert.equal((await bus.send(slow('fine'))).result, 'fine')
    await assert.rejects(bus.send(slow('bad')), { name: 'CommandRejected' })
  })

  test('Given a schema that throws, when sent, then the sender gets that error', async () => {
    const failure = new Error('schema broke')
    const broken = defineCommand('broken', {
      schema: { '~standard': { version: 1, vendor: 'test', validate: () => Promise.reject(failure) } },
    })
    const bus = new CommandBus().register(broken, () => {})
    assert.equal(await caught(bus.send(broken(1))), failure)
  })

  test('Given traits, when sent, then the context carries attributes, dry run and importance', async () => {
    const seen: unknown[] = []
    const bus = new CommandBus().register(order, (_, context) => {
      seen.push([context.attributes, context.dryRun, context.importance])
    })
    await bus.send(order({ item: 'tea' }))
    await bus.send(order({ item: 'sample' }))
    await bus.send(order({ item: 'sample' }), {
      dryRun: false,
      importance: 'low',
      attributes: { item: 'own', by: 'web' },
    })
    assert.deepEqual(seen, [
      [{ item: 'tea' }, false, 'high'],
      [{ item: 'sample' }, true, 'low'],
      [{ item: 'own', by: 'web' }, false, 'low'],
    ])
  })

  test('Given a trait that throws or answers nonsense, when sent, then it is TRAIT_FAILED and nothing runs', async () => {
    const bad = defineCommand<'bad', { n: number }>('bad', {
      attributes: () => {
        throw new Error('secret')
      },
    })
    const odd = defineCommand<'odd', { n: number }>('odd', { dryRun: (async () => true) as never })
    let runs = 0
    const bus = new CommandBus().register(bad, () => void runs++).register(odd, () => void runs++)
    await assert.rejects(bus.send(bad({ n: 1 })), { code: 'TRAIT_FAILED', trait: 'attributes' })
    await assert.rejects(bus.send(odd({ n: 1 })), { code: 'TRAIT_FAILED', trait: 'dryRun' })
    assert.equal(runs, 0)
  })

  test('Given a scope, when its tenant or user is missing or empty, then it says which', async () => {
    const ofTenant = defineCommand<'of-tenant', number, number, 'tenant'>('of-tenant', { scope: 'tenant' })
    const ofUser = defineCommand('of-user', { scope: 'user' })
    const bus = new CommandBus().register(ofTenant, () => {}).register(ofUser, () => {})
    // @ts-expect-error: the type demands a tenant
    await assert.rejects(bus.send(ofTenant(1)), { code: 'MISSING_TENANT' })
    await assert.rejects(bus.send(ofTenant(1), { tenantId: '' }), { code: 'MISSING_TENANT' })
    // @ts-expect-error: the type demands a user
    await assert.rejects(bus.send(ofUser(1), {}), { code: 'MISSING_USER' })
    assert.equal((await bus.send(ofTenant(1), { tenantId: 't' })).duplicate, false)
    assert.equal((await bus.send(ofUser(1), { userId: 'u' })).duplicate, false)
  })

  test('Given a creator, when called, then it makes a plain command', () => {
    assert.deepStrictEqual(order({ item: 'tea' }), { type: 'order', data: { item: 'tea' } })
    assert.equal(order.type, 'order')
    assert.throws(() => defineCommand('\0'), { code: 'INVALID_IDENTIFIER' })
  })

  test('Given a creator of its own traits, when its type was registered by name, then its traits still hold', async () => {
    const bus: CommandBus = new CommandBus().register('order', () => {})
    await assert.rejects(bus.send(order({ item: 5 as never })), { name: 'CommandRejected' })
  })
})

describe('types', () => {
  test('Given a union of commands, then data and results are typed by it', async () => {
    const bus = new CommandBus<Deposit | Close>()
    bus.register('deposit', () => ({ result: { balance: 1 } }))
    bus.register('close', () => {})
    // @ts-expect-error: no such command
    await assert.rejects(bus.send({ type: 'withdraw', data: {} }), { code: 'UNKNOWN_COMMAND' })
    // @ts-expect-error: data of another command
    await bus.send({ type: 'deposit', data: { reason: 'x' } })
    const { result } = await bus.send({ type: 'deposit', data: { amount: 1 } })
    const balance: number = result.balance
    assert.equal(balance, 1)
    // @ts-expect-error: the union says what the handler answers with
    assert.throws(() => bus.register('deposit', () => ({ result: 'rich' })), { code: 'HANDLER_EXISTS' })
  })

  test('Given a definition, then a handler that stands alone is typed by it, whatever its scope and schema', async () => {
    const pay = defineCommand('pay', { schema: z.object({ cents: z.string().transform(Number) }), scope: 'tenant' })
    const greet = defineCommand<'greet', { name: string }>('greet')
    const double = ({ data }: CommandOf<typeof pay>) => ({ result: data.cents * 2 })
    function name({ type, data }: CommandOf<typeof greet>, { id }: CommandContext) {
      // @ts-expect-error: no such data
      return { result: `${type} ${data.name} ${data.cents} ${id}` }
    }
    const bus = new CommandBus().register(pay, double).register(greet, name)
    const { result } = await bus.send(pay({ cents: '21' }), { tenantId: 't' })
    assert.equal(result satisfies number, 42)
    // @ts-expect-error: the handler of another command
    new CommandBus().register(greet, double)
    new CommandBus().register(
      greet,
      // @ts-expect-error: no decision, which is a fault of the handler and not of the definition
      () => 'hello',
    )
    new CommandBus<Deposit>().register(
      // @ts-expect-error: no such command, which is a fault of the type
      'withdraw',
      () => {},
    )
    // Types and definitions that are known only when it runs.
    const named = <Type extends string>(type: Type) =>
      new CommandBus().register(type, (command) => ({ result: command.data }))
    const defined = <Type extends string, Data>(definition: CommandDefinition<Type, Data>, given: Data) =>
      new CommandBus().register(definition, ({ data }) => ({ result: [data, given] }))
    assert.ok(named('x') && defined(greet, { name: 'Ada' }))
    // One of a union needs no definition.
    const close = ({ data }: CommandOfType<Deposit | Close, 'close'>) => ({ result: data.reason })
    new CommandBus<Deposit | Close>().register('close', close)
  })
})

describe('inheritance', () => {
  const parent = { type: 'parent', data: 0 }
  const child = { type: 'child', data: 0 }
  const facts = ({
    id,
    correlationId,
    causationId,
    clientRef,
    tenantId,
    userId,
    dryRun,
    traceparent,
  }: CommandContext) => ({
    ...{ id, correlationId, causationId, clientRef, tenantId, userId, dryRun, traceparent },
  })
  const options = {
    id: 'p',
    correlationId: 'k',
    clientRef: 'web',
    tenantId: 't',
    userId: 'u',
    dryRun: true,
    traceparent: '00-1',
  }
  const inherited = {
    correlationId: 'k',
    causationId: 'p',
    clientRef: 'web',
    tenantId: 't',
    userId: 'u',
    dryRun: true,
    traceparent: '00-1',
  }

  for (const way of ['context.send', 'bus.send'] as const) {
    test(`Given a handler that sends by ${way}, then the child inherits and explicit options win`, async () => {
      const seen: unknown[] = []
      const bus: CommandBus = new CommandBus()
      bus.register('child', (_, context) => void seen.push(facts(context)))
      bus.register('parent', async (_, context) => {
        // Taken out of its context, as handlers do.
        const send: CommandContext['send'] =
          way === 'bus.send' ? (command, options) => bus.send(command as Command, options) as never : context.send
        await new Promise(setImmediate)
        await send(child, { id: 'c1' })
        await send(child, { id: 'c2', causationId: 'x', tenantId: 't2', dryRun: false, correlationId: 'k2' })
      })
      await bus.send(parent, options)
      assert.deepEqual(seen, [
        { id: 'c1', ...inherited },
        { id: 'c2', ...inherited, causationId: 'x', tenantId: 't2', dryRun: false, correlationId: 'k2' },
      ])
    })
  }

  test('Given 1,000 concurrent roots three levels deep, then no chain is mixed up', async () => {
    const chains = new Map<string, string[]>()
    const bus: CommandBus = new CommandBus()
    bus.register('level', async ({ data }, context) => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5))
      const chain = chains.get(context.correlationId) ?? []
      chains.set(context.correlationId, chain)
      chain.push(`${data}:${context.causationId ?? ''}>${context.id}`)
      if ((data as number) < 3)
        await bus.send({ type: 'level', data: (data as number) + 1 }, { id: `${context.id}.${data}` })
    })
    await Promise.all(Array.from({ length: 1000 }, (_, n) => bus.send({ type: 'level', data: 1 }, { id: `r${n}` })))
    assert.equal(chains.size, 1000)
    for (let n = 0; n < 1000; n++) {
      assert.deepEqual(chains.get(`r${n}`), [`1:>r${n}`, `2:r${n}>r${n}.1`, `3:r${n}.1>r${n}.1.2`])
    }
  })
})

describe('giving up', () => {
  test('Given an aborted signal, when sent, then it is cancelled and the handler does not run', async () => {
    let runs = 0
    const bus = new CommandBus().register('deposit', () => void runs++)
    const reason = new Error('left')
    const error = await caught(bus.send(deposit, { signal: AbortSignal.abort(reason) }))
    assert.deepEqual([(error as Error).name, (error as Error).cause, runs], ['CommandCancelled', reason, 0])
  })

  test('Given a handler that never ends, when aborted, then send rejects and the handler sees its signal', async () => {
    const controller = new AbortController()
    let seen: AbortSignal | undefined
    const bus = new CommandBus().register('deposit', (_, context) => {
      seen = context.signal
      return new Promise<void>(() => {})
    })
    const sent = caught(bus.send(deposit, { signal: controller.signal }))
    controller.abort('enough')
    assert.equal(((await sent) as Error).name, 'CommandCancelled')
    assert.deepEqual([seen?.aborted, seen?.reason], [true, 'enough'])
  })

  test('Given a handler that answers to the abort, then its own error is what the sender gets', async () => {
    const controller = new AbortController()
    const own = new CommandRejected({ code: 'half-done' })
    const bus = new CommandBus().register('deposit', (_, { signal }) => {
      return new Promise<void>((_resolve, reject) => signal.addEventListener('abort', () => reject(own)))
    })
    const sent = caught(bus.send(deposit, { signal: controller.signal }))
    controller.abort()
    assert.equal(await sent, own)
  })

  test('Given a time limit, when the handler takes longer, then it is COMMAND_TIMEOUT and the signal is aborted', async () => {
    let seen: AbortSignal | undefined
    const bus = new CommandBus().register('deposit', (_, context) => {
      seen = context.signal
      return new Promise<void>(() => {})
    })
    const error = await caught(bus.send(deposit, { timeoutMs: 10 }))
    assert.deepEqual([(error as { code: string }).code, seen?.reason === error], ['COMMAND_TIMEOUT', true])
  })

  test('Given a time limit beyond what a timer holds, when sent, then the command has all its time', async () => {
    const bus = new CommandBus().register('deposit', async () => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      return { result: 'done' }
    })
    assert.equal((await bus.send(deposit, { timeoutMs: 2 ** 40 })).result, 'done')
  })

  test('Given many commands on one signal, when they are done, then no listener is left on it', async () => {
    const { signal } = new AbortController()
    let listeners = 0
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>) => void (listeners++, add(...args))
    signal.removeEventListener = (...args: Parameters<typeof remove>) => void (listeners--, remove(...args))
    const bus = new CommandBus().register('deposit', () => {})
    for (let n = 0; n < 100; n++) await bus.send(deposit, { signal })
    assert.equal(listeners, 0)
  })
})

async function caught(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  assert.fail('expected a rejection')
}

function cyclic(): object {
  const value: Record<string, unknown> = {}
  value.self = value
  return value
}

function throwing(): object {
  return {
    get secret(): string {
      throw new Error('secret')
    },
  }
}
