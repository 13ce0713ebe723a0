import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { caughtBy } from './caught-by/index.ts'
import { saboteurs } from './index.ts'
import { allChecks, survey } from './survey.ts'

test('checks are named for every saboteur, and only for those that there are', () => {
  assert.deepEqual(Object.keys(caughtBy).sort(), saboteurs.map(({ name }) => name).sort())
  const names = new Set(allChecks.map(({ name }) => name))
  for (const saboteur of saboteurs) {
    assert.ok(saboteur.caughtBy.length > 0, `${saboteur.name}: no check is named for it`)
    for (const check of saboteur.caughtBy) assert.ok(names.has(check), `${saboteur.name}: there is no check ${check}`)
  }
})

test('every check is named for a saboteur', () => {
  const named = new Set(saboteurs.flatMap((saboteur) => saboteur.caughtBy))
  assert.deepEqual(
    allChecks.map(({ name }) => name).filter((name) => !named.has(name)),
    [],
  )
})

// Those that hang wait for a time limit: the others need not wait for them.
describe('each saboteur', { concurrency: 4 }, () => {
  for (const saboteur of saboteurs) {
    const { name, needs, caughtBy: only } = saboteur
    for (const mode of needs === 'live' ? (['open', 'live'] as const) : (['open'] as const)) {
      test(`${name} is caught by the checks named for it, ${mode}`, async () => {
        // What takes several handles cannot be tried on a live store.
        const named = only.filter((check) => mode === 'open' || !check.startsWith('durable/'))
        assert.deepEqual((await survey(saboteur, { seed: 3, mode, only: named })).toSorted(), named.toSorted())
      })
    }
  }
})
