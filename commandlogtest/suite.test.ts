import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CommandLogStore } from '../src/index.ts'
import { memoryStore } from '../stores/memory.ts'
import {
  type AnyStore,
  ConformanceError,
  checks,
  durableChecks,
  followChecks,
  formatCertificate,
  type OpenStore,
  type Progress,
  purgeChecks,
  runCheck,
  runSuite,
} from './index.ts'
import { baseStore } from './saboteurs/base-store.ts'

const quiet = { onProgress: () => undefined }
const everyList = [...checks, ...durableChecks, ...followChecks, ...purgeChecks]

async function failureOf(work: Promise<unknown>): Promise<ConformanceError> {
  const error: unknown = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  )
  assert.ok(error instanceof ConformanceError, `expected a ConformanceError, received ${String(error)}`)
  return error
}

/** A memory store some of whose methods are replaced. */
function broken(methods: (store: AnyStore) => object): AnyStore {
  const store: AnyStore = memoryStore()
  return { ...store, ...methods(store) }
}

test('every check has a name of its own under its topic, and one sentence', () => {
  const names = everyList.map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
  for (const { name, rule } of everyList) {
    assert.match(name, /^[a-z]+\/[A-Za-z0-9-]+$/)
    assert.match(rule, /^\S.+[^.]\.$/)
  }
})

test('the memory store passes as a live store, and gets a certificate', async () => {
  const seen: Progress[] = []
  const certificate = await runSuite(memoryStore(), { seed: 7, runs: 30, onProgress: (each) => seen.push(each) })
  assert.equal(seen.length, checks.length + followChecks.length + purgeChecks.length)
  assert.deepEqual([certificate.seed, certificate.versions.node], [7, process.versions.node])
  assert.equal(certificate.checks.length + certificate.skipped.length, seen.length)
  assert.ok(certificate.runs > 0 && certificate.operations > certificate.runs)
  assert.match(formatCertificate(certificate), /^Conforms to the store contract of commandlog \d.*: \d+ checks/)
})

test('the memory store passes by a function that takes no name, without the checks about shared data', async () => {
  const certificate = await runSuite(() => memoryStore(), { seed: 8, runs: 30, ...quiet })
  assert.equal(
    certificate.checks.some(({ name }) => name.startsWith('durable/')),
    false,
  )
  assert.deepEqual(
    certificate.skipped.map(({ name, skipped }) => `${name}: ${skipped}`),
    durableChecks.map(({ name }) => `${name}: open gives other data each time, also by the same name`),
  )
})

test('a store that is opened by name passes every list', async () => {
  const certificate = await runSuite(baseStore(), { seed: 9, runs: 30, ...quiet })
  assert.equal(certificate.checks.length, everyList.length)
})

test('a live store is used as it is, by two suites at once, and never closed', async () => {
  const store = memoryStore()
  await Promise.all([
    runSuite(store, { seed: 1, runs: 10, only: ['record/', 'paging/'], ...quiet }),
    runSuite(store, { seed: 1, runs: 10, only: ['record/', 'paging/'], ...quiet }),
  ])
  assert.deepEqual(await store.get('unknown'), undefined)
})

test('each check runs on its own, on a live store and by a function', async () => {
  for (const check of checks.slice(0, 3)) {
    assert.equal(await runCheck(check, memoryStore(), { runs: 10 }), undefined)
    assert.equal(await runCheck(check, () => memoryStore(), { runs: 10 }), undefined)
  }
})

