// What purging says, and what it leaves behind.

import type { CommandRecord } from '../../src/index.ts'
import { isSettled } from '../../storekit/index.ts'
import { base } from './base-steps.ts'
import { noteChange, type Row } from './data.ts'
import { pause, type SaboteurOptions, type Suspect, suspect } from './saboteur.ts'
import type { CheckedPurge, Handle } from './steps.ts'

const purge: SaboteurOptions = { bricks: ['purge'] }
const both: SaboteurOptions = { bricks: ['purge', 'follow'] }

/** The rows that are due, oldest first. */
function dueRows({ data, steps }: Handle, options: CheckedPurge): Row[] {
  return data.ordered.filter(({ record }) => steps.isDue(record, options))
}

/** What is said, and what is left behind. */
export const purgeTraceSuspects: readonly Suspect[] = [
  suspect(
    'purge/says-one-less',
    'The number of removed records is one too small.',
    () => ({
      purge: async (handle, options) => Math.max(0, (await base.purge(handle, options)) - 1),
    }),
    purge,
  ),
  suspect(
    'purge/says-nothing',
    'purge resolves to undefined.',
    () => ({
      async purge(handle, options) {
        await base.purge(handle, options)
        return undefined as never
      },
    }),
    purge,
  ),
  suspect(
    'purge/says-the-limit',
    'purge resolves to its limit.',
    () => ({
      purge: async (handle, options) => options.limit ?? (await base.purge(handle, options)),
    }),
    purge,
  ),
  suspect(
    'purge/says-what-was-due',
    'purge counts all that are due, not those that it removed.',
    () => ({
      async purge(handle, options) {
        const { length } = dueRows(handle, options)
        await base.purge(handle, options)
        return length
      },
    }),
    purge,
  ),
  suspect(
    'purge/counts-twice',
    'Two purges at once both count what only one of them removed.',
    () => ({
      async purge(handle, options) {
        const rows = dueRows(handle, options).slice(0, options.limit)
        await pause(2)
        for (const row of rows) base.drop(handle, row)
        return rows.length
      },
    }),
    purge,
  ),
  suspect('purge/only-says-so', 'purge counts, but removes nothing.', () => ({ drop: () => undefined }), purge),
  suspect(
    'purge/get-still-finds',
    'A purged record is still found by get.',
    () => {
      const kept = new Map<string, CommandRecord>()
      return {
        drop(handle, row) {
          kept.set(`${handle.data.scope} ${row.record.id}`, row.record)
          base.drop(handle, row)
        },
        get: async (handle, id) => (await base.get(handle, id)) ?? kept.get(`${handle.data.scope} ${id}`),
      }
    },
    purge,
  ),
  suspect(
    'purge/list-still-finds',
    'A purged record is still found by list.',
    () => ({
      drop(handle, row) {
        handle.data.rows.delete(row.record.id)
        row.record = { ...row.record, retention: 'permanent' }
      },
    }),
    purge,
  ),
  suspect(
    'purge/correlation-still-finds',
    'A purged record is still found by its correlation.',
    () => {
      const kept: { scope: string; record: CommandRecord }[] = []
      return {
        drop(handle, row) {
          kept.push({ scope: handle.data.scope, record: row.record })
          base.drop(handle, row)
        },
        correlated: async (handle, id) => [
          ...kept
            .filter(({ scope, record }) => scope === handle.data.scope && record.correlationId === id)
            .map(({ record }) => record),
          ...(await base.correlated(handle, id)),
        ],
      }
    },
    purge,
  ),
  suspect(
    'purge/event-index-still-finds',
    'A purged record is still found by its event.',
    () => {
      const kept = new Map<string, Row[]>()
      return {
        drop(handle, row) {
          kept.set(handle.data.scope, [...(kept.get(handle.data.scope) ?? []), row])
          base.drop(handle, row)
        },
        page(handle, query) {
          if (query.eventId === undefined) return base.page(handle, query)
          const rows = [...(kept.get(handle.data.scope) ?? []), ...base.rows(handle)].sort(
            (a, b) => a.sequence - b.sequence,
          )
          return base.page({ ...handle, steps: { ...handle.steps, rows: () => rows } }, query)
        },
      }
    },
    purge,
  ),
  suspect(
    'purge/id-stays-used',
    'A purged id stays unchanged when it is written again.',
    () => {
      const purged = new Set<string>()
      return {
        drop(handle, row) {
          purged.add(`${handle.data.scope} ${row.record.id}`)
          base.drop(handle, row)
        },
        write: async (handle, record) =>
          purged.has(`${handle.data.scope} ${record.id}`) ? 'unchanged' : base.write(handle, record),
      }
    },
    purge,
  ),
  suspect(
    'purge/id-comes-back-settled',
    'An intent with a purged id brings the old outcome back.',
    () => {
      const purged = new Map<string, CommandRecord>()
      return {
        drop(handle, row) {
          purged.set(`${handle.data.scope} ${row.record.id}`, row.record)
          base.drop(handle, row)
        },
        write: (handle, record) =>
          base.write(handle, (!isSettled(record) && purged.get(`${handle.data.scope} ${record.id}`)) || record),
      }
    },
    purge,
  ),
  suspect(
    'purge/reuses-sequence',
    'The sequence of a purged last record is used again: cursors skip what is new.',
    () => ({
      drop(handle, row) {
        base.drop(handle, row)
        handle.data.nextSequence = (handle.data.ordered.at(-1)?.sequence ?? 0) + 1
      },
    }),
    purge,
  ),
  suspect(
    'purge/renumbers',
    'What is left is numbered anew: cursors skip as many as were purged.',
    () => ({
      async purge(handle, options) {
        const { data } = handle
        const purged = await base.purge(handle, options)
        data.ordered = data.ordered.map((row, index) => ({ ...row, sequence: index + 1 }))
        data.rows = new Map(data.ordered.map((row) => [row.record.id, row]))
        data.nextSequence = data.ordered.length + 1
        return purged
      },
    }),
    purge,
  ),
  suspect(
    'purge/breaks-cursors',
    'A cursor whose record was purged is refused, or starts over.',
    () => ({
      locate(rows, sequence, order) {
        const index = rows.findIndex((row) => row.sequence === sequence)
        if (index === -1) return order === 'oldest' ? 0 : rows.length - 1
        return base.locate(rows, sequence, order)
      },
    }),
    purge,
  ),
  suspect(
    'purge/follow-still-delivers',
    'A purged record is still delivered to a follower.',
    () => ({
      drop(handle, row) {
        const { change } = row
        base.drop(handle, row)
        row.change = change
      },
    }),
    both,
  ),
  suspect(
    'purge/follow-hears-of-it',
    'Purging delivers the record to followers once more.',
    () => ({
      drop(handle, row) {
        base.drop(handle, row)
        noteChange(handle.data, row)
      },
    }),
    both,
  ),
  suspect(
    'purge/breaks-positions',
    'A position from before a purge is refused.',
    () => {
      const purges = new WeakMap<object, number>()
      const scopeOf = (handle: Handle): string => `follow ${handle.data.scope} ${purges.get(handle.data) ?? 0}`
      return {
        start: (handle, after) => (after === undefined ? 0 : Number(base.unseal(scopeOf(handle), after))),
        readChanges: async (handle, after) =>
          (await base.readChanges(handle, after)).map((each) => ({
            ...each,
            change: { ...each.change, position: base.seal(scopeOf(handle), String(each.at)) },
          })),
        drop(handle, row) {
          purges.set(handle.data, (purges.get(handle.data) ?? 0) + 1)
          base.drop(handle, row)
        },
      }
    },
    both,
  ),
  suspect(
    'purge/refuses-nothing',
    'An unknown retention or a cut that is no time is taken for nothing to do.',
    () => ({
      checkPurge(options) {
        try {
          return base.checkPurge(options)
        } catch {
          return { retention: 'none', before: 0, limit: 0 }
        }
      },
    }),
    purge,
  ),
  suspect(
    'purge/zero-is-all',
    'A limit of 0 purges all.',
    () => ({
      checkPurge: (options) =>
        base.checkPurge({ ...options, limit: options?.limit === 0 ? undefined : options?.limit }),
    }),
    purge,
  ),
  suspect(
    'purge/nan-is-now',
    'A cut of NaN purges what is older than now.',
    () => ({
      checkPurge: (options) =>
        base.checkPurge(Number.isNaN(options?.before) ? { ...options, before: Date.now() } : options),
    }),
    purge,
  ),
  suspect(
    'purge/missing-cut-is-now',
    'A purge without a cut purges what is older than now.',
    () => ({
      checkPurge: (options) =>
        base.checkPurge(options?.before === undefined ? { ...options, before: Date.now() } : options),
    }),
    purge,
  ),
]
