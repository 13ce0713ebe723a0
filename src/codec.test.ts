import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { jsonCodec } from './codec.ts'
import { CodecError } from './errors.ts'

const SECRET = 'hunter2'

function refusal(act: () => unknown): CodecError {
  try {
    act()
  } catch (error) {
    assert.ok(error instanceof CodecError)
    assert.ok(!`${error.message}${error.stack}`.includes(SECRET))
    assert.equal(error.cause, undefined)
    return error
  }
  return assert.fail('nothing was refused')
}

test('JSON gives back every JSON value as JSON.parse has it', () =>
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (body) => {
      assert.deepEqual(jsonCodec.decode(jsonCodec.encode(body)), JSON.parse(JSON.stringify(body)))
    }),
  ))

test('JSON writes what JSON.stringify writes: dates as text, NaN as null, undefined members left out', () => {
  const body = { at: new Date(0), nan: Number.NaN, none: undefined, list: [undefined], lone: '\ud800' }
  assert.equal(jsonCodec.encode(body), '{"at":"1970-01-01T00:00:00.000Z","nan":null,"list":[null],"lone":"\\ud800"}')
})

test('JSON keeps an own key named __proto__ as a key, and changes no prototype', () => {
  const text = '{"__proto__":{"polluted":1},"constructor":{"prototype":2}}'
  const decoded = jsonCodec.decode(text)
  assert.equal(Object.getPrototypeOf(decoded), Object.prototype)
  assert.equal(jsonCodec.encode(decoded), text)
  assert.equal(Reflect.get({}, 'polluted'), undefined)
})

test('JSON refuses what it has no text for, and quotes nothing of it', () => {
  const cyclic: Record<string, unknown> = { [SECRET]: SECRET }
  cyclic[SECRET] = { [SECRET]: cyclic }
  const deep = Array.from({ length: 200_000 }).reduce<unknown>((inner) => [inner], SECRET)
  const revoked = Proxy.revocable({}, {})
  revoked.revoke()
  const fail = (): never => {
    throw new Error(SECRET)
  }
  const bodies = [undefined, () => SECRET, Symbol(SECRET), { toJSON: () => undefined }]
  const throwing = [cyclic, deep, { [SECRET]: 1n }, { toJSON: fail }, new Proxy({}, { ownKeys: fail }), revoked.proxy]
  for (const body of [...bodies, ...throwing]) {
    assert.equal(refusal(() => jsonCodec.encode(body)).code, 'NOT_ENCODABLE')
  }
})

test('JSON refuses bytes, and text that is not JSON, and quotes nothing of it', () => {
  for (const text of ['', SECRET, `{"${SECRET}":`, `"${SECRET}`, '{"a":1}x', 'undefined', 'NaN', "{'a':1}"]) {
    assert.equal(refusal(() => jsonCodec.decode(text)).code, 'NOT_DECODABLE')
  }
  assert.equal(refusal(() => jsonCodec.decode(Buffer.from('{}'))).code, 'NOT_DECODABLE')
})