test('a failure names the rule, the seed, the calls and the line that replays it, and the replay gives the same', async () => {
  const upsert = (): AnyStore => broken((store) => ({ get: async (id: string) => withoutEvents(await store.get(id)) }))
  const options = { only: 'record/outcome-brings-all-its-fields', seed: 42, ...quiet }
  const error = await failureOf(runSuite(upsert(), options))
  const [failure] = error.failures
  assert.equal(error.code, 'NON_CONFORMANT')
  assert.equal(failure?.check, 'record/outcome-brings-all-its-fields')
  assert.match(
    error.message,
    /Rule: +An outcome replaces created[\s\S]+Expected:[\s\S]+Actual:[\s\S]+Replay: +await runSuite\(store, \{ seed: 42/,
  )
  assert.match(
    failure?.counterexample.join('\n') ?? '',
    /^1\. record\(\{ id: .+ → "created"\n2\. record\(.+ → "settled"\n3\. get\(/,
  )
  const again = await failureOf(runSuite(upsert(), { ...options, path: failure?.path }))
  assert.deepEqual(again.failures.map(shapeOf), error.failures.map(shapeOf))
  const whole = await failureOf(runSuite(upsert(), options))
  assert.deepEqual(
    whole.failures.map(({ path }) => path),
    [failure?.path],
  )
})

function withoutEvents(record: Awaited<ReturnType<CommandLogStore['get']>>) {
  return record && { ...record, events: record.events.slice(0, 1) }
}

function shapeOf({ check, message, counterexample }: ConformanceError['failures'][number]) {
  const unprefixed = (text: string): string => text.replaceAll(/q[0-9a-z]+/g, '')
  return { check, message: unprefixed(message), calls: counterexample.length }
}

test('only chooses by name or beginning, and refuses what is no check', async () => {
  const names: string[] = []
  await runSuite(memoryStore(), {
    only: ['record/first', 'model/'],
    runs: 5,
    onProgress: ({ check }) => names.push(check),
  })
  assert.deepEqual(
    names,
    everyList.map(({ name }) => name).filter((name) => name.startsWith('record/first') || name.startsWith('model/')),
  )
  await assert.rejects(runSuite(memoryStore(), { only: 'nothing/' }), RangeError)
  await assert.rejects(runSuite(undefined as never), TypeError)
  await assert.rejects(runSuite(memoryStore(), { runs: 0 }), RangeError)
})

const never = new Promise<never>(() => undefined)
const garbage: Readonly<Record<string, (store: AnyStore) => object>> = {
  'record never settles': () => ({ record: () => never }),
  'get never settles': () => ({ get: () => never }),
  'list never settles': () => ({ list: () => never }),
  'everything never settles': () => ({
    record: () => never,
    get: () => never,
    list: () => never,
    findByType: () => never,
    findByCorrelation: () => never,
  }),
  'record returns no promise': () => ({ record: () => undefined }),
  'record throws': () => ({
    record: () => {
      throw new Error('at once')
    },
  }),
  'record rejects with undefined': () => ({ record: () => Promise.reject(undefined) }),
  'record rejects with a text': () => ({ record: () => Promise.reject('broken') }),
  'record rejects with an error of its own': () => ({ record: () => Promise.reject(new TypeError('x of undefined')) }),
  'record is always unavailable': () => ({
    record: () =>
      Promise.reject(Object.assign(new Error('no'), { name: 'StoreError', code: 'STORE_UNAVAILABLE', written: 'no' })),
  }),
  'list gives null': () => ({ list: () => Promise.resolve(null) }),
  'list gives no records': () => ({ list: () => Promise.resolve({}) }),
  'list gives null records': () => ({ list: () => Promise.resolve({ records: [null] }) }),
  'next never ends': (store) => ({ list: async (query: object) => ({ ...(await store.list(query)), next: 'again' }) }),
  'get gives a proxy that throws': () => ({
    get: async () =>
      new Proxy(
        {},
        {
          get(_target, key) {
            if (key === 'then') return undefined
            throw new Error('no')
          },
        },
      ),
  }),
  'follow gives nothing to iterate': () => ({ follow: () => undefined }),
  'follow never yields': () => ({ follow: () => ({ [Symbol.asyncIterator]: () => ({ next: () => never }) }) }),
  'follow yields nothing for ever': () => ({
    follow: () => ({ [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false, value: undefined }) }) }),
  }),
}

for (const [name, methods] of Object.entries(garbage)) {
  test(`a store whose ${name} ends in a report within the time limit`, async () => {
    const startedAt = performance.now()
    const error = await failureOf(runSuite(broken(methods), { seed: 3, runs: 10, timeLimitMs: 800, ...quiet }))
    assert.ok(error.failures.length > 0)
    for (const failure of error.failures) assert.doesNotMatch(failure.message, /unexpected/)
    assert.ok(performance.now() - startedAt < 20_000)
  })
}

/** Counts what an open function gave and what was closed of it. */
function counted(make: (opened: number) => AnyStore): { open: OpenStore; left(): number } {
  let [opened, closed] = [0, 0]
  const open = async (name: string): Promise<AnyStore> => {
    assert.match(name, /^[\w-]{1,100}$/)
    const store = make(opened++)
    let isOpen = true
    return {
      ...store,
      close: async () => {
        if (isOpen) closed++
        isOpen = false
        await store.close()
      },
    }
  }
  return { open, left: () => opened - closed }
}

test('whatever the suite opened is closed again: where it passes, fails, hangs, and where open fails', async () => {
  const fine = counted(() => memoryStore())
  await runSuite(fine.open, { seed: 1, runs: 5, only: ['record/', 'lifecycle/'], ...quiet })
  const hanging = counted(() => broken(() => ({ get: () => never })))
  await failureOf(runSuite(hanging.open, { seed: 1, runs: 5, timeLimitMs: 400, ...quiet }))
  const failing = counted((opened) => {
    if (opened % 2 === 1) throw new Error('no room')
    return memoryStore()
  })
  await failureOf(runSuite(failing.open, { seed: 1, runs: 5, timeLimitMs: 2000, ...quiet }))
  assert.deepEqual([fine.left(), hanging.left()], [0, 0])
})

test('a function that never opens, or opens nothing, ends in a report', async () => {
  for (const open of [() => never, () => undefined, () => ({}), () => Promise.reject(undefined)]) {
    const error = await failureOf(
      runSuite(open as unknown as OpenStore, { seed: 1, runs: 5, timeLimitMs: 400, ...quiet }),
    )
    assert.ok(error.failures.length > 0)
  }
})

test('nothing is printed on stderr where that is no terminal, and nothing is left unhandled', async () => {
  const unhandled: unknown[] = []
  const note = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', note)
  await failureOf(
    runSuite(
      broken(() => ({ record: () => Promise.reject(undefined) })),
      { seed: 5, runs: 10, timeLimitMs: 2000 },
    ),
  )
  await failureOf(
    runSuite(
      broken(() => ({ list: () => Promise.reject(new Error('x')) })),
      { seed: 5, runs: 10, timeLimitMs: 2000 },
    ),
  )
  await new Promise((resolve) => setTimeout(resolve, 20))
  process.off('unhandledRejection', note)
  assert.deepEqual(unhandled, [])
})
