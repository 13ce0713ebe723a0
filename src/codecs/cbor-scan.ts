import { type Cursor, type ReadItem, refuse, type ScannedBytes, scanBytes, take } from './byte-scan.ts'

const MAX_EPOCH_MS = 8.64e15

/**
 * Checks CBOR before cbor-x sees it, as `scanBytes` does. Beyond that refuses indefinite lengths, bignums, every tag but
 * the numeric date, dates that are invalid or not whole milliseconds, integers below -2^63, and unassigned simple
 * values. How wide a number or a length is written is free: a later cbor-x may choose differently.
 */
export function scanCbor(data: unknown): ScannedBytes {
  return scanBytes(data, 'cbor', readItem)
}

/**
 * Seconds for tag 1 from which cbor-x gets exactly these milliseconds back. The nearest double is not always one: in
 * the years around 142,000 its `Math.round(seconds * 1000)` rounds twice and lands a millisecond late. There the next
 * double below is still the same millisecond.
 */
export function toSeconds(epochMs: number): number {
  const seconds = epochMs / 1000
  return Math.round(seconds * 1000) === epochMs ? seconds : seconds - 2 ** -10
}

const readItem: ReadItem = (cursor) => {
  const head = cursor.view.getUint8(take(cursor, 1))
  const major = head >> 5
  const low = head & 0x1f
  switch (major) {
    case 0:
    case 1:
      skipInteger(cursor, low, major === 1)
      return 'scalar'
    case 2:
      take(cursor, readLength(cursor, low))
      cursor.hasBytes = true
      return 'scalar'
    case 6:
      if (readLength(cursor, low) !== 1) throw refuse(cursor, 'a tag other than the date')
      skipDate(cursor)
      return 'scalar'
    case 7:
      skipSimple(cursor, low)
      return 'scalar'
    default:
      cursor.size = readLength(cursor, low)
      return major === 3 ? 'text' : major === 4 ? 'list' : 'map'
  }
}

function skipInteger(cursor: Cursor, low: number, isNegative: boolean): void {
  if (low !== 27) {
    readLength(cursor, low)
    return
  }
  const high = cursor.view.getUint32(take(cursor, 8))
  if (isNegative && high >= 2 ** 31) throw refuse(cursor, 'an integer of more than 64 bits')
}

/** The argument of a head, where it must be a safe integer. */
function readLength(cursor: Cursor, low: number): number {
  const { view } = cursor
  if (low < 24) return low
  switch (low) {
    case 24:
      return view.getUint8(take(cursor, 1))
    case 25:
      return view.getUint16(take(cursor, 2))
    case 26:
      return view.getUint32(take(cursor, 4))
    case 27: {
      const at = take(cursor, 8)
      if (view.getUint32(at) !== 0) throw refuse(cursor, 'a length beyond the bytes')
      return view.getUint32(at + 4)
    }
    default:
      throw refuse(cursor, 'an indefinite length or a reserved head')
  }
}

function skipSimple(cursor: Cursor, low: number): void {
  if (low >= 20 && low <= 23) return
  if (low < 25 || low > 27) throw refuse(cursor, 'an unassigned simple value')
  take(cursor, 2 ** (low - 24))
}

function skipDate(cursor: Cursor): void {
  const seconds = readSeconds(cursor)
  const epochMs = Math.round(seconds * 1000)
  if (!(Math.abs(epochMs) <= MAX_EPOCH_MS)) throw refuse(cursor, 'an invalid date')
  if (toSeconds(epochMs) !== seconds) throw refuse(cursor, 'a date that is not whole milliseconds')
}

function readSeconds(cursor: Cursor): number {
  const head = cursor.view.getUint8(take(cursor, 1))
  if (head === 0xfb) return cursor.view.getFloat64(take(cursor, 8))
  if (head === 0xfa) return cursor.view.getFloat32(take(cursor, 4))
  const low = head & 0x1f
  if (head >= 0x40 || low === 27) throw refuse(cursor, 'a date that is not a number')
  const value = readLength(cursor, low)
  return head < 0x20 ? value : -1 - value
}
