import { isDeepStrictEqual } from 'node:util'
import Database from 'better-sqlite3'
import type { CommandLogStore, CommandRecord } from 'commandlog'
import { walk } from '../stores/walk.ts'
import type { History } from './history.ts'

/** An event as the file has it. */
export interface FoundEvent {
  readonly stream: string
  readonly version: number
  readonly id: string
  readonly commandId: string
}

/** All that was said about a file, and all that its log and its events hold. */
export interface EventFacts {
  readonly history: History
  readonly records: readonly CommandRecord[]
  /** In the order of appending. */
  readonly events: readonly FoundEvent[]
}

/** What must hold of a log and its events. */
export interface EventRule {
  readonly name: string
  readonly rule: string
  /** `always`, or only once everything left `created` by a kill has been reconciled. */
  readonly holds: 'always' | 'reconciled'
  find(facts: EventFacts): readonly string[]
}

/** The rules, each caught in the act by a planted fault in `events.test.ts`. */
export const eventRules: readonly EventRule[] = [
  {
    name: 'outcomes-stay',
    rule: 'A command whose outcome was acknowledged has it on the record, with its events.',
    holds: 'always',
    find: ({ history, records }) => {
      const got = new Map(records.map((record) => [record.id, record]))
      return [...history.done].flatMap(([id, { state, events }]) => {
        const record = got.get(id)
        return isDeepStrictEqual([record?.state, idsOf(record)], [state, events]) ? [] : [id]
      })
    },
  },
  {
    name: 'versions-are-gapless',
    rule: 'The versions of every stream are 1, 2, 3 in the order of appending, and no event is there twice.',
    holds: 'always',
    find({ events }) {
      const last = new Map<string, number>()
      const ids = new Set<string>()
      return events.flatMap(({ stream, version, id }) => {
        const isNext = version === (last.get(stream) ?? 0) + 1 && !ids.has(id)
        last.set(stream, version)
        ids.add(id)
        return isNext ? [] : [`${stream}@${version}`]
      })
    },
  },
  {
    name: 'events-have-a-command',
    rule: 'The command of every event is on the record, without an outcome or successful.',
    holds: 'always',
    find({ records, events }) {
      const states = new Map(records.map(({ id, state }) => [id, state]))
      const allowed = ['created', 'successful']
      return events.filter(({ commandId }) => !allowed.includes(states.get(commandId) ?? '')).map(({ id }) => id)
    },
  },
  {
    name: 'settled-records-have-their-events',
    rule: 'The events on the record of a settled command are those that the event store has of it, no more and no fewer.',
    holds: 'always',
    find: ({ records, events }) => {
      const caused = Map.groupBy(events, ({ commandId }) => commandId)
      const settled = records.filter(({ state }) => state !== 'created')
      const idsIn = (id: string) => (caused.get(id) ?? []).map((event) => event.id)
      return settled.filter((record) => !isDeepStrictEqual(idsOf(record), idsIn(record.id))).map(({ id }) => id)
    },
  },
  {
    name: 'nothing-is-left-open',
    rule: 'No record is left without an outcome.',
    holds: 'reconciled',
    find: ({ records }) => records.filter(({ state }) => state === 'created').map(({ id }) => id),
  },
  {
    name: 'no-failure',
    rule: 'No process failed by itself.',
    holds: 'always',
    find: ({ history }) => history.failures,
  },
]

/** Commands that have events but no outcome: what reconciling settles, and one transaction never leaves. */
export function openWithEvents({ records, events }: EventFacts): readonly string[] {
  const caused = new Set(events.map(({ commandId }) => commandId))
  return records.filter(({ id, state }) => state === 'created' && caused.has(id)).map(({ id }) => id)
}

/** Reads the log through its store, and the events from the file itself. */
export async function readEventFacts(log: CommandLogStore, path: string, history: History): Promise<EventFacts> {
  const records = await walk(log)
  const database = new Database(path, { readonly: true, fileMustExist: true })
  try {
    const sql = 'SELECT stream, version, id, command_id AS commandId FROM event_log ORDER BY position'
    return { history, records, events: database.prepare<[], FoundEvent>(sql).all() }
  } finally {
    database.close()
  }
}

function idsOf(record: CommandRecord | undefined): readonly string[] {
  return record?.events.map(({ id }) => id) ?? []
}
