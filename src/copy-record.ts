import type { JsonObject, JsonValue } from './json.ts'
import type { CommandRecord, EventRef, Payload } from './record.ts'

const noEvents: readonly EventRef[] = Object.freeze([])

/** A record that shares nothing changeable with the given one: what a store takes in, and what it hands out. */
export function copyRecord(record: CommandRecord): CommandRecord {
  const copy: { -readonly [key in keyof CommandRecord]: CommandRecord[key] } = { ...record }
  copy.payload = copyPayload(record.payload)
  copy.events = record.events.length === 0 ? noEvents : record.events.map((event) => ({ ...event }))
  if (record.result !== undefined) copy.result = copyPayload(record.result)
  if (record.metadata !== undefined) copy.metadata = copyJson(record.metadata) as JsonObject
  if (record.attributes !== undefined) copy.attributes = copyJson(record.attributes) as Record<string, string>
  if (record.problem !== undefined) copy.problem = copyJson(record.problem) as JsonObject
  if (record.error !== undefined) copy.error = { ...record.error }
  if (record.source !== undefined) copy.source = { ...record.source }
  return copy
}

function copyPayload(payload: Payload): Payload {
  const { data } = payload
  return data instanceof Uint8Array ? { ...payload, data: Uint8Array.from(data) } : { ...payload }
}

/** A deep copy that keeps an own member of any name, `__proto__` included, an own member. */
function copyJson(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copyJson)
  const entries = Object.entries(value as JsonObject)
  return Object.fromEntries(entries.map(([key, member]) => [key, copyJson(member as JsonValue)]))
}
