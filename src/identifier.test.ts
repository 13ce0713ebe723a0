import assert from 'node:assert/strict'
import { test } from 'node:test'
import { steadyNow } from './clock.ts'
import { checkIdentifier, uuidv7At } from './identifier.ts'

test('Given a clock that stands still, steps back and jumps, when ids are made, then they ascend and differ', () => {
  const start = Date.now() + 60_000
  const ids: string[] = []
  for (let n = 0; n < 10_000; n++) ids.push(uuidv7At(start))
  for (let n = 0; n < 100; n++) ids.push(uuidv7At(start - n * 1000))
  ids.push(uuidv7At(start + 3_600_000), uuidv7At(start))
  assert.equal(new Set(ids).size, ids.length)
  assert.deepEqual(ids, [...ids].sort())
})

test('Given a time, when an id is made, then it is a version 7 UUID that holds the time', () => {
  const time = Date.UTC(2100, 0, 1)
  const id = uuidv7At(time)
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.equal(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16), time)
})

test('Given texts around the limit, when checked, then bytes count and not characters', () => {
  for (const fine of ['', 'x'.repeat(256), '€'.repeat(85), '😀'.repeat(64), ' *.>%_ ']) checkIdentifier('id', fine)
  for (const bad of ['x'.repeat(257), '€'.repeat(86), '😀'.repeat(65), '\0', '\udc00', 5, null, undefined]) {
    assert.throws(() => checkIdentifier('id', bad), { code: 'INVALID_IDENTIFIER', field: 'id' })
  }
})

test('Given two readers of one clock that steps back, when read, then time never runs backwards for either', () => {
  const times = [5, 3, 4, 9, 1]
  const clock = { now: () => times.shift() ?? 0, monotonic: () => 0 }
  const [a, b] = [steadyNow(clock), steadyNow(clock)]
  assert.deepEqual([a(), b(), a(), b(), a()], [5, 5, 5, 9, 9])
})
