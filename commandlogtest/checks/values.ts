import fc from 'fast-check'
import type { Payload } from '../../src/index.ts'
import {
  attributes,
  bytes,
  events,
  flat,
  json,
  jsonObject,
  jsonText,
  keyed,
  oneOf,
  payload,
  problem,
  someOf,
  text,
} from '../arbitraries.ts'
import { type Check, property } from '../check.ts'
import { alikeValues, hostileNumbers, hostileTexts, hostileValues, markers } from '../hostile.ts'
import { attributeNames, lookAlikes } from '../hostile-names.ts'
import { asField, expectEverywhere, full, longText, roundTrip, texts } from '../round-trip.ts'
import type { Fields } from '../scope.ts'

const formats = ['JSON', '', 'application/x-MyOwnCodec+ZSTD; version=1; charset="UTF-8"', `é/😀 A ${'x'.repeat(200)}`]
/** Many at once in a list, or one as the whole object. */
const markerPlaces = fc.tuple(someOf(markers, markers.length / 2), oneOf(markers), fc.boolean())

/** Bodies. */
export const payloadChecks: readonly Check[] = [
  roundTrip(
    'payloads-of-every-status',
    'A payload comes back with its status, format and size, whether its data is there or not.',
    {
      intent: asField('payload', payload),
      weight: 0.4,
    },
  ),
  roundTrip('json-payloads', 'A JSON payload comes back as text that decodes to an equal value.', {
    intent: fc
      .oneof(
        jsonText,
        fc.array(json, { maxLength: 12 }).map((all) => JSON.stringify(all)),
        jsonObject.map((all) => JSON.stringify(all)),
      )
      .map((data) => full('json', data)),
    weight: 0.8,
  }),
  roundTrip(
    'binary-payloads',
    'Bytes come back as the very same bytes, also of a view into a larger buffer, and also none.',
    {
      intent: bytes.map((data) => full('cbor', data)),
      outcome: asField(
        'result',
        bytes.map((data) => ({ status: 'full', format: 'msgpack', data, bytes: data.length }) as const),
      ),
    },
  ),
  roundTrip('text-payloads', 'Text of a format that the store does not know comes back as the very same text.', {
    intent: texts.map((all) => full('x-own/text', all.join('|'))),
    weight: 0.4,
  }),
  roundTrip(
    'json-text-of-another-format',
    'Only the format json may be rewritten: the same text in another format comes back as it was.',
    {
      intent: jsonText.map((data) => full('yaml', ` ${data}\n`)),
    },
  ),
  roundTrip('formats', 'The name of a format is any text, long or short, and its case counts.', {
    intent: oneOf(formats).map((format) => full(format, ' {"a" : 1} ')),
    outcome: oneOf(formats).map((format) => ({
      result: full(format, new Uint8Array([0x7b, 0x7d])).payload as Payload,
    })),
    weight: 0.1,
  }),
  roundTrip('empty-data', 'Empty text and empty bytes are data, unlike none at all.', {
    intent: oneOf([
      full('x-own', ''),
      full('cbor', new Uint8Array()),
      { payload: { status: 'full', format: 'cbor', bytes: 0 } },
    ]),
    weight: 0.25,
  }),
  roundTrip('results', 'A result comes back as a payload does, next to it and not instead of it.', {
    intent: asField('payload', payload),
    outcome: asField('result', payload),
  }),
  roundTrip('sizes', 'The size of a payload is a number of up to 2^53-1 and not recomputed.', {
    intent: oneOf([0, 1, 2 ** 31, 2 ** 32 + 1, 2 ** 53 - 1]).map(
      (size) => ({ payload: { status: 'too-large', format: 'json', bytes: size } }) as const,
    ),
    weight: 0.25,
  }),
]

