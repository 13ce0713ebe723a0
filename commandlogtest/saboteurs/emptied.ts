// What a purge leaves of former lives, of counters, and of records that it does not look at.

import type { CommandRecord } from '../../src/index.ts'
import { base } from './base-steps.ts'
import type { Data } from './data.ts'
import { type SaboteurOptions, type Suspect, suspect } from './saboteur.ts'

const purge: SaboteurOptions = { bricks: ['purge'] }
const purgeOpen: SaboteurOptions = { needs: 'open', bricks: ['purge'] }
const bothOpen: SaboteurOptions = { needs: 'open', bricks: ['follow', 'purge'] }

/** What the former lives of ids had under some field, which is not forgotten when they are purged. */
function formerLives(textOf: (record: CommandRecord) => string) {
  const lives = new Map<string, Set<string>>()
  const keyOf = ({ scope }: Data, value: string): string => `${scope} ${value}`
  return {
    note(data: Data, record: CommandRecord): void {
      const key = keyOf(data, textOf(record))
      lives.set(key, (lives.get(key) ?? new Set()).add(record.id))
    },
    had: (data: Data, value: string, id: string): boolean => lives.get(keyOf(data, value))?.has(id) === true,
  }
}

/** Changes are counted from the last one that is left. */
function countFromTheLast(data: Data): void {
  data.nextChange = Math.max(0, ...data.ordered.map(({ change }) => change)) + 1
  data.log = data.log.filter(({ at, row }) => row.change === at)
}

/** Purges that leave too much, or forget too much. */
export const emptiedSuspects: readonly Suspect[] = [
  suspect(
    'purge/type-of-the-former-life',
    'A purged id that is written again is still found by the type that it had before.',
    () => {
      const former = formerLives(({ type }) => type)
      return {
        drop(handle, row) {
          former.note(handle.data, row.record)
          base.drop(handle, row)
        },
        page(handle, query) {
          const [type] = query.types ?? []
          if (type === undefined || query.types?.length !== 1) return base.page(handle, query)
          const matches = (_query: unknown, record: CommandRecord): boolean =>
            (record.type === type || former.had(handle.data, type, record.id)) &&
            base.matches({ ...query, types: undefined }, record)
          return base.page({ ...handle, steps: { ...handle.steps, matches } }, query)
        },
      }
    },
    purge,
  ),
  suspect(
    'purge/correlation-of-the-former-life',
    'A purged id that is written again is still given by findByCorrelation for the chain that it was of before.',
    () => {
      const former = formerLives(({ correlationId }) => correlationId)
      return {
        drop(handle, row) {
          former.note(handle.data, row.record)
          base.drop(handle, row)
        },
        correlated: async ({ data }, id) =>
          data.ordered
            .filter(({ record }) => record.correlationId === id || former.had(data, id, record.id))
            .map(({ record }) => base.copyOut(record)),
      }
    },
    purge,
  ),
  suspect(
    'purge/keeps-those-without-a-tenant',
    'Records without a tenant are never purged.',
    () => ({ isDue: (record, options) => record.tenantId !== undefined && base.isDue(record, options) }),
    purge,
  ),
  suspect(
    'purge/restarts-the-sequence',
    'A purge that leaves nothing lets the sequence start at 1 again: old cursors lead to what is new.',
    () => ({
      async purge(handle, options) {
        const count = await base.purge(handle, options)
        if (handle.data.ordered.length === 0) handle.data.nextSequence = 1
        return count
      },
    }),
    purgeOpen,
  ),
  suspect(
    'purge/changes-from-the-last',
    'After a purge changes are counted from the last that is left: old positions skip what is new.',
    () => ({
      async purge(handle, options) {
        const count = await base.purge(handle, options)
        countFromTheLast(handle.data)
        return count
      },
    }),
    bothOpen,
  ),
  suspect(
    'reopen/changes-from-the-last',
    'After opening again changes are counted from the last that is left: old positions skip what is new.',
    () => ({ reopen: countFromTheLast }),
    bothOpen,
  ),
  suspect(
    'reopen/rows-renumbered',
    'After opening again rows are numbered anew, without the gaps that purges left: old cursors skip.',
    () => ({
      reopen(data) {
        data.ordered = data.ordered.map((row, index) => ({ ...row, sequence: index + 1 }))
        data.rows = new Map(data.ordered.map((row) => [row.record.id, row]))
        data.log = data.log.map(({ at, row }) => ({ at, row: data.rows.get(row.record.id) ?? row }))
        data.nextSequence = data.ordered.length + 1
      },
    }),
    purgeOpen,
  ),
]
