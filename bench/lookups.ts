import type { CommandLogStore, CommandQuery, Page } from '../src/index.ts'
import { firstOf, idOf, recordAt, shape, tenantOf, timeOf, typeOf } from './long-log.ts'
import type { RawDriver, RawKey } from './store-subjects.ts'

/** Looks something up once; gives back how many records it found. */
export type Call = () => Promise<number> | number

/** One kind of lookup. */
export interface Lookup {
  readonly name: string
  /** What a longer log should make of its time at most, as a multiple. */
  readonly atMost?: number
  /** How the driver does it by hand, where it is one statement. */
  readonly raw?: { readonly by: RawKey; keyOf(index: number): string }
  /** Makes calls with keys of their own. */
  callsOf(log: Log, count: number): Promise<readonly Call[]> | readonly Call[]
}

/** A log as `openFilled` makes them. */
export interface Log {
  readonly store: CommandLogStore
  readonly size: number
}

const flat = 1.5

/** All of them. */
export const lookups: readonly Lookup[] = [
  {
    name: 'by id',
    atMost: flat,
    raw: { by: 'id', keyOf: (index) => idOf('command', index) },
    callsOf: each((store, index) => store.get(idOf('command', index)).then((record) => (record === undefined ? 0 : 1))),
  },
  {
    name: 'by correlation',
    atMost: flat,
    raw: { by: 'correlation', keyOf: (index) => idOf('command', firstOf(index)) },
    callsOf: each(async (store, index) => (await store.findByCorrelation(idOf('command', firstOf(index)))).length),
  },
  {
    name: 'by event',
    atMost: flat,
    raw: { by: 'event', keyOf: (index) => idOf('event', withEvent(index)) },
    callsOf: listed((index) => ({ eventId: idOf('event', withEvent(index)) })),
  },
  { name: 'by causation', callsOf: listed((index) => ({ causationId: idOf('command', firstOf(index)) })) },
  {
    name: 'first page by type',
    raw: { by: 'type', keyOf: typeOf },
    callsOf: listed((index) => ({ type: typeOf(index) })),
  },
  { name: 'deep page by type', callsOf: deepPages },
  { name: 'failures page', callsOf: listed(() => ({ state: 'failed' })) },
  { name: 'tenant, one hour', callsOf: listed(tenantHour) },
]

/** The same by the driver. */
export function rawCall(
  { by, keyOf }: NonNullable<Lookup['raw']>,
  driver: RawDriver,
  { size, count }: { readonly size: number; readonly count: number },
): readonly Call[] {
  return Array.from({ length: count }, () => {
    const key = keyOf(Math.floor(Math.random() * size))
    return () => driver.find(by, key)
  })
}

/** Calls with the numbers of random records. */
function each(call: (store: CommandLogStore, index: number, size: number) => Promise<number>): Lookup['callsOf'] {
  return ({ store, size }, count) =>
    Array.from({ length: count }, () => {
      const index = Math.floor(Math.random() * size)
      return () => call(store, index, size)
    })
}

function listed(query: (index: number, size: number) => CommandQuery): Lookup['callsOf'] {
  return each(async (store, index, size) => (await store.list(query(index, size))).records.length)
}

/** An hour from about this record on that is in the log as a whole, if the log is that long. */
function tenantHour(index: number, size: number): CommandQuery {
  const hour = 3_600_000
  const from = timeOf(Math.max(0, Math.min(index, size - hour / shape.msApart)))
  return { tenantId: tenantOf(index), from, to: from + hour }
}

/** Those that failed have none. */
function withEvent(index: number): number {
  return recordAt(index).events.length > 0 ? index : index - 1
}

const halves = new WeakMap<CommandLogStore, readonly (string | undefined)[]>()
const deepTypes = ['type-0', 'type-1', 'type-2', 'type-3']

/** The page of a hundred that follows the newer half of a type's records. */
async function deepPages(log: Log, count: number): Promise<readonly Call[]> {
  const { store } = log
  const cursors = halves.get(store) ?? (await cursorsAtHalf(log))
  halves.set(store, cursors)
  return Array.from({ length: count }, (_, index) => async () => {
    const at = index % deepTypes.length
    return (await store.findByType(deepTypes[at] ?? '', { cursor: cursors[at] })).records.length
  })
}

/** Got to by turning pages. */
async function cursorsAtHalf({ store, size }: Log): Promise<readonly (string | undefined)[]> {
  const half = size / shape.types / 2
  const cursors: (string | undefined)[] = []
  for (const type of deepTypes) {
    let page: Page = { records: [] }
    for (let passed = 0; passed < half; passed += page.records.length) {
      const limit = Math.min(1000, Math.ceil(half - passed))
      page = await store.findByType(type, { limit, cursor: page.next })
      if (page.next === undefined) break
    }
    cursors.push(page.next)
  }
  return cursors
}
