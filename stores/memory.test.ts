import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Change, CommandQuery, CommandRecord } from '../src/index.ts'
import { made, settled } from '../test/stores/samples.ts'
import { type MemoryStore, memoryStore } from './memory.ts'

async function walk(store: MemoryStore, query: CommandQuery, each?: () => Promise<unknown>): Promise<string[]> {
  const ids: string[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await store.list({ ...query, cursor })
    ids.push(...page.records.map(({ id }) => id))
    if (page.next === undefined) return ids
    cursor = page.next
    await each?.()
  }
}

describe('recording', () => {
  test('Given both phases in any order and number, when recorded, then the first of each phase wins', async () => {
    const store = memoryStore()
    const results = [
      await store.record(made('a')),
      await store.record(made('a', { type: 'other' })),
      await store.record(
        settled('a', {
          type: 'other',
          correlationId: 'x',
          receivedAt: 5,
          payload: { ...made('a').payload, data: '1' },
        }),
      ),
      await store.record(settled('a', { state: 'failed' })),
      await store.record(made('a')),
      await store.record(settled('b')),
      await store.record(made('b')),
    ]
    assert.deepEqual(results, ['created', 'unchanged', 'settled', 'unchanged', 'unchanged', 'created', 'unchanged'])
    assert.deepEqual(await store.get('a'), settled('a'))
    assert.deepEqual(await store.get('b'), settled('b'))
    assert.equal(await store.get('unknown'), undefined)
  })

  test('Given 100 racing writers of one id, when recorded, then one creates and one settles', async () => {
    const store = memoryStore()
    const writes = Array.from({ length: 100 }, (_, n) => store.record(n % 2 === 0 ? made('a') : settled('a')))
    const results = await Promise.all(writes)
    assert.deepEqual(results.filter((result) => result !== 'unchanged').sort(), ['created', 'settled'])
  })

  test('Given input and output that somebody changes, when read again, then nothing has changed', async () => {
    const store = memoryStore()
    const bytes = Uint8Array.of(1, 2, 3)
    const record = settled('a', {
      payload: { status: 'full', format: 'bin', data: bytes, bytes: 3 },
      metadata: { deep: { list: [1] } },
      problem: { code: 'x', extra: { y: 1 } },
      attributes: { a: 1 },
      error: { name: 'E', message: 'm' },
      source: { service: 's' },
      result: { status: 'full', format: 'json', data: '1', bytes: 1 },
    })
    const before = structuredClone(record)
    await store.record(record)
    wreck(record)
    bytes[0] = 9
    assert.deepEqual(await store.get('a'), before)
    for (const read of [
      await store.get('a'),
      (await store.list()).records[0],
      (await store.findByCorrelation('k'))[0],
    ]) {
      wreck(read)
      assert.deepEqual(await store.get('a'), before)
    }
  })

  test('Given what is no record, when recorded, then it is INVALID_RECORD and nothing is written', async () => {
    const store = memoryStore()
    for (const bad of [
      undefined,
      null,
      5,
      {},
      made('a', { state: 'done' as never }),
      made('a', { receivedAt: Number.NaN }),
    ]) {
      await assert.rejects(store.record(bad as never), { name: 'StoreError', code: 'INVALID_RECORD', written: 'no' })
    }
    assert.deepEqual((await store.list()).records, [])
  })

  test('Given a capacity, when it is reached, then new ids are STORE_FULL, outcomes are not, and purging makes room', async () => {
    const store = memoryStore({ capacity: 2 })
    await store.record(made('a'))
    await store.record(settled('b'))
    await assert.rejects(store.record(made('c')), { code: 'STORE_FULL', written: 'no' })
    assert.equal(await store.record(settled('a')), 'settled')
    assert.equal(await store.record(made('b')), 'unchanged')
    assert.equal(await store.purge({ retention: 'long-lived', before: 2000, limit: 1 }), 1)
    assert.equal(await store.record(made('c')), 'created')
    for (const capacity of [0, 1.5, Number.NaN]) assert.throws(() => memoryStore({ capacity }), RangeError)
  })
})

