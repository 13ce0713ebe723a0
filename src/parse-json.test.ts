import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseJson } from './parse-json.ts'

const text = fc.string({ unit: fc.constantFrom('a', '\\', '"', '\0', '\n', '#', ':', ' ', '\ud800', '__proto__', 'é') })
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    tie('list'),
    tie('object'),
  ),
  list: fc.array(tie('value'), { maxLength: 4 }),
  object: fc
    .array(fc.tuple(text, tie('value')), { maxLength: 5 })
    .map((entries) => Object.fromEntries(entries as [string, unknown][])),
})).value

test('what JSON.stringify gave is read as it was, whatever has been read before, with and without spaces', () => {
  fc.assert(
    fc.property(json, (value) => {
      assert.equal(JSON.stringify(parseJson(JSON.stringify(value))), JSON.stringify(value))
      assert.equal(JSON.stringify(parseJson(JSON.stringify(value, null, 2))), JSON.stringify(value))
    }),
    { numRuns: 2000 },
  )
})

test('a name that V8 takes for another is read as it is', () => {
  parseJson('{"a\\\\":1}')
  assert.deepEqual(Object.keys(parseJson('{"a\\u0000" :1}') as object), ['a\0'])
})

for (const broken of [
  '',
  '{',
  '{"a\\x":1}',
  '{"a\\u00":1}',
  '{"a\\"b" 1}',
  '{"\\u0000":}',
  '"\\u0000',
  '{"a\\\n":1}',
]) {
  test(`${JSON.stringify(broken)} is a SyntaxError, as ever`, () => {
    assert.throws(() => JSON.parse(broken), SyntaxError)
    assert.throws(() => parseJson(broken), SyntaxError)
  })
}

for (const [what, value] of Object.entries({
  'many marks': { note: '#'.repeat(200_000), 'a\\': 1 },
  'a long text of escapes': { message: '\n'.repeat(4_000_000), 'a"': 1 },
  'many names with escapes': Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`"${index}`, '\\'])),
})) {
  test(`${what} are read in good time`, { timeout: 5000 }, () => {
    assert.deepEqual(parseJson(JSON.stringify(value)), value)
  })
}

test('a document is as deep as JSON.parse takes it', () => {
  const deep = `${'{"a\\n":'.repeat(5000)}1${'}'.repeat(5000)}`
  let value = parseJson(deep)
  let depth = 0
  for (; typeof value === 'object' && value !== null; depth++) value = (value as Record<string, unknown>)['a\n']
  assert.deepEqual([depth, value], [5000, 1])
})
