import type { NewEvent, RecordedEvent } from '../../eventsourcing/event-store.ts'
import { EventStoreError } from '../../eventsourcing/event-store-error.ts'
import { takeEvents } from '../../eventsourcing/take-events.ts'
import { nextTurn, toEvent } from './base-store.ts'
import { type EventSaboteur, saboteur, wrapping } from './saboteur.ts'

/** Those who read, keep or refuse wrongly. */
export const reading: readonly EventSaboteur[] = [
  wrapping(
    'read/unknown-stream-fails',
    'A stream that nobody has appended to is an error.',
    ['read/a-stream-of-nobody-is-empty'],
    (store) => ({
      read: async (stream, options) => {
        const all = await store.read(stream, options)
        if (all.length === 0) throw new EventStoreError('INVALID_ARGUMENT', 'There is no such stream')
        return all
      },
    }),
  ),
  saboteur(
    'read/from-is-exclusive',
    'It gives what comes after the version that was asked for.',
    ['read/from'],
    () => ({
      read: (kept, from) => kept.filter(({ version }) => from === 1 || version > from).map(toEvent),
    }),
  ),
  saboteur(
    'read/order-of-texts',
    'It orders versions as texts.',
    ['read/from', 'read/long-streams-come-whole'],
    () => ({
      read: (kept, from) =>
        kept
          .filter(({ version }) => version >= from)
          .toSorted((a, b) => (String(a.version) < String(b.version) ? -1 : 1))
          .map(toEvent),
    }),
  ),
  saboteur(
    'read/first-page-only',
    'It gives the first hundred events.',
    ['read/long-streams-come-whole'],
    ({ read }) => ({
      read: (kept, from) => read(kept, from).slice(0, 100),
    }),
  ),
  saboteur(
    'read/streams-without-case',
    'It does not tell upper case from lower case in streams.',
    ['read/streams-are-apart'],
    () => ({
      streamKey: (name) => name.toLowerCase(),
    }),
  ),
  saboteur('read/ids-without-spaces', 'It trims ids.', ['read/ids-are-apart'], () => ({ idKey: (id) => id.trim() })),
  saboteur('values/ascii', 'It keeps data as ASCII.', ['values/data-come-back', 'values/large-data'], () => ({
    take: (events) =>
      takeEvents(events).map((each) => ({ ...each, data: each.data?.replaceAll(/[^\0-~]/g, '?') ?? null })),
  })),
  saboteur('values/null-for-nothing', 'Data that are absent come back as null.', ['values/no-data'], () => ({
    take: (events) => takeEvents(events).map((each) => ({ ...each, data: each.data ?? 'null' })),
  })),
  saboteur('values/cuts', 'It cuts data off after 64 KiB.', ['values/large-data'], () => ({
    take: (events) =>
      takeEvents(events).map((each) => ({ ...each, data: (each.data?.length ?? 0) > 65_536 ? '"…"' : each.data })),
  })),
  saboteur('values/forgets-tenants', 'It does not keep tenants.', ['values/metadata-come-back'], () => ({
    take: (events) =>
      takeEvents(events).map(({ metadata: { tenantId, ...metadata }, ...each }) => ({ ...each, metadata })),
  })),
  saboteur('values/time-of-its-own', 'It puts its own time.', ['values/metadata-come-back'], () => ({
    take: (events) =>
      takeEvents(events).map((each) => ({ ...each, metadata: { ...each.metadata, recordedAt: Date.now() } })),
  })),
  wrapping('values/looks-later', 'It looks at the events a turn later.', ['values/taken-as-they-are'], (store) => ({
    append: async (stream, events, options) => {
      await nextTurn()
      return await store.append(stream, events, options)
    },
  })),
  saboteur('values/hands-out-its-own', 'It gives every reader the same objects.', ['values/given-as-copies'], () => {
    const own = new Map<string, RecordedEvent>()
    return {
      read: (kept, from) =>
        kept
          .filter(({ version }) => version >= from)
          .map((each) => {
            const event = own.get(each.event.id) ?? toEvent(each)
            own.set(each.event.id, event)
            return event
          }),
    }
  }),
  saboteur('errors/takes-everything', 'It appends what is no event.', ['errors/invalid-event'], () => ({
    take: (events) =>
      events.map((event) => {
        try {
          return takeEvents([event])[0] as ReturnType<typeof takeEvents>[number]
        } catch {
          return { ...(event as NewEvent), data: '1' }
        }
      }),
  })),
  saboteur('errors/any-stream', 'It takes anything for the name of a stream.', ['errors/invalid-argument'], () => ({
    checkStream: () => undefined,
  })),
  wrapping('errors/quotes', 'Its errors quote the events.', ['errors/tell-nothing'], (store) => ({
    append: async (stream, events, options) => {
      try {
        return await store.append(stream, events, options)
      } catch (error) {
        const { code, expected, actual } = error as EventStoreError
        throw new EventStoreError(code, `It was ${JSON.stringify(events[0]?.data ?? '')}`, { expected, actual })
      }
    },
  })),
  wrapping(
    'errors/of-the-driver',
    'It passes on the errors of its driver.',
    ['append/expected-version-must-match'],
    (store) => ({
      append: (stream, events, options) =>
        store.append(stream, events, options).catch((error: unknown) => {
          throw new Error('SQLITE_CONSTRAINT', { cause: error })
        }),
    }),
  ),
  wrapping('errors/throws-at-once', 'Its read throws instead of rejecting.', ['errors/invalid-argument'], (store) => ({
    read: (stream, options) => {
      if (stream === '' || typeof stream !== 'string') throw new EventStoreError('INVALID_ARGUMENT', 'No stream')
      return store.read(stream, options)
    },
  })),
  saboteur('errors/goes-on-after-close', 'It goes on after it was closed.', ['errors/closed'], () => ({
    checkOpen: () => undefined,
  })),
  saboteur(
    'errors/leaves-at-close',
    'Its close does not wait for appends.',
    ['errors/accepted-appends-are-done-at-close'],
    () => ({
      pause: () => new Promise((resolve) => setTimeout(resolve, 20)),
    }),
  ),
  saboteur(
    'fence/does-not-hold',
    'It gives the events, and lets more come.',
    ['fence/refuses-what-comes-later'],
    () => ({
      fence: () => undefined,
    }),
  ),
  saboteur(
    'fence/only-first-event',
    'It looks at the command of the first event of an append only.',
    ['fence/refuses-what-comes-later'],
    ({ isFenced }) => ({
      isFenced: (asked) => isFenced({ ...asked, events: asked.events.slice(0, 1) }),
    }),
  ),
  saboteur(
    'fence/one-stream',
    'It gives the events of one stream.',
    ['fence/gives-what-a-command-has-appended'],
    () => ({
      findFenced: (_, own) => own.filter(({ stream }) => stream === own[0]?.stream).map(toEvent),
    }),
  ),
  saboteur(
    'fence/newest-first',
    'It gives the newest events first.',
    ['fence/gives-what-a-command-has-appended'],
    () => ({
      findFenced: (_, own) => own.toReversed().map(toEvent),
    }),
  ),
  saboteur(
    'fence/after-the-conflict',
    'It looks at versions before it looks at fences.',
    ['fence/comes-first'],
    ({ isFenced, isTaken }) => ({
      isFenced: (asked) => {
        const version = asked.data.kept.filter(({ stream }) => stream === asked.stream).length
        const isOther = asked.expected !== undefined && asked.expected !== version
        return !isOther && !isTaken(asked) && isFenced(asked)
      },
    }),
  ),
  saboteur(
    'fence/without-case',
    'It does not tell upper case from lower case in commands.',
    ['fence/others-go-on'],
    () => ({
      commandKey: (id) => id.toLowerCase().trim(),
    }),
  ),
  wrapping('fence/any-command', 'It takes anything for the id of a command.', ['fence/invalid-command'], (store) => ({
    fence: async (id) => (typeof id === 'string' && /^[!-~]+$/.test(id) ? ((await store.fence?.(id)) ?? []) : []),
  })),
  saboteur(
    'fence/looked-up-early',
    'An append that has looked at the fence is written after it.',
    ['fence/decides-every-race'],
    ({ write }) => ({
      pause: nextTurn,
      write: (asked) => write(asked, asked.data.kept.filter(({ stream }) => stream === asked.stream).length),
    }),
  ),
  saboteur(
    'durable/loses-the-last',
    'The last event is gone after closing.',
    ['durable/reopening-keeps-events'],
    () => ({
      reopen: (data) => void data.kept.pop(),
    }),
  ),
  saboteur('durable/loses-fences', 'Fences are gone after closing.', ['durable/reopening-keeps-fences'], () => ({
    reopen: (data) => data.fences.clear(),
  })),
  saboteur(
    'durable/names-without-case',
    'It does not tell upper case from lower case in names.',
    ['durable/names-are-apart'],
    () => ({
      dataKey: (name) => name.toLowerCase(),
    }),
  ),
  {
    name: 'durable/handles-remember',
    breaks: 'A handle goes by what it has read before.',
    caughtBy: ['durable/handles-share'],
    make: () => remembering(),
  },
  {
    name: 'durable/locks-in-the-handle',
    breaks: 'Its handles keep out only their own appends and fences.',
    caughtBy: ['durable/handles-race', 'durable/handles-fence'],
    make: () => lockedByHandle(),
  },
]

function remembering(): ReturnType<EventSaboteur['make']> {
  const open = wrapping('', '', [], (store) => {
    const empty = new Set<string>()
    return {
      read: async (stream, options) => {
        if (empty.has(stream)) return []
        const all = await store.read(stream, options)
        if (all.length === 0) empty.add(stream)
        return all
      },
      append: async (stream, events, options) => {
        empty.delete(stream)
        return await store.append(stream, events, options)
      },
    }
  })
  return open.make()
}

/** Each handle does one thing after the other, as if it were alone. */
function lockedByHandle(): ReturnType<EventSaboteur['make']> {
  const open = saboteur('', '', [], () => ({ pause: nextTurn })).make()
  return async (name) => {
    const store = await open(name)
    let last: Promise<unknown> = Promise.resolve()
    const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
      const mine = last.then(work)
      last = mine.catch(() => undefined)
      return mine
    }
    return {
      ...store,
      append: (stream, events, options) => inTurn(() => store.append(stream, structuredClone(events), options)),
      fence: (id) => inTurn(async () => (await store.fence?.(id)) ?? []),
    }
  }
}
