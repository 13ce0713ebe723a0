import { randomFillSync } from 'node:crypto'
import { InvalidIdentifier } from './errors.ts'

/** The most bytes that an id, type or reference may take. */
export const maxIdentifierBytes = 256

/**
 * Refuses what is not at most 256 bytes of well-formed text without NUL, with `InvalidIdentifier`. `required` refuses
 * the empty text too.
 */
export function checkIdentifier(field: string, value: unknown, empty?: 'required'): asserts value is string {
  if (typeof value !== 'string') throw new InvalidIdentifier(field, `received a value of type ${typeof value}`)
  const reason = identifierFault(value)
  if (reason !== undefined) throw new InvalidIdentifier(field, reason)
  if (empty === 'required' && value === '') throw new InvalidIdentifier(field, 'received an empty text')
}

/** Why this text is no legal id, type or reference; undefined when it is one. */
export function identifierFault(value: string): string | undefined {
  // A UTF-16 unit takes at most three bytes, so short texts need no counting.
  if (value.length > maxIdentifierBytes / 3) {
    const bytes = Buffer.byteLength(value)
    if (bytes > maxIdentifierBytes) return `received ${bytes} bytes`
  }
  if (!value.isWellFormed()) return 'received a lone surrogate'
  return value.includes('\0') ? 'received a NUL' : undefined
}

const pool = new Uint8Array(4096)
const digits = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0))
// Made at one go from bytes: a text put together of pieces takes ten times the memory, and is flattened by whoever needs it.
const text = Buffer.from('00000000-0000-7000-8000-000000000000')
let poolOffset = pool.length
let lastMs = 0
let sequence = 0

/**
 * A new UUIDv7 (RFC 9562): its text sorts in the order of creation within the process, even while the clock stands
 * still or steps back. 12 bits count within a millisecond, 62 bits are random.
 */
export function uuidv7(): string {
  return uuidv7At(Date.now())
}

/** The same for a given time: a later one moves every later id of the process along. */
export function uuidv7At(now: number): string {
  if (poolOffset + 10 > pool.length) {
    randomFillSync(pool)
    poolOffset = 0
  }
  const p = poolOffset
  poolOffset += 10
  if (now > lastMs) {
    lastMs = now
    // Starting low leaves room for at least 2,048 more ids in this millisecond.
    sequence = ((byte(p) & 0x07) << 8) | byte(p + 1)
  } else if (++sequence > 0xfff) {
    // The counter is used up: borrow from the next millisecond, so that order holds.
    lastMs++
    sequence = 0
  }
  const high = Math.floor(lastMs / 0x1_0000_0000)
  const low = lastMs >>> 0
  put(0, high >>> 8)
  put(2, high)
  put(4, low >>> 24)
  put(6, low >>> 16)
  put(9, low >>> 8)
  put(11, low)
  put(14, 0x70 | (sequence >>> 8))
  put(16, sequence)
  put(19, 0x80 | (byte(p + 2) & 0x3f))
  put(21, byte(p + 3))
  for (let rest = 4; rest < 10; rest++) put(16 + 2 * rest, byte(p + rest))
  return text.toString('latin1')
}

/** Two hexadecimal digits. */
function put(at: number, value: number): void {
  text[at] = digits[(value >>> 4) & 0xf] ?? 0
  text[at + 1] = digits[value & 0xf] ?? 0
}

function byte(index: number): number {
  return pool[index] ?? 0
}
