import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

test('Given every error class of the library, then the page of errors tells its name and code', () => {
  const sources = ['errors.ts', 'store-error.ts'].map((name) => new URL(`../src/${name}`, import.meta.url))
  const source = sources.map((url) => readFileSync(url, 'utf8')).join()
  const page = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8')
  const classes = [...source.matchAll(/export class (\w+)/g)].map(([, name = '']) => name)
  const codes = [...source.matchAll(/'([A-Z]+(?:_[A-Z]+)+)'/g)].map(([, code = '']) => code)
  assert.ok(classes.length > 20 && codes.length > 20)
  assert.deepEqual(
    [...classes, ...codes].filter((word) => !page.includes(`\`${word}\``)),
    [],
  )
})
