import type { CommandQuery, CommandRecord, RecordResult } from '../src/index.ts'

/** The contract as a dumb array: what a correct store holds after the same calls. */
export interface Model {
  /** In the order of recording. */
  readonly records: readonly CommandRecord[]
  write(record: CommandRecord): RecordResult
  get(id: string): CommandRecord | undefined
  /** Every record that the query asks for, in its order; limit and cursor play no part. */
  select(query: CommandQuery): readonly CommandRecord[]
  remove(ids: readonly string[]): void
}

const ofOutcome = [
  ...['state', 'events', 'result', 'problem', 'error', 'settledAt', 'durationMs', 'attempts', 'metadata'],
] as (keyof CommandRecord)[]

/** An empty log. */
export function newModel(): Model {
  const records: CommandRecord[] = []
  return {
    records,
    write(record) {
      const index = records.findIndex(({ id }) => id === record.id)
      const first = records[index]
      if (first === undefined) {
        records.push(record)
        return 'created'
      }
      if (first.state !== 'created' || record.state === 'created') return 'unchanged'
      records[index] = settledBy(first, record)
      return 'settled'
    },
    get: (id) => records.find((record) => record.id === id),
    select(query) {
      const found = records.filter((record) => isAskedFor(record, query))
      return query.order === 'oldest' ? found : found.reverse()
    },
    remove(ids) {
      for (const id of ids) {
        const index = records.findIndex((record) => record.id === id)
        if (index >= 0) records.splice(index, 1)
      }
    },
  }
}

/**
 * What a record becomes by its outcome: all that the outcome says of what it decides, and nothing of who asked, what, and
 * when. What it does not say stays.
 */
export function settledBy(first: CommandRecord, outcome: CommandRecord): CommandRecord {
  const settled: Record<string, unknown> = { ...first }
  for (const field of ofOutcome) if (outcome[field] !== undefined) settled[field] = outcome[field]
  return settled as unknown as CommandRecord
}

const plain = [
  'correlationId',
  'causationId',
  'tenantId',
  'userId',
  'clientRef',
  'importance',
  'retention',
  'dryRun',
] as const

/** Whether a record is what a query asks for. */
export function isAskedFor(record: CommandRecord, query: CommandQuery): boolean {
  for (const field of plain) {
    if (query[field] !== undefined && record[field] !== query[field]) return false
  }
  if (query.type !== undefined && !isAmong(record.type, query.type)) return false
  if (query.state !== undefined && !isAmong(record.state, query.state)) return false
  if (query.from !== undefined && record.receivedAt < Number(query.from)) return false
  if (query.to !== undefined && record.receivedAt >= Number(query.to)) return false
  if (query.problemCode !== undefined && record.problem?.code !== query.problemCode) return false
  if (query.eventId !== undefined && !hasEvent(record, query.eventId)) return false
  return hasAttributes(record, query.attributes ?? {})
}

function isAmong(value: string, asked: string | readonly string[]): boolean {
  return typeof asked === 'string' ? value === asked : asked.includes(value)
}

function hasEvent(record: CommandRecord, id: string): boolean {
  for (const event of record.events) if (event.id === id) return true
  return false
}

function hasAttributes(record: CommandRecord, asked: NonNullable<CommandQuery['attributes']>): boolean {
  for (const [name, value] of Object.entries(asked)) {
    if (record.attributes === undefined || !Object.hasOwn(record.attributes, name)) return false
    if (record.attributes[name] !== value) return false
  }
  return true
}
