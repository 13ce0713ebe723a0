import { InvalidMetadata, kindOf, MetadataTooLarge } from './errors.ts'
import type { JsonObject, JsonValue } from './json.ts'
import type { Attributes } from './record.ts'

/** The most bytes that metadata, and attributes, may take as JSON. */
export const maxMetadataBytes = 65_536
const maxDepth = 64

/** A frozen copy of what is plain JSON; anything else is `InvalidMetadata`, too much of it `MetadataTooLarge`. */
export function checkMetadata(metadata: unknown): JsonObject {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    throw new InvalidMetadata('metadata', `expected a JSON object, received ${kindOf(metadata)}`)
  }
  const copy = readSafely('metadata', () => copyJson(metadata, 0)) as JsonObject
  checkSize('metadata', copy)
  return copy
}

/** A frozen copy of a flat record of texts, finite numbers and booleans; anything else is `InvalidMetadata`. */
export function checkAttributes(attributes: unknown): Attributes {
  if (typeof attributes !== 'object' || attributes === null || Array.isArray(attributes)) {
    throw new InvalidMetadata('attributes', `expected a flat record, received ${kindOf(attributes)}`)
  }
  const copy = readSafely('attributes', () => {
    const flat = copyJson(attributes, 0) as Record<string, unknown>
    for (const value of Object.values(flat)) {
      if (value === null || typeof value === 'object') {
        throw new InvalidMetadata('attributes', `expected texts, numbers and booleans only, received ${kindOf(value)}`)
      }
    }
    return flat as Attributes
  })
  checkSize('attributes', copy)
  return copy
}

function readSafely<T>(field: 'metadata' | 'attributes', read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof InvalidMetadata)
      throw error.field === field ? error : new InvalidMetadata(field, reasonOf(error))
    throw new InvalidMetadata(field, 'a property threw while it was read')
  }
}

function reasonOf(error: InvalidMetadata): string {
  return error.message.slice(error.field.length + 2)
}

function checkSize(field: 'metadata' | 'attributes', copy: object): void {
  const bytes = Buffer.byteLength(JSON.stringify(copy))
  if (bytes > maxMetadataBytes) throw new MetadataTooLarge(field, maxMetadataBytes, bytes)
}

/** Copies and freezes, so that nobody changes a record through the object they passed in. */
function copyJson(value: unknown, depth: number): JsonValue {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value
  } else if (typeof value === 'object') {
    if (depth >= maxDepth) throw new InvalidMetadata('metadata', `nested deeper than ${maxDepth}, or cyclic`)
    if (Array.isArray(value)) return Object.freeze(Array.from(value, (element) => copyJson(element, depth + 1)))
    const prototype = Object.getPrototypeOf(value)
    if (prototype === null || prototype === Object.prototype) return copyObject(value, depth)
    throw new InvalidMetadata('metadata', 'expected plain JSON, received an instance of a class')
  }
  throw new InvalidMetadata('metadata', `expected plain JSON, received ${kindOf(value)}`)
}

function copyObject(value: object, depth: number): JsonObject {
  const copy: Record<string, JsonValue> = {}
  for (const key of Object.keys(value)) {
    const member: unknown = (value as Record<string, unknown>)[key]
    if (member === undefined) continue
    const copied = copyJson(member, depth + 1)
    // An own member of that name must not become the copy's prototype.
    if (key === '__proto__') Object.defineProperty(copy, key, { value: copied, enumerable: true })
    else copy[key] = copied
  }
  return Object.freeze(copy)
}
