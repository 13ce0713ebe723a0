import fc from 'fast-check'
import type { CommandRecord } from '../../src/index.ts'
import { oneOf, someOf } from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import { confusable, lookAlikes } from '../hostile-names.ts'
import { expectRecords, type Scope } from '../scope.ts'
import { expectTrue } from '../violation.ts'
import { walkType } from '../walk.ts'

/** Ids of this execution around a text: the text may stand on either side, or on both. */
function idsOf(scope: Scope, side: 'before' | 'after' | 'both', texts: readonly string[]): readonly string[] {
  return texts.map((text) => {
    if (side === 'both') return `${text.slice(0, 100)}${scope.prefix}${text.slice(0, 100)}`
    return side === 'before' ? `${text}${scope.prefix}` : `${scope.prefix}${text}`
  })
}

async function expectUnknown({ client, tenant, id, isOwn }: Scope, text: string): Promise<void> {
  expectTrue((await client.get(text))?.id !== id('a'), 'get gives a record of another id')
  const correlated = await client.findByCorrelation(text)
  expectTrue(!correlated.some(isOwn), 'findByCorrelation gives a record of another correlation')
  expectRecords('findByType', await walkType(client, text, { tenantId: tenant }), [])
}

/** Texts that may be taken for one another: many pairs, or some of them all. */
const alike = fc.oneof(
  someOf(confusable, 1, 12).map((pairs) => [...pairs.flat(), 'Case', 'case', 'case ']),
  someOf(lookAlikes, 2, 12),
)
const side = oneOf(['before', 'after', 'both'] as const)

