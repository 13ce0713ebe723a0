// What is left when a name is opened again, and what other names share.

import type { CommandRecord } from '../../src/index.ts'
import { isSettled } from '../../storekit/index.ts'
import { base } from './base-steps.ts'
import { emptyData, keepRows, type Row } from './data.ts'
import { pause, type SaboteurOptions, type Suspect, suspect } from './saboteur.ts'

const several: SaboteurOptions = { needs: 'open' }

/** What is left when a name is opened again, and what other names share. */
export const durabilitySuspects: readonly Suspect[] = [
  suspect('durable/only-in-memory', 'Opening again finds nothing.', () => ({ reopen: emptyData }), several),
  suspect(
    'durable/forgets-outcomes',
    'Opening again finds every record as its first write left it.',
    () => {
      const first = new WeakMap<Row, CommandRecord>()
      return {
        replace(handle, row, record) {
          first.set(row, first.get(row) ?? row.record)
          base.replace(handle, row, record)
        },
        reopen(data) {
          for (const row of data.ordered) row.record = first.get(row) ?? row.record
        },
      }
    },
    several,
  ),
  suspect(
    'durable/forgets-created',
    'Opening again finds only what was settled.',
    () => ({
      reopen: (data) => keepRows(data, ({ record }) => isSettled(record)),
    }),
    several,
  ),
  suspect(
    'durable/fails-created',
    'Opening again settles as failed what was still created.',
    () => ({
      reopen(data) {
        for (const row of data.ordered) if (!isSettled(row.record)) row.record = { ...row.record, state: 'failed' }
      },
    }),
    several,
  ),
  suspect(
    'durable/loses-the-last',
    'Opening again loses the last record, whose write was torn.',
    () => ({
      reopen: (data) => keepRows(data, (row) => row !== data.ordered.at(-1)),
    }),
    several,
  ),
  suspect(
    'durable/loses-the-first',
    'Opening again skips the first record as if it were a header.',
    () => ({
      reopen: (data) => keepRows(data, (row) => row !== data.ordered[0]),
    }),
    several,
  ),
  suspect(
    'durable/torn-record',
    'Opening again finds the last record without its events.',
    () => ({
      reopen(data) {
        const last = data.ordered.at(-1)
        if (last !== undefined) last.record = { ...last.record, events: [] }
      },
    }),
    several,
  ),
  suspect(
    'durable/reordered',
    'Opening again puts the records in the order of their ids.',
    () => ({
      reopen(data) {
        const sequences = data.ordered.map(({ sequence }) => sequence)
        const sorted = [...data.ordered].sort((a, b) => (a.record.id < b.record.id ? -1 : 1))
        data.ordered = sorted.map((row, index) => ({ ...row, sequence: sequences[index] ?? 0 }))
        data.rows = new Map(data.ordered.map((row) => [row.record.id, row]))
      },
    }),
    several,
  ),
  suspect(
    'durable/settled-at-the-end',
    'Opening again reads a log in which settled records come last.',
    () => ({
      reopen(data) {
        const sequences = data.ordered.map(({ sequence }) => sequence)
        const sorted = [...data.ordered].sort((a, b) => Number(isSettled(a.record)) - Number(isSettled(b.record)))
        data.ordered = sorted.map((row, index) => ({ ...row, sequence: sequences[index] ?? 0 }))
        data.rows = new Map(data.ordered.map((row) => [row.record.id, row]))
      },
    }),
    several,
  ),
  suspect(
    'durable/forgets-ids',
    'Opening again does not know which ids were used: they are created again.',
    () => ({
      reopen(data) {
        data.rows = new Map([...data.rows].map(([id, row]) => [`known ${id}`, row]))
      },
      async get(handle, id) {
        const row = base.find(handle, id) ?? base.find(handle, `known ${id}`)
        return row && base.copyOut(row.record)
      },
    }),
    several,
  ),
  suspect(
    'durable/cursors-expire',
    'A cursor from before is refused after opening again.',
    () => {
      const openings = new WeakMap<object, number>()
      return {
        reopen: (data) => void openings.set(data, (openings.get(data) ?? 0) + 1),
        scope: (handle, query) => `${base.scope(handle, query)} ${openings.get(handle.data) ?? 0}`,
      }
    },
    several,
  ),
  suspect(
    'durable/sequence-restarts',
    'After opening again the sequence starts at 1: new records come first.',
    () => ({
      reopen(data) {
        data.ordered = data.ordered.map((row, index) => ({ ...row, sequence: index + 1 + 1e6 }))
        data.rows = new Map(data.ordered.map((row) => [row.record.id, row]))
        data.nextSequence = 1
      },
      rows: (handle) => [...base.rows(handle)].sort((a, b) => a.sequence - b.sequence),
    }),
    several,
  ),
  suspect(
    'durable/binary-as-text',
    'Bytes come back as text once the name is opened again.',
    () => ({
      reopen(data) {
        for (const { record } of data.ordered) {
          const { data: body } = record.payload
          if (body instanceof Uint8Array)
            Object.assign(record, { payload: { ...record.payload, data: Buffer.from(body).toString() } })
        }
      },
    }),
    several,
  ),
  suspect('names/all-share', 'Every name is the same data.', () => ({ dataName: () => 'data' }), several),
  suspect('names/cut', 'Names are cut to 8 characters.', () => ({ dataName: (name) => name.slice(0, 8) }), several),
  suspect(
    'names/ids-shared',
    'An id that is there under one name is unchanged under every other.',
    () => {
      const used = new Map<string, string>()
      return {
        async write(handle, record) {
          const owner = used.get(record.id) ?? handle.data.scope
          used.set(record.id, owner)
          return owner === handle.data.scope ? base.write(handle, record) : 'unchanged'
        },
      }
    },
    several,
  ),
  suspect(
    'names/each-handle-its-own',
    'A second handle of a name has data of its own.',
    () => {
      let opened = 0
      return { dataName: (name) => `${name} ${opened++}` }
    },
    several,
  ),
  suspect(
    'files/sync-later',
    'A write is visible to other handles a moment after it is acknowledged.',
    () => {
      const own = new WeakMap<AbortController, Set<string>>()
      const pending = new Set<string>()
      return {
        async write(handle, record) {
          const result = await base.write(handle, record)
          if (result !== 'created') return result
          own.set(handle.closed, (own.get(handle.closed) ?? new Set()).add(record.id))
          pending.add(record.id)
          void pause(4).then(() => pending.delete(record.id))
          return result
        },
        rows: (handle) =>
          base.rows(handle).filter(({ record: { id } }) => !pending.has(id) || own.get(handle.closed)?.has(id)),
      }
    },
    several,
  ),
]