describe('reading', () => {
  test('Given records at one time, when settled and walked while others arrive, then order is that of recording', async () => {
    const store = memoryStore()
    const ids = Array.from({ length: 25 }, (_, n) => `c${n}`)
    for (const id of ids) await store.record(made(id, { receivedAt: 1000 - Number(id.slice(1)) }))
    let late = 0
    const disturb = async (): Promise<void> => {
      // A walk from the oldest would never end if every page brought another record.
      if (late >= 40) return
      await store.record(settled(ids[(late * 7) % 25] as string))
      await store.record(made(`late${late++}`))
    }
    for (const limit of [1, 2, 7, 25, 1000]) {
      const oldest = await walk(store, { order: 'oldest', limit, correlationId: 'k' }, disturb)
      assert.deepEqual(oldest.slice(0, 25), ids)
      const newest = await walk(store, { limit }, disturb)
      assert.deepEqual(newest.slice(-25), ids.toReversed())
    }
    assert.deepEqual(
      (await store.findByCorrelation('k')).slice(0, 25).map(({ id }) => id),
      ids,
    )
  })

  test('Given every filter, when listed, then matches are exact and joined by AND', async () => {
    const store = memoryStore()
    const problem = { code: 'sold-out' }
    const [a, b] = [
      settled('a', {
        tenantId: 't',
        userId: '',
        attributes: { n: 1, s: 'x' },
        events: [{ id: 'e1' }, { id: 'e2' }],
        state: 'rejected',
        problem,
      }),
      made('b', {
        type: 'Order',
        tenantId: 'T',
        attributes: { n: '1' },
        importance: 'high',
        retention: 'permanent',
        dryRun: true,
        receivedAt: 2000,
      }),
    ]
    await store.record(a)
    await store.record(b)
    const expected: [CommandQuery, string][] = [
      [{}, 'ba'],
      [{ type: 'order' }, 'a'],
      [{ type: ['order', 'Order'] }, 'ba'],
      [{ type: [] }, ''],
      [{ state: [] }, ''],
      [{ state: ['rejected', 'created'] }, 'ba'],
      [{ tenantId: 't' }, 'a'],
      [{ userId: '' }, 'a'],
      [{ userId: 'u' }, ''],
      [{ eventId: 'e2' }, 'a'],
      [{ eventId: 'e' }, ''],
      [{ problemCode: 'sold-out' }, 'a'],
      [{ problemCode: 'sold' }, ''],
      [{ attributes: { n: 1 } }, 'a'],
      [{ attributes: { n: '1' } }, 'b'],
      [{ attributes: { n: 1, s: 'y' } }, ''],
      [{ attributes: { toString: 'x' } }, ''],
      [{ attributes: {} }, 'ba'],
      [{ importance: 'high' }, 'b'],
      [{ retention: 'long-lived' }, 'a'],
      [{ dryRun: false }, 'a'],
      [{ from: 1000, to: 2000 }, 'a'],
      [{ from: new Date(1000.5) as Date, to: 2001 }, 'ba'],
      [{ from: 1000.5 }, 'b'],
      [{ from: 3000, to: 1000 }, ''],
      [{ from: -1e300, to: 1e300 }, 'ba'],
      [{ type: undefined, state: undefined, cursor: undefined }, 'ba'],
      [{ correlationId: 'k', type: 'order', state: 'rejected', tenantId: 't' }, 'a'],
    ]
    for (const [query, ids] of expected) {
      const { records } = await store.list(query)
      assert.equal(records.map(({ id }) => id).join(''), ids, JSON.stringify(query))
    }
    assert.deepEqual(
      (await store.findByType('order', { state: 'rejected' })).records.map(({ id }) => id),
      ['a'],
    )
  })

  const invalid: unknown[] = [
    null,
    5,
    [],
    { colour: 'red' },
    { type: null },
    { type: [5] },
    { state: 'done' },
    { state: [undefined] },
    { tenantId: 5 },
    { eventId: null },
    { importance: 'urgent' },
    { dryRun: 'true' },
    { from: Number.NaN },
    { to: Number.POSITIVE_INFINITY },
    { from: new Date(Number.NaN) },
    { from: '2020' },
    { order: 'random' },
    { limit: 0 },
    { limit: 1001 },
    { limit: 1.5 },
    { limit: '10' },
    { limit: Number.NaN },
    { attributes: [] },
    { attributes: { a: null } },
    { attributes: { a: Number.NaN } },
    { cursor: 5 },
  ]
  for (const query of invalid) {
    test(`Given the query ${JSON.stringify(query)}, when listed, then it is INVALID_QUERY`, async () => {
      const store = memoryStore()
      await assert.rejects(store.list(query as never), { name: 'StoreError', code: 'INVALID_QUERY', written: 'no' })
      await assert.rejects(store.findByType('order', query as never), { code: 'INVALID_QUERY' })
    })
  }

  test('Given lookups by what is no text, then they are INVALID_QUERY', async () => {
    const store = memoryStore()
    await assert.rejects(store.get(5 as never), { code: 'INVALID_QUERY' })
    await assert.rejects(store.findByCorrelation(undefined as never), { code: 'INVALID_QUERY' })
    await assert.rejects(store.findByType(null as never), { code: 'INVALID_QUERY' })
    await assert.rejects(store.findByType('a', { type: 'b' } as never), { code: 'INVALID_QUERY' })
  })

  test('Given a cursor, when any of it is changed or its query is another, then it is INVALID_CURSOR', async () => {
    const store = memoryStore()
    for (let n = 0; n < 5; n++) await store.record(made(`c${n}`))
    const { next = '' } = await store.list({ limit: 2, type: ['order', 'other'] })
    assert.equal((await store.list({ limit: 1, type: ['other', 'order'], cursor: next })).records[0]?.id, 'c2')
    const cursors = Array.from(
      next,
      (char, index) => next.slice(0, index) + (char === 'A' ? 'B' : 'A') + next.slice(index + 1),
    )
    for (const cursor of [...cursors, '', 'x', `${next}A`, `${next}=`, next.slice(1), ` ${next}`]) {
      await assert.rejects(store.list({ type: ['order', 'other'], cursor }), { code: 'INVALID_CURSOR', written: 'no' })
    }
    for (const query of [
      { type: 'order' },
      { type: ['order', 'other'], order: 'oldest' },
      { type: ['order', 'other'], from: 1 },
    ] as CommandQuery[]) {
      await assert.rejects(store.list({ ...query, cursor: next }), { code: 'INVALID_CURSOR' })
    }
    const other = memoryStore()
    await assert.rejects(other.list({ type: ['order', 'other'], cursor: next }), { code: 'INVALID_CURSOR' })
  })
})

