import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { checks, durableChecks, followChecks, purgeChecks } from '../commandlogtest/index.ts'
import { contractPage, contractText } from './contract.ts'

test('Given the checks, then the page of the contract is made from them (else: node test/contract.ts)', () => {
  assert.equal(readFileSync(contractPage, 'utf8'), contractText())
})

test('Given the checks, then every name is used once and says topic and rule', () => {
  const all = [...checks, ...durableChecks, ...followChecks, ...purgeChecks]
  assert.equal(new Set(all.map(({ name }) => name)).size, all.length)
  for (const { name, rule } of all) {
    assert.match(name, /^[a-z]+\/[a-zA-Z0-9-]+$/)
    assert.match(rule, /^[A-Z0-9a-z].*\.$/)
  }
})
