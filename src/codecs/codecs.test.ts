import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import type { Codec } from '../codec.ts'
import { CodecError } from '../errors.ts'
import { cborCodec } from './cbor.ts'
import { msgpackCodec } from './msgpack.ts'

const MARK = '\uFEFF'
const pristine = Reflect.ownKeys(Object.prototype)

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('', '\0', '😀', 'e\u0301', '\u2028', '\uFFFD', '\uFFFF', MARK, MARK + MARK, '__proto__'),
  fc.string({ unit: 'binary', minLength: 40, maxLength: 300 }).map((rest) => MARK + rest),
  fc.integer({ min: 0, max: 70 }).map((length) => `${'é'.repeat(length)}z`),
)

const keys = fc
  .oneof(
    texts,
    fc.constantFrom('constructor', 'prototype', 'toString', 'hasOwnProperty', 'toJSON', 'then', 'length', '__proto_'),
    fc.constantFrom('a', 'A', 'a ', 'a\0', 'á', 'a\u0301', '0', '00', '1', '-0', '1.5', '4294967295', 'null'),
  )
  .filter((key) => key !== '__proto__')

const numbers = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(0, -0, NaN, Infinity, -Infinity, 5e-324, Number.MAX_VALUE, 2 ** 53, 2 ** 53 + 2, -(2 ** 63)),
  fc.constantFrom(23, 24, 127, 128, 255, 256, 65535, 65536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 64, 1.5, 65504),
  fc.constantFrom(
    -1,
    -24,
    -25,
    -32,
    -33,
    -128,
    -129,
    -256,
    -257,
    -32769,
    -65537,
    -(2 ** 31),
    -(2 ** 31) - 1,
    -(2 ** 32),
  ),
)

const bigints = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.constantFrom(0n, 5n, -1n, 2n ** 53n + 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n, -(2n ** 63n)),
)

const dates = fc
  .oneof(
    fc.integer({ min: -8.64e15, max: 8.64e15 }),
    fc.integer({ min: 4_398_046_511_104_000, max: 4_503_599_627_370_496 }),
    fc.integer({ min: -(10 ** 13), max: 10 ** 13 }),
    fc.constantFrom(0, 1, -1, 999, -999, 8.64e15, -8.64e15, 2 ** 32 * 1000, 2 ** 34 * 1000 - 1, 2 ** 34 * 1000),
  )
  .map((epochMs) => new Date(epochMs))

const leaves = fc.oneof(
  texts,
  numbers,
  bigints,
  dates,
  fc.boolean(),
  fc.constant(null),
  fc.uint8Array({ maxLength: 300 }),
)

const { body: bodies } = fc.letrec((tie) => ({
  body: fc.oneof({ maxDepth: 6, depthSize: 'small' }, leaves, tie('list'), tie('map')),
  list: fc.oneof(fc.array(tie('body'), { maxLength: 8 }), fc.array(leaves, { maxLength: 200, size: 'max' })),
  map: fc.oneof(
    fc.dictionary(keys, tie('body'), { maxKeys: 8, noNullPrototype: true }),
    fc.dictionary(keys, leaves, { maxKeys: 200, size: 'max', noNullPrototype: true }),
  ),
}))

const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 })

function encoded(codec: Codec, value: unknown): Uint8Array {
  const data = codec.encode(value)
  assert.ok(data instanceof Uint8Array)
  return data
}

/** Decodes hostile bytes: they are refused in our own words, or are a body that the codec itself could have written. */
function decodesSafely(codec: Codec, bytes: Uint8Array): void {
  let value: unknown
  try {
    value = codec.decode(bytes)
  } catch (error) {
    assert.ok(error instanceof CodecError)
    assert.equal(error.code, 'NOT_DECODABLE')
    return
  } finally {
    assert.deepEqual(Reflect.ownKeys(Object.prototype), pristine)
  }
  assert.deepEqual(codec.decode(codec.encode(value)), value)
}

