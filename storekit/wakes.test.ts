import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wakes } from './wakes.ts'

const never = new AbortController().signal

/** Whether it has resolved, once everything that could has done so. */
async function hasResolved(promise: Promise<void>): Promise<boolean> {
  let is = false
  void promise.then(() => {
    is = true
  })
  await new Promise(setImmediate)
  return is
}

test('Given some who wait, when all are woken, then those wait no longer, and whoever comes later waits again', async () => {
  const { wait, wakeAll } = wakes()
  const [one, two] = [wait(never), wait(never)]
  assert.equal(await hasResolved(one), false)
  wakeAll()
  assert.deepEqual([await hasResolved(one), await hasResolved(two)], [true, true])
  assert.equal(await hasResolved(wait(never)), false)
})

test('Given a signal, when it is aborted before or meanwhile, then nobody waits, and nothing listens to it any more', async () => {
  const { wait } = wakes()
  const abort = new AbortController()
  const listeners: string[] = []
  const { addEventListener, removeEventListener } = abort.signal
  abort.signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners.push('added')
    addEventListener.apply(abort.signal, args)
  }
  abort.signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners.push('removed')
    removeEventListener.apply(abort.signal, args)
  }
  const waiting = wait(abort.signal)
  assert.equal(await hasResolved(waiting), false)
  abort.abort()
  await waiting
  await wait(abort.signal)
  assert.deepEqual(listeners, ['added', 'removed', 'added', 'removed'])
})

test('Given a time to look anyway, then whoever waits is woken by it', async () => {
  await wakes(1).wait(never)
})
