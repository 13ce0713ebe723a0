import { type RecordResult, StoreError } from '../../src/index.ts'
import type { GroupResult, GroupWrite } from '../../storekit/index.ts'
import type { Connection } from './connection.ts'
import { columns, type Row } from './rows.ts'
import { toStoreError } from './store-error.ts'

const insert = `INSERT INTO command_log (sequence, change, ${columns.join(', ')}) VALUES (?, ?, ${columns.map(() => '?').join(', ')})`
const kept = ['problem', 'problem_code', 'error', 'settled_at', 'duration_ms', 'attempts', 'metadata']
const result = ['result', 'result_status', 'result_format', 'result_bytes']
const settle = `UPDATE command_log SET change = @change, state = @state, events = @events,
  ${kept.map((column) => `${column} = coalesce(@${column}, ${column})`).join(', ')},
  ${result.map((column) => `${column} = iif(@result_status IS NULL, ${column}, @${column})`).join(', ')}
  WHERE sequence = @sequence`
const known = 'SELECT sequence, state, events FROM command_log WHERE id = ?'

interface Known {
  readonly sequence: number
  readonly state: string
  readonly events: string
}

/** A record that cannot be written, so that its whole group was rolled back. */
class Refused extends Error {
  readonly index: number
  readonly error: StoreError
  constructor(index: number, error: StoreError) {
    super()
    this.index = index
    this.error = error
  }
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
      if (!(thrown instanceof Refused)) throw thrown
      refused.set(thrown.index, thrown.error)
    }
  }
}

function writeAll(
  connection: Connection,
  writes: readonly GroupWrite<Row>[],
  refused: ReadonlyMap<number, StoreError>,
): readonly GroupResult[] {
  const numbers = connection.prepare('SELECT next FROM command_log_meta').get() as { next: number }
  const first = numbers.next
  const results = writes.map((write, index) => {
    const error = refused.get(index)
    if (error !== undefined) return error
    try {
      return writeOne(connection, write, numbers)
    } catch (thrown) {
      const { code, message } = toStoreError(thrown)
      if (code === 'INVALID_RECORD' || code === 'RECORD_TOO_LARGE')
        throw new Refused(index, new StoreError(code, message))
      throw thrown
    }
  })
  if (numbers.next > first) connection.prepare('UPDATE command_log_meta SET next = ?').run(numbers.next)
  return results
}

/** The first write of each phase wins. */
function writeOne(
  connection: Connection,
  { intent, outcome }: GroupWrite<Row>,
  numbers: { next: number },
): RecordResult {
  const first = intent ?? (outcome as Row)
  const before = connection.prepare(known).get(first.id) as Known | undefined
  if (before === undefined) {
    const sequence = numbers.next++
    connection.prepare(insert).run(sequence, sequence, ...first.values)
    addEvents(connection, sequence, first)
    for (const [name, value] of first.attributes) {
      connection
        .prepare('INSERT INTO command_log_attribute (name, value, sequence) VALUES (?, ?, ?)')
        .run(name, value, sequence)
    }
    if (intent !== undefined && outcome !== undefined)
      settleRow(connection, { sequence, events: intent.eventIds, outcome, change: numbers.next++ })
    return 'created'
  }
  if (outcome === undefined || before.state !== 'created') return 'unchanged'
  const events = before.events === '[]' ? [] : (JSON.parse(before.events) as { id: string }[]).map(({ id }) => id)
  settleRow(connection, { sequence: before.sequence, events, outcome, change: numbers.next++ })
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
  connection.prepare(settle).run({ ...outcome.outcome, change, sequence })
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
