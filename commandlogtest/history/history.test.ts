import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { CommandRecord, RecordResult } from '../../src/index.ts'
import { hasExplanation } from './exhaustive.ts'
import {
  checkHistory,
  type Fingerprint,
  fingerprintOf,
  type HistoryEvent,
  type Result,
  type WalkEvent,
} from './index.ts'
import { callsOf, isLinearizable, newRegister, note } from './linearizability.ts'
import { simulate } from './simulate.ts'

const ok = <T>(value: T): Result<T> => ({ status: 'ok', value })
const unknown = { status: 'unknown' } as const
const failed = { status: 'failed' } as const
const intent = { identity: 'first' }
const outcome = { identity: 'first', outcome: 'done' }
type Span = readonly [invoked: number, returned: number]

function record(
  id: string,
  content: Fingerprint,
  result: RecordResult | typeof unknown | typeof failed,
  [invoked, returned]: Span,
): HistoryEvent {
  return {
    kind: 'record',
    client: 'a',
    id,
    content,
    result: typeof result === 'string' ? ok(result) : result,
    invoked,
    returned,
  }
}

function get(id: string, seen: Fingerprint | undefined, [invoked, returned]: Span): HistoryEvent {
  return { kind: 'get', client: 'b', id, result: ok(seen), invoked, returned }
}

function walk(ids: readonly string[], [invoked, returned]: Span, more: Partial<WalkEvent> = {}): WalkEvent {
  const seen = ids.map((id) => ({ id, content: { identity: `first ${id}` } }))
  return { kind: 'walk', client: 'c', order: 'oldest', isComplete: true, result: ok(seen), invoked, returned, ...more }
}

function created(id: string, span: Span, correlationId = 'c'): HistoryEvent {
  return { ...record(id, { identity: `first ${id}` }, 'created', span), correlationId } as HistoryEvent
}

const rules = (history: readonly HistoryEvent[]): readonly string[] => checkHistory(history).map(({ rule }) => rule)

describe('legal histories', () => {
  const legal: Record<string, readonly HistoryEvent[]> = {
    'nothing happened': [],
    'an intent, its outcome, and reads of both': [
      get('x', undefined, [1, 2]),
      record('x', intent, 'created', [3, 4]),
      get('x', intent, [5, 6]),
      record('x', outcome, 'settled', [7, 8]),
      get('x', outcome, [9, 10]),
    ],
    'an outcome alone, and an intent after it': [
      record('x', outcome, 'created', [1, 2]),
      record('x', intent, 'unchanged', [3, 4]),
      get('x', outcome, [5, 6]),
    ],
    'the outcome of another writer on the first write of one': [
      record('x', intent, 'created', [1, 2]),
      record('x', { identity: 'other', outcome: 'done' }, 'settled', [3, 4]),
      get('x', outcome, [5, 6]),
    ],
    'reads that overlap a write see it or do not': [
      record('x', intent, 'created', [1, 6]),
      get('x', intent, [2, 3]),
      get('x', intent, [4, 5]),
      get('y', undefined, [7, 8]),
    ],
    'an unknown write that nobody ever sees': [record('x', intent, unknown, [1, 2]), get('x', undefined, [3, 4])],
    'an unknown write that is seen late': [
      record('x', intent, unknown, [1, 2]),
      get('x', undefined, [3, 4]),
      get('x', intent, [5, 6]),
    ],
    'a retry after an unknown write that hears unchanged': [
      record('x', intent, unknown, [1, 2]),
      record('x', intent, 'unchanged', [3, 4]),
    ],
    'a retry after an unknown write that hears created': [
      record('x', intent, unknown, [1, 2]),
      record('x', intent, 'created', [3, 4]),
    ],
    'a definite failure, and a retry': [
      record('x', intent, failed, [1, 2]),
      get('x', undefined, [3, 4]),
      record('x', intent, 'created', [5, 6]),
    ],
    'an unknown outcome that overtakes a known one': [
      record('x', intent, 'created', [1, 2]),
      record('x', { identity: 'first', outcome: 'other' }, unknown, [3, 4]),
      record('x', outcome, 'unchanged', [5, 6]),
      get('x', { identity: 'first', outcome: 'other' }, [7, 8]),
    ],
    'overlapping writes in any order': [created('x', [1, 4]), created('y', [2, 3]), walk(['x', 'y'], [5, 6])],
    'a walk that sees what is written meanwhile': [
      created('x', [1, 2]),
      created('y', [4, 5]),
      walk(['x', 'y'], [3, 6]),
    ],
    'a walk that does not see what is written meanwhile': [
      created('x', [1, 2]),
      created('y', [4, 5]),
      walk(['x'], [3, 6]),
    ],
    'walks in both directions, complete and broken off': [
      ...['x', 'y', 'z'].map((id, index) => created(id, [2 * index + 1, 2 * index + 2])),
      walk(['z', 'y', 'x'], [7, 8], { order: 'newest' }),
      walk(['x', 'y'], [9, 10], { isComplete: false }),
      walk(['z', 'y'], [11, 12], { isComplete: false, order: 'newest' }),
    ],
    'a walk of one correlation': [
      created('x', [1, 2], 'c'),
      created('y', [3, 4], 'd'),
      walk(['y'], [5, 6], { correlationId: 'd' }),
    ],
    'a failed walk says nothing': [created('x', [1, 2]), walk([], [3, 4], { result: failed })],
  }
  for (const [name, history] of Object.entries(legal)) test(name, () => assert.deepEqual(checkHistory(history), []))
})

