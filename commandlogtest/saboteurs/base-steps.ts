import { type CommandRecord, copyRecord, type Page, type RecordResult, StoreError } from '../../src/index.ts'
import {
  type CheckedQuery,
  checkPurge,
  checkQuery,
  checkRecord,
  checkTypeQuery,
  cursorScope,
  followChanges,
  isSettled,
  matches,
  openPosition,
  sealPosition,
  settle,
} from '../../storekit/index.ts'
import { indexAfter, noteChange, type Row } from './data.ts'
import type { CheckedPurge, Handle, PlacedChange, Steps } from './steps.ts'

/** The steps of a correct store: a broken one replaces some of them. */
export const base: Steps = {
  dataName: (name) => name,
  reopen: () => undefined,
  expose: (store) => store,
  admit({ closed }) {
    if (closed.signal.aborted) throw new StoreError('STORE_CLOSED', 'The store is closed')
  },
  checkRecord,
  checkQuery,
  checkTypeQuery,
  checkPurge,
  copyIn: copyRecord,
  copyOut: copyRecord,
  write,
  find: ({ data }, id) => data.rows.get(id),
  settle,
  add({ data }, record) {
    const row: Row = { sequence: data.nextSequence++, record, change: 0 }
    data.rows.set(record.id, row)
    data.ordered.push(row)
    noteChange(data, row)
  },
  replace({ data }, row, record) {
    row.record = record
    noteChange(data, row)
  },
  async get(handle, id) {
    const { steps } = handle
    const row = steps.find(handle, id)
    return row === undefined ? undefined : steps.copyOut(row.record)
  },
  async correlated(handle, correlationId) {
    const { steps } = handle
    const query = steps.checkQuery({ correlationId })
    return steps
      .rows(handle)
      .filter(({ record }) => steps.matches(query, record))
      .map(({ record }) => steps.copyOut(record))
  },
  page,
  rows: ({ data }) => data.ordered,
  locate(rows, sequence, order) {
    if (order === 'oldest') return indexAfter(rows, sequence, bySequence)
    return indexAfter(rows, sequence - 1, bySequence) - 1
  },
  matches,
  scope: ({ data }, query) => cursorScope(data.scope, query),
  seal: sealPosition,
  unseal: openPosition,
  follow(handle, { after, signal }) {
    const { steps, closed } = handle
    const source = {
      read: (at: number) => steps.readChanges(handle, at),
      wait: (ended: AbortSignal) => steps.waitForChange(handle, ended),
    }
    const start = (): number => {
      steps.admit(handle, 'follow')
      return steps.start(handle, after)
    }
    return followChanges(start, source, { signal, closed: closed.signal })
  },
  start: ({ data, steps }, after) => (after === undefined ? 0 : Number(steps.unseal(`follow ${data.scope}`, after))),
  readChanges,
  waitForChange: ({ data }, signal) =>
    new Promise((resolve) => {
      const wake = (): void => {
        data.waiting.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      data.waiting.add(wake)
      signal.addEventListener('abort', wake)
      if (signal.aborted) wake()
    }),
  purge,
  isDue: (record, { retention, before }) =>
    isSettled(record) && record.retention === retention && record.receivedAt < before,
  drop({ data }, row) {
    data.rows.delete(row.record.id)
    data.ordered = data.ordered.filter((other) => other !== row)
    row.change = 0
  },
  async close(handle) {
    const isFirst = !handle.closed.signal.aborted
    handle.closed.abort()
    if (isFirst) handle.data.handles--
    await Promise.allSettled([...handle.inFlight])
  },
}

/** The sequence of a row. */
export const bySequence = ({ sequence }: Row): number => sequence

async function write(handle: Handle, record: CommandRecord): Promise<RecordResult> {
  const { steps } = handle
  const row = steps.find(handle, record.id)
  if (row === undefined) {
    steps.add(handle, record)
    return 'created'
  }
  if (isSettled(row.record) || !isSettled(record)) return 'unchanged'
  steps.replace(handle, row, steps.settle(row.record, record))
  return 'settled'
}

async function page(handle: Handle, query: CheckedQuery): Promise<Page> {
  const { steps } = handle
  const scope = steps.scope(handle, query)
  const step = query.order === 'oldest' ? 1 : -1
  const last = query.cursor === undefined ? undefined : Number(steps.unseal(scope, query.cursor))
  const rows = steps.rows(handle)
  const first = step === 1 ? 0 : rows.length - 1
  const records: CommandRecord[] = []
  for (let index = last === undefined ? first : steps.locate(rows, last, query.order); ; index += step) {
    const row = rows[index]
    if (row === undefined) return { records }
    if (!steps.matches(query, row.record)) continue
    records.push(steps.copyOut(row.record))
    if (records.length >= query.limit) return { records, next: steps.seal(scope, String(row.sequence)) }
  }
}

async function readChanges({ data, steps }: Handle, after: number): Promise<readonly PlacedChange[]> {
  const batch: PlacedChange[] = []
  const { log } = data
  for (let index = indexAfter(log, after, ({ at }) => at); index < log.length && batch.length < 256; index++) {
    const { at, row } = log[index] as (typeof log)[number]
    if (row.change !== at) continue
    const position = steps.seal(`follow ${data.scope}`, String(at))
    batch.push({ at, change: { position, record: steps.copyOut(row.record) } })
  }
  return batch
}

async function purge(handle: Handle, options: CheckedPurge): Promise<number> {
  const { data, steps } = handle
  const due = data.ordered.filter(({ record }) => steps.isDue(record, options)).slice(0, options.limit)
  for (const row of due) steps.drop(handle, row)
  return due.length
}
