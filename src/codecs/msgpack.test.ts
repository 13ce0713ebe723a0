import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ExtensionCodec } from '@msgpack/msgpack'
import { msgpackCodec } from './msgpack.ts'

function decode(hex: string): unknown {
  return msgpackCodec.decode(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
}

function refuses(bytes: Uint8Array, reason: RegExp): void {
  const started = performance.now()
  assert.throws(() => msgpackCodec.decode(bytes), { name: 'CodecError', code: 'NOT_DECODABLE', message: reason })
  assert.ok(performance.now() - started < 3000)
}

function refusesHex(hex: string, reason: RegExp): void {
  refuses(Buffer.from(hex.replaceAll(' ', ''), 'hex'), reason)
}

test('MessagePack leaves out members that are undefined, and refuses undefined anywhere else', () => {
  assert.deepEqual(msgpackCodec.decode(msgpackCodec.encode({ a: undefined, b: [{ c: undefined }] })), { b: [{}] })
  for (const body of [undefined, [undefined], { a: [1, undefined] }]) {
    assert.throws(() => msgpackCodec.encode(body), { code: 'NOT_ENCODABLE', message: /undefined outside a member/ })
  }
})

test('MessagePack is written as its specification has it, so that any other reader understands it', () => {
  const hex = (value: unknown): string => Buffer.from(msgpackCodec.encode(value) as Uint8Array).toString('hex')
  assert.equal(hex({ a: [1, 'é'] }), '81a1619201a2c3a9')
  assert.equal(hex(Uint8Array.of(1, 2)), 'c4020102')
  assert.equal(hex(new Date(1_000)), 'd6ff00000001')
  assert.equal(hex(new Date(1)), 'd7ff003d090000000000')
  assert.equal(hex(new Date(-1)), 'c70cff3b8b87c0ffffffffffffffff')
  assert.equal(hex(5n), 'cf0000000000000005')
  assert.equal(hex(-(2n ** 63n)), 'd38000000000000000')
})

test('MessagePack decodes narrower floats and wider lengths, which a later version may choose', () => {
  assert.deepEqual(decode('94 ca3fc00000 cd0001 d900 dd00000000'), [1.5, 1, '', []])
})

test('MessagePack refuses nested headers at once, however many there are', () => {
  for (const count of [65, 20_000, 1_000_000]) {
    refuses(Buffer.concat([Buffer.alloc(count, 0x91), Buffer.of(0)]), /more than 64 containers/)
    refuses(Buffer.from(`${'dd00000001'.repeat(count)}00`, 'hex'), /more than 64 containers/)
    refuses(Buffer.from(`${'81a161'.repeat(count)}00`, 'hex'), /more than 64 containers/)
  }
})

test('MessagePack refuses declared lengths beyond the bytes without allocating them', () => {
  refusesHex('ddffffffff', /longer than the bytes/)
  refusesHex('dfffffffff', /longer than the bytes/)
  refusesHex('dcffff 00', /longer than the bytes/)
  for (const head of ['c6', 'db']) refusesHex(`${head} ffffffff 00`, /the bytes end/)
  refuses(Buffer.alloc(2 ** 20, 0xdd), /longer than the bytes/)
  refuses(Buffer.concat([Buffer.from('dd02000000', 'hex'), Buffer.alloc(2 ** 25, 0x90)]), /more than 1048576 values/)
})

test('MessagePack refuses every extension but the timestamp, and timestamps that are no whole milliseconds', () => {
  for (const hex of ['d4 ff00', 'd5 ff0000', `d8 ff${'00'.repeat(16)}`, 'c8 0001 ff00', 'c9 00000001 ff 00']) {
    refusesHex(hex, /extension other/)
  }
  refusesHex('d6 01 00000000', /extension other/)
  refusesHex('d7 00 0000000000000000', /extension other/)
  refusesHex(`c7 05 ff ${'00'.repeat(5)}`, /unknown width/)
  refusesHex('c7 00 ff', /unknown width/)
  refusesHex('d7 ff 00000004 00000000', /not whole milliseconds/)
  refusesHex('d7 ff ee6b2800 00000000', /not whole milliseconds/)
  refusesHex('c7 0c ff 3b9aca00 0000000000000000', /not whole milliseconds/)
  refusesHex('c7 0c ff 00000000 7fffffffffffffff', /an invalid date/)
  refusesHex('c7 0c ff 00000000 000007dba8218001', /an invalid date/)
  assert.deepEqual(decode('c7 0c ff 00000000 000007dba8218000'), new Date(8.64e15))
})

test('MessagePack refuses what else its encoder never writes', () => {
  refusesHex('c1', /reserved/)
  refusesHex('91 c1', /reserved/)
  refusesHex('81 01 02', /a key that is not text/)
  refusesHex('81 90 02', /a key that is not text/)
  refusesHex('81 c40161 02', /a key that is not text/)
  refusesHex('82 a161 01 a161 02', /a key that comes twice/)
  refusesHex('82 a161 01 d90161 02', /a key that comes twice/)
  refusesHex('81 a9 5f5f70726f746f5f5f 81 a161 01', /a key named __proto__/)
  for (const text of ['a1ff', 'a2c328', 'a3eda080', 'a2c080', 'a4f5808080']) refusesHex(text, /not UTF-8/)
  refuses(Buffer.concat([Buffer.from('d950', 'hex'), Buffer.alloc(79, 'a'), Buffer.of(0xff)]), /not UTF-8/)
})

test('MessagePack is not changed by extensions that an application registers with the default codec', () => {
  const shared = ExtensionCodec.defaultCodec as ExtensionCodec
  shared.register({
    type: 1,
    encode: (value) => (value instanceof Uint8Array ? Uint8Array.of(0) : null),
    decode: () => 'hijacked',
  })
  const body = { bytes: Uint8Array.of(1), at: new Date(5) }
  assert.deepEqual(msgpackCodec.decode(msgpackCodec.encode(body)), body)
})
