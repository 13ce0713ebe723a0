import fc from 'fast-check'
import type { CommandQuery, CommandRecord } from '../../src/index.ts'
import { type Check, property } from '../check.ts'
import { expectAsked } from '../filtering.ts'
import type { Scope } from '../scope.ts'

const count = 10
// This one is like none of the others, so that no filter lets all of them pass.
const strange = 5

/** Records that most filters find most of: received in falling order, and settled in the reverse of recording. */
async function writeSample(scope: Scope): Promise<CommandRecord[]> {
  const records = Array.from({ length: count }, (_, index) =>
    index === strange
      ? scope.intent('strange', { type: scope.id('z'), correlationId: scope.id('d'), receivedAt: 9000 })
      : scope.intent(`${index}`, {
          ...{ type: scope.id(index % 5 === 3 ? 'y' : 'x'), causationId: scope.id('k'), userId: scope.id('u') },
          ...{ clientRef: scope.id('r'), attributes: { own: scope.id('v'), n: index } },
          ...({ importance: 'low', retention: 'short-lived', dryRun: true, receivedAt: 5000 - index } as const),
        }),
  )
  await scope.writeAll(records)
  for (let index = count - 1; index >= 0; index--) {
    if (index === strange) continue
    const settled = scope.outcome(records[index] as CommandRecord, {
      state: index % 5 === 1 ? 'rejected' : 'failed',
      events: [{ id: scope.id(`e${index}`) }, { id: scope.id('e') }],
      problem: { code: scope.id('p') },
      settledAt: 6000 - index,
    })
    records[index] = settled
    await scope.write(settled, 'settled')
  }
  return records
}

/** Every filter that this sample passes: by one value, and by several. */
const filters: Readonly<Record<string, (scope: Scope) => CommandQuery>> = {
  tenantId: (scope) => ({ tenantId: scope.tenant }),
  type: (scope) => ({ type: scope.id('x') }),
  types: (scope) => ({ type: [scope.id('y'), scope.id('x')] }),
  state: () => ({ state: 'failed' }),
  states: () => ({ state: ['rejected', 'failed'] }),
  correlationId: (scope) => ({ correlationId: scope.id('c') }),
  causationId: (scope) => ({ causationId: scope.id('k') }),
  userId: (scope) => ({ userId: scope.id('u') }),
  clientRef: (scope) => ({ clientRef: scope.id('r') }),
  eventId: (scope) => ({ eventId: scope.id('e') }),
  problemCode: (scope) => ({ problemCode: scope.id('p') }),
  importance: () => ({ importance: 'low' }),
  retention: () => ({ retention: 'short-lived' }),
  dryRun: () => ({ dryRun: true }),
  from: () => ({ from: 5001 - count }),
  to: () => ({ to: 5001 }),
  attributes: (scope) => ({ attributes: { own: scope.id('v') } }),
}

const names = Object.keys(filters)
/** Each filter, and each two that can be asked at once. */
const combinations = names.flatMap((name, index) => {
  const others = names.slice(index + 1).filter((other) => other !== `${name}s`)
  return [[name], ...others.map((other) => [name, other])]
})

const few = [
  { order: 'newest', limit: 1 },
  { order: 'oldest', limit: 2 },
  { order: 'newest', limit: 1000 },
  { order: 'oldest', limit: 1000 },
] as const
const all = [...few, { order: 'oldest', limit: 1 }, { order: 'newest', limit: 2 }, { order: undefined }] as const

/** Order and limit next to filters: an index may have an order of its own. */
export const filteredOrderChecks: readonly Check[] = [
  property(
    'order/with-every-filter',
    'Any filter, and any two, give their records in the order of recording, both ways and by pages of any limit.',
    {
      // All of them in one execution, in any order: a store too slow for that is tried on some.
      given: fc.shuffledSubarray(combinations, { minLength: combinations.length }),
      weight: 0.01,
      async holds(scope, combined) {
        const records = await writeSample(scope)
        for (const some of combined) {
          if (!scope.context.hasTime()) return
          const query: CommandQuery = Object.assign({}, ...some.map((name) => filters[name]?.(scope)))
          const isOwn = JSON.stringify(query).includes(scope.prefix)
          const isAlone = some.length === 1
          for (const paged of isAlone ? all : few) {
            if (isAlone || !isOwn) await expectAsked(scope, records, { tenantId: scope.tenant, ...query, ...paged })
            if (isOwn) await expectAsked(scope, records, { ...query, ...paged })
          }
        }
      },
    },
  ),
]
