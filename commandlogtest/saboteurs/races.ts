// Two writers at once: check, await, act.

import type { CommandRecord, RecordResult } from '../../src/index.ts'
import { isSettled, settle } from '../../storekit/index.ts'
import { base } from './base-steps.ts'
import { noteChange } from './data.ts'
import { pause, type Suspect, suspect } from './saboteur.ts'
import type { Handle } from './steps.ts'

type Batch = { record: CommandRecord; resolve: (result: RecordResult) => void; reject: (error: unknown) => void }[]

/** A store that collects the records of one turn per handle, and writes them together. */
function batching(commit: (handle: Handle, batch: Batch) => Promise<void>) {
  const batches = new WeakMap<Handle, Batch>()
  return {
    write: (handle: Handle, record: CommandRecord): Promise<RecordResult> =>
      new Promise((resolve, reject) => {
        const open = batches.get(handle)
        if (open !== undefined) return void open.push({ record, resolve, reject })
        const batch: Batch = [{ record, resolve, reject }]
        batches.set(handle, batch)
        setImmediate(() => {
          batches.delete(handle)
          void commit(handle, batch)
        })
      }),
  }
}

/** Racy check-then-act. */
export const racySuspects: readonly Suspect[] = [
  suspect('races/two-are-created', 'Two writers of a new id both find nothing, and both are told created.', () => ({
    async write(handle, record) {
      const row = base.find(handle, record.id)
      await pause()
      if (row !== undefined) return base.write(handle, record)
      if (base.find(handle, record.id) === undefined) base.add(handle, record)
      return 'created'
    },
  })),
  suspect(
    'races/two-are-settled',
    'Two racing outcomes both find it created: the last one wins and both are settled.',
    () => ({
      async write(handle, record) {
        const row = base.find(handle, record.id)
        if (row === undefined || isSettled(row.record) || !isSettled(record)) return base.write(handle, record)
        const first = row.record
        await pause()
        base.replace(handle, row, settle(first, record))
        return 'settled'
      },
    }),
  ),
  suspect(
    'races/loser-hears-settled',
    'Of two racing outcomes the first is kept, but the second is told settled too.',
    () => ({
      async write(handle, record) {
        const before = base.find(handle, record.id)?.record
        await pause()
        const result = await base.write(handle, record)
        return before?.state === 'created' && isSettled(record) && result === 'unchanged' ? 'settled' : result
      },
    }),
  ),
  suspect('races/two-rows-for-one-id', 'Two writers of a new id both insert: walks show the id twice.', () => ({
    async write(handle, record) {
      const isNew = base.find(handle, record.id) === undefined
      await pause()
      if (!isNew) return base.write(handle, record)
      base.add(handle, record)
      return 'created'
    },
  })),
  suspect(
    'races/intent-overtakes-outcome',
    'An intent that found nothing is written over the outcome that came meanwhile.',
    () => ({
      async write(handle, record) {
        const row = base.find(handle, record.id)
        await pause()
        const now = base.find(handle, record.id)
        if (row !== undefined || now === undefined || isSettled(record)) return base.write(handle, record)
        base.replace(handle, now, record)
        return 'created'
      },
    }),
  ),
  suspect('races/lost-update', 'Two outcomes that meet are merged field by field.', () => ({
    async write(handle, record) {
      const row = base.find(handle, record.id)
      if (row === undefined || isSettled(row.record) || !isSettled(record)) return base.write(handle, record)
      await pause()
      const wasSettled = isSettled(row.record)
      row.record = { ...settle(row.record, record), events: wasSettled ? row.record.events : record.events }
      if (wasSettled) return 'unchanged'
      noteChange(handle.data, row)
      return 'settled'
    },
  })),
  suspect(
    'races/nobody-settles',
    'Two racing outcomes lock each other out: neither is stored, both are unchanged.',
    () => {
      const busy = new Map<string, number>()
      return {
        async write(handle, record) {
          if (!isSettled(record) || base.find(handle, record.id)?.record.state !== 'created') {
            return base.write(handle, record)
          }
          busy.set(record.id, (busy.get(record.id) ?? 0) + 1)
          await pause()
          const racers = busy.get(record.id) ?? 1
          await pause()
          busy.delete(record.id)
          return racers > 1 ? 'unchanged' : base.write(handle, record)
        },
      }
    },
  ),
]

