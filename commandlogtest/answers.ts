import type { CommandRecord, Page, RecordResult } from '../src/index.ts'
import { show } from './show.ts'
import { Violation } from './violation.ts'

/** Checks what `record` resolved to. */
export function readResult(value: unknown): RecordResult {
  if (value === 'created' || value === 'settled' || value === 'unchanged') return value
  throw odd('record', "'created', 'settled' or 'unchanged'", value)
}

/** Checks what `get` resolved to. */
export function readFound(method: string, value: unknown): CommandRecord | undefined {
  return value === undefined ? undefined : readRecord(method, value)
}

/** Checks what a find of records resolved to. */
export function readRecords(value: unknown, method = 'findByCorrelation'): readonly CommandRecord[] {
  if (!Array.isArray(value)) throw odd(method, 'an array of records', value)
  for (const each of value) readRecord(method, each)
  return value as readonly CommandRecord[]
}

/** Checks a page. */
export function readPage(method: string, value: unknown): Page {
  if (typeof value !== 'object' || value === null) throw odd(method, 'a page', value)
  const { records, next } = value as { records?: unknown; next?: unknown }
  readRecords(records, method)
  if (next !== undefined && typeof next !== 'string') throw odd(method, 'a page whose next is a text or absent', value)
  return value as Page
}

/** Checks what `purge` resolved to. */
export function readCount(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw odd('purge', 'the number of records that it removed', value)
}

/** Checks that this has the shape of a record, so that checks can read it. */
export function readRecord(method: string, value: unknown): CommandRecord {
  try {
    const { id, type, state, payload, events } = value as Record<string, unknown>
    const isShaped =
      typeof id === 'string' && typeof type === 'string' && typeof state === 'string' && Array.isArray(events)
    if (isShaped && typeof payload === 'object' && payload !== null) return value as CommandRecord
  } catch {
    // Not an object, or one whose members throw when read: no record either way.
  }
  throw odd(method, 'a record', value)
}

function odd(method: string, expected: string, value: unknown): Violation {
  return new Violation(`${method} answered with something else than the contract has`, {
    expected,
    actual: show(value),
  })
}
