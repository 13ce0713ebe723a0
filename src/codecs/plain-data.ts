import { types } from 'node:util'
import { CodecError } from '../errors.ts'

/** How many containers may be nested in each other: a list in a list is two. The same at encode and decode. */
export const MAX_DEPTH = 64

/** How many values one body may hold, containers included and keys not. The same at encode and decode. */
export const MAX_ITEMS: number = 2 ** 20

/** How long one encoded body may be, in bytes. The same at encode and decode. */
export const MAX_BYTES: number = 64 * 2 ** 20

const MIN_BIGINT = -(2n ** 63n)
const MAX_BIGINT = 2n ** 64n - 1n

/** Where the binary formats differ in what they carry. */
export interface PlainDataRules {
  /** The codec's format, for its errors. */
  readonly format: string
  /** `members`: undefined may be the value of an object's member only, and the encoder leaves that member out. */
  readonly undefinedIn: 'anything' | 'members'
  /** What the encoder is handed for a date. */
  readonly date: (epochMs: number) => unknown
}

/** A body as plain data that nobody else holds, and what its encoder has to know about it. */
export interface PlainData {
  readonly value: unknown
  /** Both encoders write -0 as the integer 0 unless told to write floats. */
  readonly hasNegativeZero: boolean
}

type Copy = unknown[] | Record<string, unknown>

interface Container {
  readonly source: object
  readonly copy: Copy
  readonly depth: number
  readonly parent: Container | undefined
}

interface Walk {
  readonly rules: PlainDataRules
  readonly pending: Container[]
  itemsLeft: number
  bytesLeft: number
  hasNegativeZero: boolean
  refusal: string | undefined
}

/**
 * Copies a body into plain data before an encoder sees it, reading every property once, so that no getter, proxy or
 * later change can show the encoder anything else. Carries null, undefined (see `rules`), booleans, numbers, bigints of
 * 64 bits (-2^63 to 2^64-1), well-formed text, dates, `Uint8Array`, arrays without holes, and objects with a plain or a
 * null prototype. Refuses everything else with `CodecError`, which names a kind and a depth, never a key or a value:
 * cycles, instances of classes, a key named `__proto__`, symbol keys, named properties of an array, and whatever
 * exceeds `MAX_DEPTH`, `MAX_ITEMS` or `MAX_BYTES`. Members that are not enumerable are ignored, as by JSON.
 */
export function plainData(value: unknown, rules: PlainDataRules): PlainData {
  const walk: Walk = {
    rules,
    pending: [],
    itemsLeft: MAX_ITEMS - 1,
    bytesLeft: MAX_BYTES,
    hasNegativeZero: false,
    refusal: undefined,
  }
  try {
    const copy = copyOf(walk, value, undefined)
    for (let next = walk.pending.pop(); next !== undefined; next = walk.pending.pop()) {
      if (Array.isArray(next.copy)) copyElements(walk, next, next.copy)
      else copyMembers(walk, next, next.copy)
    }
    return { value: copy, hasNegativeZero: walk.hasNegativeZero }
  } catch {
    // What was thrown may come from a getter or a proxy, and may quote the body: only our own words go on.
    throw new CodecError('NOT_ENCODABLE', rules.format, walk.refusal ?? 'the value threw while it was read')
  }
}

function refuse(walk: Walk, kind: string, parent: Container | undefined): Error {
  walk.refusal = `${kind} at depth ${parent?.depth ?? 0}`
  return new Error()
}

function copyElements(walk: Walk, container: Container, copy: unknown[]): void {
  for (let index = 0; index < copy.length; index++) {
    const value = copy[index]
    if (typeof value !== 'string' && typeof value !== 'boolean') copy[index] = copyOf(walk, value, container)
    else if (typeof value === 'string') checkText(walk, value, container)
  }
}

