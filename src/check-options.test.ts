import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { memoryStore } from '../stores/memory.ts'
import {
  type Command,
  CommandBus,
  CommandCancelled,
  CommandConflict,
  CommandRejected,
  type CommandTraits,
  defineCommand,
  type InvalidArgument,
  retry,
  type SendOptions,
  withCommandAudit,
} from './index.ts'

const order: Command = { type: 'order', data: 1 }
const names = (of: object): string => Object.keys(of).join(', ')

const everyOption: Required<SendOptions> = {
  ...{ id: 'i', correlationId: 'c', causationId: 'e', clientRef: 'w', tenantId: 't', userId: 'u' },
  ...{ importance: 'low', dryRun: false, attributes: {}, metadata: {}, keep: 'all', payload: 'keep' },
  ...{ traceparent: '00', signal: new AbortController().signal, timeoutMs: 1000 },
}
const everyTrait: Required<CommandTraits<number, number, 'tenant'>> = {
  ...{ schema: z.number(), scope: 'tenant', importance: 'high', keep: 'failures', payload: 'keep' },
  ...{ redact: (data: number) => data, result: 'keep', attributes: () => ({}), dryRun: () => false },
}

/** Argument and message of an `InvalidArgument`. */
function told(error: unknown): [argument: string, message: string] {
  const { code, argument, message } = error as InvalidArgument
  assert.equal(code, 'INVALID_ARGUMENT', message)
  return [argument, message]
}

async function refusal(run: () => unknown): Promise<[argument: string, message: string]> {
  try {
    await run()
  } catch (error) {
    return told(error)
  }
  assert.fail('expected an error')
}

function ordering(): { bus: CommandBus; runs: () => number } {
  let runs = 0
  return { bus: new CommandBus().register('order', () => void runs++), runs: () => runs }
}

describe('names that nobody knows', () => {
  test('Given a misspelt option of send, when sent, then it is refused by name before anything runs or is recorded', async () => {
    const { bus, runs } = ordering()
    const store = memoryStore()
    const audited = withCommandAudit(bus, store)
    const message = `options.tenant: expected nothing (known are ${names(everyOption)}), received a value of type string`
    for (const target of [bus, audited]) {
      const misspelt = { id: 'k', tenant: 'acme' } as SendOptions
      assert.deepEqual(await refusal(() => target.send(order, misspelt)), ['options.tenant', message])
      assert.equal((await refusal(() => target.send(order, { toString: 1 } as never)))[0], 'options.toString')
      assert.equal((await refusal(() => target.send(order, 'acme' as never)))[0], 'options')
      const [argument, quoted] = await refusal(() => target.send(order, { ['x'.repeat(9999)]: 'secret' } as never))
      assert.deepEqual([argument.length < 100, quoted.length < 400, quoted.includes('secret')], [true, true, false])
    }
    assert.deepEqual([runs(), await store.get('k')], [0, undefined])
  })

  test('Given a misspelt option for a child, when its handler sends it, then it is refused too', async () => {
    const { bus } = ordering()
    bus.register('parent', (_, { send }) => send(order, { user: 'ada' } as never))
    assert.equal((await refusal(() => bus.send({ type: 'parent', data: 0 })))[0], 'options.user')
  })

  test('Given every option and every trait there is, when used, then none is refused', async () => {
    const every = defineCommand('every', everyTrait)
    const bus = new CommandBus().register(every, () => {}).register('order', () => {})
    for (const target of [bus, withCommandAudit(bus, memoryStore())]) {
      assert.equal((await target.send(every(1), { ...everyOption, tenantId: 't' })).id, 'i')
      const unset = Object.fromEntries(Object.keys(everyOption).map((name) => [name, undefined]))
      assert.equal((await target.send(order, unset)).duplicate, false)
    }
    defineCommand('unset', Object.fromEntries(Object.keys(everyTrait).map((name) => [name, undefined])))
  })

  test('Given enumerable members on a prototype, when sent, then those that are no options do not count', async () => {
    const { bus, runs } = ordering()
    const inherited: SendOptions = Object.create({ tenantId: 't', extend: () => {} })
    await bus.send(order, inherited)
    assert.equal(runs(), 1)
  })

  test('Given a stranger’s bus, when sent with options and answers of its own, then they pass as they are', async () => {
    const seen: unknown[] = []
    const stranger = { send: async (_: Command, options?: object) => void seen.push(options) }
    const own = { priority: 7, middleware: { retries: 2 } }
    await withCommandAudit(stranger, memoryStore()).send(order, { tenantId: 't', ...own })
    const { priority, middleware, tenantId } = seen[0] as { [name: string]: unknown }
    assert.deepEqual({ priority, middleware, tenantId }, { ...own, tenantId: 't' })
  })

  test('Given a misspelt trait or option, when a definition, an audit or a retry is made, then it is refused by name', async () => {
    const bus = ordering().bus
    const audit = (options: object) => () => withCommandAudit(bus, memoryStore(), options)
    const misspelt: Record<string, () => unknown> = {
      'traits.redacted': () => defineCommand('pay', { redacted: () => undefined } as object),
      'options.onFailure': audit({ onFailure: 'fail-open' }),
      'source.name': audit({ source: { name: 'shop' } }),
      'backlog.record': audit({ backlog: { record: 5 } }),
      'options.tries': () => retry({ tries: 5 } as object),
    }
    for (const [argument, run] of Object.entries(misspelt)) {
      const [refused, message] = await refusal(run)
      assert.match(message, /expected nothing \(known are \w+(, \w+)*\), received (a value of type \w+|5)$/)
      assert.equal(refused, argument)
    }
  })
})

