import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type CommandLogStore, type CommandRecord, StoreError } from '../src/index.ts'
import { memoryStore } from '../stores/memory.ts'
import { type CausalNode, causes, effects } from './causality.ts'
import { formatTree } from './format-tree.ts'

type Given = Partial<Omit<CommandRecord, 'events'>> & { readonly events?: readonly string[] }

/** A log of these commands, by id, in this order. */
async function logOf(commands: Readonly<Record<string, Given>>): Promise<CommandLogStore> {
  const log = memoryStore()
  for (const [id, { events = [], ...given }] of Object.entries(commands)) {
    await log.record({
      ...{ id, type: `do-${id}`, state: 'successful', correlationId: 'all', receivedAt: 1, dryRun: false },
      ...{ payload: { status: 'full', format: 'json', data: '{}', bytes: 2 } },
      ...{ importance: 'normal', retention: 'long-lived' },
      ...given,
      events: events.map((event) => ({ id: event, type: `did-${event}`, stream: 's', version: 1 })),
    })
  }
  return log
}

/** The tree as nested lists: kind and id, then what is next. */
type Sketch = readonly [string, ...Sketch[]]
function sketch({ kind, id, next }: CausalNode): Sketch {
  return [kind === 'command' || kind === 'event' ? id : `${kind} ${id}`, ...next.map(sketch)]
}

const order = {
  place: { events: ['placed', 'noted'] },
  charge: { causationId: 'placed', state: 'rejected', problem: { code: 'card-declined' } },
  ship: { causationId: 'placed', events: ['shipped'] },
  mail: { causationId: 'place', state: 'failed', error: { name: 'Error', message: 'no route' } },
  rehearse: { causationId: 'shipped', dryRun: true, events: ['would'] },
  other: { events: ['elsewhere'] },
} as const

test('effects are the events of a command, what they caused, and what it caused itself, in the order of recording', async () => {
  const log = await logOf(order)
  assert.deepEqual(sketch(await effects(log, 'place')), [
    'place',
    ['placed', ['charge'], ['ship', ['shipped', ['rehearse', ['would']]]]],
    ['noted'],
    ['mail'],
  ])
  assert.deepEqual(sketch(await effects(log, 'shipped')), ['shipped', ['rehearse', ['would']]])
})

test('causes lead from an event to the beginning', async () => {
  const log = await logOf(order)
  assert.deepEqual(sketch(await causes(log, 'would')), [
    'would',
    ['rehearse', ['shipped', ['ship', ['placed', ['place']]]]],
  ])
  assert.deepEqual(sketch(await causes(log, 'mail')), ['mail', ['place']])
})

test('nodes carry the record, and the reference as its command has it', async () => {
  const log = await logOf(order)
  const tree = await effects(log, 'ship')
  const record = await log.get('ship')
  const event = { id: 'shipped', type: 'did-shipped', stream: 's', version: 1 }
  const rehearsal = await effects(log, 'rehearse')
  const next = [{ kind: 'event', id: 'shipped', event, next: [rehearsal] }]
  assert.deepEqual(tree, { kind: 'command', id: 'ship', record, next })
})

test('an event on two records has two causes', async () => {
  const log = await logOf({ a: { events: ['e'] }, b: { events: ['e'], dryRun: true } })
  assert.deepEqual(sketch(await causes(log, 'e')), ['e', ['a'], ['b']])
})

describe('what is not on the record is reported', () => {
  test('as the missing cause of an orphan', async () => {
    const log = await logOf({ orphan: { causationId: 'purged', events: ['e'] } })
    assert.deepEqual(sketch(await causes(log, 'e')), ['e', ['orphan', ['missing purged']]])
  })

  test('as the missing root of what names it', async () => {
    const log = await logOf({ a: { causationId: 'purged' }, b: { causationId: 'purged', events: ['e'] } })
    assert.deepEqual(sketch(await effects(log, 'purged')), ['missing purged', ['a'], ['b', ['e']]])
    assert.deepEqual(sketch(await causes(log, 'nowhere')), ['missing nowhere'])
  })
})

test('a cycle is reported where it closes', async () => {
  const log = await logOf({
    a: { causationId: 'e' },
    b: { causationId: 'a', events: ['e'] },
    self: { causationId: 'self' },
  })
  assert.deepEqual(sketch(await effects(log, 'a')), ['a', ['b', ['e', ['cycle a']]]])
  assert.deepEqual(sketch(await causes(log, 'e')), ['e', ['b', ['a', ['cycle e']]]])
  assert.deepEqual(sketch(await effects(log, 'self')), ['self', ['cycle self']])
})

test('an id that is a command and an event shows both as causes, and no effect twice', async () => {
  const log = await logOf({ x: { events: ['y'] }, y: { events: ['z'] }, child: { causationId: 'y' } })
  assert.deepEqual(sketch(await causes(log, 'child')), ['child', ['y'], ['y', ['x']]])
  const twin = await logOf({ x: { events: ['x'] }, child: { causationId: 'x' } })
  assert.deepEqual(sketch(await effects(twin, 'x')), ['x', ['x', ['child']], ['repeated child']])
})

