import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  ConformanceError,
  durableEventStoreChecks,
  eventStoreChecks,
  fenceChecks,
  runEventStoreCheck,
  runEventStoreSuite,
} from '../index.ts'
import { baseStore } from './base-store.ts'
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
