import fc, { type Arbitrary } from 'fast-check'
import { someOf } from './arbitraries.ts'
import { type Check, property } from './check.ts'
import { hostileTexts } from './hostile.ts'
import { expectRecords, type Fields, type Scope } from './scope.ts'
import { walkType } from './walk.ts'

/** Demands that every way to read gives exactly this record, which is the only one of its type and correlation. */
export async function expectEverywhere(scope: Scope, record: ReturnType<Scope['intent']>): Promise<void> {
  await scope.expectStored(record)
  await scope.expectWalk({ tenantId: scope.tenant, type: record.type }, [record])
  expectRecords('findByCorrelation', await scope.client.findByCorrelation(record.correlationId), [record])
  expectRecords('findByType', await walkType(scope.client, record.type, { tenantId: scope.tenant }), [record])
}

/** A check that an intent with these fields, and what settles it with these, come back as equal values. */
export function roundTrip(
  topic: string,
  rule: string,
  parts: { readonly intent?: Arbitrary<Fields>; readonly outcome?: Arbitrary<Fields>; readonly weight?: number },
): Check {
  const { intent = fc.constant<Fields>({}), outcome = fc.constant<Fields>({}), weight = 0.15 } = parts
  return property(`values/${topic}`, rule, {
    given: fc.record({ intent, outcome, withIntent: fc.boolean() }),
    weight,
    async holds(scope, fields) {
      const first = scope.intent('a', fields.intent)
      const settled = scope.outcome(first, fields.outcome)
      if (fields.withIntent) {
        await scope.write(first)
        await scope.expectStored(first)
      }
      await scope.write(settled, fields.withIntent ? 'settled' : 'created')
      await expectEverywhere(scope, settled)
    },
  })
}

/** A field with any of these values. */
export const asField = <T>(field: keyof Fields, values: Arbitrary<T>): Arbitrary<Fields> =>
  values.map((value) => ({ [field]: value }))
/** A whole body of this format. */
export const full = (format: string, data: string | Uint8Array): Fields => ({
  payload: { status: 'full', format, data, bytes: data.length },
})
/** Well-formed texts of any kind. */
export const texts: Arbitrary<string[]> = someOf(
  hostileTexts.filter((each) => each.isWellFormed()),
  1,
  24,
)
/** A text of this many characters, no two stretches of which are alike. */
export function longText(length: number, lead: string): string {
  let text = ''
  for (let line = 0; text.length < length; line++) text += `${lead} ${line}\n`
  return text.slice(0, length)
}