function refusesBytes(codec: Codec, bytes: Uint8Array, message = /./): void {
  const started = performance.now()
  assert.throws(() => codec.decode(bytes), { name: 'CodecError', code: 'NOT_DECODABLE', format: codec.format, message })
  assert.ok(performance.now() - started < 3000)
}

for (const codec of [cborCodec, msgpackCodec]) {
  describe(`the ${codec.format} codec`, () => {
    test('gives back everything it accepts, deeply and strictly equal', () =>
      fc.assert(
        fc.property(bodies, (body) => {
          assert.deepEqual(codec.decode(codec.encode(body)), body)
        }),
        { numRuns: 400 },
      ))

    test('tells bigints from numbers, and keeps -0, NaN and the infinities wherever they stand', () => {
      const body = [5n, 5, -0, 0, [NaN, { minus: -0 }], Infinity, -Infinity, 2n ** 53n, 2 ** 53, -0.5, new Date(-1)]
      assert.deepEqual(codec.decode(codec.encode(body)), body)
      assert.ok(Object.is(codec.decode(codec.encode(-0)), -0))
    })

    test('keeps every date to the millisecond', () =>
      fc.assert(
        fc.property(dates, (date) => {
          assert.deepEqual(codec.decode(codec.encode(date)), date)
        }),
        { numRuns: 3000 },
      ))

    test('keeps a leading byte order mark in texts and keys of every length', () => {
      const lengths = [0, 10, 59, 60, 61, 62, 63, 197, 198, 199, 249, 250, 251, 252, 253, 65530, 65533, 65536]
      for (const length of lengths) {
        const text = MARK + 'x'.repeat(length)
        const body = { [text]: [text, 'between', MARK + text, { [MARK + text]: 1 }, text], last: text }
        assert.deepEqual(codec.decode(codec.encode(body)), body)
      }
    })

    test('keeps maps and lists around every width of their length', () => {
      for (const length of [0, 15, 16, 23, 24, 255, 256, 65535, 65536, 70_000]) {
        const list = Array.from({ length }, (_, index) => index)
        const map = Object.fromEntries(list.map((index) => [`k${index}`, index]))
        assert.deepEqual(codec.decode(codec.encode({ list, map })), { list, map })
      }
    })

    test('owns what it returns: neither later bodies nor changes to the input reach it', () => {
      const body = { bytes: Uint8Array.of(1, 2, 3), other: Uint8Array.of(4) }
      const data = encoded(codec, body)
      const copy = new Uint8Array(data)
      assert.equal(data.constructor, Uint8Array)
      assert.equal(data.buffer.byteLength, data.byteLength)
      body.bytes.fill(9)
      codec.encode({ something: 'else', that: 'is longer than before' })
      assert.deepEqual(data, copy)
      const decoded = codec.decode(data)
      data.fill(0xff)
      assert.deepEqual(decoded, { bytes: Uint8Array.of(1, 2, 3), other: Uint8Array.of(4) })
      const { bytes } = decoded as typeof body
      assert.equal(bytes.buffer.byteLength, 3)
    })

    test('decodes from a Buffer and from a view with an offset, and leaves both as they were', () => {
      const body = { bytes: Buffer.from('abc'), text: 'x' }
      const data = encoded(codec, body)
      const padded = new Uint8Array(data.length + 7).fill(0xc1)
      padded.set(data, 5)
      const view = padded.subarray(5, 5 + data.length)
      const expected = { bytes: Uint8Array.of(97, 98, 99), text: 'x' }
      for (const input of [Buffer.from(data), view, Buffer.from(padded.buffer, 5, data.length)]) {
        const decoded = codec.decode(input)
        assert.deepEqual(decoded, expected)
        assert.deepEqual(Object.keys(input).length, data.length)
      }
    })

    test('gives back a null prototype as a plain one', () => {
      const body: unknown = Object.assign(Object.create(null), { a: 1 })
      assert.deepEqual(codec.decode(codec.encode([body])), [{ a: 1 }])
    })

    test('refuses a key named __proto__ when it encodes, and carries constructor and prototype', () => {
      assert.throws(() => codec.encode(JSON.parse('{"a":{"__proto__":{"polluted":1}}}')), { code: 'NOT_ENCODABLE' })
      const body = JSON.parse('{"constructor":{"prototype":{"polluted":1}},"prototype":2,"toJSON":"x","valueOf":null}')
      assert.deepEqual(codec.decode(codec.encode(body)), body)
      assert.deepEqual(Reflect.ownKeys(Object.prototype), pristine)
    })

    test('reaches a depth of 64 both ways, and refuses one more', () => {
      const nested = (depth: number): unknown =>
        depth === 0 ? 1 : depth % 2 ? [nested(depth - 1)] : { a: nested(depth - 1) }
      assert.deepEqual(codec.decode(codec.encode(nested(64))), nested(64))
      assert.throws(() => codec.encode(nested(65)), /more than 64 containers/)
    })

    test('goes on after bodies and bytes that it refused', () => {
      assert.throws(() => codec.encode({ a: [1, 2, Symbol('x')] }))
      assert.throws(() => codec.decode(Uint8Array.of(0x92, 0x01)))
      assert.deepEqual(codec.decode(codec.encode({ a: 1 })), { a: 1 })
    })

    test('keeps a body of two megabytes, and refuses one of more than 64', () => {
      const body = { text: 'é'.repeat(2 ** 20), after: 1 }
      assert.deepEqual(codec.decode(codec.encode(body)), body)
      assert.throws(() => codec.encode(['x'.repeat(2 ** 26 + 1)]), /more than 67108864 bytes/)
      assert.throws(() => codec.encode(['é'.repeat(2 ** 25)]), /more than 67108864 bytes/)
      assert.throws(() => codec.encode(new Uint8Array(2 ** 26)), /more than 67108864 bytes/)
      assert.deepEqual(codec.decode(codec.encode({ a: 1 })), { a: 1 })
    })

    test('refuses text, nothing, other views and bytes beyond its limit when it decodes', () => {
      assert.throws(() => codec.decode('text'), { code: 'NOT_DECODABLE', message: /expected bytes/ })
      for (const data of [undefined, null, 5, new ArrayBuffer(1), new DataView(new ArrayBuffer(1)), [1]]) {
        assert.throws(() => codec.decode(data as never), { code: 'NOT_DECODABLE' })
      }
      refusesBytes(codec, new Uint8Array(0))
      refusesBytes(codec, new Uint8Array(2 ** 26 + 1), /more than 67108864 bytes/)
    })

    test('refuses an encoding that is cut off anywhere, or followed by another byte', () => {
      const data = encoded(codec, {
        a: [1, -300, 2.5, 'é', 5n, new Date(1.5e12 + 1), Uint8Array.of(1, 2)],
        b: { c: null },
      })
      for (let length = 0; length < data.length; length++) {
        refusesBytes(codec, data.subarray(0, length), /the bytes end|longer than the bytes/)
      }
      refusesBytes(codec, Uint8Array.of(...data, 0), /bytes after the end/)
    })

    test('answers random bytes with a refusal or a body, and changes no prototype', () =>
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
          decodesSafely(codec, bytes)
        }),
        { numRuns: 5000 },
      ))

    test('answers changed encodings with a refusal or a body, and changes no prototype', () =>
      fc.assert(
        fc.property(bodies, changes, fc.nat({ max: 3 }), (body, edits, cut) => {
          const data = encoded(codec, body)
          for (const [at, byte] of edits) data[at % data.length] = byte
          decodesSafely(codec, data.subarray(0, data.length - (cut === 3 ? 1 : 0)))
        }),
        { numRuns: 1500 },
      ))
  })
}
