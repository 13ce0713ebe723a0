import fc, { type Arbitrary } from 'fast-check'
import { oneOf, someOf } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import { expectAsked, expectFiltered, writeEach } from '../filtering.ts'
import { confusable, lookAlikes } from '../hostile-names.ts'
import type { Fields, Scope } from '../scope.ts'

// What is folded or cut most often is there every time.
const common = ['Case', 'case', 'case ', 'cas', 'cas\u00e9', 'case\u0301'] as const
const texts: Arbitrary<readonly string[]> = fc.oneof(
  someOf(confusable, 1, 8).map((pairs) => [...new Set([...pairs.flat(), ...common])]),
  someOf(lookAlikes, 2, 8).map((some) => [...some, ...common]),
)
const hostileFilters = [
  '%',
  '_',
  '*',
  '>',
  '',
  ' ',
  "'",
  '"',
  '\\',
  "' or ''='",
  'undefined',
  'null',
  '.*',
  'a%',
  'A',
  'a',
]

const separators = [':', '.', '/', '|', ' ', '-', '_', ',', '#', '::', '']

/** Where a text that no other execution has is different: without a tenant only such texts can be asked for. */
const side = oneOf(['none', 'none', 'before', 'after'] as const)

type Side = typeof side extends Arbitrary<infer T> ? T : never

/** How these texts are asked for: within the tenant as they are, or without one, made this execution's own. */
function asking({ prefix }: Scope, way: Side) {
  return {
    own: (text: string): string => {
      if (way === 'none') return text
      return way === 'before' ? `${text}${prefix}` : `${prefix}${text}`
    },
    expect: way === 'none' ? expectFiltered : expectAsked,
  }
}

/** A filter by one text: exact, for every text that is there and for those that look like it. */
function textFilter(field: 'type' | 'causationId' | 'userId' | 'clientRef' | 'correlationId'): Check {
  const rule = `A filter by ${field} gives exactly the records with this very ${field}: no prefix, case folding or wildcard, and none without it.`
  return property(`filters/${field}-is-exact`, rule, {
    given: fc.tuple(texts, someOf(hostileFilters, 1, 4), side),
    weight: 0.3,
    async holds(scope, [values, strange, way]) {
      const { own, expect } = asking(scope, way)
      // Always two that are the same as numbers.
      const all: Fields[] = [...values, '1.0'].map((value) => ({ [field]: own(value) }))
      const records = await writeEach(scope, [...all, {}])
      for (const value of new Set([...values, ...strange, '', '1']))
        await expect(scope, records, { [field]: own(value) })
    },
  })
}

/** Filters by text. */
export const textFilterChecks: readonly Check[] = [
  ...(['type', 'causationId', 'userId', 'clientRef', 'correlationId'] as const).map(textFilter),
  property(
    'filters/tenantId-is-exact',
    'A filter by tenantId gives exactly the records of this very tenant, and never those of one that looks like it.',
    {
      given: fc.tuple(oneOf(['before', 'after']), texts, oneOf(separators)),
      weight: 0.5,
      async holds(scope, [side, values, separator]) {
        const tenants = [...new Set(values)].map((value) =>
          side === 'before' ? `${value}${scope.prefix}` : `${scope.prefix}${value}`,
        )
        const records = tenants.map((tenantId, index) => scope.intent(`${index}`, { tenantId }))
        await scope.writeAll(records)
        for (const tenantId of [...tenants, scope.prefix]) {
          await scope.expectWalk(
            { tenantId },
            records.filter((record) => record.tenantId === tenantId),
          )
        }
        // Joined by a separator these two would be one key.
        const split = [
          { tenantId: scope.id('one'), userId: `a${separator}b` },
          { tenantId: scope.id(`one${separator}a`), userId: 'b' },
        ]
        const joined = split.map((fields, index) => scope.intent(`joined ${index}`, fields))
        await scope.writeAll(joined)
        for (const [index, query] of split.entries()) await scope.expectWalk(query, joined.slice(index, index + 1))
      },
    },
  ),
  property(
    'filters/problemCode-is-exact',
    'A filter by problemCode gives the records whose problem has this very code, not its title, type or status.',
    {
      given: fc.tuple(texts, someOf(hostileFilters, 1, 3), side),
      weight: 0.3,
      async holds(scope, [values, strange, way]) {
        const { own, expect } = asking(scope, way)
        const codes = values.map(own)
        const all: Fields[] = codes.map((code) => ({ state: 'rejected', problem: { code, title: 'a', status: 400 } }))
        const others: Fields[] = [
          { state: 'rejected', problem: { title: codes[0] ?? 'a', type: 'a', detail: 'a' } },
          { state: 'failed' },
          {},
        ]
        const records = await writeEach(scope, [...all, ...others])
        for (const problemCode of new Set([...codes, ...[...strange, '400'].map(own)]))
          await expect(scope, records, { problemCode })
      },
    },
  ),
  property(
    'filters/eventId-is-exact',
    'A filter by eventId gives the records that caused this very event, by its id and not by its type or stream.',
    {
      given: fc.tuple(texts, someOf(hostileFilters, 1, 3), side),
      weight: 0.3,
      async holds(scope, [values, strange, way]) {
        const { own, expect } = asking(scope, way)
        const ids = values.map(own)
        const one: Fields[] = ids.map((id) => ({ state: 'successful', events: [{ id, type: 'a', stream: 'A' }] }))
        const all: Fields = { state: 'successful', events: [...new Set(ids)].map((id) => ({ id })) }
        const records = await writeEach(scope, [...one, all, { state: 'successful', events: [] }, {}])
        for (const eventId of new Set([...ids, ...strange.map(own)])) await expect(scope, records, { eventId })
      },
    },
  ),
  property(
    'filters/eventId-finds-every-event',
    'A filter by eventId finds the first, the second and the two-hundredth event of a record.',
    {
      given: fc.oneof(oneOf([200]), oneOf([1, 2, 3, 16, 17, 64, 65, 100, 101])),
      weight: 0.1,
      async holds(scope, count) {
        const events = Array.from({ length: count }, (_, index) => ({ id: `${scope.prefix}e${index}` }))
        const records = await writeEach(scope, [
          { state: 'successful', events },
          { state: 'successful', events: events.slice(0, 1) },
        ])
        for (const index of new Set([0, 1, count >> 1, count - 2, count - 1, count])) {
          await expectFiltered(scope, records, { eventId: `${scope.prefix}e${index}` })
        }
      },
    },
  ),
]
