import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { inspect } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { type RecordResult, StoreError, type StoreErrorCode } from '../src/index.ts'
import {
  type GroupAnswer,
  type GroupCommit,
  type GroupCommitOptions,
  type GroupItem,
  type GroupResult,
  type GroupWrite,
  groupCommit,
} from './group-commit.ts'

interface Item extends GroupItem {
  /** The place among all that were added. */
  readonly place: number
}

type Row = Pick<GroupWrite<Item>, 'intent' | 'outcome'>

/** Keeps rows as a database would: one write after the other, each phase once. */
class Backend {
  readonly rows = new Map<string, Row>()
  readonly groups: (readonly GroupWrite<Item>[])[] = []
  mostActive = 0
  #active = 0

  /** Waits so many turns before the group is there. */
  async write(writes: readonly GroupWrite<Item>[], turns = 0): Promise<RecordResult[]> {
    this.groups.push(writes)
    this.mostActive = Math.max(this.mostActive, ++this.#active)
    for (let left = turns; left > 0; left--) await turn()
    this.#active--
    return writes.map((write) => this.#apply(write))
  }

  #apply(write: GroupWrite<Item>): RecordResult {
    const { id } = partsOf(write)[0] as Item
    const row = this.rows.get(id)
    if (row === undefined) {
      this.rows.set(id, write)
      return 'created'
    }
    if (row.outcome !== undefined || write.outcome === undefined) return 'unchanged'
    this.rows.set(id, { intent: row.intent, outcome: write.outcome })
    return 'settled'
  }
}

function partsOf({ intent, outcome }: GroupWrite<Item>): Item[] {
  return [intent, outcome].filter((item) => item !== undefined)
}

const placesOf = (writes: readonly GroupWrite<Item>[]): number[] => writes.flatMap(partsOf).map(({ place }) => place)
const idsOf = (writes: readonly GroupWrite<Item>[]): string[] => writes.map((write) => (partsOf(write)[0] as Item).id)

/** What becomes of each, one after the other; those that are refused leave nothing behind. */
function modelOf(items: readonly Item[], isBad: (item: Item) => boolean = () => false): RecordResult[] {
  const settled = new Map<string, boolean>()
  return items.map((item) => {
    const { id, isSettled } = item
    const known = settled.get(id)
    if (!isBad(item)) settled.set(id, isSettled || known === true)
    if (known === undefined) return 'created'
    return isSettled && !known ? 'settled' : 'unchanged'
  })
}

const intentOf = (id: string, bytes = 1): Item => ({ id, isSettled: false, bytes, place: 0 })
const outcomeOf = (id: string, bytes = 1): Item => ({ id, isSettled: true, bytes, place: 0 })

const say = ({ code, written }: StoreError): string => `${code} ${written}`

/** Adds it, and gives back what comes of it: its result, or code and `written` of its error. */
function add(group: GroupCommit<Item>, item: Item): Promise<string> {
  return group.add(item).catch(say)
}

/** Adds these in one turn. */
function addAll(group: GroupCommit<Item>, items: readonly Item[]): Promise<string[]> {
  return Promise.all(items.map((item) => add(group, item)))
}

/** Keeps the event loop busy. */
function block(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

/** A group commit whose writes wait until they are told to go on, one after the other. */
function gated(options: Omit<GroupCommitOptions<Item>, 'write'> = {}) {
  const backend = new Backend()
  const gates: (() => void)[] = []
  const group = groupCommit<Item>({
    ...options,
    write: async (writes) => {
      await new Promise<void>((resolve) => gates.push(resolve))
      return backend.write(writes)
    },
  })
  return { group, backend, gates, open: () => gates.shift()?.() }
}

const ids = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const steps = fc.array(
  fc.record({
    id: ids,
    isSettled: fc.boolean(),
    bytes: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 1, max: 20 }) }, fc.integer({ min: 21, max: 80 })),
    /** How many turns pass before it is added. */
    turns: fc.constantFrom(0, 0, 0, 0, 1, 2),
    isBad: fc.boolean(),
  }),
  { minLength: 1, maxLength: 40 },
)
const bounds = { maxRecords: fc.integer({ min: 1, max: 8 }), maxBytes: fc.integer({ min: 1, max: 60 }) }
const delays = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 5 })

