import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkAppend, checkRead, takeEvents } from './take-events.ts'

const metadata = { commandId: 'c', correlationId: 'c', recordedAt: 1 }

test('events that throw while they are read are INVALID_EVENT, which tells nothing of what they threw', () => {
  const thrower = {
    get id(): string {
      throw new Error('secret-4711')
    },
  }
  const hostile = new Proxy(metadata, {
    get() {
      throw new Error('secret-4711')
    },
  })
  for (const event of [thrower, { id: 'e', type: 'T', data: 1, metadata: hostile }]) {
    const message = 'Not an event: it threw while it was read'
    // @ts-expect-error as it comes from a place without types
    assert.throws(() => takeEvents([event]), { name: 'EventStoreError', code: 'INVALID_EVENT', message })
  }
})

test('a hole in a list is no event', () => {
  assert.throws(() => takeEvents(new Array(2)), { code: 'INVALID_EVENT' })
})

test('what is no options is refused: a bare version would be an append that nobody checks', () => {
  for (const options of [null, 0, 'any']) {
    // @ts-expect-error as it comes from a place without types
    assert.throws(() => checkAppend('s', options), { code: 'INVALID_ARGUMENT' })
    // @ts-expect-error as it comes from a place without types
    assert.throws(() => checkRead('s', options), { code: 'INVALID_ARGUMENT' })
  }
  assert.deepEqual([checkAppend('s'), checkAppend('s', { expectedVersion: 0 }), checkRead('s')], [undefined, 0, 1])
})
