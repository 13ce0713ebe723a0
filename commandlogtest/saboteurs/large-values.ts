// Values that are longer, deeper or more than a column was made for, and those that look like a mark of the store's own.

import type { CommandRecord, JsonValue, Payload } from '../../src/index.ts'
import { isSettled } from '../../storekit/index.ts'
import { type Suspect, suspect } from './saboteur.ts'
import { reading, storing } from './values.ts'

/** A record with the formats of its bodies changed. */
function withFormats(change: (format: string) => string) {
  const one = (payload: Payload): Payload => ({ ...payload, format: change(payload.format) })
  return (record: CommandRecord): CommandRecord => ({
    ...record,
    payload: one(record.payload),
    ...(record.result && { result: one(record.result) }),
  })
}

/** A deep copy of JSON in which objects may come to life. */
function revived(value: unknown, revive: (object: Record<string, unknown>) => unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((each) => revived(each, revive))
  const alive = revive(value as Record<string, unknown>)
  if (alive !== undefined) return alive
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, revived(each, revive)]))
}

function reviving(field: 'metadata' | 'problem', revive: (object: Record<string, unknown>) => unknown) {
  return (record: CommandRecord): CommandRecord =>
    record[field] === undefined
      ? record
      : ({ ...record, [field]: revived(record[field], revive) } as unknown as CommandRecord)
}

function cut(value: JsonValue, depth: number): JsonValue {
  if (typeof value !== 'object' || value === null) return value
  if (depth === 0) return null
  if (Array.isArray(value)) return value.map((each: JsonValue) => cut(each, depth - 1))
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, cut(each as JsonValue, depth - 1)]))
}

/** Too long, too deep, too many. */
export const largeValueSuspects: readonly Suspect[] = [
  suspect('columns/stack-of-8192', 'The stack of an error is cut at 8,192 characters.', () =>
    storing((record) =>
      record.error?.stack === undefined
        ? record
        : { ...record, error: { ...record.error, stack: record.error.stack.slice(0, 8192) } },
    ),
  ),
  suspect('columns/detail-of-4000', 'The detail of a problem is cut at 4,000 characters.', () =>
    storing((record) =>
      record.problem?.detail === undefined
        ? record
        : { ...record, problem: { ...record.problem, detail: record.problem.detail.slice(0, 4000) } },
    ),
  ),
  suspect('columns/thousand-events', 'Only the first 1,000 events are kept.', () =>
    storing((record) => ({ ...record, events: record.events.slice(0, 1000) })),
  ),
  suspect('columns/large-outcome-cut', 'Of an outcome larger than 64 KiB the metadata are dropped.', () =>
    storing(({ metadata, ...record }) => {
      const { problem, error, events, result } = record
      const isLarge = isSettled(record) && JSON.stringify([problem, error, events, result, metadata]).length > 65_536
      return isLarge || metadata === undefined ? record : { ...record, metadata }
    }),
  ),
  suspect('columns/metadata-deeper-than-100', 'Metadata deeper than 100 levels are cut.', () =>
    storing((record) =>
      record.metadata === undefined ? record : { ...record, metadata: cut(record.metadata, 100) as never },
    ),
  ),
  suspect('columns/format-of-32', 'The name of a format is cut at 32 characters.', () =>
    storing(withFormats((format) => format.slice(0, 32))),
  ),
]

/** Taken for something else. */
export const mistakenValueSuspects: readonly Suspect[] = [
  suspect('codec/format-in-lower-case', 'The name of a format is stored in lower case.', () =>
    storing(withFormats((format) => format.toLowerCase())),
  ),
  suspect('json/base64-revived', 'An object with a member base64 in metadata comes back as bytes.', () =>
    reading(
      reviving('metadata', ({ base64 }) => (typeof base64 === 'string' ? Buffer.from(base64, 'base64') : undefined)),
    ),
  ),
  suspect('mongo/ids-revived', 'An object with a member $oid in a problem comes back as text.', () =>
    reading(reviving('problem', ({ $oid }) => ($oid === undefined ? undefined : String($oid)))),
  ),
  suspect(
    'dynamo/types-unwrapped',
    'An object in metadata that looks like a typed value comes back as that value.',
    () => reading(reviving('metadata', ({ S, ...others }) => (Object.keys(others).length === 0 ? S : undefined))),
  ),
  suspect('columns/empty-streams-dropped', 'An event whose stream is the empty text comes back without one.', () =>
    storing((record) => ({
      ...record,
      events: record.events.map(({ stream, ...event }) => (stream ? { ...event, stream } : event)),
    })),
  ),
  suspect('columns/attempts-zero-lost', 'A record of 0 attempts comes back without their number.', () =>
    storing(({ attempts, ...record }) => (attempts ? { ...record, attempts } : record)),
  ),
  suspect('columns/own-cause-dropped', 'A record that names itself as its cause comes back without one.', () =>
    storing(({ causationId, ...record }) =>
      causationId === undefined || causationId === record.id ? record : { ...record, causationId },
    ),
  ),
]
