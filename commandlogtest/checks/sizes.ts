import fc from 'fast-check'
import type { Payload } from '../../src/index.ts'
import { oneOf, someOf } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import { expectEverywhere, longText } from '../round-trip.ts'
import { show } from '../show.ts'
import { Violation } from '../violation.ts'

const mebibyte = 1024 * 1024

function body(kind: 'json' | 'text' | 'bytes', size: number): Payload {
  if (kind === 'bytes')
    return {
      status: 'full',
      format: 'cbor',
      data: Uint8Array.from({ length: size }, (_, index) => (index * 7 + (index >> 8)) & 255),
      bytes: size,
    }
  const data = kind === 'json' ? `"${'j'.repeat(size - 2)}"` : 't\u0000'.repeat(size / 2)
  return { status: 'full', format: kind === 'json' ? 'json' : 'x-own/text', data, bytes: size }
}

/** What an outcome may bring, each far larger than 64 KiB but for metadata, which are at most that. */
const large = {
  events: Array.from({ length: 1200 }, (_, index) => ({
    id: `e${index}`,
    type: 'happened'.repeat(10),
    version: index,
  })),
  result: body('json', 200_000),
  problem: { code: 'large', title: 'Large', detail: longText(70_000, 'detail'), issues: [longText(40_000, 'issue')] },
  error: { name: 'E', message: longText(20_000, 'message'), stack: longText(90_000, 'at') },
  metadata: { text: longText(60_000, 'text') },
} as const

/** Large records, and those next to them. */
export const sizesChecks: readonly Check[] = [
  property(
    'sizes/one-mebibyte-fits',
    'A payload of 1 MiB fits in every store, as JSON, as text and as bytes, and comes back whole.',
    {
      given: fc.constant(['json', 'text', 'bytes'] as const),
      weight: 0.01,
      async holds(scope, kinds) {
        for (const kind of kinds) {
          const record = scope.intent(kind, { payload: body(kind, mebibyte) })
          await scope.write(record)
          await scope.expectStored(record)
          await scope.write(scope.outcome(record), 'settled')
          await scope.expectStored(scope.outcome(record))
        }
      },
    },
  ),
  property('sizes/around-limits', 'Payloads around the sizes where stores change their ways come back whole.', {
    given: fc.tuple(
      oneOf([255, 2000, 4096, 8192, 65_535, 65_536, 65_537, 131_072, 524_288]),
      oneOf(['json', 'bytes'] as const),
    ),
    weight: 0.15,
    async holds(scope, [size, kind]) {
      const record = scope.intent('a', { payload: body(kind, size) })
      await scope.write(record)
      await scope.expectStored(record)
    },
  }),
  property(
    'sizes/larger-is-stored-or-refused',
    'A larger record is stored whole or refused as RECORD_TOO_LARGE, with nothing written, and the store works on.',
    {
      given: fc.tuple(oneOf(['json', 'bytes'] as const), oneOf([mebibyte + 1, 2 * mebibyte + 3])),
      weight: 0.04,
      async holds(scope, [kind, size]) {
        const record = scope.intent('large', { payload: body(kind, size) })
        const { failure } = await scope.client.attempt('record', record)
        if (failure === undefined) await scope.expectStored(record)
        else {
          if (failure.code !== 'RECORD_TOO_LARGE' || failure.written !== 'no') {
            const expected = "RECORD_TOO_LARGE with written 'no'"
            throw new Violation('a record that is too large is refused in another way', {
              expected,
              actual: show(failure.error),
            })
          }
          if ((await scope.client.get(record.id)) !== undefined) throw new Violation('a refused record is there')
          await scope.write(scope.intent('large'), 'created')
        }
        await scope.write(scope.intent('next'))
        await scope.expectStored(scope.intent('next'))
      },
    },
  ),
  property(
    'sizes/outcomes-grow',
    'An outcome much larger than its intent is stored whole: its events, result, problem, error and metadata.',
    {
      given: someOf(Object.keys(large) as (keyof typeof large)[], 4),
      weight: 0.02,
      async holds(scope, fields) {
        const brought = Object.fromEntries(fields.map((field) => [field, large[field]]))
        const intent = scope.intent()
        const outcome = scope.outcome(intent, brought)
        await scope.write(intent)
        await scope.write(outcome, 'settled')
        await expectEverywhere(scope, outcome)
        const alone = scope.outcome(scope.intent('alone'), brought)
        await scope.write(alone)
        await scope.expectStored(alone)
      },
    },
  ),
  property('sizes/many-large-in-one-turn', 'Several large records of one turn are each stored whole.', {
    given: fc.constant(6),
    weight: 0.01,
    async holds(scope, count) {
      const records = Array.from({ length: count }, (_, index) =>
        scope.intent(`${index}`, { payload: body('json', 700_000 + index) }),
      )
      await Promise.all(records.map((record) => scope.write(record)))
      for (const record of records) await scope.expectStored(record)
    },
  }),
  property('sizes/metadata-of-64-kib', 'Metadata of 64 KiB and attributes of hundreds of members fit.', {
    given: fc.constant(undefined),
    weight: 0.02,
    async holds(scope) {
      const attributes = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`attribute ${index}`, index]))
      const record = scope.intent('a', { metadata: { text: 'm'.repeat(60_000) }, attributes })
      await scope.write(record)
      await scope.expectStored(record)
      await scope.expectWalk({ tenantId: scope.tenant, attributes: { 'attribute 299': 299 } }, [record])
    },
  }),
]
