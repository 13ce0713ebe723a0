import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addExtension } from 'cbor-x'
import { cborCodec } from './cbor.ts'

function decode(hex: string): unknown {
  return cborCodec.decode(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
}

function refuses(bytes: Uint8Array, reason: RegExp): void {
  const started = performance.now()
  assert.throws(() => cborCodec.decode(bytes), { name: 'CodecError', code: 'NOT_DECODABLE', message: reason })
  assert.ok(performance.now() - started < 3000)
}

function refusesHex(hex: string, reason: RegExp): void {
  refuses(Buffer.from(hex.replaceAll(' ', ''), 'hex'), reason)
}

function repeated(byte: number, count: number, end: readonly number[] = []): Uint8Array {
  const bytes = new Uint8Array(count + end.length).fill(byte)
  bytes.set(end, count)
  return bytes
}

test('CBOR keeps undefined at the root, in lists and in maps', () => {
  const body = { a: undefined, list: [undefined, null] }
  assert.deepEqual(cborCodec.decode(cborCodec.encode(body)), body)
  assert.equal(cborCodec.decode(cborCodec.encode(undefined)), undefined)
})

test('CBOR is written as RFC 8949 has it, so that any other reader understands it', () => {
  const hex = (value: unknown): string => Buffer.from(cborCodec.encode(value) as Uint8Array).toString('hex')
  assert.equal(hex({ a: [1, 'é'] }), 'a161618201' + '62c3a9')
  assert.equal(hex(Uint8Array.of(1, 2)), '420102')
  assert.equal(hex(new Date(1_363_896_240_000)), 'c11a514b67b0')
  assert.equal(hex(new Date(1_363_896_240_500)), 'c1fb41d452d9ec200000')
  assert.equal(hex(5n), '1b0000000000000005')
  assert.equal(hex(-(2n ** 63n)), '3b7fffffffffffffff')
})

test('CBOR decodes narrower floats and wider lengths, which a later cbor-x may choose', () => {
  assert.deepEqual(decode('84 f93e00 fa3fc00000 1818 1900ff'), [1.5, 1.5, 24, 255])
  assert.deepEqual(decode('9b0000000000000001 7800'), [''])
  assert.deepEqual(decode('82 c100 c1fa3fc00000'), [new Date(0), new Date(1500)])
})

test('CBOR refuses nested headers at once, however many there are', () => {
  for (const count of [65, 20_000, 1_000_000]) {
    refuses(repeated(0x81, count, [0x00]), /more than 64 containers/)
    refuses(repeated(0x9f, count), /indefinite/)
    refuses(repeated(0xc1, count, [0x00]), /a date that is not a number/)
    refuses(repeated(0xc6, count, [0x00]), /a tag other/)
  }
  refuses(Buffer.from(`${'a16161'.repeat(500_000)}00`, 'hex'), /more than 64 containers/)
})

test('CBOR refuses bignums of every size without building them', () => {
  for (const tag of [0xc2, 0xc3]) {
    refuses(Uint8Array.of(tag, 0x41, 0x05), /a tag other than the date/)
    refuses(Buffer.concat([Uint8Array.of(tag, 0x5a, 0, 0x10, 0, 0), Buffer.alloc(2 ** 20, 0xff)]), /a tag other/)
  }
})

test('CBOR refuses the tags that cbor-x would revive or evaluate, and every other', () => {
  const bodies = ['c0 6131', 'c4 820101', 'c5 820101', 'c6 00', 'ce 00', 'd81b 82614561 78', 'd81c 80', 'd81d 00']
  const more = ['d833 8480808000', 'd840 4100', 'd856 48 0000000000000000', 'd869 8380', 'd90102 80', 'd90103 a0']
  const wide = [
    'd9d9f7 00',
    'd9dff9 82',
    'd9dffe 8380',
    'd9dfff 83 00 80 00',
    'd9e000 80',
    'da53687264 00',
    'dbffffffffffffffff 00',
  ]
  for (const hex of [...bodies, ...more, ...wide]) refusesHex(hex, /a tag other than the date|beyond the bytes/)
})

test('CBOR refuses declared lengths beyond the bytes without allocating them', () => {
  refusesHex('9affffffff', /longer than the bytes/)
  refusesHex('baffffffff', /longer than the bytes/)
  refusesHex('5affffffff 00', /the bytes end/)
  refusesHex('7affffffff 00', /the bytes end/)
  for (const head of ['5b', '7b', '9b', 'bb']) refusesHex(`${head} ffffffffffffffff`, /a length beyond the bytes/)
  refuses(repeated(0x9a, 2 ** 20), /longer than the bytes|more than/)
  refuses(Buffer.concat([Buffer.from('9a02000000', 'hex'), Buffer.alloc(2 ** 25, 0x80)]), /more than 1048576 values/)
})

test('CBOR refuses dates that are invalid or finer than a millisecond', () => {
  refusesHex('c1 f6', /not a number/)
  refusesHex('c1 6130', /not a number/)
  refusesHex('c1 1b0000000000000001', /not a number/)
  refusesHex('c1 fb7ff8000000000000', /an invalid date/)
  refusesHex('c1 fb7ff0000000000000', /an invalid date/)
  refusesHex('c1 fb4310000000000000', /an invalid date/)
  refusesHex('c1 fb3f1a36e2eb1c432d', /not whole milliseconds/)
})

test('CBOR refuses what else its encoder never writes', () => {
  refusesHex('ff', /indefinite|unassigned/)
  refusesHex('5f 4100 ff', /indefinite/)
  refusesHex('bf ff', /indefinite/)
  refusesHex('1c', /reserved/)
  refusesHex('3bffffffffffffffff', /more than 64 bits/)
  refusesHex('3b8000000000000000', /more than 64 bits/)
  for (const hex of ['e0', 'f0', 'f8ff', 'f800', 'fc']) refusesHex(hex, /unassigned/)
  refusesHex('a1 01 02', /a key that is not text/)
  refusesHex('a1 80 02', /a key that is not text/)
  refusesHex('a1 4161 02', /a key that is not text/)
  refusesHex('a2 6161 01 6161 02', /a key that comes twice/)
  refusesHex('a1 69 5f5f70726f746f5f5f a1 6161 01', /a key named __proto__/)
  for (const text of ['61ff', '62c328', '63eda080', '62c080', '64f5808080']) refusesHex(text, /not UTF-8/)
  refuses(Buffer.concat([Buffer.from('7850', 'hex'), Buffer.alloc(79, 'a'), Buffer.of(0xff)]), /not UTF-8/)
})

test('CBOR is not changed by extensions that an application registers with cbor-x', () => {
  const hijack = (): never => {
    throw new Error('hijacked')
  }
  addExtension({ Class: Uint8Array, tag: 40_000, encode: hijack, decode: hijack })
  const body = { bytes: Uint8Array.of(1), at: new Date(5) }
  assert.deepEqual(cborCodec.decode(cborCodec.encode(body)), body)
})

test('CBOR output stays its own when many bodies share the pool of cbor-x', () => {
  const bodies = Array.from({ length: 2000 }, (_, index) => ({ index, text: 'x'.repeat(index % 50) }))
  const encoded = bodies.map((body) => cborCodec.encode(body))
  assert.deepEqual(
    encoded.map((data) => cborCodec.decode(data)),
    bodies,
  )
})
