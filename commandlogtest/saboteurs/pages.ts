import type { CommandRecord } from '../../src/index.ts'
import type { CheckedQuery } from '../../storekit/index.ts'
import { base } from './base-steps.ts'
import { type Suspect, suspect } from './saboteur.ts'
import type { Handle, Steps } from './steps.ts'

/** A store that changes pages once they are made. */
function paged(
  change: (
    page: { records: readonly CommandRecord[]; next?: string },
    query: { limit: number; cursor: string | undefined },
  ) => { records: readonly CommandRecord[]; next?: string },
): Partial<Steps> {
  return { page: async (handle, query) => change(await base.page(handle, query), query) }
}

/** A store whose cursors are offsets. */
function byOffset(handle: Handle, query: CheckedQuery): ReturnType<Steps['page']> {
  const { steps } = handle
  const offset = query.cursor === undefined ? 0 : Number(steps.unseal(steps.scope(handle, query), query.cursor))
  const rows = query.order === 'oldest' ? [...base.rows(handle)] : [...base.rows(handle)].reverse()
  const found = rows.filter(({ record }) => steps.matches(query, record)).slice(offset)
  const records = found.slice(0, query.limit).map(({ record }) => steps.copyOut(record))
  return Promise.resolve(
    found.length <= query.limit
      ? { records }
      : { records, next: steps.seal(steps.scope(handle, query), String(offset + records.length)) },
  )
}

/** A store whose walks end after so many records. */
function endsAfter(count: number): Partial<Steps> {
  return {
    async page(handle, query) {
      const page = await base.page(handle, query)
      const last = page.records.at(-1)
      if (page.next === undefined || last === undefined) return page
      const found = base.rows(handle).filter(({ record }) => base.matches(query, record))
      const at = found.findIndex(({ record }) => record.id === last.id)
      const seen = query.order === 'oldest' ? at + 1 : found.length - at
      return seen >= count ? { records: page.records } : page
    },
  }
}

/** Pages and how they end. */
export const pageSuspects: readonly Suspect[] = [
  suspect('paging/offset', 'A cursor is an offset: what is written meanwhile shifts the pages.', () => ({
    page: (handle, query) => byOffset(handle, query),
  })),
  suspect('paging/ends-after-200', 'A walk ends after 200 records.', () => endsAfter(200)),
  suspect('paging/ends-after-10000', 'A walk ends after 10,000 records.', () => endsAfter(10_000)),
  suspect('paging/one-too-many', 'A page has one record more than its limit.', () => ({
    page: (handle, query) => base.page(handle, { ...query, limit: query.limit + 1 }),
  })),
  suspect('paging/limit-ignored', 'A page has up to 100 records, whatever its limit.', () => ({
    page: (handle, query) => base.page(handle, { ...query, limit: 100 }),
  })),
  suspect('paging/default-is-everything', 'Without a limit a page has all records.', () => ({
    checkQuery: (query) => ({ ...base.checkQuery(query), limit: query?.limit ?? 1e9 }),
  })),
  suspect('paging/no-next', 'A full page says that it is the last.', () => paged(({ records }) => ({ records }))),
  suspect('paging/page-of-one-ends', 'A page of one record says that it is the last.', () =>
    paged((page, { limit }) => (limit === 1 ? { records: page.records } : page)),
  ),
  suspect('paging/cut-at-100', 'A page of more than 100 is cut to 100, and the rest is skipped.', () =>
    paged((page) => ({ ...page, records: page.records.slice(0, 100) })),
  ),
  suspect(
    'paging/filter-after-limit',
    'The limit is applied before the filters, and a page left empty ends the walk.',
    () => ({
      async page(handle, query) {
        const all = { ...handle, steps: { ...handle.steps, matches: () => true } }
        const { records, next } = await base.page(all, query)
        const kept = records.filter((record) => handle.steps.matches(query, record))
        return kept.length === 0 || next === undefined ? { records: kept } : { records: kept, next }
      },
    }),
  ),
  suspect('paging/never-ends', 'The last page has a next that leads to itself.', () => ({
    async page(handle, query) {
      const page = await base.page(handle, query)
      if (page.next !== undefined || query.cursor === undefined) return page
      return { ...page, next: query.cursor }
    },
  })),
  suspect('paging/next-is-undefined-text', 'The last page has the text "undefined" as next.', () =>
    paged((page) => ({ ...page, next: String(page.next) })),
  ),
  suspect('paging/next-is-null', 'The last page has null as next.', () =>
    paged((page) => ({ ...page, next: page.next ?? (null as unknown as string) })),
  ),
  suspect('paging/next-is-empty', 'The last page has the empty text as next.', () =>
    paged((page) => ({ ...page, next: page.next ?? '' })),
  ),
  suspect('paging/inclusive-cursor', 'A page begins with the last record of the page before.', () => ({
    locate: (rows, sequence, order) => base.locate(rows, sequence, order) - (order === 'oldest' ? 1 : -1),
  })),
  suspect('paging/skips-one', 'A page begins one record too late, oldest first.', () => ({
    locate: (rows, sequence, order) => base.locate(rows, sequence, order) + (order === 'oldest' ? 1 : 0),
  })),
  suspect(
    'paging/snapshot-of-the-last-page',
    'The second page is cached by its cursor’s place, whatever the filters.',
    () => {
      const cached = new Map<string, Promise<{ records: readonly CommandRecord[]; next?: string }>>()
      return {
        page(handle, query) {
          if (query.cursor !== undefined) return base.page(handle, query)
          const key = `${handle.data.scope} ${query.order} ${query.limit}`
          const isPlain =
            Object.keys(query.equal).length === 0 && query.types === undefined && query.states === undefined
          const page = (isPlain ? cached.get(key) : undefined) ?? base.page(handle, query)
          if (isPlain) cached.set(key, page)
          return page
        },
      }
    },
  ),
  suspect(
    'paging/time-as-key',
    'A cursor is a time of receipt: records of the same time at the edge of a page are skipped.',
    () => ({
      page: async (handle, query) => {
        const page = await base.page(handle, query)
        if (query.cursor === undefined) return page
        const scope = handle.steps.scope(handle, query)
        const last = base
          .rows(handle)
          .find(({ sequence }) => sequence === Number(handle.steps.unseal(scope, query.cursor as string)))
        return { ...page, records: page.records.filter(({ receivedAt }) => receivedAt !== last?.record.receivedAt) }
      },
    }),
  ),
  suspect('paging/settled-meanwhile-skipped', 'A walk leaves out what was settled since it began.', () => {
    const begun = new Map<string, number>()
    return {
      async page(handle, query) {
        const scope = handle.steps.scope(handle, query)
        if (query.cursor === undefined) begun.set(scope, handle.data.nextChange)
        const limit = begun.get(scope) ?? handle.data.nextChange
        const page = await base.page(handle, query)
        if (query.cursor === undefined) return page
        const isOld = ({ id, state }: CommandRecord): boolean =>
          state === 'created' || (handle.data.rows.get(id)?.change ?? 0) < limit
        return { ...page, records: page.records.filter(isOld) }
      },
    }
  }),
]