type Steps = typeof steps extends fc.Arbitrary<infer Value> ? Value : never

interface Run {
  readonly items: readonly Item[]
  readonly answers: readonly (RecordResult | StoreError)[]
  readonly backend: Backend
}

/** Adds each step in its turn, and waits for all. */
async function run(group: GroupCommit<Item>, backend: Backend, all: Steps): Promise<Run> {
  const items: Item[] = []
  const answers: Promise<RecordResult | StoreError>[] = []
  for (const [place, { turns, ...step }] of all.entries()) {
    for (let left = turns; left > 0; left--) await turn()
    const item = { ...step, place }
    items.push(item)
    answers.push(group.add(item).catch((error: StoreError) => error))
  }
  await group.close()
  return { items, answers: await Promise.all(answers), backend }
}

/** Exactly one write of an id is told `created`, and exactly one of its outcomes has won: those are the ones that are there. */
function expectOneWinner({ items, answers, backend }: Run): void {
  for (const id of new Set(items.map((item) => item.id))) {
    const row = backend.rows.get(id)
    const mine = items.filter((item) => item.id === id)
    const created = mine.filter(({ place }) => answers[place] === 'created')
    const won = mine.filter(({ place, isSettled }) => isSettled && answers[place] !== 'unchanged')
    assert.deepEqual([created.length, won], [1, row?.outcome === undefined ? [] : [row.outcome]])
    assert.deepEqual(created, [row?.intent ?? row?.outcome])
    assert.equal(won.length, mine.some(({ isSettled }) => isSettled) ? 1 : 0)
    assert.ok(mine.every(({ isSettled, place }) => isSettled || answers[place] !== 'settled'))
  }
}

function expectGroups({ items, answers, backend }: Run, maxRecords: number, maxBytes: number): void {
  for (const writes of backend.groups) {
    const parts = writes.flatMap(partsOf)
    assert.equal(new Set(idsOf(writes)).size, writes.length, 'an id comes twice in a group')
    assert.ok(
      writes.every((write) => new Set(partsOf(write).map(({ id }) => id)).size === 1),
      'a write has not one id',
    )
    assert.ok(parts.length <= maxRecords, 'a group has too many records')
    const bytes = parts.reduce((sum, item) => sum + item.bytes, 0)
    assert.ok(bytes <= maxBytes || parts.length === 1, 'a group has too many bytes')
  }
  // In their order, and none twice: in a group, the first record of each id; from group to group, all of them.
  const firsts = backend.groups.map((writes) => writes.map((write) => Math.min(...placesOf([write]))))
  const all = backend.groups.flatMap((writes) => placesOf(writes).toSorted((one, other) => one - other))
  assert.deepEqual(
    firsts,
    firsts.map((places) => places.toSorted((one, other) => one - other)),
  )
  assert.deepEqual(
    all,
    [...new Set(all)].toSorted((one, other) => one - other),
  )
  const left = items.filter(({ place }) => !all.includes(place))
  assert.ok(
    left.every(({ place }) => answers[place] === 'unchanged'),
    'a record was dropped',
  )
}

test('Given one writer, when records are added in any turns and sizes, then each is told what it is told alone, and all are written in order', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.record(bounds), delays, async (all, { maxRecords, maxBytes }, turns) => {
      const backend = new Backend()
      const write = (writes: readonly GroupWrite<Item>[]) =>
        backend.write(writes, turns[backend.groups.length % turns.length])
      const ran = await run(groupCommit<Item>({ write, maxRecords, maxBytes }), backend, all)
      assert.deepEqual(ran.answers, modelOf(ran.items))
      expectOneWinner(ran)
      expectGroups(ran, maxRecords, maxBytes)
      assert.equal(backend.mostActive, 1)
    }),
    { numRuns: 300 },
  )
})

