import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { CodecError } from '../errors.ts'
import { MAX_ITEMS, type PlainDataRules, plainData } from './plain-data.ts'

const rules: PlainDataRules = { format: 'test', undefinedIn: 'anything', date: (epochMs) => new Date(epochMs) }
const SECRET = 'hunter2'

function refusal(value: unknown, own: PlainDataRules = rules): string {
  try {
    plainData(value, own)
  } catch (error) {
    assert.ok(error instanceof CodecError)
    assert.equal(error.code, 'NOT_ENCODABLE')
    assert.ok(!`${error.message}${error.stack}${JSON.stringify(error)}`.includes(SECRET))
    assert.equal(error.cause, undefined)
    return error.message
  }
  return 'accepted'
}

class Account {
  readonly owner = SECRET
}

test('a copy holds what was there, and nothing that anyone else holds', () => {
  const body = { list: [1, { a: 'x' }], bytes: Uint8Array.of(1), date: new Date(5), none: undefined, nil: null }
  const { value, hasNegativeZero } = plainData(body, rules)
  assert.deepEqual(value, body)
  assert.equal(hasNegativeZero, false)
  const copy = value as typeof body
  for (const key of ['list', 'bytes', 'date'] as const) assert.notEqual(copy[key], body[key])
  assert.notEqual(copy.list[1], body.list[1])
})

test('what is no plain data is refused, with its kind and depth and without a word of it', () => {
  const refused: [unknown, string][] = [
    [() => SECRET, 'test: a function at depth 1'],
    [Symbol(SECRET), 'test: a symbol at depth 1'],
    [2n ** 64n, 'test: a bigint of more than 64 bits at depth 1'],
    [-(2n ** 63n) - 1n, 'test: a bigint of more than 64 bits at depth 1'],
    [new Date(Number.NaN), 'test: an invalid date at depth 1'],
    [`${SECRET}\ud800`, 'test: text with a lone surrogate at depth 1'],
    [`\udc00${SECRET}${'x'.repeat(100)}`, 'test: text with a lone surrogate at depth 1'],
    [{ [`${SECRET}\udfff`]: 1 }, 'test: text with a lone surrogate at depth 2'],
    [{ [Symbol(SECRET)]: 1 }, 'test: a symbol as a key at depth 1'],
    [Object.assign([1], { [Symbol(SECRET)]: 1 }), 'test: a symbol as a key at depth 1'],
    [JSON.parse(`{"__proto__":"${SECRET}"}`), 'test: a key named __proto__ at depth 2'],
    [{ toJSON: () => SECRET }, 'test: a function at depth 2'],
  ]
  for (const [value, message] of refused) assert.equal(refusal([value]), message)
  assert.equal(refusal(Symbol(SECRET)), 'test: a symbol at depth 0')
})

test('instances of classes are refused, however much they look like data', () => {
  const message = 'test: an instance of a class other than Date and Uint8Array at depth 2'
  const instances = [
    new Account(),
    new Map([[SECRET, 1]]),
    new Set([SECRET]),
    /hunter2/,
    new Error(SECRET),
    Object(SECRET),
    Object(1),
    Object(true),
    Object(1n),
    new WeakMap(),
    Promise.resolve(SECRET),
    new URL('https://hunter2.example'),
    new ArrayBuffer(1),
    new DataView(new ArrayBuffer(1)),
    new Uint8ClampedArray(1),
    new Int8Array(1),
    new Uint16Array(1),
    new Float64Array(1),
    new BigUint64Array(1),
    new (class Bytes extends Uint8Array {})(1),
    new (class Day extends Date {})(),
    new (class List extends Array {})(),
    Object.create({ inherited: SECRET }),
    Object.create(Uint8Array.prototype),
    runInNewContext('({ a: 1 })'),
  ]
  for (const value of instances) assert.equal(refusal([{ value }]), message)
  assert.equal(refusal(Object.create(Array.prototype)), message.replace('2', '0'))
  assert.match(refusal(Object.create(Date.prototype)), /threw while it was read/)
})

test('arrays with holes or named properties are refused', () => {
  const named = Object.assign([1, 2], { name: SECRET })
  const both = Object.assign(new Array<unknown>(2), { 0: 1, name: SECRET })
  for (const value of [new Array(3), Array.from({ length: 2 }).concat(new Array(1)), named, both]) {
    assert.equal(refusal({ value }), 'test: an array with holes or named properties at depth 1')
  }
  assert.match(refusal(new Array(2 ** 32 - 1)), /more than 1048576 values/)
})

