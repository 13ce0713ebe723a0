import type { ScannedBytes } from './byte-scan.ts'

const MARK = Uint8Array.of(0xef, 0xbb, 0xbf)

/**
 * Both libraries hand longer texts to a `TextDecoder` that swallows a leading byte order mark. Returns the bytes with a
 * second mark in front of every such text, so that one is left after decoding, and `bytes` itself when there is none.
 * `decode` decides text by text, because where "longer" begins is the library's own business; `head` is the format's
 * first byte of a text whose length has 32 bits.
 */
export function keepByteOrderMarks(
  scanned: ScannedBytes,
  head: number,
  decode: (bytes: Uint8Array) => unknown,
): Uint8Array {
  const { bytes, marked } = scanned
  if (marked.length === 0) return bytes
  const buffer = Buffer.from(bytes.buffer)
  const parts: Uint8Array[] = []
  let done = 0
  for (const [from, start, end] of marked) {
    if (decode(bytes.slice(from, end)) === buffer.toString('utf8', start, end)) continue
    const opening = new Uint8Array(5)
    opening[0] = head
    new DataView(opening.buffer).setUint32(1, end - start + MARK.length)
    parts.push(bytes.subarray(done, from), opening, MARK, bytes.subarray(start, end))
    done = end
  }
  return done === 0 ? bytes : joined(parts, bytes.subarray(done))
}

function joined(parts: Uint8Array[], rest: Uint8Array): Uint8Array {
  parts.push(rest)
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
