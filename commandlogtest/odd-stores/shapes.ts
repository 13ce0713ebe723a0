// Odd in pages, cursors, followers, and in the store object itself.

import { randomBytes } from 'node:crypto'
import type { Change, CommandRecord, Page } from '../../src/index.ts'
import { base } from '../saboteurs/base-steps.ts'
import { pause, sleep } from '../saboteurs/saboteur.ts'
import type { Handle, PlacedChange, Steps, TestStore } from '../saboteurs/steps.ts'
import { type OddStore, oddStore } from './odd-store.ts'

/** Pages, cursors and sequences. */
export const pageOddities: readonly OddStore[] = [
  oddStore('huge-gaps', 'Its sequence begins at 10^12 and has huge gaps.', (random) => ({
    add(handle, record) {
      const { data } = handle
      data.nextSequence = Math.max(data.nextSequence, 1e12) + Math.floor(random() * 1e6)
      base.add(handle, record)
    },
  })),
  oddStore('tiny-pages', 'A page has at most three records, whatever its limit.', () => ({
    page: (handle, query) => base.page(handle, { ...query, limit: Math.min(query.limit, 3) }),
  })),
  oddStore('empty-pages', 'Every page with records is followed by an empty one that leads on.', () => ({
    async page(handle, query) {
      const { steps } = handle
      const scope = steps.scope(handle, query)
      const position = query.cursor === undefined ? undefined : steps.unseal(scope, query.cursor)
      if (position?.startsWith('before ')) return { records: [], next: steps.seal(scope, position.slice(7)) }
      const page = await base.page(handle, query)
      return page.next === undefined
        ? page
        : { ...page, next: steps.seal(scope, `before ${steps.unseal(scope, page.next)}`) }
    },
  })),
  oddStore('empty-first-page', 'Every walk begins with an empty page.', () => ({
    async page(handle, query) {
      const { steps } = handle
      const scope = steps.scope(handle, query)
      if (query.cursor === undefined) return { records: [], next: steps.seal(scope, 'start') }
      if (steps.unseal(scope, query.cursor) !== 'start') return base.page(handle, query)
      return base.page(handle, { ...query, cursor: undefined })
    },
  })),
  oddStore('trailing-empty-page', 'A walk that found something ends with an empty page.', () => ({
    async page(handle, query) {
      const page = await base.page(handle, query)
      const last = page.records.at(-1)
      const row = last && handle.data.rows.get(last.id)
      if (page.next !== undefined || row === undefined) return page
      return { ...page, next: handle.steps.seal(handle.steps.scope(handle, query), String(row.sequence)) }
    },
  })),
  oddStore(
    'filters-after-reading',
    'A page reads as many rows as its limit and then filters, so that most pages are short.',
    () => ({
      async page(handle, query): Promise<Page> {
        const all: Handle = { ...handle, steps: { ...handle.steps, matches: () => true } }
        const { records, ...rest } = await base.page(all, query)
        return { ...rest, records: records.filter((record) => handle.steps.matches(query, record)) }
      },
    }),
  ),
  oddStore('long-cursors', 'A cursor is long, and another text each time.', () => ({
    seal: (scope, position) => base.seal(scope, `${randomBytes(900).toString('hex')} ${position}`),
    unseal: (scope, sealed) => base.unseal(scope, sealed).split(' ').at(-1) ?? '',
  })),
]

/** Followers. */
export const followOddities: readonly OddStore[] = [
  oddStore(
    'follow-tells-everything',
    'A follower is told of every change, the created ones of settled records too.',
    () => wholeHistory(),
    { bricks: ['follow'] },
  ),
  oddStore(
    'follow-in-late-chunks',
    'A follower reads chunks of two, each some turns late, so that many created changes are left out.',
    () => ({
      async readChanges(handle, after) {
        await pause(6)
        return (await base.readChanges(handle, after)).slice(0, 2)
      },
    }),
    { bricks: ['follow'] },
  ),
  oddStore(
    'follow-polls',
    'A follower is not woken: it looks every two milliseconds.',
    () => ({
      async waitForChange() {
        await sleep(2)
      },
    }),
    { bricks: ['follow'] },
  ),
  oddStore(
    'follow-is-a-generator',
    'A follower is an async generator of the language.',
    () => ({
      async *follow(handle, options) {
        yield* base.follow(handle, options)
      },
    }),
    { bricks: ['follow'] },
  ),
]

