import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { CodecSubject } from './codecs.ts'

/** A payload of one shape. */
export interface PayloadShape {
  readonly name: string
  /** The same every time. JSON has no bytes: there they are base64, and making that is part of encoding. */
  readonly value: Readonly<Record<string, unknown>>
}

const sentence = 'Die Lieferung kommt am Freitag; “please leave it at the back door”. Grüße, 山田 '
const binaryBytes = 4096

/** All of them. */
export const payloadShapes: readonly PayloadShape[] = [
  {
    name: 'small',
    value: { orderId: 'order-4711', sku: 'sku-0815', quantity: 3, express: false, note: 'at the back door' },
  },
  {
    name: 'binary',
    value: { name: 'scan.png', bytes: pseudoRandom(binaryBytes) },
  },
  {
    name: 'wide',
    value: Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`field-${index}`, fieldOf(index)])),
  },
  { name: 'deep', value: nested(40) },
  {
    name: 'text-heavy',
    value: { title: 'Remark', paragraphs: Array.from({ length: 20 }, (_, index) => `${index} ${sentence.repeat(3)}`) },
  },
]

/** How a codec's user encodes that shape, and gets it back. */
export function coding(
  { name, codec }: CodecSubject,
  { value }: PayloadShape,
): { encode(): string | Uint8Array; decode(data: string | Uint8Array): unknown } {
  const { bytes, ...others } = value
  if (name !== 'json' || !(bytes instanceof Uint8Array)) {
    return { encode: () => codec.encode(value), decode: (data) => codec.decode(data) }
  }
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return {
    encode: () => codec.encode({ ...others, bytes: view.toString('base64') }),
    decode(data) {
      const decoded = codec.decode(data) as { readonly bytes: string }
      return { ...decoded, bytes: Buffer.from(decoded.bytes, 'base64') }
    },
  }
}

/** What a command of that shape has as its data, for a codec that may have no bytes. */
export function dataOf({ name }: CodecSubject, { value }: PayloadShape): Readonly<Record<string, unknown>> {
  const { bytes } = value
  if (name !== 'json' || !(bytes instanceof Uint8Array)) return value
  return { ...value, bytes: Buffer.from(bytes).toString('base64') }
}

function fieldOf(index: number): unknown {
  return [index * 1.5, `value ${index}`, index % 2 === 0, null][index % 4]
}

function nested(depth: number): Readonly<Record<string, unknown>> {
  const level = { level: depth, name: `level ${depth}` }
  return depth === 0 ? level : { ...level, tags: ['a', 'b'], inner: nested(depth - 1) }
}

/** Bytes that no codec can make smaller. */
function pseudoRandom(length: number): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, index) =>
    createHash('sha256').update(String(index)).digest(),
  )
  return new Uint8Array(Buffer.concat(blocks).subarray(0, length))
}