describe('illegal histories', () => {
  const xy = [created('x', [1, 2]), created('y', [3, 4])]
  const illegal: Record<string, readonly [rules: readonly string[], readonly HistoryEvent[]]> = {
    'two are told created': [
      ['one-created'],
      [record('x', intent, 'created', [1, 4]), record('x', intent, 'created', [2, 3])],
    ],
    'two are told settled': [
      ['one-settled'],
      [
        record('x', intent, 'created', [1, 2]),
        record('x', outcome, 'settled', [3, 6]),
        record('x', outcome, 'settled', [4, 5]),
      ],
    ],
    'an outcome alone, and one that settled it': [
      ['one-settled'],
      [
        record('x', intent, unknown, [1, 2]),
        record('x', outcome, 'created', [3, 6]),
        record('x', outcome, 'settled', [4, 5]),
      ],
    ],
    'an intent is told settled': [
      ['linearizable'],
      [record('x', intent, 'created', [1, 2]), record('x', intent, 'settled', [3, 4])],
    ],
    'told unchanged, though nobody wrote': [['linearizable'], [record('x', intent, 'unchanged', [1, 2])]],
    'told unchanged before anybody wrote': [
      ['linearizable'],
      [record('x', intent, 'unchanged', [1, 2]), record('x', intent, 'created', [3, 4])],
    ],
    'a read of what nobody wrote': [['no-phantom'], [get('x', intent, [1, 2])]],
    'a read of another content': [
      ['no-phantom'],
      [record('x', intent, 'created', [1, 2]), get('x', { identity: 'other' }, [3, 4])],
    ],
    'a read before the write': [['no-phantom'], [get('x', intent, [1, 2]), record('x', intent, 'created', [3, 4])]],
    'a read of what failed for sure': [
      ['definite-means-absent'],
      [record('x', intent, failed, [1, 2]), get('x', intent, [3, 4])],
    ],
    'an outcome that failed for sure': [
      ['definite-means-absent'],
      [record('x', intent, 'created', [1, 2]), record('x', outcome, failed, [3, 4]), get('x', outcome, [5, 6])],
    ],
    'half an outcome': [
      ['whole-outcomes'],
      [
        record('x', intent, 'created', [1, 2]),
        record('x', outcome, 'settled', [3, 6]),
        get('x', { identity: 'first', outcome: 'do' }, [4, 5]),
      ],
    ],
    'the outcome of one and then of another': [
      ['whole-outcomes'],
      [
        record('x', intent, 'created', [1, 2]),
        record('x', outcome, unknown, [3, 4]),
        record('x', { identity: 'first', outcome: 'other' }, unknown, [3, 4]),
        get('x', outcome, [5, 6]),
        get('x', { identity: 'first', outcome: 'other' }, [7, 8]),
      ],
    ],
    'absent after it was acknowledged': [
      ['read-after-acknowledgement'],
      [record('x', intent, 'created', [1, 2]), get('x', undefined, [3, 4])],
    ],
    'absent after it was seen': [
      ['read-after-acknowledgement'],
      [record('x', intent, 'created', [1, 8]), get('x', intent, [2, 3]), get('x', undefined, [4, 5])],
    ],
    'created after it was settled': [
      ['read-after-acknowledgement'],
      [record('x', intent, 'created', [1, 2]), record('x', outcome, 'settled', [3, 4]), get('x', intent, [5, 6])],
    ],
    'created in a walk after it was settled': [
      ['read-after-acknowledgement'],
      [created('x', [1, 2]), record('x', { identity: 'x', outcome: 'done' }, 'settled', [3, 4]), walk(['x'], [5, 6])],
    ],
    'twice in a walk': [['nothing-twice'], [...xy, walk(['x', 'y', 'x'], [5, 6])]],
    'two walks in two orders': [
      ['one-order'],
      [
        created('x', [1, 4]),
        created('y', [2, 3]),
        walk(['x', 'y'], [5, 6]),
        walk(['x', 'y'], [7, 8], { order: 'newest' }),
      ],
    ],
    'not the order of acknowledgement': [['real-time-order'], [...xy, walk(['y', 'x'], [5, 6])]],
    'one is missing': [['nothing-missing'], [...xy, walk(['x'], [5, 6])]],
    'the first is missing': [['one-order'], [...xy, walk(['y'], [5, 6]), walk(['x', 'y'], [7, 8])]],
    'one slips in before what was seen': [
      ['one-order'],
      [created('x', [1, 8]), created('y', [2, 3]), walk(['y'], [4, 5]), walk(['x', 'y'], [9, 10])],
    ],
    'one is missing in its correlation': [['nothing-missing'], [...xy, walk(['x'], [5, 6], { correlationId: 'c' })]],
    'a correlation in another order': [
      ['one-order'],
      [
        created('x', [1, 4]),
        created('y', [2, 3]),
        walk(['x', 'y'], [5, 6]),
        walk(['y', 'x'], [7, 8], { correlationId: 'c' }),
      ],
    ],
    'a gap in a walk that was broken off': [
      ['one-order'],
      [
        ...xy,
        created('z', [5, 6]),
        walk(['x', 'y', 'z'], [7, 8]),
        walk(['z', 'x'], [9, 10], { order: 'newest', isComplete: false }),
      ],
    ],
    'a walk shows what nobody wrote': [['no-phantom'], [walk(['x'], [1, 2])]],
  }
  for (const [name, [expected, history]] of Object.entries(illegal)) {
    test(name, () => {
      assert.deepEqual(rules(history), expected)
      for (const { events, message } of checkHistory(history)) {
        assert.ok(events.length > 0 && events.length <= 5, `${message}: ${events.length} events`)
      }
    })
  }

  test('the calls that show it are few, however many there are', () => {
    const reads = Array.from({ length: 400 }, (_each, index) => get('x', intent, [10 + 2 * index, 11 + 2 * index]))
    const history = [record('x', intent, 'created', [1, 2]), ...reads, get('x', undefined, [900, 901])]
    const [violation] = checkHistory(history)
    assert.equal(violation?.rule, 'read-after-acknowledgement')
    assert.equal(violation?.events.length, 2)
  })
})

