import { InvalidMetadata, MetadataTooLarge } from './errors.ts'
import type { JsonObject, JsonValue } from './json.ts'
import { kindOf } from './kind-of.ts'
import type { Attributes } from './record.ts'

/** The most bytes that metadata, and attributes, may take as JSON. */
export const maxMetadataBytes = 65_536
const maxDepth = 64

type Field = 'metadata' | 'attributes'

/** A copy in the making: what it is of, and how many more values it may hold, since each takes a byte at least. */
interface Copying {
  readonly field: Field
  left: number
}

/** A frozen copy of what is plain JSON; anything else is `InvalidMetadata`, too much of it `MetadataTooLarge`. */
export function checkMetadata(metadata: unknown): JsonObject {
  return checkObject('metadata', metadata)
}

/** A frozen copy of a flat record of texts, finite numbers and booleans; anything else is `InvalidMetadata`. */
export function checkAttributes(attributes: unknown): Attributes {
  const copy = checkObject('attributes', attributes)
  for (const value of Object.values(copy)) {
    if (value === null || typeof value === 'object') {
      throw new InvalidMetadata('attributes', `expected texts, numbers and booleans only, received ${kindOf(value)}`)
    }
  }
  return copy as Attributes
}

function checkObject(field: Field, value: unknown): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidMetadata(field, `expected a JSON object, received ${kindOf(value)}`)
  }
  let copy: JsonObject
  try {
    copy = copyJson(value, 0, { field, left: maxMetadataBytes }) as JsonObject
  } catch (error) {
    if (error instanceof InvalidMetadata || error instanceof MetadataTooLarge) throw error
    throw new InvalidMetadata(field, 'a property threw while it was read')
  }
  const bytes = Buffer.byteLength(JSON.stringify(copy))
  if (bytes > maxMetadataBytes) throw new MetadataTooLarge(field, maxMetadataBytes, bytes)
  return copy
}

/** Copies and freezes, so that nobody changes a record through the object they passed in. */
function copyJson(value: unknown, depth: number, copying: Copying): JsonValue {
  if (--copying.left < 0) throw new MetadataTooLarge(copying.field, maxMetadataBytes, maxMetadataBytes + 1)
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (typeof value !== 'object')
    throw new InvalidMetadata(copying.field, `expected plain JSON, received ${kindOf(value)}`)
  if (depth >= maxDepth) throw new InvalidMetadata(copying.field, `nested deeper than ${maxDepth}, or cyclic`)
  if (Array.isArray(value)) return Object.freeze(Array.from(value, (element) => copyJson(element, depth + 1, copying)))
  const prototype = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype) return copyObject(value, depth, copying)
  throw new InvalidMetadata(copying.field, 'expected plain JSON, received an instance of a class')
}

function copyObject(value: object, depth: number, copying: Copying): JsonObject {
  const copy: Record<string, JsonValue> = {}
  for (const key of Object.keys(value)) {
    const member: unknown = (value as Record<string, unknown>)[key]
    if (member === undefined) continue
    const copied = copyJson(member, depth + 1, copying)
    // An own member of that name must not become the copy's prototype.
    if (key === '__proto__') Object.defineProperty(copy, key, { value: copied, enumerable: true })
    else copy[key] = copied
  }
  return Object.freeze(copy)
}