describe('bounds', () => {
  test('of depth end the branch, and say that there is more', async () => {
    const commands = Array.from({ length: 10 }, (_, index) => [`c${index}`, { causationId: `c${index - 1}` }] as const)
    const log = await logOf(Object.fromEntries(commands))
    assert.deepEqual(sketch(await effects(log, 'c0', { maxDepth: 2 })), ['c0', ['c1', ['limit c2']]])
    assert.deepEqual(sketch(await causes(log, 'c9', { maxDepth: 1 })), ['c9', ['limit c8']])
  })

  test('of size end the tree, and say that there is more', async () => {
    const children = Array.from({ length: 5 }, (_, index) => [`c${index}`, { causationId: 'root' }] as const)
    const log = await logOf({ root: { events: ['e'] }, ...Object.fromEntries(children) })
    const tree = await effects(log, 'root', { maxNodes: 4 })
    assert.deepEqual(sketch(tree), ['root', ['e'], ['c0'], ['c1'], ['limit c2']])
    assert.deepEqual(sketch(await effects(log, 'root', { maxNodes: 1 })), ['root', ['limit e']])
    assert.equal((await effects(log, 'root', { maxNodes: 7 })).next.length, 6)
  })

  test('that are none are refused', async () => {
    const log = await logOf({})
    await assert.rejects(effects(log, 'a', { maxDepth: 0 }), { name: 'InvalidArgument', argument: 'maxDepth' })
    await assert.rejects(causes(log, 'a', { maxNodes: 0.5 }), { name: 'InvalidArgument', argument: 'maxNodes' })
  })
})

test('effects are complete beyond the first page, and also where pages come short or empty', async () => {
  const children = Array.from({ length: 1200 }, (_, index) => [`c${index}`, { causationId: 'root' }] as const)
  const log = await logOf({ root: {}, ...Object.fromEntries(children) })
  const ids = (tree: CausalNode): string[] => tree.next.map(({ id }) => id)
  const expected = children.map(([id]) => id)
  assert.deepEqual(ids(await effects(log, 'root')), expected)
  const halting: CommandLogStore = {
    ...log,
    // Every other page is empty, and none is full.
    list: async ({ cursor = '', ...query } = {}) =>
      cursor.startsWith('next ')
        ? await log.list({ ...query, limit: 90, cursor: cursor === 'next ' ? undefined : cursor.slice(5) })
        : { records: [], next: `next ${cursor}` },
  }
  assert.deepEqual(ids(await effects(halting, 'root')), expected)
})

test('a log that fails fails the walk with its own error', async () => {
  const broken = new StoreError('STORE_UNAVAILABLE', 'No disk')
  const log: CommandLogStore = { ...(await logOf({ a: {} })), list: () => Promise.reject(broken) }
  await assert.rejects(effects(log, 'a'), (error) => error === broken)
})

test('what is no id is refused, instead of taken for any', async () => {
  const log = await logOf(order)
  for (const id of [undefined, null, 5]) {
    // @ts-expect-error as it comes from a place without types
    await assert.rejects(causes(log, id), { name: 'InvalidArgument', argument: 'eventId' })
    // @ts-expect-error as it comes from a place without types
    await assert.rejects(effects(log, id), { name: 'InvalidArgument', argument: 'commandId' })
  }
})

describe('as text', () => {
  test('a very deep tree grows down, and no longer to the right', async () => {
    let tree: CausalNode = { kind: 'missing', id: 'end', next: [] }
    for (let depth = 0; depth < 20_000; depth++) tree = { kind: 'missing', id: `n${depth}`, next: [tree] }
    const lines = formatTree(tree).split('\n')
    assert.equal(lines.length, 20_001)
    assert.equal(lines.at(-1), `⋯${' '.repeat(299)}└─ ? [end] is not on the record`)
  })

  test('a tree has a line a node, with what became of each', async () => {
    const log = await logOf(order)
    assert.equal(
      formatTree(await effects(log, 'place')),
      `
do-place [place] successful
├─ → did-placed [placed] in s at 1
│  ├─ do-charge [charge] rejected: card-declined
│  └─ do-ship [ship] successful
│     └─ → did-shipped [shipped] in s at 1
│        └─ do-rehearse [rehearse] successful, dry run
│           └─ → did-would [would] in s at 1
├─ → did-noted [noted] in s at 1
└─ do-mail [mail] failed: Error`.trimStart(),
    )
  })

  test('loose ends are told apart', async () => {
    const nodes = (['missing', 'cycle', 'repeated', 'limit'] as const).map((kind) => ({ kind, id: 'x', next: [] }))
    const lines = nodes.map((node) => formatTree(node))
    assert.deepEqual(lines, [
      '? [x] is not on the record',
      '↺ [x] comes of itself',
      '= [x] is shown elsewhere',
      '… [x] and more',
    ])
  })

  test('hostile text can neither forge a line nor steer a terminal', async () => {
    const id = 'a\n├─ forged\u001b[31m\u202e\u2028\ud800\\'
    const event = { id, type: `t\r${'x'.repeat(300)}`, stream: '\u0000' }
    const text = formatTree({ kind: 'event', id, event, next: [] })
    const escaped = String.raw`a\u{a}├─ forged\u{1b}[31m\u{202e}\u{2028}\u{d800}\\`
    assert.equal(text, String.raw`→ t\u{d}${'x'.repeat(198)}… [${escaped}] in \u{0}`)
  })

  test('lines can be of your own', async () => {
    const tree = await effects(await logOf(order), 'ship')
    assert.equal(formatTree(tree, { describe: ({ id }) => id }), 'ship\n└─ shipped\n   └─ rehearse\n      └─ would')
  })
})