describe('values that are none of their choices', () => {
  const wrongTraits: Record<string, unknown> = {
    schema: { parse: () => 5 },
    scope: 'tenants',
    importance: 'hi',
    keep: 'failed',
    payload: false,
    redact: ['card'],
    result: true,
    attributes: { plan: 'free' },
    dryRun: true,
  }
  for (const [trait, value] of Object.entries(wrongTraits)) {
    test(`Given a wrong ${trait}, when a command is defined, then it is refused at once, null too`, async () => {
      for (const wrong of [value, null]) {
        assert.equal((await refusal(() => defineCommand('pay', { [trait]: wrong })))[0], trait)
      }
    })
  }

  test('Given what is no object of options, when used, then it is refused', async () => {
    const bus = ordering().bus
    for (const wrong of [null, 5, 'fail-open', [], () => {}] as never[]) {
      assert.equal((await refusal(() => defineCommand('pay', wrong)))[0], 'traits')
      assert.equal((await refusal(() => withCommandAudit(bus, memoryStore(), wrong)))[0], 'options')
      assert.equal((await refusal(() => retry(wrong)))[0], 'options')
    }
  })

  test('Given numbers as text and other wrong values, when an audit or a retry is made, then they are refused', async () => {
    const bus = ordering().bus
    const wrong: Record<string, object> = {
      maxPayloadBytes: { maxPayloadBytes: '5' },
      deadlineMs: { deadlineMs: '5' },
      backlog: { backlog: { records: '5' } },
      source: { source: 'shop' },
      'source.service': { source: { service: 5 } },
    }
    for (const [argument, options] of Object.entries(wrong)) {
      assert.equal((await refusal(() => withCommandAudit(bus, memoryStore(), options)))[0], argument)
    }
    assert.equal((await refusal(() => retry({ baseMs: '5' as never })))[0], 'baseMs')
    assert.equal((await refusal(() => retry({ maxMs: '5' as never })))[0], 'maxMs')
  })
})

test('Given anything but an object as a problem, when a refusal is made of it, then it is INVALID_ARGUMENT', () => {
  for (const Refusal of [CommandRejected, CommandConflict, CommandCancelled]) {
    for (const wrong of [null, undefined, 'no', 5, () => {}]) {
      assert.throws(() => new Refusal(wrong as never), {
        name: 'InvalidArgument',
        code: 'INVALID_ARGUMENT',
        argument: `new ${Refusal.name}(problem)`,
      })
    }
  }
})
