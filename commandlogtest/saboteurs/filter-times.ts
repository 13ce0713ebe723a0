// Filters on times that are misread.

import { base } from './base-steps.ts'
import { asking } from './filters.ts'
import { type Suspect, suspect } from './saboteur.ts'

/** Times. */
export const timeSuspects: readonly Suspect[] = [
  suspect('filters/from-exclusive', 'from leaves out what was received at that very time.', () =>
    asking((query) => ({ ...query, from: query.from === undefined ? undefined : query.from + 1 })),
  ),
  suspect('filters/to-inclusive', 'to takes in what was received at that very time.', () =>
    asking((query) => ({ ...query, to: query.to === undefined ? undefined : query.to + 1 })),
  ),
  suspect('filters/from-in-seconds', 'from is compared in whole seconds.', () =>
    asking((query) => ({
      ...query,
      from: query.from === undefined ? undefined : Math.floor(query.from / 1000) * 1000,
    })),
  ),
  suspect('filters/to-in-seconds', 'to is compared in whole seconds.', () =>
    asking((query) => ({ ...query, to: query.to === undefined ? undefined : Math.ceil(query.to / 1000) * 1000 })),
  ),
  suspect('filters/swaps-an-inverted-range', 'A from after its to is taken the other way round.', () =>
    asking((query) => {
      const { from, to } = query
      return from !== undefined && to !== undefined && from > to ? { ...query, from: to, to: from } : query
    }),
  ),
  suspect('filters/time-zero-is-absent', 'A time of 0 is taken as not asked.', () =>
    asking((query) => ({ ...query, from: query.from || undefined, to: query.to || undefined })),
  ),
  suspect('filters/dates-are-ignored', 'A Date as from or to is ignored.', () => ({
    checkQuery(query) {
      base.checkQuery(query)
      const isDate = (value: unknown): boolean => value instanceof Date
      return base.checkQuery({
        ...query,
        ...(isDate(query?.from) && { from: undefined }),
        ...(isDate(query?.to) && { to: undefined }),
      })
    },
  })),
  suspect('filters/time-of-settling', 'from and to compare the time of settling where there is one.', () => ({
    matches: (query, record) => base.matches(query, { ...record, receivedAt: record.settledAt ?? record.receivedAt }),
  })),
  suspect('filters/times-in-32-bits', 'from and to are cut to 32 bits of seconds, so that far times wrap around.', () =>
    asking((query) => ({ ...query, from: wrapped(query.from), to: wrapped(query.to) })),
  ),
]

function wrapped(time: number | undefined): number | undefined {
  if (time === undefined || Math.abs(time) < 2 ** 31 * 1000) return time
  return (Math.floor(time / 1000) | 0) * 1000
}
