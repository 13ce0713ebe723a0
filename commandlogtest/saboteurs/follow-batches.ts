// Followers that read in batches, and take a batch of which nothing is left for the end.

import type { CommandRecord } from '../../src/index.ts'
import { base } from './base-steps.ts'
import { type Data, indexAfter, noteChange } from './data.ts'
import { type SaboteurOptions, type Suspect, suspect } from './saboteur.ts'
import type { Handle, PlacedChange, Steps } from './steps.ts'

const follow: SaboteurOptions = { bricks: ['follow'] }
const sizes = [10, 100, 256, 1000] as const

type Logged = Data['log'][number]

function placesAfter({ data: { log } }: Handle, after: number, size: number): readonly Logged[] {
  const from = indexAfter(log, after, ({ at }) => at)
  return log.slice(from, from + size)
}

const isLatest = ({ at, row }: Logged): boolean => row.change === at

function placed({ data, steps }: Handle, { at, row }: Logged): PlacedChange {
  const position = steps.seal(`follow ${data.scope}`, String(at))
  return { at, change: { position, record: steps.copyOut(row.record) } }
}

/** Reads so many places, and then leaves out those that later ones have replaced. */
function leavesOutAfterwards(size: number): Pick<Steps, 'readChanges'> {
  return {
    readChanges: async (handle, after) =>
      placesAfter(handle, after, size)
        .filter(isLatest)
        .map((each) => placed(handle, each)),
  }
}

/** Takes so many changes in a row for none, where all of them are of this kind. */
function isBlindTo(size: number, isOfKind: (record: CommandRecord) => boolean): Pick<Steps, 'readChanges'> {
  return {
    async readChanges(handle, after) {
      const batch = placesAfter(handle, after, Number.POSITIVE_INFINITY).filter(isLatest).slice(0, size)
      if (batch.length === size && batch.every(({ row }) => isOfKind(row.record))) return []
      return batch.map((each) => placed(handle, each))
    },
  }
}

/** Begins somewhere else where the change of the position has been replaced. */
function whereReplaced(startAt: (replaced: Logged, data: Data) => number): Pick<Steps, 'start'> {
  return {
    start(handle, after) {
      const place = base.start(handle, after)
      const logged = handle.data.log.find(({ at }) => at === place)
      return logged === undefined || logged.row.change <= place ? place : startAt(logged, handle.data)
    },
  }
}

type Kind = readonly [name: string, text: string, isOfKind: (record: CommandRecord) => boolean]
const dryRuns: Kind = ['dry-runs', 'dry runs', ({ dryRun }) => dryRun]
const kinds: readonly (readonly [Kind, size: number])[] = [
  ...sizes.map((size) => [dryRuns, size] as const),
  [['cancelled', 'cancelled ones', ({ state }) => state === 'cancelled'], 256],
  [['no-tenant', 'records without a tenant', ({ tenantId }) => tenantId === undefined], 1000],
]

/** What is left of a batch, and where the next one begins. */
export const followBatchSuspects: readonly Suspect[] = [
  ...sizes.map((size) =>
    suspect(
      `follow/leaves-out-after-${size}`,
      `A follower reads ${size} changes, then leaves out those that were replaced: where none is left it waits.`,
      () => leavesOutAfterwards(size),
      follow,
    ),
  ),
  ...kinds.map(([[name, text, isOfKind], size]) =>
    suspect(
      `follow/blind-to-${size}-${name}`,
      `A follower takes ${size} changes in a row for none, where all are ${text}.`,
      () => isBlindTo(size, isOfKind),
      follow,
    ),
  ),
  suspect(
    'follow/no-tenant-left-out',
    'Records without a tenant are not delivered.',
    () => ({
      async readChanges(handle, after) {
        let at = after
        for (;;) {
          const batch = await base.readChanges(handle, at)
          const kept = batch.filter(({ change }) => change.record.tenantId !== undefined)
          if (kept.length > 0 || batch.length === 0) return kept
          at = batch.at(-1)?.at ?? at
        }
      },
    }),
    follow,
  ),
  suspect(
    'follow/woken-by-new-records-only',
    'A waiting follower is not woken by an outcome.',
    () => ({
      replace({ data }, row, record) {
        row.record = record
        noteChange({ ...data, waiting: new Set() }, row)
        data.nextChange = row.change + 1
      },
    }),
    follow,
  ),
  suspect(
    'follow/replaced-position-goes-live',
    'From the position of a change that was replaced a follower starts with what comes next.',
    () => whereReplaced((_replaced, { nextChange }) => nextChange - 1),
    follow,
  ),
  suspect(
    'follow/replaced-position-is-its-outcome',
    'From the position of a change that was replaced a follower starts behind what replaced it.',
    () => whereReplaced(({ row }) => row.change),
    follow,
  ),
]
