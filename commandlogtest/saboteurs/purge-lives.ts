// Purging by what the outcome said, by what else refers to a record, and across the lives of an id.

import type { CommandRecord } from '../../src/index.ts'
import { isSettled, settle } from '../../storekit/index.ts'
import { base } from './base-steps.ts'
import type { Row } from './data.ts'
import { pause, type SaboteurOptions, type Suspect, suspect } from './saboteur.ts'
import type { CheckedPurge, Handle, Steps } from './steps.ts'

const purge: SaboteurOptions = { bricks: ['purge'] }

/** A store that finds due by fields of the outcome. */
function byOutcome(fields: readonly ('receivedAt' | 'retention')[]): Partial<Steps> {
  const said = new Map<string, Partial<CommandRecord>>()
  return {
    settle(first, outcome) {
      said.set(first.id, Object.fromEntries(fields.map((field) => [field, outcome[field]])))
      return settle(first, outcome)
    },
    isDue: (record, options) => base.isDue({ ...record, ...said.get(record.id) }, options),
  }
}

/** Of that retention and before the cut, whether settled or not. */
function oldRows({ data }: Handle, { retention, before }: CheckedPurge): Row[] {
  return data.ordered.filter(({ record }) => record.retention === retention && record.receivedAt < before)
}

/** Removes these, as far as they are settled. */
function dropSettled(handle: Handle, rows: readonly Row[]): number {
  const settled = rows.filter(({ record }) => isSettled(record))
  for (const row of settled) base.drop(handle, row)
  return settled.length
}

/** A store that removes with a record whatever refers to it. */
function cascading(refers: (record: CommandRecord, to: CommandRecord) => boolean): Partial<Steps> {
  return {
    drop(handle, row) {
      base.drop(handle, row)
      const others = handle.data.ordered.filter(({ record }) => refers(record, row.record))
      for (const other of others) base.drop(handle, other)
    },
  }
}

const isCausedBy = (record: CommandRecord, { id }: CommandRecord): boolean => record.causationId === id

/** What is due. */
export const purgeDueSuspects: readonly Suspect[] = [
  suspect(
    'purge/by-receipt-of-the-outcome',
    'The cut is compared with the time of receipt that the outcome said.',
    () => byOutcome(['receivedAt']),
    purge,
  ),
  suspect(
    'purge/by-retention-of-the-outcome',
    'Purging goes by the retention that the outcome said.',
    () => byOutcome(['retention']),
    purge,
  ),
  suspect(
    'purge/limit-of-unsettled-ones-too',
    'The limit counts old records that are not settled too.',
    () => ({ purge: async (handle, options) => dropSettled(handle, oldRows(handle, options).slice(0, options.limit)) }),
    purge,
  ),
  suspect(
    'purge/stops-at-an-unsettled-batch',
    'A batch of a hundred in which nothing is settled ends the purge.',
    () => ({
      async purge(handle, { limit = Number.POSITIVE_INFINITY, ...options }) {
        const rows = oldRows(handle, { ...options, limit })
        let removed = 0
        for (let from = 0; from < rows.length && removed < limit; from += 100) {
          const settled = rows.slice(from, from + 100).filter(({ record }) => isSettled(record))
          if (settled.length === 0) break
          removed += dropSettled(handle, settled.slice(0, limit - removed))
        }
        return removed
      },
    }),
    purge,
  ),
  suspect(
    'purge/at-most-2000',
    'Without a limit at most 2,000 are purged.',
    () => ({ purge: (handle, options) => base.purge(handle, { ...options, limit: options.limit ?? 2000 }) }),
    purge,
  ),
  suspect(
    'purge/undefined-limit-is-one',
    'A limit that is named but undefined is taken for 1.',
    () => ({
      checkPurge: (options) => ({
        ...base.checkPurge(options),
        ...('limit' in options && options.limit === undefined && { limit: 1 }),
      }),
    }),
    purge,
  ),
  suspect(
    'purge/keeps-what-is-before-1970',
    'Records received before 1970 are never purged.',
    () => ({ isDue: (record, options) => record.receivedAt >= 0 && base.isDue(record, options) }),
    purge,
  ),
]

/** What goes with a record, and what comes after it. */
export const purgeLifeSuspects: readonly Suspect[] = [
  suspect(
    'purge/cascades-to-what-it-caused',
    'What a purged record caused is removed too.',
    () => cascading(isCausedBy),
    purge,
  ),
  suspect(
    'purge/cascades-to-its-chain',
    'With the command that a chain began with the whole chain is removed.',
    () => cascading((record, { id }) => record.correlationId === id),
    purge,
  ),
  suspect(
    'purge/keeps-what-others-refer-to',
    'A record that caused others is never purged.',
    () => ({
      async purge(handle, options) {
        const { ordered } = handle.data
        const due = ordered.filter(
          ({ record }) => base.isDue(record, options) && !ordered.some((other) => isCausedBy(other.record, record)),
        )
        for (const row of due.slice(0, options.limit)) base.drop(handle, row)
        return due.slice(0, options.limit).length
      },
    }),
    purge,
  ),
  suspect(
    'purge/payload-of-the-former-life',
    'A purged id that is written again has the payload that it had before.',
    () => {
      const former = new Map<string, CommandRecord['payload']>()
      return {
        drop(handle, row) {
          former.set(row.record.id, row.record.payload)
          base.drop(handle, row)
        },
        add: (handle, record) => base.add(handle, { ...record, payload: former.get(record.id) ?? record.payload }),
      }
    },
    purge,
  ),
  suspect(
    'purge/result-of-the-former-life',
    'A purged id that is settled again without a result has that of before.',
    () => {
      const former = new Map<string, CommandRecord['result']>()
      return {
        drop(handle, row) {
          former.set(row.record.id, row.record.result)
          base.drop(handle, row)
        },
        settle(first, outcome) {
          const result = outcome.result ?? former.get(first.id)
          return settle(first, result === undefined ? outcome : { ...outcome, result })
        },
      }
    },
    purge,
  ),
  suspect(
    'purge/removes-a-new-life',
    'The ids that are due are read first and removed a while later, whatever they stand for by then.',
    () => ({
      async purge(handle, options) {
        const { data, steps } = handle
        const due = data.ordered.filter(({ record }) => steps.isDue(record, options)).slice(0, options.limit)
        await pause(2)
        const rows = due.flatMap(({ record }) => data.rows.get(record.id) ?? [])
        for (const row of rows) base.drop(handle, row)
        return rows.length
      },
    }),
    purge,
  ),
]
