import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { inspect, promisify } from 'node:util'
import type { CommandRecord } from '../src/index.ts'
import { memoryStore } from '../stores/memory.ts'
import { type AnyStore, ConformanceError, purgeChecks, runCheck, runSuite } from './index.ts'
import { durableChecks } from './lists.ts'
import { baseStore } from './saboteurs/base-store.ts'

const quiet = { onProgress: () => undefined }

async function failureOf(work: Promise<unknown>): Promise<ConformanceError> {
  const error: unknown = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  )
  assert.ok(error instanceof ConformanceError, `expected a ConformanceError, received ${String(error)}`)
  return error
}

/** A store that says created whatever it has done: nearly every check finds that out. */
function saysCreated(): AnyStore {
  const store = memoryStore()
  return { ...store, record: async (record) => (await store.record(record)) && 'created' }
}

test('many failures are listed on top, the first ten are told in full, and nothing is printed twice', async () => {
  const only = 'record/repeats-are-unchanged'
  const [failure] = (await failureOf(runSuite(saysCreated(), { seed: 1, only, ...quiet }))).failures
  assert.ok(failure !== undefined)
  const error = new ConformanceError(Array.from({ length: 30 }, (_, index) => ({ ...failure, check: `a/${index}` })))
  const { failures, message } = error
  const [title, contents, ...rest] = message.split('\n\n')
  assert.equal(title, `The store breaks ${failures.length} rules of the contract.`)
  assert.deepEqual(
    contents?.split('\n'),
    failures.map(({ check, rule }) => `✗ ${check}: ${rule}`),
  )
  assert.equal(rest.length, 11)
  assert.match(rest[10] ?? '', new RegExp(`^${failures.length - 10} more are in failures of this error`))
  assert.ok(message.length < 60_000, `${message.length}`)
  assert.ok(inspect(error, { depth: 4 }).length < message.length + 3000)
})

test('of a record a trace shows only what is not plain, and ids are short', async () => {
  const store = memoryStore()
  const broken: AnyStore = { ...store, get: async () => undefined }
  const error = await failureOf(runSuite(broken, { seed: 1, only: 'record/outcome-brings-all-its-fields', ...quiet }))
  const calls = error.failures[0]?.counterexample ?? []
  assert.match(
    calls[0] ?? '',
    /^1\. record\(\{ id: "q[0-9a-z]{1,5}\.[^"]*", state: "\w+", (.{0,200})… \}\) → "created"$/,
  )
})

test('calls that are the same many times in a row are one line', async () => {
  const unavailable = Object.assign(new Error('no'), { name: 'StoreError', code: 'STORE_UNAVAILABLE', written: 'no' })
  const broken: AnyStore = { ...memoryStore(), record: () => Promise.reject(unavailable) }
  const error = await failureOf(runSuite(broken, { seed: 1, only: 'record/first-write-is-created', ...quiet }))
  const calls = error.failures[0]?.counterexample ?? []
  assert.equal(calls.length, 1)
  assert.match(calls[0] ?? '', /^1\.–25\. 25 times: record\([^→]+ → rejects with StoreError "STORE_UNAVAILABLE"/)
})

test('a path belongs to one check', async () => {
  const refused = { name: 'RangeError', message: /^path: / }
  await assert.rejects(runSuite(memoryStore(), { seed: 1, path: '0' }), refused)
  await assert.rejects(runSuite(memoryStore(), { seed: 1, path: '0', only: 'record/' }), refused)
  await runSuite(memoryStore(), { seed: 1, path: '0', only: 'record/first-write-is-created', ...quiet })
})

test('a rejection that the store leaves unhandled is the failure of the check that it happened in', async () => {
  // In a process of its own, since a test runner takes them for its own.
  const program = `
    import { runSuite } from ${JSON.stringify(new URL('index.ts', import.meta.url).href)}
    import { memoryStore } from ${JSON.stringify(new URL('../stores/memory.ts', import.meta.url).href)}
    const store = memoryStore()
    const get = (id) => { void Promise.reject(new Error('stray')); return store.get(id) }
    const only = ['record/outcome-brings-all-its-fields', 'identity/type-is-exact']
    await runSuite({ ...store, get }, { seed: 1, only }).catch((error) => {
      const { check, message, counterexample } = error.failures[0]
      console.log(error.failures.length, check, message, counterexample.length > 0)
    })
    console.log(process.listenerCount('unhandledRejection'))`
  const flags = ['--conditions=commandlog-source', '--input-type=module', '--eval', program]
  const { stdout } = await promisify(execFile)(process.execPath, flags)
  assert.equal(stdout, '1 record/outcome-brings-all-its-fields a rejection was left unhandled true\n0\n')
})

function foreign(receivedAt: number): CommandRecord {
  const payload = { status: 'omitted', format: 'json', bytes: 0 } as const
  const kinds = { importance: 'high', retention: 'permanent', dryRun: false } as const
  return {
    ...{ id: 'order-1', type: 'place-order', state: 'successful', correlationId: 'c', payload, events: [] },
    ...{ ...kinds, receivedAt },
  } as const
}

test('nothing is purged on a live store where records of others would go too, and the checks say why', async () => {
  const store = memoryStore()
  await store.record(foreign(5))
  const { skipped } = await runSuite(store, { seed: 1, runs: 5, only: 'purge/', ...quiet })
  assert.deepEqual(
    skipped.map(({ name }) => name),
    purgeChecks.map(({ name }) => name),
  )
  for (const { skipped: reason } of skipped) assert.match(reason ?? '', /^it would purge records of others/)
  for (const check of purgeChecks) await runCheck(check, store, { runs: 5 })
  assert.deepEqual(await store.get('order-1'), foreign(5))
})

test('records of others from any other time, and what an earlier suite left behind, are no reason not to purge', async () => {
  const store = memoryStore()
  await store.record(foreign(1_000_000))
  for (const seed of [1, 2]) {
    const { skipped, checks } = await runSuite(store, { seed, runs: 5, only: 'purge/', ...quiet })
    assert.deepEqual([skipped.length, checks.length], [0, purgeChecks.length])
  }
  assert.deepEqual(await store.get('order-1'), foreign(1_000_000))
})

test('handles are closed after each execution, also of one that fails', async () => {
  const open = baseStore()
  let [opened, most] = [0, 0]
  const counted = async (name: string): Promise<AnyStore> => {
    const store = await open(name)
    most = Math.max(most, ++opened)
    const close = async (): Promise<void> => {
      opened--
      await store.close()
    }
    return { ...store, close, list: async () => ({ records: [] }) }
  }
  const check = durableChecks.find(({ name }) => name === 'durable/handles-share-one-order')
  assert.ok(check !== undefined)
  await failureOf(runCheck(check, counted, { seed: 1 }))
  assert.deepEqual([opened, most], [0, 4])
})
