import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { EventStoreError } from '../../eventsourcing/event-store-error.ts'
import {
  type AnyEventStore,
  ConformanceError,
  durableEventStoreChecks,
  eventStoreChecks,
  fenceChecks,
  type OpenEventStore,
  runEventStoreCheck,
  runEventStoreSuite,
} from '../index.ts'
import { baseStore, nextTurn } from './base-store.ts'
import { eventSaboteurs } from './index.ts'

const all = [...eventStoreChecks, ...fenceChecks, ...durableEventStoreChecks]

test('every check is named for a saboteur, and every check that is named is one', () => {
  const named = new Set(eventSaboteurs.flatMap(({ caughtBy }) => caughtBy))
  const names = new Set(all.map(({ name }) => name))
  assert.deepEqual(
    [...names].filter((name) => !named.has(name)),
    [],
  )
  assert.deepEqual(
    [...named].filter((name) => !names.has(name)),
    [],
  )
})

test('the store that the saboteurs are made of keeps every rule', { timeout: 60_000 }, async () => {
  const certificate = await runEventStoreSuite(
    baseStore(() => ({})),
    { seed: 7, onProgress: () => undefined },
  )
  assert.deepEqual(
    certificate.checks.map(({ name }) => name),
    all.map(({ name }) => name),
  )
})

/** Stores that are odd, but keep every rule. */
const odd: Readonly<Record<string, (store: AnyEventStore) => Partial<AnyEventStore>>> = {
  'that answers late': (store) => ({
    async read(...args) {
      await nextTurn()
      return await store.read(...args)
    },
    async append(stream, events, options) {
      const version = await store.append(stream, events, options)
      await nextTurn()
      return version
    },
  }),
  'that is unavailable or unsure now and then': (store) => {
    let calls = 0
    return {
      async append(...args) {
        const call = ++calls
        if (call % 3 === 0) throw new EventStoreError('STORE_UNAVAILABLE', 'Not now')
        const version = await store.append(...args)
        if (call % 4 === 0) throw new EventStoreError('STORE_TIMEOUT', 'Who knows', { written: 'unknown' })
        return version
      },
    }
  },
  'that hands out frozen events': (store) => ({
    read: async (...args) => (await store.read(...args)).map((event) => Object.freeze(event)),
  }),
}

describe('a store', { timeout: 60_000 }, () => {
  for (const [oddity, change] of Object.entries(odd)) {
    test(`${oddity} keeps every rule`, async () => {
      const open = baseStore(() => ({}))
      const openOdd: OpenEventStore = async (name) => {
        const store = await open(name)
        return { ...store, ...change(store) }
      }
      for (const check of all) await runEventStoreCheck(check, openOdd, { seed: 7, runs: 30 })
    })
  }
})

describe('each saboteur', { timeout: 120_000 }, () => {
  for (const { name, caughtBy, make } of eventSaboteurs) {
    test(`${name} is caught by every check named for it`, async () => {
      for (const check of all.filter((each) => caughtBy.includes(each.name))) {
        await assert.rejects(runEventStoreCheck(check, make(), { seed: 7, timeLimitMs: 8000 }), (error) => {
          assert.ok(error instanceof ConformanceError)
          const [failure] = error.failures
          assert.deepEqual([failure?.check, failure?.isHang], [check.name, false])
          // Caught by its fault, not by one of the check itself.
          assert.doesNotMatch(failure?.message ?? '', /something unexpected/)
          return true
        })
      }
    })
  }
})

test('a failure tells the rule, what came instead, and how to replay it', async () => {
  const saboteur = eventSaboteurs.find(({ name }) => name === 'append/ignores-expected')
  assert.ok(saboteur)
  await assert.rejects(
    runEventStoreSuite(saboteur.make(), { seed: 7, only: 'append/expected', onProgress: () => undefined }),
    (error: ConformanceError) => {
      const [failure] = error.failures
      const replay = `await runEventStoreSuite(store, { seed: 7, only: ["append/expected-version-must-match"], path: "${failure?.path}" })`
      assert.equal(failure?.replay, replay)
      assert.match(error.message, /did not fail/)
      assert.match(error.message, /Expected: VERSION_CONFLICT, written no/)
      return true
    },
  )
})