/** Batches that go wrong. */
export const batchSuspects: readonly Suspect[] = [
  suspect('batch/drops-the-second', 'Of several records of one turn the second is acknowledged and dropped.', () =>
    batching(async (handle, batch) => {
      for (const [index, { record, resolve }] of batch.entries()) {
        resolve(index === 1 ? 'created' : await base.write(handle, record))
      }
    }),
  ),
  suspect('batch/rest-beyond-25', 'Of more than 25 records in one batch the rest is acknowledged and dropped.', () =>
    batching(async (handle, batch) => {
      for (const [index, { record, resolve }] of batch.entries()) {
        resolve(index >= 25 ? 'created' : await base.write(handle, record))
      }
    }),
  ),
  ...[512, 2000].map((most) =>
    suspect(
      `batch/rest-beyond-${most}`,
      `Of more than ${most} records in one batch the rest is acknowledged and dropped.`,
      () =>
        batching(async (handle, batch) => {
          for (const [index, { record, resolve }] of batch.entries())
            resolve(index >= most ? 'created' : await base.write(handle, record))
        }),
    ),
  ),
  ...[64, 256].map((size) =>
    suspect(`batch/full-at-${size}`, `The last record of a batch of just ${size} is acknowledged and dropped.`, () =>
      batching(async (handle, batch) => {
        for (const [index, { record, resolve }] of batch.entries())
          resolve(batch.length === size && index === size - 1 ? 'created' : await base.write(handle, record))
      }),
    ),
  ),
  suspect('batch/same-id-twice-created', 'The same id twice in one batch is told created twice.', () =>
    batching(async (handle, batch) => {
      const isNew = new Set(batch.map(({ record }) => record.id).filter((id) => base.find(handle, id) === undefined))
      for (const { record, resolve } of batch) {
        const result = await base.write(handle, record)
        resolve(isNew.has(record.id) ? 'created' : result)
      }
    }),
  ),
  suspect('batch/swaps-results', 'The first two callers of one batch get each other’s results.', () =>
    batching(async (handle, batch) => {
      const results: RecordResult[] = []
      for (const { record } of batch) results.push(await base.write(handle, record))
      if (results.length > 1) results.unshift(...results.splice(0, 2).reverse())
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] ?? 'unchanged')
    }),
  ),
  suspect('batch/one-bad-record-fails-all', 'One invalid record fails every other of its batch.', () => ({
    checkRecord: () => undefined,
    ...batching(async (handle, batch) => {
      try {
        for (const { record } of batch) base.checkRecord(record)
      } catch (error) {
        for (const { reject } of batch) reject(error)
        return
      }
      for (const { record, resolve } of batch) resolve(await base.write(handle, record))
    }),
  })),
  suspect('batch/acks-before-it-writes', 'A write is acknowledged at once and done a moment later.', () => ({
    async write(handle, record) {
      const row = base.find(handle, record.id)
      setTimeout(() => void base.write(handle, record), 3)
      if (row === undefined) return 'created'
      return isSettled(row.record) || !isSettled(record) ? 'unchanged' : 'settled'
    },
  })),
  suspect(
    'batch/insert-many-ignores-outcomes',
    'A batch of several is one insert that skips ids already there: outcomes are lost.',
    () =>
      batching(async (handle, batch) => {
        for (const { record, resolve } of batch) {
          const isThere = base.find(handle, record.id) !== undefined
          resolve(batch.length > 1 && isThere ? 'unchanged' : await base.write(handle, record))
        }
      }),
  ),
]
