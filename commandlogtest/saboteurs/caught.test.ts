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

// Caught too seldom so far. A test of these is to do, and shows as that; whoever mends the check takes the name out.
const escaping = new Set(['redis/expires', 'purge/reuses-sequence'])

// Those that hang wait for a time limit: the others need not wait for them.
describe('each saboteur', { concurrency: 4 }, () => {
  for (const saboteur of saboteurs) {
    const { name, needs, caughtBy: only } = saboteur
    for (const mode of needs === 'live' ? (['open', 'live'] as const) : (['open'] as const)) {
      // What takes several handles cannot be tried on a live store.
      const named = only.filter((check) => mode === 'open' || !check.startsWith('durable/'))
      if (named.length === 0) continue
      test(`${name} is caught by a check named for it, ${mode}`, { todo: escaping.has(name) }, async () => {
        // One seed in twenty may miss one check; that none of those named catches it in three seeds must not happen.
        const caught = new Set<string>()
        for (const seed of [7, 8, 9]) {
          if (caught.size === 0)
            for (const check of await survey(saboteur, { seed, mode, only: named })) caught.add(check)
        }
        assert.ok(caught.size > 0, `none of ${named.join(', ')} caught it`)
      })
    }
  }
})