test('Given several writers, when records are added in any turns and sizes, then each phase of an id has one winner, and no more groups are written at once', async () => {
  let mostOfAll = 0
  await fc.assert(
    fc.asyncProperty(
      steps,
      fc.record({ ...bounds, writers: fc.integer({ min: 2, max: 4 }) }),
      delays,
      async (all, { maxRecords, maxBytes, writers }, turns) => {
        const backend = new Backend()
        const write = (writes: readonly GroupWrite<Item>[]) =>
          backend.write(writes, turns[backend.groups.length % turns.length])
        const ran = await run(groupCommit<Item>({ write, maxRecords, maxBytes, writers }), backend, all)
        expectOneWinner(ran)
        expectGroups(ran, maxRecords, maxBytes)
        assert.ok(backend.mostActive <= writers)
        mostOfAll = Math.max(mostOfAll, backend.mostActive)
      },
    ),
    { numRuns: 300 },
  )
  assert.equal(mostOfAll, 4)
})

test('Given records that are refused among others, when a group is refused for them, then they alone are, and all others are written once', async () => {
  const code = fc.constantFrom<StoreErrorCode>('INVALID_RECORD', 'RECORD_TOO_LARGE')
  const way = fc.constantFrom('rejects', 'answers')
  await fc.assert(
    fc.asyncProperty(steps, fc.record({ ...bounds, code, way }), async (all, { maxRecords, maxBytes, code, way }) => {
      const backend = new Backend()
      const isBad = ({ place }: Item) => all[place]?.isBad === true
      const write = async (writes: readonly GroupWrite<Item>[]): Promise<readonly GroupResult[]> => {
        const good = writes.filter((each) => !partsOf(each).some(isBad))
        if (good.length === writes.length) return backend.write(writes, 1)
        if (way === 'rejects') throw new StoreError(code, 'Refused')
        const results = (await backend.write(good, 1)).values()
        return writes.map((each) => (good.includes(each) && results.next().value) || new StoreError(code, 'Refused'))
      }
      const ran = await run(groupCommit<Item>({ write, maxRecords, maxBytes }), backend, all)
      const model = modelOf(ran.items, isBad)
      // One that changes nothing whatever it holds may be told so, where it came together with the one before it.
      const expected = ran.items.map((item, index) =>
        isBad(item) && !(model[index] === 'unchanged' && ran.answers[index] === 'unchanged') ? code : model[index],
      )
      const answers = ran.answers.map((answer) => (answer instanceof StoreError ? answer.code : answer))
      assert.deepEqual(answers, expected)
      const places = backend.groups.flatMap(placesOf)
      assert.equal(places.length, new Set(places).size)
    }),
    { numRuns: 300 },
  )
})

test('Given no timer that ever fires, when a record is added alone, then it is written in the next turn', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  const backend = new Backend()
  const group = groupCommit<Item>({ write: (writes) => backend.write(writes) })
  for (const id of ['a', 'b', 'c']) {
    const added = group.add(intentOf(id))
    assert.equal(backend.rows.has(id), false)
    await turn()
    assert.equal(backend.rows.has(id), true)
    assert.equal(await added, 'created')
  }
  await group.close()
})

test('Given records of one turn, added from ticks and microtasks too, when the turn is over, then they are one group', async () => {
  const backend = new Backend()
  const group = groupCommit<Item>({ write: (writes) => backend.write(writes) })
  const late = Promise.withResolvers<RecordResult>()
  const first = group.add(intentOf('a'))
  process.nextTick(() => void group.add(intentOf('c')).then(late.resolve))
  await Promise.resolve()
  assert.deepEqual(await Promise.all([first, group.add(intentOf('b')), late.promise]), [
    'created',
    'created',
    'created',
  ])
  assert.deepEqual(
    backend.groups.map((writes) => idsOf(writes).toSorted()),
    [['a', 'b', 'c']],
  )
})

