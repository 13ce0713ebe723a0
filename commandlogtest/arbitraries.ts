import fc, { type Arbitrary } from 'fast-check'
import type { CommandState, EventRef, JsonObject, JsonValue, Payload, Problem } from '../src/index.ts'
import { alikeValues, hostileKeys, hostileNumbers, hostileTexts, hostileValues } from './hostile.ts'
import { attributeNames, lookAlikes } from './hostile-names.ts'
import type { Fields } from './scope.ts'

/** Every state that settles a command. */
export const outcomeStates = ['successful', 'cancelled', 'rejected', 'conflict', 'failed'] as const

/** Every state. */
export const allStates: readonly CommandState[] = ['created', ...outcomeStates]

/** One of these. */
export function oneOf<T>(values: readonly T[]): Arbitrary<T> {
  return fc.constantFrom(...values)
}

/** Some of these, in any order, all different; shrinks to fewer. */
export function someOf<T>(values: readonly T[], minLength = 1, maxLength: number = values.length): Arbitrary<T[]> {
  return fc.shuffledSubarray([...values], { minLength, maxLength })
}

/** Random well-formed text without NUL, short enough for an identifier. */
const randomName = fc.string({ unit: 'binary', minLength: 1, maxLength: 24 }).filter((text) => !text.includes('\0'))

/** A legal identifier, hostile more often than not. */
export const name: Arbitrary<string> = fc.oneof(
  { weight: 5, arbitrary: oneOf(lookAlikes) },
  { weight: 2, arbitrary: randomName },
)

/** Any text. */
export const text: Arbitrary<string> = fc.oneof(
  { weight: 5, arbitrary: oneOf(hostileTexts) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary' }) },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 8 })
      .map((units) => String.fromCharCode(...units)),
  },
)

/** Any finite number. */
export const number: Arbitrary<number> = fc.oneof(
  oneOf(hostileNumbers),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
)

/** Any JSON value that is no object. */
export const flat: Arbitrary<string | number | boolean> = fc.oneof(text, number, fc.boolean())

/** An object of these values, each under a hostile key: `__proto__` stays an own member. */
export function keyed<T extends JsonValue>(values: Arbitrary<T>, maxKeys = 40): Arbitrary<JsonObject> {
  return someOf(hostileKeys, 0, maxKeys).chain((keys) =>
    fc
      .array(values, { minLength: keys.length, maxLength: keys.length })
      .map((all) => Object.fromEntries(keys.map((key, index) => [key, all[index] as JsonValue]))),
  )
}

/** Any JSON value. */
export const json: Arbitrary<JsonValue> = fc.oneof(
  { weight: 2, arbitrary: oneOf(hostileValues) },
  { weight: 3, arbitrary: flat },
  { weight: 2, arbitrary: fc.array(flat, { maxLength: 6 }) },
  { weight: 2, arbitrary: keyed(flat, 6) },
  { weight: 1, arbitrary: fc.jsonValue() as Arbitrary<JsonValue> },
)

/** A JSON object for metadata, with many hostile members at once. */
export const jsonObject: Arbitrary<JsonObject> = keyed(json, 16)

/** Flat attributes. */
export const attributes: Arbitrary<Record<string, string | number | boolean>> = fc
  .tuple(someOf(attributeNames, 0, 10), fc.array(fc.oneof(oneOf(alikeValues), flat), { minLength: 10, maxLength: 10 }))
  .map(([names, values]) =>
    Object.fromEntries(names.map((each, index) => [each, values[index] as string | number | boolean])),
  )

/** A milliseconds time: edges, equal ones, the far future, no whole seconds. */
export const time: Arbitrary<number> = fc.oneof(
  oneOf([
    0,
    1,
    999,
    1000,
    1_700_000_000_000,
    1_700_000_000_001,
    1_700_000_000_999,
    2 ** 31 * 1000 + 7,
    253_402_300_800_001,
    8.64e15,
  ]),
  fc.integer({ min: 0, max: 4_102_444_800_000 }),
)

/** Bytes: empty, all 256, no UTF-8, and views into larger buffers. */
export const bytes: Arbitrary<Uint8Array> = fc.oneof(
  oneOf([0, 1, 2, 3, 255, 256, 257]).map((length) => Uint8Array.from({ length }, (_, index) => index)),
  fc.uint8Array({ maxLength: 40 }).map((own) => Uint8Array.from([9, 9, 9, ...own, 9, 9]).subarray(3, 3 + own.length)),
  fc.uint8Array({ maxLength: 40 }).map((own) => Buffer.from(own)),
  fc.constant(Uint8Array.from([0xff, 0xfe, 0xc3, 0x28, 0x00, 0x80, 0x0a, 0x0d])),
)

