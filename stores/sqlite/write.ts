import { type RecordResult, StoreError } from '../../src/index.ts'
import { type GroupResult, type GroupWrite, SqliteRefused, toSqliteError } from '../../storekit/index.ts'
import type { Connection } from './connection.ts'
import { columns, type Row } from './rows.ts'

const insert = `INSERT INTO command_log (sequence, change, ${columns.join(', ')}) VALUES (?, ?, ${columns.map(() => '?').join(', ')})`
const numbers = ['settled_at', 'duration_ms', 'attempts']
const result = ['result', 'result_status', 'result_format', 'result_bytes']
/** What an outcome brings; it may lack all but the first two, and then changes nothing there. */
const brought = ['state', 'events', ...numbers, 'problem', 'problem_code', 'error', 'metadata', ...result]
const places = new Map(brought.map((column) => [column, columns.indexOf(column)]))
const common = `UPDATE command_log SET change = @change, state = @state, events = @events,
  ${numbers.map((column) => `${column} = coalesce(@${column}, ${column})`).join(', ')}`
/** For most outcomes: without a problem, an error, a result or metadata. */
const settlePlain = `${common} WHERE sequence = @sequence`
const settleWhole = `${common}, error = coalesce(@error, error), metadata = coalesce(@metadata, metadata),
  problem = coalesce(@problem, problem), problem_code = iif(@problem IS NULL, problem_code, @problem_code),
  ${result.map((column) => `${column} = iif(@result_status IS NULL, ${column}, @${column})`).join(', ')}
  WHERE sequence = @sequence`
/** The latest change has the largest number of all, sequences included, unless it was purged. */
const nextNumber = `SELECT max(next, coalesce((SELECT max(change) FROM command_log), 0) + 1) AS next FROM command_log_meta`
const known = 'SELECT sequence, state, events FROM command_log WHERE id = ?'

interface Known {
  readonly sequence: number
  readonly state: string
  readonly events: string
}

/** Writes a group in one transaction. A record that is at fault is left out and told so; its neighbours are written. */
export async function writeRows(
  connection: Connection,
  writes: readonly GroupWrite<Row>[],
): Promise<readonly GroupResult[]> {
  const refused = new Map<number, StoreError>()
  for (;;) {
    try {
      return await connection.write(() => writeAll(connection, writes, refused))
    } catch (thrown) {
      if (!(thrown instanceof SqliteRefused)) throw thrown
      refused.set(thrown.index, thrown.error)
    }
  }
}

function writeAll(
  connection: Connection,
  writes: readonly GroupWrite<Row>[],
  refused: ReadonlyMap<number, StoreError>,
): readonly GroupResult[] {
  const counter = connection.prepare(nextNumber).get() as { next: number }
  return writes.map((write, index) => {
    const error = refused.get(index)
    if (error !== undefined) return error
    try {
      return writeOne(connection, write, counter)
    } catch (thrown) {
      const { code, message } = toSqliteError(thrown)
      if (code === 'INVALID_RECORD' || code === 'RECORD_TOO_LARGE')
        throw new SqliteRefused(index, new StoreError(code, message))
      throw thrown
    }
  })
}

/** Writes an outcome alone, within a transaction. */
export function writeOutcome(connection: Connection, outcome: Row): RecordResult {
  const counter = connection.prepare(nextNumber).get() as { next: number }
  return writeOne(connection, { intent: undefined, outcome }, counter)
}

/** The first write of each phase wins. */
function writeOne(
  connection: Connection,
  { intent, outcome }: GroupWrite<Row>,
  counter: { next: number },
): RecordResult {
  const first = intent ?? (outcome as Row)
  const before = connection.prepare(known).get(first.id) as Known | undefined
  if (before === undefined) {
    const sequence = counter.next++
    connection.prepare(insert).run(sequence, sequence, ...first.values)
    addEvents(connection, sequence, first)
    for (const [name, value] of first.attributes) {
      connection
        .prepare('INSERT INTO command_log_attribute (name, value, sequence) VALUES (?, ?, ?)')
        .run(name, value, sequence)
    }
    if (intent !== undefined && outcome !== undefined)
      settleRow(connection, { sequence, events: intent.eventIds, outcome, change: counter.next++ })
    return 'created'
  }
  if (outcome === undefined || before.state !== 'created') return 'unchanged'
  const events = before.events === '[]' ? [] : (JSON.parse(before.events) as { id: string }[]).map(({ id }) => id)
  settleRow(connection, { sequence: before.sequence, events, outcome, change: counter.next++ })
  return 'settled'
}

interface Settling {
  readonly sequence: number
  readonly change: number
  /** Those that the record had before. */
  readonly events: readonly string[]
  readonly outcome: Row
}

function settleRow(connection: Connection, { sequence, change, events, outcome }: Settling): void {
  const values: Record<string, unknown> = { change, sequence }
  for (const [column, place] of places) values[column] = outcome.values[place]
  const isPlain = [values.problem, values.error, values.metadata, values.result_status].every((value) => value === null)
  connection.prepare(isPlain ? settlePlain : settleWhole).run(values)
  removeEvents(connection, sequence, events)
  addEvents(connection, sequence, outcome)
}

function addEvents(connection: Connection, sequence: number, { eventIds }: Row): void {
  for (const id of eventIds) {
    connection.prepare('INSERT OR IGNORE INTO command_log_event (event_id, sequence) VALUES (?, ?)').run(id, sequence)
  }
}

/** Takes events out of the lookup by event. */
export function removeEvents(connection: Connection, sequence: number, ids: readonly string[]): void {
  for (const id of ids) {
    connection.prepare('DELETE FROM command_log_event WHERE event_id = ? AND sequence = ?').run(id, sequence)
  }
}