test('Given records that wait for a write under way, when it takes long, then the event loop rests', async (t) => {
  const { group, open } = gated()
  const { mock } = t.mock.method(globalThis, 'setImmediate')
  const first = addAll(group, [intentOf('a'), intentOf('b')])
  await sleep(5)
  const others = addAll(group, Array(50).fill(outcomeOf('a')))
  await sleep(20)
  assert.equal(mock.callCount(), 1)
  open()
  await first
  await sleep(5)
  open()
  await others
  assert.equal(mock.callCount(), 2)
})

test('Given a write under way, when records are added in several turns, then they are written together after it', async () => {
  const { group, backend, open } = gated()
  const adds = [group.add(intentOf('a'))]
  for (const id of ['b', 'c', 'd']) {
    await turn()
    adds.push(group.add(intentOf(id)))
  }
  open()
  await adds[0]
  await turn()
  open()
  await Promise.all(adds)
  assert.deepEqual(backend.groups.map(idsOf), [['a'], ['b', 'c', 'd']])
})

test('Given intent and outcome of one id in a group, when they are written, then both are told what they did', async () => {
  const backend = new Backend()
  const group = groupCommit<Item>({ write: (writes) => backend.write(writes) })
  const phases = [intentOf('a'), intentOf('a'), outcomeOf('a'), outcomeOf('a'), intentOf('a')]
  assert.deepEqual(await addAll(group, phases), ['created', 'unchanged', 'settled', 'unchanged', 'unchanged'])
  assert.deepEqual(await addAll(group, phases), Array(5).fill('unchanged'))
  assert.deepEqual(await addAll(group, [outcomeOf('b'), intentOf('b')]), ['created', 'unchanged'])
  await group.add(intentOf('c'))
  assert.deepEqual(await addAll(group, [intentOf('c'), outcomeOf('c')]), ['unchanged', 'settled'])
  assert.equal(backend.groups.flat().length, 5)
})

const failures: readonly (readonly [string, unknown, string])[] = [
  ['a definite StoreError', new StoreError('STORE_FULL', 'Full', 'no'), 'STORE_FULL no'],
  ['an indefinite StoreError', new StoreError('STORE_UNAVAILABLE', 'Gone', 'unknown'), 'STORE_UNAVAILABLE unknown'],
  ['INVALID_RECORD that may be written', new StoreError('INVALID_RECORD', 'Odd', 'unknown'), 'INVALID_RECORD unknown'],
  ['a raw error', new Error('postgres://user:secret@host'), 'STORE_UNAVAILABLE unknown'],
  ['a text', 'postgres://user:secret@host', 'STORE_UNAVAILABLE unknown'],
]

for (const [name, thrown, expected] of failures) {
  for (const way of ['rejects', 'throws']) {
    test(`Given a write that ${way} with ${name}, when a group is written, then all of it is told so, nothing is tried again, and the next group goes on`, async () => {
      const backend = new Backend()
      const writes: string[][] = []
      const group = groupCommit<Item>({
        write: (group) => {
          if (writes.push(idsOf(group)) > 1) return backend.write(group)
          if (way === 'throws') throw thrown
          return Promise.reject(thrown)
        },
        maxRecords: 3,
      })
      const adds = [intentOf('a'), intentOf('b'), outcomeOf('a'), intentOf('c')].map((item) => group.add(item))
      const ends = await Promise.allSettled(adds)
      const answers = ends.map((end) => (end.status === 'fulfilled' ? end.value : say(end.reason)))
      assert.deepEqual(answers, [expected, expected, expected, 'created'])
      assert.deepEqual(writes, [['a', 'b'], ['c']])
      assert.doesNotMatch(inspect(ends, { depth: 9, showHidden: true }), /secret/)
    })
  }
}

