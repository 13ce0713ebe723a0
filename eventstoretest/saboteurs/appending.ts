import type { RecordedEvent } from '../../eventsourcing/event-store.ts'
import { EventStoreError } from '../../eventsourcing/event-store-error.ts'
import { type TakenEvent, takeEvents } from '../../eventsourcing/take-events.ts'
import { type Kept, nextTurn, toEvent } from './base-store.ts'
import { type EventSaboteur, saboteur, wrapping } from './saboteur.ts'

/** Those who append wrongly. */
export const appending: readonly EventSaboteur[] = [
  saboteur('append/from-zero', 'Its versions begin at 0.', ['append/versions-are-gapless'], () => ({
    read: (kept, from) => kept.filter(({ version }) => version >= from).map(withVersion(-1)),
  })),
  saboteur(
    'append/one-version-an-append',
    'The events of an append share a version.',
    ['append/versions-are-gapless'],
    () => ({
      write({ data, stream, events }, version) {
        data.kept.push(...events.map((event) => ({ event, stream, version: version + 1 })))
        return version + 1
      },
    }),
  ),
  wrapping(
    'append/gives-the-count',
    'An append gives how many events it had.',
    ['append/versions-are-gapless'],
    (store) => ({
      append: async (stream, events, options) => {
        await store.append(stream, events, options)
        return events.length
      },
    }),
  ),
  saboteur(
    'append/acknowledges-before-it-writes',
    'It answers, and writes later.',
    ['append/is-there-once-acknowledged'],
    ({ write }) => ({
      write(asked, version) {
        setImmediate(() => void write(asked, version))
        return version + asked.events.length
      },
    }),
  ),
  saboteur(
    'append/ignores-expected',
    'It appends whatever version was expected.',
    ['append/expected-version-must-match'],
    () => ({
      conflict: () => undefined,
    }),
  ),
  saboteur(
    'append/expected-is-at-least',
    'It takes an expected version for the least.',
    ['append/expected-version-must-match'],
    ({ conflict }) => ({
      conflict: (asked, version) => (Number(asked.expected) <= version ? undefined : conflict(asked, version)),
    }),
  ),
  saboteur(
    'append/zero-is-any',
    'It takes an expected version of 0 for none.',
    ['append/expected-version-must-match'],
    ({ conflict }) => ({
      conflict: (asked, version) => (asked.expected === 0 ? undefined : conflict(asked, version)),
    }),
  ),
  saboteur(
    'append/conflict-without-facts',
    'Its conflicts do not say which versions met.',
    ['append/expected-version-must-match'],
    ({ conflict }) => ({
      conflict: (asked, version) =>
        conflict(asked, version) && new EventStoreError('VERSION_CONFLICT', 'Another version'),
    }),
  ),
  saboteur(
    'append/conflict-that-is-unsure',
    'Its conflicts say that it may be written.',
    ['append/expected-version-must-match'],
    ({ conflict }) => ({
      conflict: (asked, version) =>
        conflict(asked, version) && new EventStoreError('VERSION_CONFLICT', 'Another', { written: 'unknown' }),
    }),
  ),
  saboteur(
    'append/ids-of-the-refused-stay',
    'It remembers the ids of appends that were refused.',
    ['append/what-is-refused-leaves-no-trace'],
    ({ isTaken }) => {
      const seen = new Set<string>()
      return {
        isTaken(asked) {
          const isKnown = isTaken(asked) || asked.events.some(({ id }) => seen.has(id))
          for (const { id } of asked.events) seen.add(id)
          return isKnown
        },
      }
    },
  ),
  saboteur(
    'append/one-by-one',
    'It writes the events before a duplicate one.',
    ['append/whole-or-not-at-all'],
    ({ isTaken, write }) => ({
      isTaken(asked) {
        const ids = asked.data.kept.map(({ event }) => event.id)
        const before = asked.events.slice(
          0,
          asked.events.findIndex(({ id }) => ids.includes(id)),
        )
        const version = asked.data.kept.filter(({ stream }) => stream === asked.stream).length
        const isFound = isTaken(asked)
        if (isFound) void write({ ...asked, events: before }, version)
        return isFound
      },
    }),
  ),
  saboteur(
    'append/skips-invalid',
    'It leaves out what is no event, and appends the others.',
    ['append/whole-or-not-at-all', 'errors/invalid-event'],
    () => ({
      take: (events) => events.flatMap((event) => tryTake(() => takeEvents([event]))),
    }),
  ),
  saboteur(
    'append/ids-by-stream',
    'It looks for an id in its own stream only.',
    ['append/ids-are-unique-in-the-store'],
    ({ isTaken }) => ({
      isTaken: (asked) =>
        isTaken({
          ...asked,
          data: { ...asked.data, kept: asked.data.kept.filter(({ stream }) => stream === asked.stream) },
        }),
    }),
  ),
  saboteur(
    'append/swallows-duplicates',
    'It takes a known id for a repeat, and is content.',
    ['append/ids-are-unique-in-the-store'],
    ({ write }) => ({
      isTaken: () => false,
      write: (asked, version) => {
        const ids = asked.data.kept.map(({ event }) => event.id)
        return write({ ...asked, events: asked.events.filter(({ id }) => !ids.includes(id)) }, version)
      },
    }),
  ),
  saboteur(
    'append/twice-in-one',
    'It does not compare the ids within an append.',
    ['append/ids-are-unique-in-an-append'],
    () => ({
      take: (events) => events.flatMap((event) => takeEvents([event])),
    }),
  ),
  saboteur(
    'append/conflict-before-duplicate',
    'A repeat of an append is a conflict.',
    ['append/a-repeat-is-a-duplicate-rather-than-a-conflict'],
    ({ conflict }) => ({
      isTaken(asked) {
        const own = asked.data.kept.filter(({ stream }) => stream === asked.stream)
        const lost = conflict(asked, own.length)
        if (lost !== undefined) throw lost
        return asked.events.some(({ id }) => asked.data.kept.some(({ event }) => event.id === id))
      },
    }),
  ),
  wrapping(
    'append/nothing-is-zero',
    'An append of nothing gives 0 and looks at nothing.',
    ['append/of-nothing'],
    (store) => ({
      append: async (stream, events, options) =>
        events.length === 0 ? 0 : await store.append(stream, events, options),
    }),
  ),
  saboteur(
    'races/looks-then-writes',
    'Another append may come between its look at the version and its write.',
    ['races/one-winner-for-each-version', 'races/nothing-is-lost'],
    () => ({
      pause: nextTurn,
    }),
  ),
  saboteur(
    'races/overwrites',
    'Of appends at once the last one takes the place of the others.',
    ['races/nothing-is-lost'],
    ({ write }) => ({
      pause: nextTurn,
      write(asked, version) {
        const { data, stream } = asked
        data.kept = data.kept.filter((each) => each.stream !== stream || each.version <= version)
        return write(asked, version)
      },
    }),
  ),
  saboteur(
    'races/gives-in',
    'Where it expects a version, it writes at whatever version there is by then.',
    ['races/a-counter-counts', 'races/one-winner-for-each-version'],
    ({ write }) => ({
      pause: nextTurn,
      write: (asked) => write(asked, asked.data.kept.filter(({ stream }) => stream === asked.stream).length),
    }),
  ),
  saboteur(
    'races/ids-looked-up-early',
    'Two appends of one id at once are both written.',
    ['races/one-winner-for-each-id'],
    ({ write }) => ({
      pause: nextTurn,
      write: (asked) => write(asked, asked.data.kept.filter(({ stream }) => stream === asked.stream).length),
    }),
  ),
  saboteur('races/in-pieces', 'Readers see half of an append.', ['races/readers-see-whole-appends'], ({ write }) => {
    let last: Promise<unknown> = Promise.resolve()
    return {
      async write(asked) {
        const mine = last.then(async () => {
          for (const event of asked.events) {
            await nextTurn()
            const version = asked.data.kept.filter(({ stream }) => stream === asked.stream).length
            await write({ ...asked, events: [event] }, version)
          }
          return asked.data.kept.filter(({ stream }) => stream === asked.stream).length
        })
        last = mine.catch(() => undefined)
        return await mine
      },
    }
  }),
  saboteur(
    'model/forgets-after-a-conflict',
    'After a conflict the next append counts as one event less.',
    ['model/any-calls'],
    ({ conflict, write }) => {
      let hasLost = false
      return {
        conflict(asked, version) {
          const lost = conflict(asked, version)
          hasLost ||= lost !== undefined
          return lost
        },
        write(asked, version) {
          const events = hasLost ? asked.events.slice(0, 2) : asked.events
          hasLost = false
          return write({ ...asked, events }, version)
        },
      }
    },
  ),
]

function withVersion(by: number): (kept: Kept) => RecordedEvent {
  return (kept) => toEvent({ ...kept, version: kept.version + by })
}

function tryTake(take: () => readonly TakenEvent[]): readonly TakenEvent[] {
  try {
    return take()
  } catch {
    return []
  }
}