/** What may be read. */
export const memberChecks: readonly Check[] = [
  roundTrip('metadata', 'Metadata come back as equal values, whatever their keys, shapes and texts.', {
    intent: asField('metadata', jsonObject),
    weight: 0.4,
  }),
  roundTrip('metadata-texts', 'Every text in metadata comes back, with NUL, lone surrogates and all.', {
    intent: fc.tuple(someOf(hostileTexts), text).map(([list, one]) => ({ metadata: { list, one } })),
  }),
  roundTrip(
    'metadata-keys',
    'Every key of metadata comes back as an own member: also __proto__, the empty one, dots and dollars.',
    {
      intent: asField('metadata', keyed(flat)),
    },
  ),
  roundTrip(
    'metadata-shapes',
    'Empty objects and arrays, nulls and deep nesting in metadata come back in their shape.',
    {
      intent: someOf(hostileValues).map((list) => ({ metadata: { list, empty: {} } })),
    },
  ),
  roundTrip(
    'markers',
    'JSON that looks like the mark of some store for bytes, dates or other types is but JSON, wherever it stands.',
    {
      intent: markerPlaces.map(([list, own, isOwn]) => ({
        metadata: isOwn ? own : { list },
        ...full('json', JSON.stringify(list)),
      })),
      outcome: markerPlaces.map(([list, own, isOwn]) => ({
        state: 'rejected',
        problem: isOwn ? own : { title: 'marked', list },
        result: full('json', JSON.stringify(own)).payload as Payload,
      })),
    },
  ),
  roundTrip('numbers', 'Numbers come back exact, from 5e-324 to 2^53-1 and 1e21.', {
    intent: someOf(hostileNumbers).map((list) => ({ metadata: { list }, ...full('json', JSON.stringify(list)) })),
    outcome: someOf(hostileNumbers).map((list) => ({ problem: { title: 'numbers', list } })),
  }),
  roundTrip('attributes', 'Attributes come back with their very names, values and types.', {
    intent: asField('attributes', attributes),
    weight: 0.3,
  }),
  roundTrip('attribute-types', 'An attribute 1 is not "1", and true is not "true".', {
    intent: fc.tuple(someOf(attributeNames, 4), someOf(alikeValues, attributeNames.length)).map(([names, values]) => ({
      attributes: Object.fromEntries(names.map((each, index) => [each, values[index] ?? 0])),
    })),
  }),
  roundTrip('empty-members', 'Empty metadata, attributes and source are not the same as none.', {
    intent: oneOf<Fields>([
      { metadata: {} },
      { attributes: {} },
      { metadata: {}, attributes: {} },
      { source: { service: '' } },
    ]),
    weight: 0.2,
  }),
  roundTrip('events', 'Events come back in their order, each with exactly the members that it had.', {
    outcome: asField('events', events),
    weight: 0.4,
  }),
  roundTrip('many-events', 'Fifteen hundred events come back, every one and in order.', {
    outcome: oneOf([1500]).map((count) => ({
      events: Array.from({ length: count }, (_, index) => ({ id: `e${count - index}`, version: index, stream: 's' })),
    })),
    weight: 0.02,
  }),
  property(
    'values/events-of-one-id',
    'The same event in two streams is two references, and a filter by it gives its record once.',
    {
      given: fc.integer({ min: 2, max: 4 }),
      weight: 0.04,
      async holds(scope, count) {
        const events = Array.from({ length: count }, (_, index) => ({ id: scope.id('e'), stream: `s${index % 3}` }))
        const record = scope.outcome(scope.intent(), { events })
        await scope.write(record)
        await expectEverywhere(scope, record)
        await scope.expectWalk({ tenantId: scope.tenant, eventId: scope.id('e'), limit: 1 }, [record])
      },
    },
  ),
  roundTrip('event-versions', 'Versions of events are exact up to 2^53-1, and 0 is not the same as none.', {
    outcome: someOf([0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 + 1, 2 ** 53 - 1]).map((versions) => ({
      events: [{ id: 'none' }, ...versions.map((version) => ({ id: `v${version}`, version }))],
    })),
    weight: 0.25,
  }),
  roundTrip(
    'event-texts',
    'Ids, types and streams of events are legal identifiers of any kind, and come back as they are.',
    {
      outcome: someOf(lookAlikes).map((all) => ({ events: all.map((id) => ({ id, type: id, stream: id })) })),
    },
  ),
  roundTrip('problems', 'A problem comes back with its members and its extensions.', {
    outcome: asField('problem', problem),
    weight: 0.4,
  }),
  roundTrip('errors', 'The name, message and stack of an error come back as any text.', {
    outcome: fc.tuple(text, someOf(hostileTexts), fc.option(text)).map(([own, all, stack]) => ({
      state: 'failed',
      error: { name: own, message: all.join('|'), ...(stack !== null && { stack }) },
    })),
    weight: 0.3,
  }),
  roundTrip('long-texts', 'Stacks, messages, details and other texts of tens of thousands of characters are whole.', {
    intent: oneOf([20_000, 33_000]).map((length) => ({
      source: { service: longText(2000, 'service'), build: longText(2000, 'build') },
      metadata: { text: longText(length, 'text') },
      attributes: { text: longText(5000, 'attribute') },
    })),
    outcome: oneOf([20_000, 60_000]).map((length) => ({
      state: 'failed',
      error: { name: longText(300, 'E'), message: longText(length, 'message'), stack: longText(length, 'at') },
      problem: {
        title: longText(5000, 'title'),
        detail: longText(length, 'detail'),
        instance: longText(3000, 'instance'),
        extension: longText(length, 'extension'),
      },
    })),
    weight: 0.03,
  }),
]