describe('generated histories', () => {
  const arbitrary = fc.record({
    seed: fc.integer(),
    clients: fc.integer({ min: 1, max: 6 }),
    calls: fc.integer({ min: 1, max: 80 }),
    ids: fc.integer({ min: 1, max: 12 }),
  })
  const history = ({
    seed,
    ...sizes
  }: {
    seed: number
    clients: number
    calls: number
    ids: number
  }): readonly HistoryEvent[] => simulate({ ...sizes, walks: 0.15, errors: 0.2, random: randomOf(seed) })

  test('whatever a correct store does is accepted', () => {
    fc.assert(
      fc.property(arbitrary, (sizes) => assert.deepEqual(checkHistory(history(sizes)), [])),
      { numRuns: 1500 },
    )
  })

  test('the answer for one id is that of an exhaustive search, for histories that are right and wrong', () => {
    let wrong = 0
    fc.assert(
      fc.property(fc.array(anyCall, { minLength: 1, maxLength: 7 }), (calls) => {
        const own = callsOf(calls, 'x')
        const register = newRegister()
        for (const call of own) note(register, call)
        assert.equal(isLinearizable(register), hasExplanation(own))
        wrong += Number(!hasExplanation(own))
      }),
      { numRuns: 20_000 },
    )
    assert.ok(wrong > 2000 && wrong < 19_000, `${wrong} of 20,000 were wrong`)
  })

  for (const [name, mutate] of Object.entries(mutations())) {
    test(`refused: ${name}`, () => {
      let mutated = 0
      for (let seed = 0; seed < 300; seed++) {
        const legal = history({ seed, clients: 3, calls: 60, ids: 8 })
        const illegal = mutate(legal, randomOf(seed))
        if (illegal === undefined) continue
        mutated++
        assert.notDeepEqual(checkHistory(illegal), [], `seed ${seed}`)
      }
      assert.ok(mutated >= 50, `only ${mutated} histories had something to break`)
    })
  }
})