test('Given a write that gives back too few results, too many or none at all, when a group is written, then it is unknown', async () => {
  for (const results of [[], ['created'], ['created', 'created', 'created'], undefined]) {
    const group = groupCommit<Item>({ write: async () => results as GroupResult[] })
    const answers = await addAll(group, [intentOf('a'), intentOf('b')])
    assert.deepEqual(answers, ['STORE_UNAVAILABLE unknown', 'STORE_UNAVAILABLE unknown'])
  }
})

test('Given errors as results of single records, when a group is written, then those are told, and their neighbours are created', async () => {
  const full = new StoreError('STORE_FULL', 'Full')
  const results = ['created', full, 'created', new Error('secret') as never, undefined as never, 'created'] as const
  const group = groupCommit<Item>({ write: async () => results })
  const ends = await Promise.allSettled(['a', 'b', 'c', 'd', 'e', 'f'].map((id) => group.add(intentOf(id))))
  const raw = 'STORE_UNAVAILABLE unknown'
  const answers = ends.map((end) => (end.status === 'fulfilled' ? end.value : say(end.reason)))
  assert.deepEqual(answers, ['created', 'STORE_FULL no', 'created', raw, raw, 'created'])
  assert.doesNotMatch(inspect(ends, { depth: 9, showHidden: true }), /secret/)
})

test('Given one record of a hundred that is too large, when the group is refused for it, then it is found in few writes', async () => {
  const backend = new Backend()
  let writes = 0
  const group = groupCommit<Item>({
    write: async (group) => {
      writes++
      if (idsOf(group).includes('63')) throw new StoreError('RECORD_TOO_LARGE', 'Too large')
      return backend.write(group)
    },
  })
  const answers = await addAll(
    group,
    Array.from({ length: 100 }, (_, place) => intentOf(String(place))),
  )
  assert.deepEqual(
    answers,
    answers.map((_, place) => (place === 63 ? 'RECORD_TOO_LARGE no' : 'created')),
  )
  assert.equal(new Set(backend.groups.flatMap(idsOf)).size, backend.groups.flat().length)
  assert.ok(writes <= 15, `${writes} writes`)
})

test('Given an outcome that is too large in the group of its intent, when it is refused, then the intent is written', async () => {
  for (const way of ['rejects', 'answers']) {
    const backend = new Backend()
    const group = groupCommit<Item>({
      write: async (writes) => {
        const error = new StoreError('RECORD_TOO_LARGE', 'Too large')
        if (!writes.some(({ outcome }) => outcome !== undefined && outcome.bytes > 9)) return backend.write(writes)
        if (way === 'rejects') throw error
        return writes.map(() => error)
      },
    })
    const answers = await addAll(group, [intentOf('a'), outcomeOf('a', 10), outcomeOf('a', 9), intentOf('a')])
    assert.deepEqual(answers, ['created', 'RECORD_TOO_LARGE no', 'settled', 'unchanged'])
  }
})

const lost = new StoreError('STORE_UNAVAILABLE', 'Gone', 'unknown')
const pairs: readonly (readonly [GroupAnswer, readonly string[]])[] = [
  [
    ['created', 'settled'],
    ['created', 'unchanged', 'settled', 'unchanged'],
  ],
  [
    ['created', lost],
    ['created', 'unchanged', 'STORE_UNAVAILABLE unknown', 'STORE_UNAVAILABLE unknown'],
  ],
  [
    [lost, 'settled'],
    ['STORE_UNAVAILABLE unknown', 'STORE_UNAVAILABLE unknown', 'settled', 'unchanged'],
  ],
  [
    ['unchanged', 'unchanged'],
    ['unchanged', 'unchanged', 'unchanged', 'unchanged'],
  ],
]

