import { toStoreError } from '../src/audit/store-failure.ts'
import { Deadline } from '../src/deadline.ts'
import { type RecordResult, StoreError } from '../src/index.ts'

/** A record on its way to a store, in whatever shape the store writes it. */
export interface GroupItem {
  readonly id: string
  /** Whether it brings the outcome. */
  readonly isSettled: boolean
  /** About what it takes, for the bounds. */
  readonly bytes: number
}

/** What a group writes for one id: its intent, its outcome, or the one after the other. Every id comes once in a group. */
export interface GroupWrite<Item extends GroupItem> {
  readonly intent: Item | undefined
  readonly outcome: Item | undefined
}

/** What came of one write: `created` where the id was new, or why this one, and not its neighbours, was refused. */
export type GroupResult = RecordResult | StoreError

/** What came of a write of both phases: one result where they were written as one, or one each. */
export type GroupAnswer = GroupResult | readonly [intent: GroupResult, outcome: GroupResult]

/** What `groupCommit` takes. */
export interface GroupCommitOptions<Item extends GroupItem> {
  /**
   * Makes all of these durable at once, and says what it did to each, in their order. Where it rejects instead, none is
   * believed to be written if its `StoreError` says `no`; any may be if it says `unknown`, or is no `StoreError`.
   */
  readonly write: (writes: readonly GroupWrite<Item>[]) => Promise<readonly GroupAnswer[]>
  /** The most records in a group; default 500. */
  readonly maxRecords?: number | undefined
  /** The most bytes in a group of more than one record; default 4 MiB. */
  readonly maxBytes?: number | undefined
  /** How many records may wait for their group; one more is refused with `STORE_OVERLOADED`. Default 100,000. */
  readonly maxWaitingRecords?: number | undefined
  /** How many bytes may wait; default 256 MiB. */
  readonly maxWaitingBytes?: number | undefined
  /** How many groups may be written at once; default 1. */
  readonly writers?: number | undefined
  /** How long a record may take, waiting included; default 5,000. */
  readonly deadlineMs?: number | undefined
}

/** Writes records in groups. */
export interface GroupCommit<Item extends GroupItem> {
  /** Resolves once the group of this record is durable. Rejects with a `StoreError`, at the latest at the deadline. */
  add(item: Item): Promise<RecordResult>
  /**
   * Resolves once everything that was taken is written or has failed, at the latest at the deadline: a write that hangs
   * is not waited for. Records that come later are `STORE_CLOSED`.
   */
  close(): Promise<void>
}

type Write<Item extends GroupItem> = GroupCommitOptions<Item>['write']

interface Entry<Item extends GroupItem> {
  readonly item: Item
  readonly resolve: (result: RecordResult) => void
  readonly reject: (error: StoreError) => void
}

/** The entries of one id in one group. */
interface Fold<Item extends GroupItem> {
  intent: Entry<Item> | undefined
  outcome: Entry<Item> | undefined
  /** All of them as they came: those that are neither its intent nor its outcome change nothing. */
  readonly entries: Entry<Item>[]
}

/**
 * Records that arrive in the same turn of the event loop, or while a write is under way, are written together. Nothing
 * waits for a timer: a record that is alone is written when the turn is over. Groups are bounded, and so is what waits.
 */