const content = fc.constantFrom<Fingerprint>(
  { identity: 'a' },
  { identity: 'b' },
  { identity: 'a', outcome: 'A' },
  { identity: 'b', outcome: 'B' },
  { identity: 'a', outcome: 'B' },
)
const span = fc
  .tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 6 }))
  .map(([start, length]): Span => [start * 2, start * 2 + 1 + length * 2])
const anyCall = fc.oneof(
  fc
    .tuple(
      content,
      fc.constantFrom<RecordResult | typeof unknown | typeof failed>(
        'created',
        'settled',
        'unchanged',
        'unchanged',
        unknown,
        failed,
      ),
      span,
    )
    .map(([each, result, time]) => record('x', each, result, time)),
  fc.tuple(fc.option(content, { nil: undefined }), span).map(([seen, time]) => get('x', seen, time)),
)

type Mutation = (history: readonly HistoryEvent[], random: () => number) => readonly HistoryEvent[] | undefined

/** Each breaks one rule for sure, or says that there is nothing to break. */
function mutations(): Record<string, Mutation> {
  const replace = <T extends HistoryEvent>(
    history: readonly HistoryEvent[],
    isFit: (event: HistoryEvent) => event is T,
    change: (event: T) => HistoryEvent,
    random: () => number,
  ) => {
    const fit = history.filter(isFit)
    const chosen = fit[Math.floor(random() * fit.length)]
    return chosen && history.map((event) => (event === chosen ? change(chosen) : event))
  }
  const isGet = (event: HistoryEvent): event is Extract<HistoryEvent, { kind: 'get' }> =>
    event.kind === 'get' && event.result.status === 'ok'
  const seenOf = (event: HistoryEvent): Fingerprint | undefined =>
    isGet(event) && event.result.status === 'ok' ? event.result.value : undefined
  const isAcked = (history: readonly HistoryEvent[], id: string, before: number): boolean =>
    history.some(
      ({ kind, result, ...event }) =>
        kind === 'record' &&
        'id' in event &&
        event.id === id &&
        result.status === 'ok' &&
        result.value === 'created' &&
        (event.returned ?? 0) < before,
    )
  const isAckedGet =
    (history: readonly HistoryEvent[]) =>
    (event: HistoryEvent): event is Extract<HistoryEvent, { kind: 'get' }> =>
      isGet(event) && isAcked(history, event.id, event.invoked)
  const isWalk =
    (least: number) =>
    (event: HistoryEvent): event is WalkEvent =>
      event.kind === 'walk' &&
      event.result.status === 'ok' &&
      (event.result.value as readonly unknown[]).length >= least
  const sights = (event: WalkEvent) => (event.result.status === 'ok' ? event.result.value : [])
  return {
    'a get that misses what was acknowledged': (history, random) =>
      replace(history, isAckedGet(history), (event) => ({ ...event, result: ok(undefined) }), random),
    'a get that sees what nobody wrote': (history, random) =>
      replace(history, isGet, (event) => ({ ...event, result: ok({ identity: 'phantom' }) }), random),
    'a get that sees half an outcome': (history, random) =>
      replace(
        history,
        (event): event is Extract<HistoryEvent, { kind: 'get' }> => seenOf(event) !== undefined,
        (event) => ({ ...event, result: ok({ identity: seenOf(event)?.identity ?? '', outcome: 'half' }) }),
        random,
      ),
    'a repeated write that is told created': (history, random) => {
      const winners = new Set(
        history.flatMap((event) =>
          event.kind === 'record' && event.result.status === 'ok' && event.result.value === 'created' ? [event.id] : [],
        ),
      )
      const isRepeat = (event: HistoryEvent): event is Extract<HistoryEvent, { kind: 'record' }> =>
        event.kind === 'record' &&
        event.result.status === 'ok' &&
        event.result.value !== 'created' &&
        winners.has(event.id)
      return replace(history, isRepeat, (event) => ({ ...event, result: ok<RecordResult>('created') }), random)
    },
    'an intent that is told settled': (history, random) => {
      const isIntent = (event: HistoryEvent): event is Extract<HistoryEvent, { kind: 'record' }> =>
        event.kind === 'record' && event.result.status === 'ok' && event.content.outcome === undefined
      return replace(history, isIntent, (event) => ({ ...event, result: ok<RecordResult>('settled') }), random)
    },
    'a write that was seen and fails as not written': (history, random) => {
      const seen = new Set(history.flatMap((event) => seenOf(event)?.identity ?? []))
      const isSeen = (event: HistoryEvent): event is Extract<HistoryEvent, { kind: 'record' }> =>
        event.kind === 'record' &&
        event.result.status === 'ok' &&
        event.result.value === 'created' &&
        seen.has(event.content.identity)
      return replace(history, isSeen, (event) => ({ ...event, result: failed }), random)
    },
    'a walk that shows a record twice': (history, random) =>
      replace(
        history,
        isWalk(1),
        (event) => ({ ...event, result: ok([...sights(event), ...sights(event).slice(0, 1)]) }),
        random,
      ),
    'a walk that misses what was acknowledged': (history, random) => {
      const isFit = (event: HistoryEvent): event is WalkEvent =>
        isWalk(1)(event) && event.isComplete && sights(event).some(({ id }) => isAcked(history, id, event.invoked))
      return replace(
        history,
        isFit,
        (event) => {
          const at = sights(event).findIndex(({ id }) => isAcked(history, id, event.invoked))
          return { ...event, result: ok(sights(event).toSpliced(at, 1)) }
        },
        random,
      )
    },
    'a walk that turns round what came one after the other': (history, random) => {
      const turned = (event: WalkEvent): number => {
        const ids = sights(event).map(({ id }) => id)
        const [older, newer] = event.order === 'oldest' ? [0, 1] : [1, 0]
        return ids.findIndex(
          (_id, at) => at + 1 < ids.length && isBefore(history, ids[at + older] as string, ids[at + newer] as string),
        )
      }
      const isFit = (event: HistoryEvent): event is WalkEvent =>
        isWalk(2)(event) && event.isComplete && turned(event) !== -1
      return replace(
        history,
        isFit,
        (event) => {
          const [at, seen] = [turned(event), sights(event)]
          return {
            ...event,
            result: ok(seen.toSpliced(at, 2, seen[at + 1] as (typeof seen)[0], seen[at] as (typeof seen)[0])),
          }
        },
        random,
      )
    },
  }
}

