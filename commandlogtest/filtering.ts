import type { CommandQuery, CommandRecord } from '../src/index.ts'
import type { Client } from './client.ts'
import { isAskedFor } from './model.ts'
import { expectRecords, type Fields, type Scope } from './scope.ts'
import { show } from './show.ts'
import { walk } from './walk.ts'

/** Demands that a query of this tenant gives exactly what the reference filter gives. */
export function expectFiltered(scope: Scope, records: readonly CommandRecord[], query: CommandQuery): Promise<void> {
  return expectAsked(scope, records, { tenantId: scope.tenant, ...query })
}

/** The same for every tenant, where a query names something that hardly anybody but this execution has. */
export async function expectAsked(scope: Scope, records: readonly CommandRecord[], query: CommandQuery): Promise<void> {
  const asked = { order: 'oldest', ...query } as const
  expectRecords(`list(${show(asked)})`, await walkOwn(scope, asked), selected(records, asked))
}

/** What a walk gives, but for what others have where no tenant is named. */
export async function walkOwn(
  scope: Scope,
  query: CommandQuery,
  client: Client = scope.client,
): Promise<readonly CommandRecord[]> {
  const found = await walk(client, query)
  return query.tenantId === undefined ? found.filter(scope.isOwn) : found
}

/** Those of these records, which are in the order of recording, that a query asks for, in its order. */
export function selected(records: readonly CommandRecord[], query: CommandQuery): readonly CommandRecord[] {
  const found = records.filter((record) => isAskedFor(record, query))
  return query.order === 'oldest' ? found : found.reverse()
}

/**
 * Writes one record for each of these fields. Where they say more than created every other one comes as an intent
 * first, so that what a filter looks at came in two writes.
 */
export async function writeEach(scope: Scope, all: readonly Fields[]): Promise<CommandRecord[]> {
  const records: CommandRecord[] = []
  for (const [index, fields] of all.entries()) {
    const intent = scope.intent(`${index}`, intentOf(fields))
    const isIntent = (fields.state ?? 'created') === 'created'
    const inTwo = !isIntent && (index + all.length) % 2 === 1
    const record = isIntent ? intent : scope.outcome(scope.intent(`${index}`), fields)
    if (inTwo) await scope.write(intent)
    await scope.write(record, inTwo ? 'settled' : 'created')
    records.push(record)
  }
  return records
}

function intentOf({ problem: _problem, ...fields }: Fields): Fields {
  return { ...fields, state: 'created', events: [] }
}
