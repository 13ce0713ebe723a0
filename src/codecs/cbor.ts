// The build without eval is also a module instance of its own: what an application adds to 'cbor-x' stays there.
import { Decoder, Encoder, Tag } from 'cbor-x/index-no-eval'
import type { Codec } from '../codec.ts'
import { CodecError } from '../errors.ts'
import { keepByteOrderMarks } from './byte-order-mark.ts'
import { scanCbor, toSeconds } from './cbor-scan.ts'
import { MAX_BYTES, type PlainDataRules, plainData } from './plain-data.ts'

/** Documented by cbor-x, and missing in its types. */
interface BufferPool {
  useBuffer(buffer: Buffer): void
}

const DATE_TAG = 1
const TEXT_WITH_32_BIT_LENGTH = 0x7a
const POOL_BYTES = 8192
const LARGE_BYTES = 2 ** 20

const rules: PlainDataRules = {
  format: 'cbor',
  undefinedIn: 'anything',
  date: (epochMs) => new Tag(toSeconds(epochMs), DATE_TAG),
}

// Without variableMapSize the size of every map is written in 16 bits, and larger maps wrap around.
const plain = { useRecords: false, mapsAsObjects: true, variableMapSize: true, tagUint8Array: false, copyBuffers: true }
const encoder = new Encoder({ ...plain }) as Encoder & BufferPool
const floatEncoder = new Encoder({ ...plain, alwaysUseFloat: true })
const decoder = new Decoder({ ...plain })

/**
 * Plain data as CBOR (RFC 8949, tag 1 for dates), on cbor-x. What is carried and what is refused is written at
 * `plainData`; undefined is carried everywhere. Everything comes back deeply and strictly equal, with -0, NaN and the
 * difference between 5 and 5n, except that a `Buffer` comes back as a `Uint8Array` and a null prototype as a plain one.
 * Encoded bytes and decoded fields of bytes own their memory. Decoding refuses what `scanCbor` refuses.
 */
export const cborCodec: Codec = {
  format: 'cbor',
  encode(value: unknown): Uint8Array {
    const { value: body, hasNegativeZero } = plainData(value, rules)
    const bytes = encodePlain(hasNegativeZero ? floatEncoder : encoder, body)
    // cbor-x would go on with a pool as large as its largest output.
    if (bytes.length > LARGE_BYTES) encoder.useBuffer(Buffer.allocUnsafeSlow(POOL_BYTES))
    if (bytes.length > MAX_BYTES) throw new CodecError('NOT_ENCODABLE', 'cbor', `more than ${MAX_BYTES} bytes`)
    return bytes
  },
  decode(data: string | Uint8Array): unknown {
    const scanned = scanCbor(data)
    try {
      return decodePlain(keepByteOrderMarks(scanned, TEXT_WITH_32_BIT_LENGTH, decodePlain))
    } catch {
      throw new CodecError('NOT_DECODABLE', 'cbor', 'cbor-x refused the bytes')
    }
  },
}

function encodePlain(encoder: Encoder, body: unknown): Uint8Array {
  try {
    // A copy: cbor-x answers with a view on a pool that it shares between all encoded bodies.
    return new Uint8Array(encoder.encode(body))
  } catch {
    throw new CodecError('NOT_ENCODABLE', 'cbor', 'cbor-x refused the value')
  }
}

function decodePlain(bytes: Uint8Array): unknown {
  const value: unknown = decoder.decode(bytes)
  return value
}