describe('following', () => {
  test('Given a backlog, when followed, then it comes first, then what follows, each settled once', async () => {
    const store = memoryStore()
    await store.record(made('a'))
    await store.record(settled('b'))
    await store.record(settled('a'))
    const stop = new AbortController()
    const seen: string[] = []
    const following = (async () => {
      for await (const { record } of store.follow({ signal: stop.signal })) seen.push(`${record.id} ${record.state}`)
    })()
    await new Promise(setImmediate)
    await store.record(made('c'))
    await new Promise(setImmediate)
    await store.record(settled('c'))
    await new Promise(setImmediate)
    stop.abort()
    await following
    assert.deepEqual(seen, ['b successful', 'a successful', 'c created', 'c successful'])
  })

  test('Given 5,000 changes by many writers, when a follower stops and resumes again and again, then it misses and repeats none', async () => {
    const store = memoryStore()
    const seen: string[] = []
    const all = 2500
    const writing = (async () => {
      for (let n = 0; n < all; n++) {
        await store.record(made(`c${n}`))
        if (n % 3 === 0) await new Promise(setImmediate)
        if (n >= 10) await store.record(settled(`c${n - 10}`))
      }
      for (let n = all - 10; n < all; n++) await store.record(settled(`c${n}`))
    })()
    for (let after: string | undefined; seen.length < all; ) {
      let steps = 0
      for await (const { position, record } of store.follow({ after })) {
        after = position
        if (record.state !== 'created') seen.push(record.id)
        if (++steps === 37 || seen.length === all) break
      }
    }
    await writing
    assert.deepEqual(
      seen,
      Array.from({ length: all }, (_, n) => `c${n}`),
    )
  })

  test('Given followers in mid-wait, when they leave, abort, or the store closes, then each ends quietly', async () => {
    const store = memoryStore()
    const stop = new AbortController()
    const [left, aborted, closed] = [store.follow(), store.follow({ signal: stop.signal }), store.follow()].map(
      (each) => each[Symbol.asyncIterator](),
    )
    const pending = [left, aborted, closed].map((each) => each?.next())
    await new Promise(setImmediate)
    await left?.return?.()
    stop.abort()
    await store.close()
    for (const step of pending) assert.deepEqual(await step, { done: true, value: undefined })
    await assert.rejects(store.follow()[Symbol.asyncIterator]().next(), { code: 'STORE_CLOSED' })
  })

  test('Given a damaged or foreign position, when followed, then the first step rejects', async () => {
    const store = memoryStore()
    await store.record(made('a'))
    const { value } = (await store.follow()[Symbol.asyncIterator]().next()) as IteratorYieldResult<Change>
    for (const after of ['', 'x', `${value.position}A`, value.position.slice(1)]) {
      await assert.rejects(store.follow({ after })[Symbol.asyncIterator]().next(), { code: 'INVALID_CURSOR' })
    }
    await assert.rejects(memoryStore().follow({ after: value.position })[Symbol.asyncIterator]().next(), {
      code: 'INVALID_CURSOR',
    })
  })
})

