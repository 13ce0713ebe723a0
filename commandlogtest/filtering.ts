import type { CommandQuery, CommandRecord } from '../src/index.ts'
import { isAskedFor } from './model.ts'
import type { Fields, Scope } from './scope.ts'

/** Demands that a query gives exactly what the reference filter gives. */
export async function expectFiltered(
  scope: Scope,
  records: readonly CommandRecord[],
  query: CommandQuery,
): Promise<void> {
  const own = { tenantId: scope.tenant, order: 'oldest', ...query } as const
  const expected = records.filter((record) => isAskedFor(record, own))
  await scope.expectWalk(own, own.order === 'newest' ? expected.reverse() : expected)
}

/** Writes one record for each of these fields: an intent, and its outcome where they say more than created. */
export async function writeEach(scope: Scope, all: readonly Fields[]): Promise<CommandRecord[]> {
  const records = all.map((fields, index) => {
    const intent = scope.intent(`${index}`, { ...fields, state: 'created', events: [] })
    return (fields.state ?? 'created') === 'created' ? intent : scope.outcome(scope.intent(`${index}`), fields)
  })
  for (const record of records) await scope.write(record)
  return records
}
