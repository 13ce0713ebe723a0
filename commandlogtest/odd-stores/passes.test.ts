import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checks, durableChecks, followChecks, purgeChecks } from '../lists.ts'
import { checkSettings } from '../options.ts'
import { performCheck } from '../run-check.ts'
import { oddStores } from './index.ts'

for (const { name, runs, make } of oddStores) {
  test(`${name} passes every check`, async () => {
    const failures: string[] = []
    const subject = runs === 'open' ? make() : await make()('live')
    for (const check of [...checks, ...durableChecks, ...followChecks, ...purgeChecks]) {
      const { failure } = await performCheck(check, subject, { ...checkSettings({ seed: 1, runs: 3 }), shrinkMs: 0 })
      if (failure !== undefined) failures.push(`${failure.check}: ${failure.message}`)
    }
    assert.deepEqual(failures, [])
  })
}