function isBefore(history: readonly HistoryEvent[], first: string, second: string): boolean {
  const ends = history.flatMap((event) =>
    event.kind === 'record' && event.id === first && event.result.status === 'ok'
      ? [event.returned ?? Number.POSITIVE_INFINITY]
      : [],
  )
  const starts = history.flatMap((event) =>
    event.kind === 'record' && event.id === second && event.result.status !== 'failed' ? [event.invoked] : [],
  )
  return Math.min(...ends) < Math.min(...starts)
}

function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) / 4_294_967_296 + 0.5
  }
}

test('a hundred thousand calls are checked in a few seconds', (t) => {
  const history = simulate({
    clients: 32,
    calls: 100_000,
    ids: 20_000,
    walks: 0.002,
    errors: 0.05,
    random: randomOf(7),
  })
  const startedAt = performance.now()
  assert.deepEqual(checkHistory(history), [])
  const durationMs = performance.now() - startedAt
  const few = simulate({ clients: 32, calls: 100_000, ids: 5, walks: 0.01, errors: 0.05, random: randomOf(8) })
  const secondAt = performance.now()
  assert.deepEqual(checkHistory(few), [])
  t.diagnostic(`20,000 ids: ${Math.round(durationMs)} ms; 5 ids: ${Math.round(performance.now() - secondAt)} ms`)
  assert.ok(durationMs < 20_000)
})

test('a fingerprint is that of the value, whatever the dress', () => {
  const record: CommandRecord = {
    id: 'x',
    type: 't',
    state: 'failed',
    correlationId: 'c',
    payload: { status: 'full', format: 'json', data: '{"a":1,"b":[2]}', bytes: 15 },
    events: [{ id: 'e' }],
    importance: 'normal',
    retention: 'long-lived',
    dryRun: false,
    receivedAt: 1,
  }
  const other = { ...record, payload: { ...record.payload, data: '{ "b": [2], "a": 1 }' }, metadata: { more: true } }
  assert.deepEqual(fingerprintOf(other), fingerprintOf(record))
  assert.notDeepEqual(fingerprintOf({ ...record, events: [] }), fingerprintOf(record))
  assert.deepEqual(fingerprintOf({ ...record, state: 'created' }), { identity: fingerprintOf(record).identity })
  assert.notEqual(fingerprintOf({ ...record, receivedAt: 2 }).identity, fingerprintOf(record).identity)
})