function wholeHistory(): Partial<Steps> {
  const changes = new WeakMap<object, { at: number; record: CommandRecord }[]>()
  const note = ({ data }: Handle, record: CommandRecord): void => {
    const all = changes.get(data) ?? []
    changes.set(data, all)
    all.push({ at: data.nextChange - 1, record })
  }
  return {
    add(handle, record) {
      base.add(handle, record)
      note(handle, record)
    },
    replace(handle, row, record) {
      base.replace(handle, row, record)
      note(handle, record)
    },
    async readChanges(handle, after): Promise<readonly PlacedChange[]> {
      const { data, steps } = handle
      const next = (changes.get(data) ?? []).filter(({ at }) => at > after)
      return next.map(({ at, record }) => {
        const position = steps.seal(`follow ${data.scope}`, String(at))
        return { at, change: { position, record: steps.copyOut(record) } satisfies Change }
      })
    },
  }
}

/** A store whose methods live on a prototype and need their `this`. */
class ClassStore {
  readonly #store: TestStore
  readonly server = 'odd'
  constructor(store: TestStore) {
    this.#store = store
  }
  record(...args: Parameters<TestStore['record']>): ReturnType<TestStore['record']> {
    return this.#store.record(...args)
  }
  get(...args: Parameters<TestStore['get']>): ReturnType<TestStore['get']> {
    return this.#store.get(...args)
  }
  findByCorrelation(...args: Parameters<TestStore['findByCorrelation']>): ReturnType<TestStore['findByCorrelation']> {
    return this.#store.findByCorrelation(...args)
  }
  findByType(...args: Parameters<TestStore['findByType']>): ReturnType<TestStore['findByType']> {
    return this.#store.findByType(...args)
  }
  list(...args: Parameters<TestStore['list']>): ReturnType<TestStore['list']> {
    return this.#store.list(...args)
  }
  close(): Promise<void> {
    return this.#store.close()
  }
  ping(): string {
    return 'pong'
  }
}

class OwnStoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: string
  readonly written: string
  constructor({ code, message, written }: { code: string; message: string; written: string }) {
    super(message)
    this.code = code
    this.written = written
  }
}

/** The object itself, and what else goes on in it. */
export const objectOddities: readonly OddStore[] = [
  oddStore('further-methods', 'It has methods that the contract does not know, and is frozen.', () => ({
    expose: (store) =>
      Object.freeze({ ...store, ping: () => 'pong', stats: { calls: 0 }, [Symbol.asyncDispose]: () => store.close() }),
  })),
  oddStore(
    'class-instance',
    'It is an instance of a class, whose methods need their this.',
    () => ({ expose: (store) => new ClassStore(store) }),
    { bricks: [] },
  ),
  oddStore(
    'errors-of-its-own',
    'Its errors have name, code and written, but are of a class of its own.',
    () => ownErrors(),
    { bricks: [] },
  ),
  oddStore(
    'noisy-neighbour',
    'Others write to the same data all the time.',
    (random) => {
      let written = 0
      return {
        async write(handle, record) {
          if (random() < 0.5) neighbour(handle, record, written++)
          const result = await base.write(handle, record)
          if (random() < 0.5) neighbour(handle, record, written++)
          return result
        },
      }
    },
    { runs: 'live', bricks: ['follow'] },
  ),
  oddStore(
    'long-in-use',
    'It holds a thousand records of others before the first call.',
    () => ({
      expose(store, handle) {
        for (let index = 0; handle.data.ordered.length < 1000; index++) base.add(handle, foreign(index))
        return store
      },
    }),
    { runs: 'live', bricks: ['follow', 'purge'] },
  ),
]

function ownErrors(): Partial<Steps> {
  return {
    expose(store) {
      const translating =
        <A extends unknown[], T>(method: (...args: A) => Promise<T>) =>
        async (...args: A): Promise<T> => {
          try {
            return await method(...args)
          } catch (error) {
            throw new OwnStoreError(error as OwnStoreError)
          }
        }
      return {
        record: translating(store.record),
        get: translating(store.get),
        findByCorrelation: translating(store.findByCorrelation),
        findByType: translating(store.findByType),
        list: translating(store.list),
        close: store.close,
      }
    },
  }
}

/** Another writer, whose records look much like ours but for what names them. */
function neighbour(handle: Handle, like: CommandRecord, index: number): void {
  const { tenantId: _tenant, userId: _user, clientRef: _client, causationId: _cause, problem: _problem, ...rest } = like
  base.add(handle, { ...base.copyIn(rest), ...named(index), retention: 'permanent', events: [] })
}

function foreign(index: number): CommandRecord {
  const isSettled = index % 3 > 0
  return {
    ...named(index),
    state: isSettled ? 'successful' : 'created',
    payload: { status: 'full', format: 'json', data: '{}', bytes: 2 },
    events: [],
    importance: 'high',
    retention: 'permanent',
    dryRun: false,
    receivedAt: 1_700_000_000_000 + index,
  }
}

function named(index: number): Pick<CommandRecord, 'id' | 'type' | 'correlationId'> {
  return { id: `foreign-${index}`, type: 'foreign.command', correlationId: `foreign-${index}` }
}
