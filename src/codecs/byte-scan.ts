import { isUtf8 } from 'node:buffer'
import { CodecError } from '../errors.ts'
import { MAX_BYTES, MAX_DEPTH, MAX_ITEMS } from './plain-data.ts'

/** Where a scan stands, and what its reader says about the item just read. */
export interface Cursor {
  readonly format: string
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly view: DataView
  at: number
  /** Of a text: its length in bytes. Of a list: its elements. Of a map: its entries. */
  size: number
  /** Whether a field of bytes was met. */
  hasBytes: boolean
}

/**
 * Reads the head of one item at the cursor. A `scalar` (number, date, bytes and so on) is read to its end; a `text` is
 * left standing at its first byte; a list or a map at its first child. Refuses what the format's codec never writes.
 */
export type ReadItem = (cursor: Cursor) => 'scalar' | 'text' | 'list' | 'map'

/** Bytes that a library may decode without surprises. */
export interface ScannedBytes {
  /** A copy: neither the library nor the decoded value keeps hold of the caller's memory. */
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly hasBytes: boolean
  /** For each text that begins with a byte order mark: where its head, its first byte and its end are. */
  readonly marked: readonly (readonly [head: number, start: number, end: number])[]
}

interface Scan {
  readonly cursor: Cursor
  /** The same bytes, for turning keys into strings. */
  readonly buffer: Buffer
  /** Children still to come, for each open container; a map counts its keys too. */
  readonly left: number[]
  /** The keys met so far, for each open container that is a map. */
  readonly keys: (Set<string> | undefined)[]
  readonly marked: [number, number, number][]
  itemsLeft: number
}

/**
 * Walks over encoded bytes once, without recursion and without building anything, and throws `CodecError` on what could
 * make the library behind it overflow the stack, hang, allocate without bound or answer with something else than was
 * encoded: too deep, too many, too long, lengths beyond the end, bytes after the end, keys that are not text or come
 * twice, `__proto__`, text that is not UTF-8, and whatever `readItem` refuses.
 */
export function scanBytes(data: unknown, format: string, readItem: ReadItem): ScannedBytes {
  if (!(data instanceof Uint8Array)) throw new CodecError('NOT_DECODABLE', format, 'expected bytes')
  if (data.length > MAX_BYTES) throw new CodecError('NOT_DECODABLE', format, `more than ${MAX_BYTES} bytes`)
  const bytes = new Uint8Array(data)
  const cursor: Cursor = { format, bytes, view: new DataView(bytes.buffer), at: 0, size: 0, hasBytes: false }
  const buffer = Buffer.from(bytes.buffer)
  const scan: Scan = { cursor, buffer, left: [], keys: [], marked: [], itemsLeft: MAX_ITEMS - 1 }
  do {
    scanItem(scan, readItem)
  } while (scan.left.length > 0)
  if (cursor.at !== bytes.length) throw refuse(cursor, 'bytes after the end of the value')
  return { bytes, hasBytes: cursor.hasBytes, marked: scan.marked }
}

/** The error for bytes that this codec could not have written. Thrown by the caller, so that the compiler sees it. */
export function refuse(cursor: Cursor, reason: string): CodecError {
  return new CodecError('NOT_DECODABLE', cursor.format, reason)
}

/** Moves over so many bytes and returns where they began. */
export function take(cursor: Cursor, count: number): number {
  const start = cursor.at
  if (count > cursor.bytes.length - start) throw refuse(cursor, 'the bytes end before the value does')
  cursor.at = start + count
  return start
}

function scanItem(scan: Scan, readItem: ReadItem): void {
  const { cursor, left, keys } = scan
  const top = left.length - 1
  const seen = keys[top]
  const isKey = seen !== undefined && (left[top] ?? 0) % 2 === 0
  const head = cursor.at
  const kind = readItem(cursor)
  if (isKey && kind !== 'text') throw refuse(cursor, 'a key that is not text')
  if (kind === 'text') scanText(scan, head, isKey ? seen : undefined)
  else if (kind !== 'scalar') {
    const isMap = kind === 'map'
    openContainer(scan, isMap ? cursor.size * 2 : cursor.size, isMap)
    if (cursor.size > 0) return
  }
  closeContainers(left, keys)
}

function openContainer(scan: Scan, children: number, isMap: boolean): void {
  const { cursor, left, keys } = scan
  if (left.length >= MAX_DEPTH) throw refuse(cursor, `more than ${MAX_DEPTH} containers in each other`)
  if (children > cursor.bytes.length - cursor.at) throw refuse(cursor, 'a container longer than the bytes')
  scan.itemsLeft -= cursor.size
  if (scan.itemsLeft < 0) throw refuse(cursor, `more than ${MAX_ITEMS} values`)
  if (children === 0) return
  left.push(children)
  keys.push(isMap ? new Set() : undefined)
}

/** One item is complete, and with it every container whose last child it was. */
function closeContainers(left: number[], keys: unknown[]): void {
  for (let top = left.length - 1; top >= 0; top--) {
    const rest = (left[top] ?? 0) - 1
    left[top] = rest
    if (rest > 0) return
    left.pop()
    keys.pop()
  }
}

function scanText(scan: Scan, head: number, keys: Set<string> | undefined): void {
  const { cursor } = scan
  const { bytes } = cursor
  const start = take(cursor, cursor.size)
  const end = cursor.at
  const isAscii = end - start < 32 && isAsciiText(bytes, start, end)
  if (!isAscii && !isUtf8(bytes.subarray(start, end))) throw refuse(cursor, 'text that is not UTF-8')
  if (bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf && end - start >= 3) {
    scan.marked.push([head, start, end])
  }
  if (keys === undefined) return
  const key = scan.buffer.toString(isAscii ? 'latin1' : 'utf8', start, end)
  if (key === '__proto__') throw refuse(cursor, 'a key named __proto__')
  if (keys.has(key)) throw refuse(cursor, 'a key that comes twice')
  keys.add(key)
}

function isAsciiText(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if ((bytes[at] ?? 0) > 0x7f) return false
  return true
}
