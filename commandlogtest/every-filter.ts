import type { CommandQuery, CommandRecord } from '../src/index.ts'
import type { Client } from './client.ts'
import { isAskedFor } from './model.ts'
import type { Scope } from './scope.ts'

/** An intent that every filter about intents finds, with values of its own. */
export function richIntent(scope: Scope, text: string): CommandRecord {
  return scope.intent(text, {
    type: scope.id(`type ${text}`),
    correlationId: scope.id(`chain ${text}`),
    causationId: scope.id(`cause ${text}`),
    userId: `user ${text}`,
    clientRef: `client ${text}`,
    importance: 'high',
    retention: 'permanent',
    dryRun: true,
    attributes: { text, number: 1.5, yes: true },
  })
}

/** An outcome of it that the further filters find too. */
export function richOutcome(scope: Scope, of: CommandRecord): CommandRecord {
  const events = [{ id: `${of.id} first` }, { id: `${of.id} second` }]
  return scope.outcome(of, { state: 'rejected', events, problem: { code: `${of.id} refused` } })
}

/** A query for each filter, set to what this record has; of the same filters in the same order for each rich record. */
export function filtersOf(record: CommandRecord): readonly CommandQuery[] {
  const { type, state, correlationId, causationId, userId, clientRef, importance, retention, dryRun } = record
  const { attributes = {}, receivedAt, events, problem } = record
  const all: readonly CommandQuery[] = [
    ...[{ correlationId }, { type }, { causationId }, { userId }, { clientRef }, { importance }, { retention }],
    ...[{ dryRun }, { attributes }, { from: receivedAt, to: receivedAt + 1 }, { state }],
    ...events.map(({ id }) => ({ eventId: id })),
    ...[{ problemCode: problem?.code }],
  ]
  return all.filter((query) => Object.values(query)[0] !== undefined)
}

/** Demands that every filter gives what these records, which are all of the execution, have of it. */
export async function expectByEveryFilter(
  scope: Scope,
  records: readonly CommandRecord[],
  client: Client,
): Promise<void> {
  for (const record of records) {
    for (const filter of filtersOf(record)) {
      const query = { tenantId: scope.tenant, order: 'oldest', ...filter } as const
      const expected = records.filter((each) => isAskedFor(each, query))
      await scope.expectWalk(query, expected, client)
    }
  }
}
