import { type Cursor, type ReadItem, refuse, type ScannedBytes, scanBytes, take } from './byte-scan.ts'

const MAX_EPOCH_MS = 8.64e15
const TIMESTAMP = -1

/** How many bytes follow the heads 0xca (float 32) to 0xd3 (int 64). */
const NUMBER_WIDTHS = [4, 8, 1, 2, 4, 8, 1, 2, 4, 8] as const

/**
 * Checks MessagePack before the library sees it, as `scanBytes` does. Beyond that refuses the reserved byte 0xc1, every
 * extension but the timestamp, and timestamps that are invalid or not whole milliseconds. How wide a number or a length
 * is written is free: a later version of the library may choose differently.
 */
export function scanMsgpack(data: unknown): ScannedBytes {
  return scanBytes(data, 'msgpack', readItem)
}

const readItem: ReadItem = (cursor) => {
  const head = cursor.view.getUint8(take(cursor, 1))
  if (head < 0x80 || head >= 0xe0) return 'scalar'
  if (head < 0x90) return sized(cursor, 'map', head - 0x80)
  if (head < 0xa0) return sized(cursor, 'list', head - 0x90)
  if (head < 0xc0) return sized(cursor, 'text', head - 0xa0)
  if (head >= 0xca && head <= 0xd3) {
    take(cursor, NUMBER_WIDTHS[head - 0xca] ?? 0)
    return 'scalar'
  }
  if (head >= 0xd9) return readSized(cursor, head)
  skipOther(cursor, head)
  return 'scalar'
}

function sized<Kind extends 'text' | 'list' | 'map'>(cursor: Cursor, kind: Kind, size: number): Kind {
  cursor.size = size
  return kind
}

function readSized(cursor: Cursor, head: number): 'text' | 'list' | 'map' {
  if (head <= 0xdb) return sized(cursor, 'text', readLength(cursor, head - 0xd9))
  if (head <= 0xdd) return sized(cursor, 'list', readLength(cursor, head - 0xdc + 1))
  return sized(cursor, 'map', readLength(cursor, head - 0xde + 1))
}

/** A length of 2^power bytes. */
function readLength(cursor: Cursor, power: number): number {
  const at = take(cursor, 2 ** power)
  if (power === 0) return cursor.view.getUint8(at)
  return power === 1 ? cursor.view.getUint16(at) : cursor.view.getUint32(at)
}

function skipOther(cursor: Cursor, head: number): void {
  switch (head) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return
    case 0xc4:
    case 0xc5:
    case 0xc6:
      take(cursor, readLength(cursor, head - 0xc4))
      cursor.hasBytes = true
      return
    case 0xc7:
      skipTimestamp(cursor, readLength(cursor, 0))
      return
    case 0xd6:
      skipTimestamp(cursor, 4)
      return
    case 0xd7:
      skipTimestamp(cursor, 8)
      return
    default:
      throw refuse(cursor, 'a reserved byte, or an extension other than the timestamp')
  }
}

function skipTimestamp(cursor: Cursor, size: number): void {
  const { view } = cursor
  if (view.getInt8(take(cursor, 1)) !== TIMESTAMP) throw refuse(cursor, 'an extension other than the timestamp')
  const at = take(cursor, size)
  if (size === 4) return
  if (size !== 8 && size !== 12) throw refuse(cursor, 'a timestamp of an unknown width')
  const nanoseconds = size === 8 ? view.getUint32(at) >>> 2 : view.getUint32(at)
  if (nanoseconds > 999_999_999 || nanoseconds % 1e6 !== 0)
    throw refuse(cursor, 'a date that is not whole milliseconds')
  // Eight bytes hold unsigned seconds of 34 bits, which are always a valid date.
  if (size === 8) return
  const seconds = view.getInt32(at + 4) * 2 ** 32 + view.getUint32(at + 8)
  if (!(Math.abs(seconds * 1000 + nanoseconds / 1e6) <= MAX_EPOCH_MS)) throw refuse(cursor, 'an invalid date')
}