test('cycles are refused at once, through lists, maps and proxies, and a value used twice is no cycle', () => {
  const map: Record<string, unknown> = { big: new Array(1000).fill(0) }
  map.self = { list: [map, map] }
  assert.equal(refusal(map), 'test: a cycle at depth 3')
  const list: unknown[] = []
  list.push(list, list)
  assert.equal(refusal(list), 'test: a cycle at depth 1')
  const endless: object = new Proxy(
    {},
    { ownKeys: () => ['next'], getOwnPropertyDescriptor: () => descriptor, get: () => fresh() },
  )
  const descriptor = { configurable: true, enumerable: true, value: 0 }
  const fresh = (): object => new Proxy(endless, {})
  assert.match(refusal(endless), /more than 64 containers in each other at depth 64/)
  const shared = { a: 1 }
  assert.deepEqual(plainData([shared, { shared }], rules).value, [{ a: 1 }, { shared: { a: 1 } }])
})

test('a few objects that unfold into billions are refused before they do', () => {
  let body: unknown[] = []
  for (let depth = 0; depth < 60; depth++) body = [body, body]
  const started = performance.now()
  assert.match(refusal(body), /more than 1048576 values/)
  assert.ok(performance.now() - started < 3000)
})

test('as many values as allowed are accepted, and one more is refused', () => {
  assert.equal(refusal(new Array(MAX_ITEMS - 1).fill(0)), 'accepted')
  assert.match(refusal(new Array(MAX_ITEMS).fill(0)), /more than 1048576 values/)
})

test('what a getter or a proxy throws is not passed on, even when it looks like our own error', () => {
  const thrown = new CodecError('NOT_ENCODABLE', 'test', SECRET)
  const fail = (): never => {
    throw thrown
  }
  const revoked = Proxy.revocable({}, {})
  revoked.revoke()
  const revokedList = Proxy.revocable([], {})
  revokedList.revoke()
  const throwing = [
    Object.defineProperty({}, 'a', { enumerable: true, get: fail }),
    Object.defineProperty([1], 0, { enumerable: true, get: fail }),
    new Proxy({ a: 1 }, { get: fail }),
    new Proxy({ a: 1 }, { ownKeys: fail }),
    new Proxy([1], { get: fail }),
    new Proxy({}, { getPrototypeOf: fail }),
    revoked.proxy,
    revokedList.proxy,
    new Proxy(new Date(), {}),
  ]
  for (const value of throwing) {
    assert.equal(refusal([value]), 'test: the value threw while it was read')
    assert.notEqual(refusal(value), 'accepted')
  }
  assert.match(refusal(new Proxy(Uint8Array.of(1), {})), /an instance of a class/)
})

test('every property is read once, so that what is checked is what is encoded', () => {
  let reads = 0
  const answers = ['honest', Symbol('second'), new Map()]
  const target = Object.defineProperty({}, 'a', { enumerable: true, get: () => answers[reads++] })
  assert.deepEqual(plainData(target, rules).value, { a: 'honest' })
  assert.equal(reads, 1)
  const gets: unknown[] = []
  const get = (object: object, key: string | symbol): unknown => {
    gets.push(key)
    return Reflect.get(object, key)
  }
  const lying = { list: new Proxy([7, 8], { get }), map: new Proxy({ a: 1, b: 2 }, { get }) }
  assert.deepEqual(plainData(lying, rules).value, { list: [7, 8], map: { a: 1, b: 2 } })
  assert.deepEqual(gets, ['length', '0', '1', 'a', 'b'])
})

test('bytes and dates are taken at their real value, whatever their own properties say', () => {
  const bytes = Object.defineProperties(Uint8Array.of(1, 2, 3), {
    byteLength: { value: 1 },
    length: { value: 99 },
    constructor: { value: Map },
  })
  const date = Object.defineProperty(new Date(7), 'getTime', { value: () => 8 })
  assert.deepEqual(plainData([bytes, date, Buffer.from('a')], rules).value, [
    Uint8Array.of(1, 2, 3),
    new Date(7),
    Uint8Array.of(97),
  ])
  const detached = Uint8Array.of(1)
  structuredClone(detached, { transfer: [detached.buffer] })
  assert.match(refusal(detached), /threw while it was read/)
})

test('undefined is carried everywhere, or only as a member that is left out', () => {
  assert.deepEqual(plainData([undefined, { a: undefined }], rules).value, [undefined, { a: undefined }])
  const strict: PlainDataRules = { ...rules, undefinedIn: 'members' }
  assert.equal(refusal({ a: undefined }, strict), 'accepted')
  assert.equal(refusal([undefined], strict), 'test: undefined outside a member at depth 1')
  assert.equal(refusal(undefined, strict), 'test: undefined outside a member at depth 0')
})

test('a -0 is noticed wherever it stands', () => {
  for (const value of [-0, [[-0]], { a: { b: -0 } }]) assert.equal(plainData(value, rules).hasNegativeZero, true)
  for (const value of [0, [[0, -1]], { a: '-0' }]) assert.equal(plainData(value, rules).hasNegativeZero, false)
})