describe('purging', () => {
  test('Given records of every kind, when purged, then only settled ones of that retention before the cut go', async () => {
    const store = memoryStore()
    await store.record(settled('old', { receivedAt: 999 }))
    await store.record(settled('edge', { receivedAt: 1000 }))
    await store.record(made('open', { receivedAt: 1 }))
    await store.record(settled('permanent', { receivedAt: 1, retention: 'permanent' }))
    assert.equal(await store.purge({ retention: 'long-lived', before: new Date(1000) }), 1)
    assert.equal(await store.purge({ retention: 'long-lived', before: 1000 }), 0)
    assert.deepEqual(await walk(store, { order: 'oldest' }), ['edge', 'open', 'permanent'])
    assert.equal(await store.purge({ retention: 'permanent', before: 1000 }), 1)
    assert.equal(await store.record(made('old')), 'created')
    assert.deepEqual(await walk(store, { order: 'oldest' }), ['edge', 'open', 'old'])
  })

  test('Given a walk and a follower under way, when purged, then both go on where they were', async () => {
    const store = memoryStore()
    for (let n = 0; n < 10; n++) await store.record(settled(`c${n}`, { receivedAt: n }))
    const first = await store.list({ order: 'oldest', limit: 3 })
    const iterator = store.follow()[Symbol.asyncIterator]()
    const { value } = (await iterator.next()) as IteratorYieldResult<Change>
    assert.equal(await store.purge({ retention: 'long-lived', before: 100, limit: 5 }), 5)
    const rest = await store.list({ order: 'oldest', cursor: first.next })
    assert.deepEqual(
      rest.records.map(({ id }) => id),
      ['c5', 'c6', 'c7', 'c8', 'c9'],
    )
    const resumed: string[] = []
    for await (const { record } of store.follow({ after: value.position })) if (resumed.push(record.id) === 5) break
    assert.deepEqual(resumed, ['c5', 'c6', 'c7', 'c8', 'c9'])
  })

  test('Given options out of range, when purged, then it is INVALID_QUERY', async () => {
    const store = memoryStore()
    const bad = [
      undefined,
      {},
      { retention: 'all', before: 1 },
      { retention: 'permanent' },
      { retention: 'permanent', before: Number.NaN },
      { retention: 'permanent', before: 1, limit: 0 },
    ]
    for (const options of bad)
      await assert.rejects(store.purge(options as never), { code: 'INVALID_QUERY', written: 'no' })
  })
})

