import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { describe, test } from 'node:test'
import type { CommandRecord } from 'commandlog'
import { withFolder } from '../project.ts'
import { made } from '../stores/samples.ts'
import { runEventCampaign } from './event-campaign.ts'
import { eventCrashStates } from './event-crash-states.ts'
import { eventStores } from './event-places.ts'
import { type EventFacts, eventRules, openWithEvents } from './event-rules.ts'
import { newHistory } from './history.ts'
import { whyNoStrace } from './strace.ts'

describe('processes that append events are killed', { timeout: 60_000 }, () => {
  for (const store of eventStores) {
    test(`and log and events of ${store} agree after each kill`, () =>
      withFolder(tmpdir(), async (folder) => {
        const tally = await runEventCampaign({ store, kills: 3, seed: 5, folder })
        assert.deepEqual(tally.violations, [])
        assert.equal(tally.kills, 3)
        assert.ok(tally.done > 0 && tally.events > 0, JSON.stringify(tally))
      }))
  }
})

const skip = process.platform !== 'linux' && 'file operations are recorded with strace, which is Linux only'

describe('after a power failure, whatever it left of what was not synced,', { skip, timeout: 60_000 }, () => {
  for (const store of eventStores) {
    test(`log and events of ${store} agree`, () =>
      withFolder(tmpdir(), async (folder) => {
        assert.equal(await whyNoStrace(), undefined)
        const found = await eventCrashStates({ store, folder, commands: 30, states: 24, seed: 2 })
        assert.deepEqual([found.faults, found.states, found.done], [[], 24, 30])
        // One transaction leaves nothing to reconcile; without it there is, which shows that it would be seen.
        assert.equal(found.statesInDoubt > 0, store === 'sqlite-events', JSON.stringify(found))
      }))
  }
})

const payload = { status: 'full', format: 'json', data: '1', bytes: 1 } as const
const intent = made('b', { type: 'move', correlationId: 'b', payload })
const first: CommandRecord = { ...intent, id: 'a', state: 'successful', events: [{ id: 'e1' }, { id: 'e2' }] }
const refused: CommandRecord = { ...intent, id: 'c', state: 'rejected' }

/** A log and events that agree. */
function sound(): EventFacts {
  const history = newHistory()
  history.done.set('a', { state: 'successful', events: ['e1', 'e2'] })
  const events = [
    { stream: 's', version: 1, id: 'e1', commandId: 'a' },
    { stream: 's', version: 2, id: 'e2', commandId: 'a' },
  ]
  return { history, records: [first, refused], events }
}

/** What is wrong, and what the rules say to it. */
const planted: readonly (readonly [string, (facts: EventFacts) => EventFacts, readonly string[]])[] = [
  [
    'an acknowledged outcome is lost',
    (facts) => ({ ...facts, records: [{ ...first, state: 'created', events: [] }] }),
    ['outcomes-stay', 'nothing-is-left-open'],
  ],
  [
    'an event is lost',
    ({ events, ...facts }) => ({ ...facts, events: events.slice(0, 1) }),
    ['settled-records-have-their-events'],
  ],
  [
    'a version is missing',
    ({ events, ...facts }) => ({ ...facts, events: events.map((event) => ({ ...event, version: event.version * 2 })) }),
    ['versions-are-gapless'],
  ],
  [
    'a refused command has an event',
    ({ events, ...facts }) => ({
      ...facts,
      events: [...events, { stream: 't', version: 1, id: 'e3', commandId: 'c' }],
    }),
    ['events-have-a-command', 'settled-records-have-their-events'],
  ],
  [
    'an event is of nobody',
    ({ events, ...facts }) => ({
      ...facts,
      events: [...events, { stream: 't', version: 1, id: 'e3', commandId: 'x' }],
    }),
    ['events-have-a-command'],
  ],
  ['a record is left open', (facts) => ({ ...facts, records: [...facts.records, intent] }), ['nothing-is-left-open']],
  [
    'a process has failed by itself',
    (facts) => {
      facts.history.failures.push('STORE_CORRUPT')
      return facts
    },
    ['no-failure'],
  ],
]

for (const [fault, plant, expected] of planted) {
  test(`the rules of events find it where ${fault}`, () => {
    const facts = plant(sound())
    assert.deepEqual(
      eventRules.filter(({ find }) => find(facts).length > 0).map(({ name }) => name),
      expected,
    )
  })
}

test('the rules of events find nothing where all is well, and each is broken by a planted fault', () => {
  assert.deepEqual(
    eventRules.flatMap(({ find }) => find(sound())),
    [],
  )
  const broken = new Set(planted.flatMap(([, , expected]) => expected))
  assert.deepEqual(
    eventRules.map(({ name }) => name).filter((name) => !broken.has(name)),
    [],
  )
})

test('events whose command has no outcome are found, which one transaction never leaves', () => {
  const facts = sound()
  assert.deepEqual(openWithEvents(facts), [])
  assert.deepEqual(openWithEvents({ ...facts, records: [{ ...first, state: 'created' }, refused] }), ['a'])
})