export function groupCommit<Item extends GroupItem>(options: GroupCommitOptions<Item>): GroupCommit<Item> {
  const { write, writers, deadlineMs, ...bounds } = checkOptions(options)
  const timedOut = (written: 'no' | 'unknown'): StoreError =>
    new StoreError('STORE_TIMEOUT', `The record was not written within ${deadlineMs} ms`, written)
  const deadline = new Deadline(deadlineMs, () => timedOut('unknown'))
  const line = new Line<Item>(bounds)
  const { wake, idle } = serve(line, write, writers)
  let closing: Promise<void> | undefined

  return {
    add(item) {
      if (closing !== undefined) return Promise.reject(new StoreError('STORE_CLOSED', 'The store is closed'))
      if (line.isFullFor(item)) {
        return Promise.reject(new StoreError('STORE_OVERLOADED', 'Too many records wait to be written'))
      }
      const { promise, resolve, reject } = Promise.withResolvers<RecordResult>()
      const entry: Entry<Item> = { item, resolve, reject }
      line.add(entry)
      wake()
      return deadline.limit(promise, () => timedOut(line.expire(entry) ? 'no' : 'unknown'))
    },
    close() {
      // Whatever was taken expires before this does, so that nobody is left who has heard nothing.
      closing ??= deadline.limit(idle()).catch(() => {})
      return closing
    },
  }
}

/** Writes those in line, so many groups at once. `wake` is called when one joins it; `idle` resolves once all are told. */
function serve<Item extends GroupItem>(
  line: Line<Item>,
  write: Write<Item>,
  writers: number,
): { wake(): void; idle(): Promise<void> } {
  const waiting: (() => void)[] = []
  let active = 0
  let isScheduled = false

  function wake(): void {
    if (line.records === 0 && active === 0) for (const resolve of waiting.splice(0)) resolve()
    if (line.records === 0 || isScheduled || active >= writers) return
    isScheduled = true
    // The next turn, so that all of this one goes together, and a write that never waits does not starve the event loop.
    setImmediate(() => {
      isScheduled = false
      while (active < writers && line.records > 0) void commit(line.take())
      wake()
    })
  }

  async function commit(group: readonly Entry<Item>[]): Promise<void> {
    active++
    await writeAll(write, fold(group))
    active--
    wake()
  }

  function idle(): Promise<void> {
    return new Promise((resolve) => {
      waiting.push(resolve)
      wake()
    })
  }

  return { wake, idle }
}

type Bounds = Pick<typeof defaults, 'maxRecords' | 'maxBytes' | 'maxWaitingRecords' | 'maxWaitingBytes'>

/** Those who wait for their group, first come, first served. */
class Line<Item extends GroupItem> {
  #bytes = 0
  readonly #entries = new Set<Entry<Item>>()
  readonly #bounds: Bounds

  constructor(bounds: Bounds) {
    this.#bounds = bounds
  }

  get records(): number {
    return this.#entries.size
  }

  isFullFor({ bytes }: Item): boolean {
    const { maxWaitingRecords, maxWaitingBytes } = this.#bounds
    return this.records >= maxWaitingRecords || (this.records > 0 && this.#bytes + bytes > maxWaitingBytes)
  }

  add(entry: Entry<Item>): void {
    this.#entries.add(entry)
    this.#bytes += entry.item.bytes
  }

  take(): readonly Entry<Item>[] {
    const { maxRecords, maxBytes } = this.#bounds
    const group: Entry<Item>[] = []
    let bytes = 0
    for (const entry of this.#entries) {
      bytes += entry.item.bytes
      if (group.length >= maxRecords || (group.length > 0 && bytes > maxBytes)) break
      this.#leave(entry)
      group.push(entry)
    }
    return group
  }

  /** Whether it was still waiting: then it will never be written. */
  expire(entry: Entry<Item>): boolean {
    const isWaiting = this.#entries.has(entry)
    if (isWaiting) this.#leave(entry)
    return isWaiting
  }

  #leave(entry: Entry<Item>): void {
    this.#entries.delete(entry)
    this.#bytes -= entry.item.bytes
  }
}

/** In each phase the first write of an id wins, and an intent that comes after the outcome changes nothing. */
function fold<Item extends GroupItem>(group: readonly Entry<Item>[]): readonly Fold<Item>[] {
  const folds = new Map<string, Fold<Item>>()
  for (const entry of group) {
    const { id, isSettled } = entry.item
    const known = folds.get(id) ?? { intent: undefined, outcome: undefined, entries: [] }
    if (known.entries.length === 0) folds.set(id, known)
    if (isSettled) known.outcome ??= entry
    else if (known.outcome === undefined) known.intent ??= entry
    known.entries.push(entry)
  }
  return [...folds.values()]
}