/** The text of any JSON value, spaced or escaped in its own way. */
export const jsonText: Arbitrary<string> = fc.oneof(
  json.map((value) => JSON.stringify(value)),
  json.map((value) => JSON.stringify(value, undefined, 2)),
  oneOf([
    '""',
    '"\\u0000"',
    '"\\ud800"',
    '"\\u00e9"',
    ' 1 ',
    '1E2',
    '-0',
    '0.10',
    '12345678901234567890',
    '"a\\/b"',
    '{"__proto__":1}',
  ]),
)

const size = fc.oneof(fc.nat(5000), oneOf([2 ** 31 - 1, 2 ** 31, 2 ** 32 + 1, 2 ** 53 - 1]))
const wellFormed = text.filter((value) => value.isWellFormed())

/** A body of any status and format. */
export const payload: Arbitrary<Payload> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      status: oneOf(['full', 'redacted'] as const),
      format: fc.constant('json'),
      data: jsonText,
      bytes: size,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      status: oneOf(['full', 'redacted'] as const),
      format: oneOf(['cbor', 'msgpack', 'x-own/1']),
      data: bytes,
      bytes: size,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      status: fc.constant('full' as const),
      format: oneOf(['text', 'yaml', 'x-own/2']),
      data: wellFormed,
      bytes: size,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      status: oneOf(['omitted', 'redaction-failed', 'unserialisable', 'too-large', 'full'] as const),
      format: oneOf(['json', 'cbor']),
      bytes: size,
    }),
  },
)

/** References to events, ids all different. */
export const events: Arbitrary<readonly EventRef[]> = fc.oneof(
  { weight: 4, arbitrary: eventList(fc.nat(4)) },
  { weight: 1, arbitrary: eventList(oneOf([0, 1, 2, 199, 200])) },
)

function eventList(length: Arbitrary<number>): Arbitrary<readonly EventRef[]> {
  const parts = { type: name, stream: name, version: oneOf([0, 1, 2, 2 ** 31, 2 ** 32 + 1, 2 ** 53 - 1]) }
  return fc
    .tuple(
      length,
      fc.array(fc.record(parts, { requiredKeys: [] }), { minLength: 4, maxLength: 4 }),
      oneOf(['', '%', '\u{1f600}', 'E ']),
    )
    .map(([count, some, lead]) =>
      Array.from({ length: count }, (_, index) => ({ id: `${lead}${index}`, ...some[index % some.length] })),
    )
}

/** A problem with extensions. */
export const problem: Arbitrary<Problem> = fc
  .tuple(
    fc.record(
      {
        type: text,
        title: text,
        detail: text,
        instance: text,
        code: name,
        status: oneOf([200, 303, 400, 404, 409, 422, 500, 599]),
      },
      { requiredKeys: ['title'] },
    ),
    keyed(json, 5),
  )
  .map(([own, { type: _type, title: _title, ...extensions }]) => ({ ...members(extensions), ...own }))

/** A copy with the same own members: a spread would lose none, but assigning would apply `__proto__`. */
function members(value: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(value).filter(([key]) => !['detail', 'instance', 'code', 'status'].includes(key)),
  )
}

/** What an intent may carry beyond identity. */
export const intentFields: Arbitrary<Fields> = fc.record(
  {
    type: name,
    causationId: name,
    clientRef: name,
    userId: name,
    traceparent: fc.constant('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'),
    replayOf: name,
    payload,
    metadata: jsonObject,
    attributes,
    dryRun: fc.boolean(),
    receivedAt: time,
    importance: oneOf(['low', 'normal', 'high'] as const),
    retention: oneOf(['short-lived', 'long-lived', 'permanent'] as const),
    source: fc.record({ service: text, instance: text, build: text }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
)

/** What an outcome brings. */
export const outcomeFields: Arbitrary<Fields> = fc.record(
  {
    state: oneOf(outcomeStates),
    events,
    result: payload,
    problem,
    error: fc.record({ name: text, message: text, stack: text }, { requiredKeys: ['name', 'message'] }),
    settledAt: time,
    durationMs: fc.oneof(
      oneOf([0, 0.001, 0.1, 1.5, 123.456789, 1e-7, 86_400_000.25]),
      fc.double({ min: 0, max: 1e9, noNaN: true }),
    ),
    attempts: oneOf([1, 2, 7, 1000]),
  },
  { requiredKeys: ['state', 'events'] },
)
