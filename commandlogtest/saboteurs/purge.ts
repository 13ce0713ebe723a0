// Purging the wrong records, too many or too few.

import type { CommandRecord } from '../../src/index.ts'
import { base } from './base-steps.ts'
import type { Row } from './data.ts'
import { type SaboteurOptions, type Suspect, suspect } from './saboteur.ts'
import type { CheckedPurge, Handle, Steps } from './steps.ts'

const purge: SaboteurOptions = { bricks: ['purge'] }

/** A store that finds other records due. */
function due(isDue: (record: CommandRecord, options: CheckedPurge) => boolean): Partial<Steps> {
  return { isDue }
}

/** The rows that are due, oldest first. */
function dueRows({ data, steps }: Handle, options: CheckedPurge): Row[] {
  return data.ordered.filter(({ record }) => steps.isDue(record, options))
}

/** What is removed. */
export const purgeSuspects: readonly Suspect[] = [
  suspect(
    'purge/takes-unsettled',
    'Records that are still created are purged too.',
    () => due((record, { retention, before }) => record.retention === retention && record.receivedAt < before),
    purge,
  ),
  suspect(
    'purge/takes-permanent',
    'Permanent records are purged with the long-lived ones.',
    () =>
      due(
        (record, options) =>
          base.isDue(record, options) ||
          (options.retention === 'long-lived' && base.isDue(record, { ...options, retention: 'permanent' })),
      ),
    purge,
  ),
  suspect(
    'purge/never-permanent',
    'Permanent records are not purged even when named.',
    () => due((record, options) => options.retention !== 'permanent' && base.isDue(record, options)),
    purge,
  ),
  suspect(
    'purge/ignores-retention',
    'Records of every retention but permanent are purged.',
    () =>
      due(
        (record, options) =>
          record.retention !== 'permanent' && base.isDue(record, { ...options, retention: record.retention }),
      ),
    purge,
  ),
  suspect(
    'purge/shorter-too',
    'Purging long-lived records takes the short-lived ones with them.',
    () =>
      due(
        (record, options) =>
          base.isDue(record, options) ||
          (options.retention === 'long-lived' && base.isDue(record, { ...options, retention: 'short-lived' })),
      ),
    purge,
  ),
  suspect(
    'purge/before-inclusive',
    'What was received at the very time of the cut is purged.',
    () => due((record, options) => base.isDue(record, { ...options, before: options.before + 1 })),
    purge,
  ),
  suspect(
    'purge/before-in-seconds',
    'The cut is taken in whole seconds.',
    () =>
      due((record, options) => base.isDue(record, { ...options, before: Math.floor(options.before / 1000) * 1000 })),
    purge,
  ),
  suspect(
    'purge/by-time-of-settling',
    'The cut is compared with the time of settling.',
    () =>
      due((record, options) => base.isDue({ ...record, receivedAt: record.settledAt ?? record.receivedAt }, options)),
    purge,
  ),
  suspect(
    'purge/ignores-the-cut',
    'Settled records of that retention are purged whatever their time.',
    () => due((record, options) => base.isDue(record, { ...options, before: Number.POSITIVE_INFINITY })),
    purge,
  ),
  suspect(
    'purge/date-is-ignored',
    'A cut that is a Date purges nothing.',
    () => ({
      checkPurge: (options) => ({
        ...base.checkPurge(options),
        ...(options?.before instanceof Date && { before: Number.NEGATIVE_INFINITY }),
      }),
    }),
    purge,
  ),
  suspect(
    'purge/successful-only',
    'Only successful records are purged.',
    () => due((record, options) => record.state === 'successful' && base.isDue(record, options)),
    purge,
  ),
  suspect(
    'purge/keeps-dry-runs',
    'Dry runs are not purged.',
    () => due((record, options) => !record.dryRun && base.isDue(record, options)),
    purge,
  ),
  suspect(
    'purge/newest-first',
    'With a limit the newest are purged.',
    () => ({
      async purge(handle, options) {
        const rows = dueRows(handle, options).reverse().slice(0, options.limit)
        for (const row of rows) base.drop(handle, row)
        return rows.length
      },
    }),
    purge,
  ),
  suspect(
    'purge/ignores-limit',
    'All are purged, whatever the limit.',
    () => ({
      purge: (handle, options) => base.purge(handle, { ...options, limit: undefined }),
    }),
    purge,
  ),
  suspect(
    'purge/one-too-many',
    'One more than the limit is purged.',
    () => ({
      purge: (handle, options) =>
        base.purge(handle, { ...options, limit: options.limit === undefined ? undefined : options.limit + 1 }),
    }),
    purge,
  ),
  suspect(
    'purge/limit-of-the-scan',
    'The limit is how many records are looked at, not how many are removed.',
    () => ({
      async purge(handle, options) {
        const { data } = handle
        const rows = data.ordered.slice(0, options.limit).filter(({ record }) => handle.steps.isDue(record, options))
        for (const row of rows) base.drop(handle, row)
        return rows.length
      },
    }),
    purge,
  ),
  suspect(
    'purge/at-most-100',
    'Without a limit at most 100 are purged.',
    () => ({
      purge: (handle, options) => base.purge(handle, { ...options, limit: options.limit ?? 100 }),
    }),
    purge,
  ),
  suspect(
    'purge/at-most-1000',
    'However large the limit, at most 1000 are purged.',
    () => ({
      purge: (handle, options) => base.purge(handle, { ...options, limit: Math.min(options.limit ?? 1000, 1000) }),
    }),
    purge,
  ),
  suspect(
    'purge/every-other',
    'Every other record is skipped, as when a list is changed while it is walked.',
    () => ({
      async purge(handle, options) {
        const rows = dueRows(handle, options)
          .slice(0, options.limit)
          .filter((_row, index) => index % 2 === 0)
        for (const row of rows) base.drop(handle, row)
        return rows.length
      },
    }),
    purge,
  ),
  suspect(
    'purge/keeps-bodies',
    'A purged record is blanked, not removed.',
    () => ({
      drop(_handle, row) {
        row.record = { ...row.record, retention: 'permanent', payload: { status: 'omitted', format: 'json', bytes: 0 } }
      },
    }),
    purge,
  ),
]
