import {
  type CommandLogStore,
  type CommandRecord,
  InvalidArgument,
  type JsonObject,
  type Problem,
} from '../src/index.ts'
import { refsOf } from './decider.ts'
import type { EventStore, Fenceable } from './event-store.ts'

/** What `reconcile` takes. */
export interface ReconcileOptions {
  /**
   * The command types that may be judged: those whose handlers append to this event store, and do nothing else that
   * matters. Of any other command "no events" says nothing, so name them, unless all commands of the log are such ones.
   */
  readonly types?: string | readonly string[] | undefined
  /** Milliseconds since a command was received, at least, or the time it was received by. */
  readonly olderThan: number | Date
  /** Only reports which records would be judged: neither fences nor settles. */
  readonly dryRun?: boolean | undefined
  /** Who stands for it; on every settled record as `metadata.settledBy.who`. */
  readonly who?: string | undefined
}

/**
 * What became of a record: `successful` or `abandoned` (settled by this call), `settled-meanwhile` (by somebody else),
 * `undecided` (left as it is), `error` (this record could not be judged or written; the others were).
 */
export type Finding = 'successful' | 'abandoned' | 'settled-meanwhile' | 'undecided' | 'error'

/** What `reconcile` says of one record. */
export interface Reconciled {
  readonly id: string
  readonly type: string
  readonly finding: Finding
  /** Why, in a sentence. */
  readonly why: string
  /** The record as it is now, unless it could not be written or read. */
  readonly record?: CommandRecord | undefined
  readonly error?: unknown
}

/** Everything that one call of `reconcile` found, oldest first. */
export interface ReconcileReport {
  readonly records: readonly Reconciled[]
  readonly counts: Readonly<Record<Finding, number>>
  /** Why the walk through the log ended early, where it did: there may be more records. */
  readonly endedBy?: unknown
}

/** The problem of a command that has left no events, and never will. */
const abandoned: Problem = Object.freeze({
  type: 'about:blank',
  title: 'Abandoned',
  status: 500,
  code: 'abandoned',
  detail: 'The command ended without an outcome, and has left no events',
})

/**
 * Settles what crashes have left: each `created` record at least this old, of these types if any are named, is fenced in
 * the event store, so that what the fence says stays true. Events that carry the command's id make it `successful` with those events; none
 * make it `failed` with the code `abandoned`. Nothing is guessed: an event store that cannot fence leaves every record
 * undecided. Settled records say so in `metadata.settledBy`. May run twice at once, and again after it was interrupted.
 *
 * A command that is still running is fenced too, and can append nothing more: take an age that no command reaches.
 */
export async function reconcile(
  log: CommandLogStore,
  events: EventStore & Partial<Fenceable>,
  options: ReconcileOptions,
): Promise<ReconcileReport> {
  checkArguments(log, events, options)
  const query = queryOf(options)
  const records: Reconciled[] = []
  let endedBy: { readonly endedBy: unknown } | undefined
  try {
    let cursor: string | undefined
    do {
      const page = await log.list({ ...query, cursor })
      for (const record of page.records) records.push(await reconcileRecord(record, log, events, options))
      cursor = page.next
    } while (cursor !== undefined)
  } catch (error) {
    endedBy = { endedBy: error }
  }
  const counts = { successful: 0, abandoned: 0, 'settled-meanwhile': 0, undecided: 0, error: 0 }
  for (const { finding } of records) counts[finding]++
  return { records, counts, ...endedBy }
}

/** A dry run that is asked for in other words, or two stores in the wrong order, must not pass for something else. */
function checkArguments(log: CommandLogStore, events: EventStore, { dryRun, who }: ReconcileOptions): void {
  if (typeof log?.list !== 'function') throw new InvalidArgument('log', 'a CommandLogStore', log)
  if (typeof events?.append !== 'function') throw new InvalidArgument('events', 'an EventStore', events)
  if (dryRun !== undefined && typeof dryRun !== 'boolean') throw new InvalidArgument('dryRun', 'true or false', dryRun)
  if (who !== undefined && typeof who !== 'string') throw new InvalidArgument('who', 'a text', who)
}

function queryOf({ types, olderThan }: ReconcileOptions): Parameters<CommandLogStore['list']>[0] {
  const names = types === undefined ? [] : [types].flat()
  if (!names.every((type) => typeof type === 'string'))
    throw new InvalidArgument('types', 'the command types that may be judged', types)
  const time = olderThan instanceof Date ? olderThan.getTime() : olderThan
  if (typeof time !== 'number' || !(Number.isFinite(time) && time >= 0))
    throw new InvalidArgument('olderThan', 'a number of milliseconds from 0, or a Date', olderThan)
  const to = olderThan instanceof Date ? time : Date.now() - time
  return { state: 'created', type: types, order: 'oldest', to: Math.floor(to) + 1 }
}

async function reconcileRecord(
  record: CommandRecord,
  log: CommandLogStore,
  events: EventStore & Partial<Fenceable>,
  { dryRun, who }: ReconcileOptions,
): Promise<Reconciled> {
  const { id, type } = record
  const found = (finding: Finding, why: string, rest: Pick<Reconciled, 'record' | 'error'> = {}): Reconciled => ({
    ...{ id, type, finding, why },
    ...rest,
  })
  if (events.fence === undefined) return found('undecided', 'The event store cannot fence', { record })
  if (dryRun === true) return found('undecided', 'This is a dry run', { record })
  try {
    const settled = settledBy(record, refsOf(await events.fence(id)), who)
    if ((await log.record(settled)) === 'unchanged') {
      const now = await log.get(id)
      return found('settled-meanwhile', `It was settled by another hand as ${now?.state ?? 'a purged record'}`, {
        record: now,
      })
    }
    return settled.state === 'successful'
      ? found('successful', `${settled.events.length} of its events are in the event store`, { record: settled })
      : found('abandoned', 'None of its events are in the event store, and none can come', { record: settled })
  } catch (error) {
    return found('error', 'It could not be judged, or its outcome could not be written', { error })
  }
}

function settledBy(record: CommandRecord, events: CommandRecord['events'], who: string | undefined): CommandRecord {
  const settledAt = Math.max(Date.now(), record.receivedAt)
  const settledBy: JsonObject = { name: 'reconcile', at: settledAt, ...(who === undefined ? {} : { who }) }
  const outcome = { ...record, events, settledAt, metadata: { ...record.metadata, settledBy } }
  return events.length > 0 ? { ...outcome, state: 'successful' } : { ...outcome, state: 'failed', problem: abandoned }
}