function copyMembers(walk: Walk, container: Container, copy: Record<string, unknown>): void {
  const keys = Object.keys(copy)
  walk.itemsLeft -= keys.length
  if (walk.itemsLeft < 0) throw refuse(walk, `more than ${MAX_ITEMS} values`, container)
  for (const key of keys) {
    // cbor-x renames this key without a word, and msgpack writes it but cannot read it back.
    if (key === '__proto__') throw refuse(walk, 'a key named __proto__', container)
    checkText(walk, key, container)
    const value = copy[key]
    if (typeof value === 'string') checkText(walk, value, container)
    else if (value !== undefined && value !== null) {
      const copied = copyOf(walk, value, container)
      if (copied !== value) copy[key] = copied
    }
  }
}

function checkText(walk: Walk, text: string, parent: Container | undefined): void {
  walk.bytesLeft -= text.length
  if (walk.bytesLeft < 0) throw refuse(walk, `more than ${MAX_BYTES} bytes`, parent)
  if (!text.isWellFormed()) throw refuse(walk, 'text with a lone surrogate', parent)
}

function copyOf(walk: Walk, value: unknown, parent: Container | undefined): unknown {
  switch (typeof value) {
    case 'string':
      checkText(walk, value, parent)
      return value
    case 'number':
      if (value === 0 && 1 / value < 0) walk.hasNegativeZero = true
      return value
    case 'boolean':
      return value
    case 'bigint':
      if (value < MIN_BIGINT || value > MAX_BIGINT) throw refuse(walk, 'a bigint of more than 64 bits', parent)
      return value
    case 'undefined':
      if (walk.rules.undefinedIn === 'members') throw refuse(walk, 'undefined outside a member', parent)
      return value
    case 'object':
      return value === null ? null : copyOfObject(walk, value, parent)
    default:
      throw refuse(walk, `a ${typeof value}`, parent)
  }
}

function copyOfObject(walk: Walk, value: object, parent: Container | undefined): unknown {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return open(walk, value, { ...value }, parent)
  if (prototype === Array.prototype && Array.isArray(value))
    return open(walk, value, elementsOf(walk, value, parent), parent)
  if (prototype === Date.prototype) {
    const epochMs = Date.prototype.getTime.call(value)
    if (Number.isNaN(epochMs)) throw refuse(walk, 'an invalid date', parent)
    return walk.rules.date(epochMs)
  }
  if (types.isUint8Array(value) && (prototype === Uint8Array.prototype || prototype === Buffer.prototype)) {
    const bytes = new Uint8Array(value)
    walk.bytesLeft -= bytes.length
    if (walk.bytesLeft < 0) throw refuse(walk, `more than ${MAX_BYTES} bytes`, parent)
    return bytes
  }
  throw refuse(walk, 'an instance of a class other than Date and Uint8Array', parent)
}

/** Reads the elements once, and refuses holes and named properties, which no format could give back. */
function elementsOf(walk: Walk, source: readonly unknown[], parent: Container | undefined): unknown[] {
  const length = source.length
  walk.itemsLeft -= length
  if (walk.itemsLeft < 0) throw refuse(walk, `more than ${MAX_ITEMS} values`, parent)
  const keys = Object.keys(source)
  // Indexes come before names, so that the right number of keys and the right last one leave no room for either.
  if (keys.length !== length || (length > 0 && keys[length - 1] !== `${length - 1}`)) {
    throw refuse(walk, 'an array with holes or named properties', parent)
  }
  const elements = new Array<unknown>(length)
  for (let index = 0; index < length; index++) elements[index] = source[index]
  return elements
}

function open(walk: Walk, source: object, copy: Copy, parent: Container | undefined): Copy {
  const depth = (parent?.depth ?? 0) + 1
  for (let above = parent; above !== undefined; above = above.parent) {
    if (above.source === source) throw refuse(walk, 'a cycle', parent)
  }
  if (depth > MAX_DEPTH) throw refuse(walk, `more than ${MAX_DEPTH} containers in each other`, parent)
  if (Object.getOwnPropertySymbols(Array.isArray(copy) ? source : copy).length > 0)
    throw refuse(walk, 'a symbol as a key', parent)
  walk.pending.push({ source, copy, depth, parent })
  return copy
}
