// Values that a store takes for something else at their edge.

import type { CommandRecord, Page } from '../../src/index.ts'
import { base } from './base-steps.ts'
import { type Suspect, suspect } from './saboteur.ts'
import type { Steps } from './steps.ts'
import { reading, withData } from './values.ts'

/** A store in which one field, where it is there, comes back as something else. */
function giving<Field extends keyof CommandRecord>(
  field: Field,
  change: (value: NonNullable<CommandRecord[Field]>) => CommandRecord[Field],
): Partial<Steps> {
  return reading((record) => {
    const value = record[field]
    return value === undefined || value === null ? record : { ...record, [field]: change(value) }
  })
}

/** What is taken for text, for nothing, or for a smaller number. */
export const valueEdgeSuspects: readonly Suspect[] = [
  suspect('codec/printable-bytes-as-text', 'Bytes that are printable come back as text.', () =>
    reading(
      withData((data) => {
        if (typeof data === 'string' || data.length === 0) return data
        return data.every((byte) => byte >= 32 && byte < 127) ? Buffer.from(data).toString() : data
      }),
    ),
  ),
  suspect('codec/byte-order-mark-eaten', 'A byte order mark at the beginning of a text is lost.', () =>
    reading(
      withData((data, { format }) =>
        typeof data === 'string' && format !== 'json' ? data.replace(/^\ufeff/, '') : data,
      ),
    ),
  ),
  suspect('columns/settled-before-1970-is-zero', 'A time of settling before 1970 comes back as 0.', () =>
    giving('settledAt', (time) => Math.max(0, time)),
  ),
  suspect('columns/trace-in-lower-case', 'The trace of a record comes back in lower case.', () =>
    giving('traceparent', (trace) => trace.toLowerCase()),
  ),
  suspect('columns/trace-of-55', 'The trace of a record is cut at 55 characters.', () =>
    giving('traceparent', (trace) => trace.slice(0, 55)),
  ),
  suspect('columns/attempts-in-16-bits', 'The number of attempts wraps around at 16 bits.', () =>
    giving('attempts', (attempts) => (attempts << 16) >> 16),
  ),
  suspect(
    'cache/page-until-a-write',
    'A page from a cursor is remembered until somebody writes, which a purge does not.',
    () => {
      const pages = new Map<string, Page>()
      return {
        write(handle, record) {
          pages.clear()
          return base.write(handle, record)
        },
        async page(handle, query) {
          if (query.cursor === undefined) return base.page(handle, query)
          const key = `${query.limit} ${query.cursor}`
          const page = pages.get(key) ?? (await base.page(handle, query))
          pages.set(key, page)
          return page
        },
      }
    },
    { bricks: ['purge'] },
  ),
]
