import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { caughtBy } from './caught-by/index.ts'
import { saboteurs } from './index.ts'
import { pageText, readCounts, saboteursPage } from './page.ts'
import { duties, seedsDemanded } from './results.ts'
import { allChecks, type Mode, survey } from './survey.ts'

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
  for (const { saboteur, mode, named } of duties) {
    test(`${saboteur.name} is caught by a check named for it, ${mode}`, async () => {
      // One seed in twenty may miss it; that none of those named catches it in three seeds must not happen.
      const caught = new Set<string>()
      for (const seed of [7, 8, 9]) {
        if (caught.size === 0)
          for (const check of await survey(saboteur, { seed, mode, only: named })) caught.add(check)
      }
      assert.ok(caught.size > 0, `none of ${named.join(', ')} caught it`)
    })
  }
})

test('every saboteur is tried with its store opened by name, and live where a single instance shows it', () => {
  for (const { name, needs } of saboteurs) {
    const modes = duties.filter(({ saboteur }) => saboteur.name === name).map(({ mode }) => mode)
    assert.deepEqual(modes, needs === 'live' ? ['open', 'live'] : ['open'], name)
  }
})

test('the page of the saboteurs is up to date, and each of them is caught often enough', () => {
  const page = readFileSync(saboteursPage, 'utf8')
  const counts = readCounts(page)
  const none = { open: undefined, live: undefined }
  assert.equal(
    pageText((name) => counts.get(name) ?? none),
    page,
  )
  const demanded = (mode: Mode, name: string): boolean =>
    duties.some(({ saboteur, mode: own }) => saboteur.name === name && own === mode)
  for (const { name } of saboteurs) {
    for (const mode of ['open', 'live'] as const) {
      const seeds = counts.get(name)?.[mode]
      assert.ok(
        demanded(mode, name) ? Number(seeds) >= seedsDemanded : seeds === undefined,
        `${name}, ${mode}: ${seeds}`,
      )
    }
  }
})
