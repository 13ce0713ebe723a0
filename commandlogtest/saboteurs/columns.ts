// Fields that do not survive: columns too narrow, mappers too clever.

import type { CommandRecord, EventRef } from '../../src/index.ts'
import { base } from './base-steps.ts'
import { type Suspect, suspect } from './saboteur.ts'
import { reading, storing, withTexts } from './values.ts'

const optional = [
  'causationId',
  'clientRef',
  'tenantId',
  'userId',
  'metadata',
  'attributes',
  'replayOf',
  'source',
  'traceparent',
] as const

/** Text columns. */
export const textSuspects: readonly Suspect[] = [
  suspect('sql/varchar-64', 'Texts outside the body are cut to 64 characters, ids apart.', () =>
    storing((record) => ({ ...withTexts((text) => text.slice(0, 64))(record), id: record.id })),
  ),
  suspect('sql/varchar-255', 'The last character of an id of 256 is cut.', () => ({
    copyIn: (record) => base.copyIn({ ...record, id: record.id.slice(0, 255) }),
    find: (handle, id) => base.find(handle, id.slice(0, 255)),
  })),
  suspect('sql/id-without-case', 'Two ids that differ in case are one.', () => ({
    add(handle, record) {
      base.add(handle, record)
      const row = handle.data.rows.get(record.id)
      if (row !== undefined) handle.data.rows.set(`key ${record.id.toLowerCase()}`, row)
    },
    find: (handle, id) => handle.data.rows.get(`key ${id.toLowerCase()}`),
  })),
  suspect('sql/trims-text', 'Spaces at the end of texts are trimmed, ids apart.', () =>
    storing((record) => ({ ...withTexts((text) => text.trimEnd())(record), id: record.id })),
  ),
  suspect('sql/id-trimmed', 'Ids that differ only in spaces at the end are one.', () => ({
    add(handle, record) {
      base.add(handle, record)
      const row = handle.data.rows.get(record.id)
      if (row !== undefined) handle.data.rows.set(`key ${record.id.trimEnd()}`, row)
    },
    find: (handle, id) => handle.data.rows.get(`key ${id.trimEnd()}`),
  })),
  suspect('sql/three-byte-utf8', 'Characters beyond the basic plane become a question mark, ids apart.', () =>
    storing((record) => ({
      ...withTexts((text) => text.replaceAll(/[\u{10000}-\u{10ffff}]/gu, '?'))(record),
      id: record.id,
    })),
  ),
  suspect('sql/doubles-quotes', 'A single quote comes back as two.', () =>
    storing((record) => ({ ...withTexts((text) => text.replaceAll("'", "''"))(record), id: record.id })),
  ),
  suspect('sql/eats-backslashes', 'A backslash is taken for an escape and lost.', () =>
    storing((record) => ({ ...withTexts((text) => text.replaceAll('\\', ''))(record), id: record.id })),
  ),
  suspect('files/slashes-in-ids', 'A slash in an id becomes an underscore: such ids meet.', () => ({
    copyIn: (record) => base.copyIn({ ...record, id: record.id.replaceAll('/', '_') }),
    find: (handle, id) => base.find(handle, id.replaceAll('/', '_')),
  })),
  suspect('redis/percent-decoded-ids', 'Ids are decoded as URLs: %20 and a space are one.', () => ({
    copyIn: (record) => base.copyIn({ ...record, id: decoded(record.id) }),
    find: (handle, id) => base.find(handle, decoded(id)),
  })),
  suspect('text/normalised', 'Texts are brought to normal form C, ids apart.', () =>
    storing((record) => ({ ...withTexts((text) => text.normalize())(record), id: record.id })),
  ),
  suspect('text/id-normalised', 'Ids that are composed and decomposed forms of one text are one.', () => ({
    copyIn: (record) => base.copyIn({ ...record, id: record.id.normalize() }),
    find: (handle, id) => base.find(handle, id.normalize()),
  })),
  suspect('text/escapes-html', 'Texts come back with < and & as HTML entities.', () =>
    storing((record) => ({
      ...withTexts((text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;'))(record),
      id: record.id,
    })),
  ),
  suspect('text/control-characters-dropped', 'Control characters are dropped from metadata and errors.', () =>
    storing((record) => ({ ...withTexts((text) => text.replaceAll(/\p{Cc}/gu, ''))(record), id: record.id })),
  ),
]

/** Scalar columns. */
export const scalarSuspects: readonly Suspect[] = [
  ...optional.map((field) =>
    suspect(`columns/no-${field.toLowerCase()}`, `There is no column for ${field}.`, () =>
      storing(({ [field]: _lost, ...record }) => record as CommandRecord),
    ),
  ),
  suspect('sql/int32', 'Event versions and durations beyond 32 bits wrap around.', () =>
    storing((record) => ({
      ...withEvents((events) =>
        events.map((event) => (event.version === undefined ? event : { ...event, version: event.version | 0 })),
      )(record),
      ...(record.durationMs !== undefined && record.durationMs > 2 ** 31 && { durationMs: record.durationMs | 0 }),
    })),
  ),
  suspect('sql/real', 'Durations are stored with single precision.', () =>
    storing((record) => ({
      ...record,
      ...(record.durationMs !== undefined && { durationMs: Math.fround(record.durationMs) }),
    })),
  ),
  suspect('sql/whole-durations', 'Durations are rounded to whole milliseconds.', () =>
    storing((record) => ({
      ...record,
      ...(record.durationMs !== undefined && { durationMs: Math.round(record.durationMs) }),
    })),
  ),
  suspect('sql/zero-is-null', 'A duration or number of attempts of 0 comes back as absent.', () =>
    reading(({ durationMs, attempts, ...record }) => ({
      ...record,
      ...(durationMs && { durationMs }),
      ...(attempts && { attempts }),
    })),
  ),
  suspect('sql/seconds', 'The time of receipt is stored in whole seconds.', () =>
    storing((record) => ({ ...record, receivedAt: Math.floor(record.receivedAt / 1000) * 1000 })),
  ),
  suspect('sql/settled-in-seconds', 'The time of settling is stored in whole seconds.', () =>
    storing((record) => ({
      ...record,
      ...(record.settledAt !== undefined && { settledAt: Math.floor(record.settledAt / 1000) * 1000 }),
    })),
  ),
  suspect('sql/own-clock', 'The time of receipt is the time of the insert.', () =>
    storing((record) => ({ ...record, receivedAt: Date.now() })),
  ),
  suspect('sql/times-as-dates', 'Times come back as Dates.', () =>
    reading((record) => ({ ...record, receivedAt: new Date(record.receivedAt) as unknown as number })),
  ),
  suspect('sql/times-as-text', 'Times come back as text, as a driver gives 64-bit integers.', () =>
    reading((record) => ({ ...record, receivedAt: String(record.receivedAt) as unknown as number })),
  ),
  suspect('sql/booleans-as-numbers', 'dryRun comes back as 0 or 1.', () =>
    reading((record) => ({ ...record, dryRun: Number(record.dryRun) as unknown as boolean })),
  ),
  suspect('mongo/absent-is-null', 'Absent fields come back as null.', () =>
    reading(
      (record) => ({ ...Object.fromEntries(optional.map((field) => [field, null])), ...record }) as CommandRecord,
    ),
  ),
  suspect('sql/empty-text-is-null', 'A tenant, user or client that is the empty text comes back as absent.', () =>
    storing(({ tenantId, userId, clientRef, ...record }) => ({
      ...record,
      ...(tenantId && { tenantId }),
      ...(userId && { userId }),
      ...(clientRef && { clientRef }),
    })),
  ),
  suspect('columns/retention-from-importance', 'The retention is derived from the importance when read.', () =>
    reading((record) => ({
      ...record,
      retention:
        record.importance === 'high' ? 'permanent' : record.importance === 'low' ? 'short-lived' : 'long-lived',
    })),
  ),
  suspect('columns/importance-forgotten', 'The importance comes back as normal.', () =>
    reading((record) => ({ ...record, importance: 'normal' })),
  ),
  suspect('columns/dry-run-forgotten', 'dryRun comes back as false.', () =>
    reading((record) => ({ ...record, dryRun: false })),
  ),
  suspect(
    'columns/correlation-defaults-to-id',
    'A record comes back with its own id as correlation when it has a cause.',
    () =>
      reading((record) => ({
        ...record,
        correlationId: record.causationId === undefined ? record.correlationId : record.id,
      })),
  ),
]

function decoded(id: string): string {
  try {
    return decodeURIComponent(id)
  } catch {
    // No URL: kept as it is.
    return id
  }
}

/** A record with every event changed. */
function withEvents(change: (events: readonly EventRef[]) => readonly unknown[]) {
  return (record: CommandRecord): CommandRecord => ({ ...record, events: change(record.events) as readonly EventRef[] })
}
