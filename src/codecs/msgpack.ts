import { Decoder, Encoder, ExtensionCodec } from '@msgpack/msgpack'
import type { Codec } from '../codec.ts'
import { CodecError } from '../errors.ts'
import { keepByteOrderMarks } from './byte-order-mark.ts'
import { scanMsgpack } from './msgpack-scan.ts'
import { MAX_BYTES, MAX_DEPTH, MAX_ITEMS, type PlainDataRules, plainData } from './plain-data.ts'

const TEXT_WITH_32_BIT_LENGTH = 0xdb
const TIMESTAMP_BYTES = 12
const LARGE_BYTES = 2 ** 20

const rules: PlainDataRules = { format: 'msgpack', undefinedIn: 'members', date: (epochMs) => new Date(epochMs) }

// Of its own, because an application may have registered extensions with the library's default one.
const extensionCodec: ExtensionCodec = new ExtensionCodec()

// With useBigInt64 the library writes 64-bit integers for bigints only, which keeps 5n and 5 apart.
const integerOptions = { extensionCodec, useBigInt64: true, ignoreUndefined: true, maxDepth: MAX_DEPTH + 1 }
const floatOptions = { ...integerOptions, forceIntegerToFloat: true }
let encoder: Encoder = new Encoder(integerOptions)

const decoder: Decoder = new Decoder({
  extensionCodec,
  useBigInt64: true,
  // The library's cache would keep keys of bodies for as long as the process lives.
  keyDecoder: null,
  maxStrLength: MAX_BYTES + 3,
  maxBinLength: MAX_BYTES,
  maxArrayLength: MAX_ITEMS,
  maxMapLength: MAX_ITEMS,
  maxExtLength: TIMESTAMP_BYTES,
})

/**
 * Plain data as MessagePack (with its timestamp extension for dates), on @msgpack/msgpack. What is carried and what is
 * refused is written at `plainData`; members that are undefined are left out, as by JSON, and undefined anywhere else is
 * refused. Everything else comes back deeply and strictly equal, with -0, NaN and the difference between 5 and 5n, except
 * that a `Buffer` comes back as a `Uint8Array` and a null prototype as a plain one. Encoded bytes and decoded fields of
 * bytes own their memory. Decoding refuses what `scanMsgpack` refuses.
 */
export const msgpackCodec: Codec = {
  format: 'msgpack',
  encode(value: unknown): Uint8Array {
    const { value: body, hasNegativeZero } = plainData(value, rules)
    const bytes = encodePlain(hasNegativeZero ? new Encoder(floatOptions) : encoder, body)
    // An encoder keeps a buffer as large as its largest output.
    if (bytes.length > LARGE_BYTES) encoder = new Encoder(integerOptions)
    if (bytes.length > MAX_BYTES) throw new CodecError('NOT_ENCODABLE', 'msgpack', `more than ${MAX_BYTES} bytes`)
    return bytes
  },
  decode(data: string | Uint8Array): unknown {
    const scanned = scanMsgpack(data)
    try {
      const value = decodePlain(keepByteOrderMarks(scanned, TEXT_WITH_32_BIT_LENGTH, decodePlain))
      return scanned.hasBytes ? withOwnBytes(value) : value
    } catch {
      throw new CodecError('NOT_DECODABLE', 'msgpack', 'the library refused the bytes')
    }
  },
}

function encodePlain(encoder: Encoder, body: unknown): Uint8Array {
  try {
    return encoder.encode(body)
  } catch {
    throw new CodecError('NOT_ENCODABLE', 'msgpack', 'the library refused the value')
  }
}

function decodePlain(bytes: Uint8Array): unknown {
  return decoder.decode(bytes)
}

/** The library answers with views on the bytes it was given; they would share, and keep, the whole of it. */
function withOwnBytes(value: unknown): unknown {
  const root = { value }
  const pending: object[] = [root]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const [key, child] of Object.entries(next)) {
      if (child instanceof Uint8Array) Reflect.set(next, key, new Uint8Array(child))
      else if (typeof child === 'object' && child !== null) pending.push(child)
    }
  }
  return root.value
}
