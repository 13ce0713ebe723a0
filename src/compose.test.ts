import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  CommandBus,
  type Decision,
  type Handler,
  type Middleware,
  mayLeave,
  mayRepeat,
  retry,
  timeout,
} from './index.ts'

const command = { type: 'x', data: 0 }
const decide: Handler = () => ({ result: 'decided' })

function busWith(middleware: Middleware[], handler: Handler = decide): CommandBus {
  const bus: CommandBus = new CommandBus().register('x', handler)
  return bus.use(...middleware)
}

describe('the onion', () => {
  test('Given middleware, when sent, then the first used is the outermost', async () => {
    const steps: string[] = []
    const named =
      (name: string): Middleware =>
      async (_, next) => {
        steps.push(`${name} in`)
        const decision = await next()
        steps.push(`${name} out`)
        return decision
      }
    const bus = busWith([named('a'), named('b')], () => void steps.push('handler'))
    bus.use(named('c'))
    await bus.send(command)
    assert.deepEqual(steps, ['a in', 'b in', 'c in', 'handler', 'c out', 'b out', 'a out'])
  })

  test('Given middleware added after a send, when sent again, then it takes part', async () => {
    const bus = busWith([])
    await bus.send(command)
    bus.use(async () => ({ result: 'replaced' }))
    assert.equal((await bus.send(command)).result, 'replaced')
  })

  test('Given a middleware that answers itself, when sent, then the handler does not run and its answer is checked', async () => {
    let runs = 0
    const count: Handler = () => void runs++
    assert.equal((await busWith([async () => ({ result: 1 })], count).send(command)).result, 1)
    await assert.rejects(busWith([async () => 5 as Decision], count).send(command), { code: 'INVALID_DECISION' })
    assert.equal(runs, 0)
  })

  test('Given a middleware that calls next twice, when sent, then it is refused even if it swallows that', async () => {
    let runs = 0
    const twice: Middleware = async (_, next) => {
      const first = await next()
      await next().catch(() => {})
      return first
    }
    await assert.rejects(busWith([twice], () => void runs++).send(command), { code: 'NEXT_CALLED_TWICE' })
    assert.equal(runs, 1)
  })

  test('Given a middleware that calls next again after a failure, when sent, then only a marked one may', async () => {
    let runs = 0
    const failOnce: Handler = () => {
      if (++runs % 2 === 1) throw new Error('first')
    }
    const again: Middleware = (_, next) => next().catch(() => next())
    await assert.rejects(busWith([again], failOnce).send(command), { code: 'NEXT_CALLED_TWICE' })
    runs = 0
    await busWith([mayRepeat((context, next) => again(context, next))], failOnce).send(command)
    assert.equal(runs, 2)
  })

  test('Given a marked middleware, when it calls next while it runs or after a success, then it is refused', async () => {
    const both = mayRepeat(async (_, next) => (await Promise.all([next(), next()]))[0])
    await assert.rejects(busWith([both]).send(command), { code: 'NEXT_CALLED_TWICE' })
    const afterSuccess = mayRepeat(async (_, next) => (await next(), await next()))
    await assert.rejects(busWith([afterSuccess]).send(command), { code: 'NEXT_CALLED_TWICE' })
  })

  const slow: Handler = () => new Promise((resolve) => setTimeout(resolve, 20))
  const early: Record<string, Middleware> = {
    'answers without waiting for next': async (_, next) => {
      void next()
      return {}
    },
    'throws without waiting for next': async (_, next) => {
      void next()
      throw new Error('impatient')
    },
  }
  for (const [what, middleware] of Object.entries(early)) {
    test(`Given a middleware that ${what}, when sent, then it is NEXT_NOT_AWAITED`, async () => {
      await assert.rejects(busWith([middleware], slow).send(command), { code: 'NEXT_NOT_AWAITED' })
    })
  }

  test('Given a middleware marked to leave, when it throws early, then its error stands; an early answer never does', async () => {
    const leave = mayLeave(async (_, next) => {
      void next()
      throw new Error('over')
    })
    await assert.rejects(busWith([leave], slow).send(command), { message: 'over' })
    const answer = mayLeave(async (_, next) => {
      void next()
      return {}
    })
    await assert.rejects(busWith([answer], slow).send(command), { code: 'NEXT_NOT_AWAITED' })
  })
})

describe('retry', () => {
  const flaky = (failures: number, error: unknown): { handler: Handler; runs: () => number; attempts: number[] } => {
    let runs = 0
    const attempts: number[] = []
    const handler: Handler = (_, context) => {
      attempts.push(context.attempts)
      if (++runs <= failures) throw error
      return { result: runs }
    }
    return { handler, runs: () => runs, attempts }
  }
  const retryable = Object.assign(new Error('busy'), { retryable: true })

  test('Given a retryable failure, when sent, then it runs again and counts its attempts', async () => {
    const { handler, attempts } = flaky(2, retryable)
    assert.equal((await busWith([retry({ attempts: 3, baseMs: 1 })], handler).send(command)).result, 3)
    assert.deepEqual(attempts, [1, 2, 3])
  })

  test('Given more failures than attempts, when sent, then the last error is what the sender gets', async () => {
    const { handler, runs } = flaky(9, retryable)
    await assert.rejects(busWith([retry({ attempts: 3, baseMs: 1 })], handler).send(command), retryable)
    assert.equal(runs(), 3)
  })

  test('Given errors that do not say retryable, when sent, then there is one attempt', async () => {
    const hostile = new Proxy(new Error('x'), {
      get() {
        throw new Error('trap')
      },
    })
    for (const error of [new Error('no'), { retryable: 'true' }, null, undefined, hostile]) {
      const { handler, runs } = flaky(9, error)
      await busWith([retry({ baseMs: 1 })], handler)
        .send(command)
        .then(
          () => assert.fail('expected a rejection'),
          (thrown: unknown) => assert.ok(Object.is(thrown, error)),
        )
      assert.equal(runs(), 1)
    }
  })

  test('Given an abort during the pause, when sent, then it gives up without another attempt', async () => {
    const { handler, runs } = flaky(9, retryable)
    const signal = AbortSignal.timeout(20)
    await assert.rejects(
      busWith([retry({ attempts: 9, baseMs: 60_000, maxMs: 60_000 })], handler).send(command, { signal }),
    )
    assert.equal(runs(), 1)
  })

  test('Given options out of range, then it throws at once', () => {
    for (const options of [{ attempts: 0 }, { attempts: 1.5 }, { baseMs: -1 }, { maxMs: Number.NaN }]) {
      assert.throws(() => retry(options), { code: 'INVALID_ARGUMENT' })
    }
  })
})

describe('timeout', () => {
  test('Given a slow handler, when sent, then it is COMMAND_TIMEOUT and its signal is aborted', async () => {
    let signal: AbortSignal | undefined
    const bus = busWith([timeout(10)], (_, context) => {
      signal = context.signal
      return new Promise<void>(() => {})
    })
    await assert.rejects(bus.send(command), { code: 'COMMAND_TIMEOUT', timeoutMs: 10 })
    assert.equal(signal?.aborted, true)
  })

  test('Given a quick handler, when sent, then its decision passes and no timer is left', async () => {
    const bus = busWith([timeout(60_000)])
    assert.equal((await bus.send(command)).result, 'decided')
    assert.equal(process.getActiveResourcesInfo().includes('Timeout'), false)
  })

  test('Given a limit that is no positive number, then it throws at once', () => {
    for (const ms of [0, -1, Number.NaN, '5' as never]) assert.throws(() => timeout(ms), { code: 'INVALID_ARGUMENT' })
  })
})