/** Which texts are the same id, and which are not. */
export const identityChecks: readonly Check[] = [
  property(
    'identity/ids-are-exact',
    'Ids that differ at all are different records: by case, space, wildcard, normal form or prefix.',
    {
      given: fc.tuple(side, alike),
      weight: 0.6,
      async holds(scope, [where, texts]) {
        const ids = [...new Set(idsOf(scope, where, texts))]
        const records: CommandRecord[] = []
        for (const [index, id] of ids.entries()) {
          const record = scope.intent('', { id, receivedAt: 1000 + index })
          await scope.write(record)
          records.push(record)
        }
        for (const record of records) await scope.expectStored(record)
        await scope.expectWalk({ tenantId: scope.tenant, order: 'oldest' }, records)
      },
    },
  ),
  property(
    'identity/settling-one-leaves-its-look-alikes',
    'An outcome settles the record of its very id and no other.',
    {
      given: fc.tuple(side, alike),
      weight: 0.4,
      async holds(scope, [where, texts]) {
        const records = [...new Set(idsOf(scope, where, texts))].map((id) => scope.intent('', { id }))
        await scope.writeAll(records)
        const settles = (index: number): boolean => index % 2 === 1
        for (const [index, record] of records.entries()) {
          if (settles(index)) await scope.write(scope.outcome(record), 'settled')
        }
        for (const [index, record] of records.entries()) {
          await scope.expectStored(settles(index) ? scope.outcome(record) : record)
        }
      },
    },
  ),
  property('identity/long-ids-are-whole', 'Ids of up to 256 bytes count to the last byte.', {
    given: oneOf(['x', '\u00e9', '\u{1f600}', '%', ' ']),
    weight: 0.1,
    async holds(scope, unit) {
      const room = Math.floor((255 - scope.prefix.length) / Buffer.byteLength(unit))
      const stem = scope.id(unit.repeat(room))
      const records = ['1', '2', ''].map((end, index) => scope.intent('', { id: `${stem}${end}`, receivedAt: index }))
      await scope.writeAll(records)
      for (const record of records) await scope.expectStored(record)
    },
  }),
  property(
    'identity/an-id-is-no-other-field',
    'A text is one thing as an id and another as a correlation, type or tenant.',
    {
      given: fc.constant(undefined),
      weight: 0.05,
      async holds(scope) {
        const [one, two] = [
          scope.intent('x', { correlationId: scope.id('y') }),
          scope.intent('y', { correlationId: scope.id('x') }),
        ]
        await scope.writeAll([one, two])
        await scope.expectStored(one)
        await scope.expectStored(two)
        expectRecords('findByCorrelation', await scope.client.findByCorrelation(scope.id('x')), [two])
        await scope.expectWalk({ tenantId: scope.id('x') }, [])
      },
    },
  ),
  property(
    'identity/correlation-is-exact',
    'findByCorrelation gives the records of this very correlation, and of none that looks like it.',
    {
      given: fc.tuple(side, alike),
      weight: 0.4,
      async holds(scope, [where, texts]) {
        const names = [...new Set(idsOf(scope, where, texts))]
        const records = names.flatMap((correlationId, index) => [
          scope.intent(`${index}a`, { correlationId }),
          scope.intent(`${index}b`, { correlationId }),
        ])
        await scope.writeAll(records)
        for (const correlationId of names) {
          const expected = records.filter((record) => record.correlationId === correlationId)
          expectRecords('findByCorrelation', await scope.client.findByCorrelation(correlationId), expected)
        }
        expectRecords('findByCorrelation', await scope.client.findByCorrelation(scope.prefix.slice(0, -1)), [])
      },
    },
  ),
  property(
    'identity/a-chain-is-whole',
    'findByCorrelation gives the whole chain: the command it began with, and every tenant, type, user and kind.',
    {
      given: fc.array(
        fc.record({
          type: oneOf(['x', 'y']),
          tenant: oneOf(['one', 'two']),
          userId: oneOf(['u', 'v']),
          dryRun: fc.boolean(),
          settles: fc.boolean(),
          importance: oneOf(['low', 'normal', 'high'] as const),
        }),
        { minLength: 1, maxLength: 8 },
      ),
      weight: 0.2,
      async holds(scope, links) {
        const [correlationId, type] = [scope.id('0'), scope.id('x')]
        const records = links.map(({ settles, tenant, ...kind }, index) => {
          const cause = index === 0 ? {} : { causationId: scope.id(`${index - 1}`) }
          const intent = scope.intent(`${index}`, {
            correlationId,
            ...kind,
            ...cause,
            type: scope.id(kind.type),
            tenantId: scope.id(tenant),
          })
          return settles ? scope.outcome(intent) : intent
        })
        await scope.writeAll(records)
        expectRecords('findByCorrelation', await scope.client.findByCorrelation(correlationId), records)
        await scope.expectWalk({ correlationId, order: 'oldest' }, records)
        await scope.expectWalk({ causationId: scope.id('0') }, records.slice(1, 2))
        const typed = records.filter((record) => record.type === type)
        expectRecords('findByType', await walkType(scope.client, type, { order: 'oldest' }), typed)
        for (const tenantId of [scope.id('one'), scope.id('two')]) {
          await scope.expectWalk(
            { correlationId, tenantId, order: 'oldest' },
            records.filter((record) => record.tenantId === tenantId),
          )
        }
      },
    },
  ),
  property(
    'identity/nothing-is-inherited',
    'Texts that mean something to a language or a database are as unknown as any other.',
    {
      given: someOf([
        '',
        '%',
        '_',
        '*',
        '>',
        '.',
        '__proto__',
        'constructor',
        'toString',
        'hasOwnProperty',
        'undefined',
        'null',
        '0',
        "' or 1=1 --",
      ]),
      weight: 0.1,
      async holds(scope, texts) {
        await scope.write(scope.intent())
        for (const text of texts) await expectUnknown(scope, text)
      },
    },
  ),
  property(
    'identity/long-texts-are-whole',
    'References, types and codes of 256 bytes come back whole, and filters count to the last byte.',
    {
      given: oneOf(['x', '\u00e9', '\u{1f600}']),
      weight: 0.08,
      async holds(scope, unit) {
        const stem = unit.repeat(Math.floor(254 / Buffer.byteLength(unit)))
        const records = ['1', '2'].map((end) => {
          const text = `${stem}${end}`
          const intent = scope.intent(end, { type: text, causationId: text, clientRef: text, userId: text })
          return scope.outcome(intent, {
            state: 'rejected',
            events: [{ id: text, type: text, stream: text }],
            problem: { code: text },
          })
        })
        await scope.writeAll(records)
        for (const record of records) {
          await scope.expectStored(record)
          for (const field of ['type', 'causationId', 'clientRef', 'userId', 'eventId', 'problemCode']) {
            await scope.expectWalk({ tenantId: scope.tenant, [field]: record.type }, [record])
          }
        }
        await scope.expectWalk({ tenantId: scope.tenant, type: stem }, [])
      },
    },
  ),
  property(
    'identity/empty-correlation-is-a-value',
    'findByCorrelation of the empty text gives records whose correlation is empty, and no others.',
    {
      given: fc.constant(undefined),
      weight: 0.02,
      async holds(scope) {
        const records = [scope.intent('a', { correlationId: '' }), scope.intent('b')]
        await scope.writeAll(records)
        const found = await scope.client.findByCorrelation('')
        expectRecords('findByCorrelation', found.filter(scope.isOwn), records.slice(0, 1))
        expectTrue(
          found.every(({ correlationId }) => correlationId === ''),
          'findByCorrelation gives records of another correlation',
        )
      },
    },
  ),
  property(
    'identity/type-is-exact',
    'findByType gives the records of this very type, and of none that looks like it.',
    {
      given: fc.tuple(side, alike),
      weight: 0.4,
      async holds(scope, [where, texts]) {
        const types = [...new Set(idsOf(scope, where, texts))]
        const records = types.map((type, index) => scope.intent(`${index}`, { type }))
        await scope.writeAll(records)
        for (const [index, type] of types.entries()) {
          expectRecords('findByType', await walkType(scope.client, type), records.slice(index, index + 1))
        }
      },
    },
  ),
]
