import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from '../src/index.ts'
import { newClient } from './client.ts'
import { newTrace } from './trace.ts'
import { walk } from './walk.ts'

const wiring = { callLimitMs: 50, isExpired: false, operations: 0, ownChanges: 0, wasUnsure: false, trace: newTrace() }

/** Walks a store that gives so many empty pages whose next is the cursor that they were asked for with. */
async function walkInVain(times: number): Promise<number> {
  let asked = 0
  const list = async (): Promise<Page> => (asked++ < times ? { records: [], next: 'again' } : { records: [] })
  await walk(newClient({ list } as never, wiring), {})
  return asked
}

test('a walk goes on where an empty page leads on with its own cursor, for a while', async () => {
  assert.equal(await walkInVain(40), 41)
  await assert.rejects(walkInVain(1000), { name: 'Violation', message: 'a walk never ends' })
})
