import fc, { type Arbitrary } from 'fast-check'
import type { CommandRecord, PurgeOptions, Retention } from '../src/index.ts'
import { allStates, oneOf } from './arbitraries.ts'
import type { Check } from './check.ts'
import type { Client } from './client.ts'
import type { Scope } from './scope.ts'
import { isOfSuite } from './unique.ts'
import { expectSame, NotApplicable } from './violation.ts'
import { walk } from './walk.ts'

/** All that these checks purge was received in the first quarter of an hour of 1970: hardly anybody else's records are. */
export const cut = 500_000
const endOfWindow = 2 * cut
/** Every retention. */
export const retentions: readonly Retention[] = ['short-lived', 'long-lived', 'permanent']

/** Removes what earlier executions left in that window, so that counts are exact. */
export async function sweep({ client }: Scope): Promise<void> {
  for (const retention of retentions) await client.purge({ retention, before: endOfWindow })
}

/** A check that does not purge on a live store where the records of others would go too. */
export function sparing(check: Check): Check {
  return {
    ...check,
    async run(context) {
      if (context.isLive) await expectNoneOfOthers(await context.main())
      await check.run(context)
    },
  }
}

async function expectNoneOfOthers(client: Client): Promise<void> {
  if (typeof client.store.purge !== 'function') return
  const records = await walk(client, { to: endOfWindow, limit: 1000 })
  if (records.every(({ id }) => isOfSuite(id))) return
  throw new NotApplicable(
    'it would purge records of others, which were received before 1,000,000 (1970-01-01 00:16:40)',
  )
}

/** Purges, and demands this many, as far as the answer is sure. */
export async function expectPurged(client: Client, options: PurgeOptions, expected: number): Promise<void> {
  const { count, isUnsure } = await client.purge(options)
  if (!isUnsure) expectSame('how many records purge says it removed', count, expected)
}

/** What decides whether a record is due. */
export interface Kind {
  readonly retention: Retention
  readonly state: (typeof allStates)[number]
  readonly offset: number
}

/** Records of any kind around the cut. */
export const kinds: Arbitrary<Kind[]> = fc.array(
  fc.record({ retention: oneOf(retentions), state: oneOf(allStates), offset: fc.integer({ min: -2, max: 2 }) }),
  { minLength: 1, maxLength: 12 },
)

/** Writes one record of each kind. */
export async function writeKinds(scope: Scope, all: readonly Kind[]): Promise<CommandRecord[]> {
  const records = all.map(({ retention, state, offset }, index) => {
    const kind = { dryRun: index % 2 === 1, importance: (['low', 'normal', 'high'] as const)[index % 3] ?? 'low' }
    const intent = scope.intent(`${index}`, { retention, receivedAt: cut + offset, ...kind })
    return state === 'created' ? intent : scope.outcome(intent, { state })
  })
  await scope.writeAll(records)
  return records
}

/** Whether a purge must remove this record. */
export function isDue(record: CommandRecord, { retention, before }: PurgeOptions): boolean {
  return record.state !== 'created' && record.retention === retention && record.receivedAt < Number(before)
}

/** Settled, short-lived records before the cut. */
export async function writeDue(scope: Scope, count: number): Promise<CommandRecord[]> {
  const records = Array.from({ length: count }, (_, index) => {
    return scope.outcome(
      scope.intent(`${index}`, { retention: 'short-lived', receivedAt: cut - 1 - ((index * 7) % 13) }),
    )
  })
  for (let from = 0; from < count; from += 100)
    await Promise.all(records.slice(from, from + 100).map((record) => scope.write(record)))
  return records
}

/** What most of these checks purge. */
export const due: PurgeOptions = { retention: 'short-lived', before: cut }