for (const [answer, expected] of pairs) {
  test(`Given one result for each phase, ${String(answer)}, then each of them hears its own, and whoever came later for the same that nothing changed`, async () => {
    const group = groupCommit<Item>({ write: async () => [answer] })
    const phases = [intentOf('a'), intentOf('a'), outcomeOf('a'), outcomeOf('a')]
    assert.deepEqual(await addAll(group, phases), expected)
  })
}

test('Given as many records waiting as may, when one more is added, then it is STORE_OVERLOADED, until there is room again', async () => {
  const { group, backend, open } = gated({ maxWaitingRecords: 2 })
  const adds = [add(group, intentOf('a'))]
  await turn()
  adds.push(add(group, intentOf('b')), add(group, intentOf('c')), add(group, intentOf('d')))
  open()
  await adds[0]
  await turn()
  adds.push(add(group, intentOf('e')))
  open()
  await adds[1]
  await turn()
  open()
  assert.deepEqual(await Promise.all(adds), ['created', 'created', 'created', 'STORE_OVERLOADED no', 'created'])
  assert.deepEqual(backend.groups.map(idsOf), [['a'], ['b', 'c'], ['e']])
})

test('Given as many bytes waiting as may, when one more record is added, then it is STORE_OVERLOADED, but a larger one alone may wait', async () => {
  const backend = new Backend()
  const group = groupCommit<Item>({ write: (writes) => backend.write(writes), maxWaitingBytes: 10 })
  const items = [intentOf('a', 6), intentOf('b', 5), intentOf('c', 4), intentOf('d', 1)]
  assert.deepEqual(await addAll(group, items), ['created', 'STORE_OVERLOADED no', 'created', 'STORE_OVERLOADED no'])
  const large = [intentOf('e', 11), intentOf('f', 1)]
  assert.deepEqual(await addAll(group, large), ['created', 'STORE_OVERLOADED no'])
  assert.deepEqual(await addAll(group, [intentOf('b', 5), intentOf('d', 5)]), ['created', 'created'])
})

test('Given a write that hangs, when the deadline is over, then what it writes is unknown, what waits is not written, and never will be', async () => {
  const { group, backend, gates, open } = gated({ deadlineMs: 100, maxWaitingRecords: 2 })
  const adds = [add(group, intentOf('a'))]
  await turn()
  adds.push(add(group, intentOf('b')), add(group, outcomeOf('a')))
  assert.deepEqual(await Promise.all(adds), ['STORE_TIMEOUT unknown', 'STORE_TIMEOUT no', 'STORE_TIMEOUT no'])
  const later = [add(group, intentOf('c')), add(group, intentOf('d'))]
  open()
  await turn()
  await turn()
  open()
  assert.deepEqual(await Promise.all(later), ['created', 'created'])
  await group.close()
  assert.deepEqual([backend.groups.map(idsOf), gates], [[['a'], ['c', 'd']], []])
})

test('Given records that expired behind a write that hangs, when memory is collected, then they are let go', async () => {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  const { group, gates } = gated({ deadlineMs: 100 })
  const weak = await (async () => {
    const first = add(group, intentOf('a'))
    await turn()
    const item = intentOf('b')
    assert.deepEqual(await Promise.all([first, add(group, item)]), ['STORE_TIMEOUT unknown', 'STORE_TIMEOUT no'])
    return new WeakRef(item)
  })()
  await sleep(1)
  collect()
  assert.deepEqual([weak.deref(), gates.length], [undefined, 1])
})

test('Given a limit on time alone, when a group is written before it, then no timeout is told and none is left', async () => {
  const backend = new Backend()
  const group = groupCommit<Item>({ write: (writes) => backend.write(writes), deadlineMs: 100 })
  assert.equal(await group.add(intentOf('a')), 'created')
  await sleep(120)
  assert.equal(await group.add(outcomeOf('a')), 'settled')
})