test('Given a closed store, when called, then every method is STORE_CLOSED, and closing again resolves', async () => {
  const store = memoryStore()
  await Promise.all([store.close(), store.close()])
  const calls = [
    () => store.record(made('a')),
    () => store.get('a'),
    () => store.findByCorrelation('k'),
    () => store.findByType('order'),
    () => store.list(),
    () => store.purge({ retention: 'permanent', before: 1 }),
  ]
  for (const call of calls) await assert.rejects(call(), { name: 'StoreError', code: 'STORE_CLOSED', written: 'no' })
})

/** Changes whatever can be changed, deep down. */
function wreck(value: unknown): void {
  if (value instanceof Uint8Array) value.fill(7)
  else if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    for (const key of Object.keys(value)) {
      wreck((value as Record<string, unknown>)[key])
      ;(value as Record<string, unknown>)[key] = 'wrecked'
    }
  }
}

describe('looking up', () => {
  const key = fc.constantFrom('x', 'y')
  const keys = { correlationId: key, causationId: fc.option(key, { nil: undefined }), event: key }
  const steps = fc.array(
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ kind: fc.constantFrom('made', 'settled'), id: fc.nat(9).map(String), ...keys }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('look'), id: key }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('purge'), id: fc.constant('') }) },
    ),
    { maxLength: 40 },
  )

  test('by correlation, causation or event gives what a scan gives, however it is mixed with writes and purges', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (done) => {
        const store = memoryStore()
        for (const step of done) {
          const { kind, id } = step
          if (kind === 'purge') await store.purge({ retention: 'long-lived', before: 2000, limit: 2 })
          else if (!('event' in step)) await assertLooksUp(store, id)
          else {
            const { correlationId, causationId, event } = step
            const fields = {
              correlationId,
              ...(causationId === undefined ? {} : { causationId }),
              events: [{ id: event }],
            }
            await store.record(kind === 'made' ? made(id, fields) : settled(id, fields))
          }
        }
        for (const id of ['x', 'y', 'z']) await assertLooksUp(store, id)
      }),
    )
  })

  async function assertLooksUp(store: MemoryStore, value: string): Promise<void> {
    const { records } = await store.list({ order: 'oldest' })
    const idsOf = (isFound: (record: CommandRecord) => boolean) => records.filter(isFound).map(({ id }) => id)
    const scanned = [
      idsOf(({ correlationId }) => correlationId === value),
      idsOf(({ causationId }) => causationId === value),
      idsOf(({ events }) => events.some(({ id }) => id === value)),
    ]
    const queries: CommandQuery[] = [{ correlationId: value }, { causationId: value }, { eventId: value }]
    for (const [index, query] of queries.entries()) {
      assert.deepEqual(await walk(store, { ...query, order: 'oldest', limit: 2 }), scanned[index])
      assert.deepEqual(await walk(store, { ...query, limit: 3 }), scanned[index]?.toReversed())
    }
    const found = await store.findByCorrelation(value)
    assert.deepEqual(
      found.map(({ id }) => id),
      scanned[0],
    )
  }
})

test('Given a filter of the wrong kind, when asked, then the message tells the kind that came and never the value', async () => {
  const store = memoryStore()
  const wrong: [query: object, message: string][] = [
    [{ limit: '20' }, 'limit: expected a whole number from 1 to 1000, received a value of type string'],
    [{ tenantId: 417 }, 'tenantId: expected a text, received a value of type number'],
    [{ type: ['order', null] }, 'type: expected a text or an array of texts, received null'],
    [{ from: '2026-01-01' }, 'from: expected a finite time, received a value of type string'],
    [{ order: 'latest' }, 'order: expected one of newest, oldest, received a value of type string'],
  ]
  for (const [query, message] of wrong) await assert.rejects(store.list(query), { code: 'INVALID_QUERY', message })
})
