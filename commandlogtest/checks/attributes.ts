import fc, { type Arbitrary } from 'fast-check'
import { oneOf, someOf } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import { expectAsked, expectFiltered, writeEach } from '../filtering.ts'
import { alikePairs, alikeValues } from '../hostile.ts'
import { attributeNames, confusable } from '../hostile-names.ts'

const pairs = [...confusable, ...alikePairs] as readonly (readonly (string | number | boolean)[])[]
const alike: Arbitrary<(string | number | boolean)[]> = fc.oneof(
  someOf(alikeValues, 2, 8),
  someOf(pairs, 1, 6).map((some) => [...new Set(some.flat())]),
)
// What is folded or cut most often is there every time.
const common = ['Case', 'case', 'case ', 'cas'] as const
const alikeNames = fc.oneof(
  someOf(attributeNames, 2, 8),
  someOf(confusable, 1, 5).map((some) => [...new Set(some.flat())]),
)

/** Filters by attributes. */
export const attributeFilterChecks: readonly Check[] = [
  property(
    'filters/attributes-are-exact',
    'A filter by an attribute gives the records that have this very value, of the same type.',
    {
      given: fc.tuple(oneOf(attributeNames), alike, someOf(alikeValues, 1, 3)),
      weight: 0.5,
      async holds(scope, [name, some, strange]) {
        const values = [...new Set([...some, ...common])]
        const records = await writeEach(scope, [
          ...values.map((value) => ({ attributes: Object.fromEntries([[name, value]]) })),
          { attributes: {} },
          {},
        ])
        for (const value of new Set([...values, ...strange])) {
          await expectFiltered(scope, records, { attributes: Object.fromEntries([[name, value]]) })
        }
      },
    },
  ),
  property(
    'filters/attribute-names-are-exact',
    'The name of an attribute is a name: no path, no case folding, nothing inherited.',
    {
      given: fc.tuple(alikeNames, oneOf(alikeValues)),
      weight: 0.3,
      async holds(scope, [some, value]) {
        const names = [...new Set([...some, ...common])]
        const records = await writeEach(scope, [
          ...names.map((name) => ({ attributes: Object.fromEntries([[name, value]]) })),
          {},
        ])
        for (const name of [...names, 'toString', 'nobody', 'a']) {
          await expectFiltered(scope, records, { attributes: Object.fromEntries([[name, value]]) })
        }
      },
    },
  ),
  property(
    'filters/several-attributes',
    'Several attributes must all match; attributes: {} matches every record, also one without any.',
    {
      given: fc.array(fc.record({ a: oneOf([1, 2]), b: oneOf([1, 2]), c: oneOf([1, 2]) }, { requiredKeys: [] }), {
        minLength: 1,
        maxLength: 8,
      }),
      weight: 0.2,
      async holds(scope, all) {
        const records = await writeEach(scope, [...all.map((attributes) => ({ attributes })), {}])
        for (const attributes of [
          {},
          { a: 1 },
          { a: 1, b: 2 },
          { b: 2, a: 1 },
          { a: 2, b: 1, c: 1 },
          { a: 1, d: 1 },
          { a: undefined as never, b: 1 },
        ]) {
          const { a, ...rest } = attributes as Record<string, number>
          const asked = a === undefined ? rest : attributes
          await expectFiltered(scope, records, { attributes: asked as Record<string, number> })
        }
      },
    },
  ),
  property(
    'filters/long-attributes-are-whole',
    'A filter by a text attribute counts to its last character, also where that is very long.',
    {
      given: fc.tuple(oneOf([3000, 8000]), oneOf([300, 2000])),
      weight: 0.03,
      async holds(scope, lengths) {
        const texts = lengths.flatMap((length) => ['a', 'b', 'B'].map((last) => `${'x'.repeat(length - 1)}${last}`))
        const records = await writeEach(
          scope,
          texts.map((long) => ({ attributes: { long, own: scope.id('a') } })),
        )
        for (const long of [...texts, 'x'.repeat(299), 'x'.repeat(2999)]) {
          await expectFiltered(scope, records, { attributes: { long } })
          await expectAsked(scope, records, { attributes: { long, own: scope.id('a') } })
        }
      },
    },
  ),
]