test('Given records that wait and are written, when closed, then they are all written first, and later ones are STORE_CLOSED', async () => {
  const { group, backend, open } = gated({ maxRecords: 1 })
  const adds = [add(group, intentOf('a')), add(group, intentOf('b'))]
  await turn()
  const seen: string[] = []
  const closes = [1, 2].map((time) => group.close().then(() => seen.push(`closed ${time}`)))
  adds.push(add(group, intentOf('c')))
  for (const each of adds.slice(0, 2)) {
    assert.deepEqual(seen, [])
    open()
    await each
    await turn()
  }
  await Promise.all(closes)
  await group.close()
  adds.push(add(group, intentOf('d')))
  assert.deepEqual(await Promise.all(adds), ['created', 'created', 'STORE_CLOSED no', 'STORE_CLOSED no'])
  assert.deepEqual(backend.groups.map(idsOf), [['a'], ['b']])
})

test('Given nothing ever added, when closed, then it resolves', async () => {
  const { group } = gated()
  await group.close()
  await group.close()
})

test('Given a write that fails, when closed, then it resolves all the same', async () => {
  const group = groupCommit<Item>({ write: () => Promise.reject(new Error('Gone')) })
  const added = add(group, intentOf('a'))
  await group.close()
  assert.equal(await added, 'STORE_UNAVAILABLE unknown')
})

test('Given a turn that is longer than the deadline, when all that waits expires before it is written, then close resolves', async () => {
  const backend = new Backend()
  const group = groupCommit<Item>({ write: (writes) => backend.write(writes), deadlineMs: 100 })
  // From here on timers come before the next turn's writes.
  await turn()
  const added = add(group, intentOf('a'))
  block(70)
  const closed = group.close().then(() => 'closed')
  block(70)
  await turn()
  assert.equal(await Promise.race([closed, turn('hangs')]), 'closed')
  assert.deepEqual([await added, backend.groups], ['STORE_TIMEOUT no', []])
})

test('Given a write that hangs, when closed, then close resolves at the deadline, once all are told', async () => {
  const { group } = gated({ deadlineMs: 100 })
  const seen: string[] = []
  const added = group.add(intentOf('a')).catch(({ code }: StoreError) => seen.push(code))
  await turn()
  await Promise.race([group.close().then(() => seen.push('closed')), sleep(2000, undefined, { ref: false })])
  await added
  assert.deepEqual(seen.toSorted(), ['STORE_TIMEOUT', 'closed'])
})

test('Given a write that never waits, when callers add again as soon as they are told, then timers still fire', async () => {
  let isOver = false
  let adds = 0
  setTimeout(() => (isOver = true), 10)
  const group = groupCommit<Item>({ write: (writes) => Promise.resolve(writes.map(() => 'created')) })
  const callers = Array.from({ length: 64 }, async (_, caller) => {
    while (!isOver && adds < 1_000_000) await group.add(intentOf(`${caller} ${adds++}`))
  })
  await Promise.all(callers)
  assert.deepEqual([isOver, adds < 1_000_000], [true, true])
})

test('Given options that make no sense, when a group commit is made, then they are refused by name', () => {
  const write = async () => []
  const numbers = ['maxRecords', 'maxBytes', 'maxWaitingRecords', 'maxWaitingBytes', 'writers', 'deadlineMs']
  for (const name of numbers) {
    for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5', null, {}]) {
      const expected = { name: 'RangeError', message: `${name}: expected a whole number from 1` }
      assert.throws(() => groupCommit({ write, [name]: value }), expected)
    }
    groupCommit({ write, [name]: undefined })
    groupCommit({ write, [name]: 1 })
  }
  for (const none of [undefined, null, 'write', {}]) {
    assert.throws(() => groupCommit({ write: none as never }), {
      name: 'TypeError',
      message: 'write: expected a function',
    })
  }
})
