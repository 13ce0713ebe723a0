import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { contractPages, contractText } from './contract.ts'

for (const page of contractPages) {
  test(`Given the checks, then the page is made from them (else: node test/contract.ts): ${page.title}`, () => {
    assert.equal(readFileSync(page.place, 'utf8'), contractText(page))
  })

  test(`Given the checks, then every name is used once and says topic and rule: ${page.title}`, () => {
    const all = page.lists.flatMap(([, , list]) => list)
    assert.equal(new Set(all.map(({ name }) => name)).size, all.length)
    for (const { name, rule } of all) {
      assert.match(name, /^[a-z]+\/[a-zA-Z0-9-]+$/)
      assert.match(rule, /^[A-Z0-9a-z].*\.$/)
    }
  })
}
