import type { CommandQuery, CommandRecord, RecordResult } from '../src/index.ts'
import type { CheckContext } from './check.ts'
import type { Client } from './client.ts'
import { plainIntent, plainOutcome, showShort } from './plain-record.ts'
import { recordFault } from './same-record.ts'
import { show } from './show.ts'
import { Violation } from './violation.ts'
import { walk } from './walk.ts'

/** Some fields of a record. */
export type Fields = Partial<CommandRecord>

/** One execution of a check: ids, types and tenants of its own, so that it needs no clean slate. */
export interface Scope {
  readonly context: CheckContext
  readonly client: Client
  /** Part of every id of this execution. */
  readonly prefix: string
  readonly tenant: string
  /** An id of this execution. */
  id(text?: string): string
  /** The intent of a command, as plain as can be but for these fields. */
  intent(text?: string, fields?: Fields): CommandRecord
  /** An outcome of it, successful but for these fields. */
  outcome(of: CommandRecord, fields?: Fields): CommandRecord
  /** Writes, and demands this result. */
  write(record: CommandRecord, expected?: RecordResult, client?: Client): Promise<void>
  /** Writes one after the other, each as a first write. */
  writeAll(records: readonly CommandRecord[], client?: Client): Promise<void>
  /** Demands that `get` gives exactly this record. */
  expectStored(expected: CommandRecord, client?: Client): Promise<void>
  /** Demands that the whole walk of this query gives exactly these records, in this order. */
  expectWalk(query: CommandQuery, expected: readonly CommandRecord[], client?: Client): Promise<void>
  isOwn(record: CommandRecord): boolean
}

/** The scope of one execution. */
export function newScope(context: CheckContext, client: Client): Scope {
  const prefix = `${context.unique()}.`
  const tenant = `${prefix}t`
  const id = (text = 'a'): string => `${prefix}${text}`
  const scope: Scope = {
    context,
    client,
    prefix,
    tenant,
    id,
    intent: (text, fields) => ({ ...plainIntent(id(text), id('c'), tenant), ...fields }),
    outcome: (of, fields) => ({ ...of, ...plainOutcome(of), ...fields }),
    write: (record, expected = 'created', on = client) => writeOne(on, record, expected),
    async writeAll(records, on = client) {
      for (const record of records) await writeOne(on, record, 'created')
    },
    expectStored: async (expected, on = client) => expectRecord('get', await on.get(expected.id), expected),
    async expectWalk(query, expected, on = client) {
      expectRecords(`list(${show(query)})`, await walk(on, query), expected)
    },
    isOwn: ({ id: own }) => own.includes(prefix),
  }
  return scope
}

async function writeOne(client: Client, record: CommandRecord, expected: RecordResult): Promise<void> {
  const { result, isUnsure } = await client.record(record)
  // A retry after `unknown` may hear `unchanged` for its own write.
  if (result === expected || (isUnsure && result === 'unchanged')) return
  throw new Violation(`record of ${show(record.id)} gave another result`, {
    expected: show(expected),
    actual: show(result),
  })
}

/** Demands that this was read where that is expected. */
export function expectRecord(
  where: string,
  actual: CommandRecord | undefined,
  expected: CommandRecord | undefined,
): void {
  if (actual === undefined && expected === undefined) return
  const details = { expected: showShort(expected), actual: showShort(actual) }
  if (actual === undefined) throw new Violation(`${where} does not give a record that is there`, details)
  if (expected === undefined) throw new Violation(`${where} gives a record that is not there`, details)
  const fault = recordFault(actual, expected)
  if (fault !== undefined) throw new Violation(`${where} gives another record: ${fault}`, details)
}

/** Demands that these were read, and in this order. */
export function expectRecords(
  where: string,
  actual: readonly CommandRecord[],
  expected: readonly CommandRecord[],
): void {
  const [read, wanted] = [actual.map(({ id }) => id), expected.map(({ id }) => id)]
  if (read.length !== wanted.length || read.some((each, index) => each !== wanted[index])) {
    const details = { expected: show(wanted), actual: show(read) }
    throw new Violation(`${where} gives ${faultOf(read, wanted)}`, details)
  }
  for (const [index, record] of expected.entries()) expectRecord(where, actual[index], record)
}

function faultOf(read: readonly string[], wanted: readonly string[]): string {
  const [seen, due] = [new Set(read), new Set(wanted)]
  if (seen.size < read.length) return 'a record twice'
  const missing = wanted.filter((id) => !seen.has(id)).length
  const odd = read.filter((id) => !due.has(id)).length
  if (missing + odd === 0) return 'the records in another order'
  return `other records: ${missing} missing, ${odd} that do not belong there`
}