/** Writes these, and tells everyone what came of it. */
async function writeAll<Item extends GroupItem>(write: Write<Item>, folds: readonly Fold<Item>[]): Promise<void> {
  const results = await resultsOf(write, folds)
  const refused: Fold<Item>[] = []
  for (const [index, each] of folds.entries()) {
    const result = results[index]
    if (each.entries.length > 1 && isAtFault(result)) refused.push(each)
    else tell(each, result)
  }
  // An outcome that is refused says nothing about its intent: each is written alone.
  for (const { entries } of refused) for (const entry of entries) await writeAll(write, fold([entry]))
}

/** One result a fold, whatever `write` does. A record that is at fault is found, so that its neighbours are written. */
async function resultsOf<Item extends GroupItem>(
  write: Write<Item>,
  folds: readonly Fold<Item>[],
): Promise<readonly GroupAnswer[]> {
  try {
    const results = await write(folds.map(({ intent, outcome }) => ({ intent: intent?.item, outcome: outcome?.item })))
    if (results.length === folds.length) return results
    throw new StoreError('STORE_UNAVAILABLE', `A group of ${folds.length} had ${results.length} results`, 'unknown')
  } catch (thrown) {
    const error = toStoreError(thrown)
    if (folds.length === 1 || !isAtFault(error)) return folds.map(() => error)
    const half = folds.length >>> 1
    const first = await resultsOf(write, folds.slice(0, half))
    return [...first, ...(await resultsOf(write, folds.slice(half)))]
  }
}

/** Whether it is about one record, and nothing is written. */
function isAtFault(result: GroupAnswer | undefined): boolean {
  if (typeof result === 'string' || Array.isArray(result)) return false
  const { code, written } = toStoreError(result)
  return written === 'no' && (code === 'INVALID_RECORD' || code === 'RECORD_TOO_LARGE')
}

function tell<Item extends GroupItem>({ intent, outcome, entries }: Fold<Item>, answer: GroupAnswer | undefined): void {
  const [first, second] = phasesOf(answer, intent !== undefined && outcome !== undefined)
  for (const entry of entries) {
    const result = entry.item.isSettled ? second : first
    if (typeof result !== 'string') entry.reject(toStoreError(result))
    else entry.resolve(entry === intent || entry === outcome ? result : 'unchanged')
  }
}

/** What the intent hears, and what the outcome. */
function phasesOf(answer: GroupAnswer | undefined, isBoth: boolean): readonly (GroupResult | undefined)[] {
  if (Array.isArray(answer)) return answer
  const result = answer as GroupResult | undefined
  if (!isBoth || typeof result !== 'string') return [result, result]
  return [result === 'settled' ? 'unchanged' : result, result === 'created' ? 'settled' : result]
}

const defaults = {
  maxRecords: 500,
  maxBytes: 4 * 1024 * 1024,
  maxWaitingRecords: 100_000,
  maxWaitingBytes: 256 * 1024 * 1024,
  writers: 1,
  deadlineMs: 5000,
}

function checkOptions<Item extends GroupItem>(
  options: GroupCommitOptions<Item>,
): typeof defaults & Pick<GroupCommitOptions<Item>, 'write'> {
  const { write } = options
  if (typeof write !== 'function') throw new TypeError('write: expected a function')
  const checked = { ...defaults, write }
  for (const name of Object.keys(defaults) as (keyof typeof defaults)[]) {
    const value = options[name]
    if (value === undefined) continue
    if (!(Number.isSafeInteger(value) && value >= 1)) throw new RangeError(`${name}: expected a whole number from 1`)
    checked[name] = value
  }
  return checked
}
