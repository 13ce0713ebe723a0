// Caches and replicas: reads that are older than they may be.

import type { CommandRecord, Page } from '../../src/index.ts'
import { isSettled } from '../../storekit/index.ts'
import { base } from './base-steps.ts'
import { type Data, keepRows, type Row } from './data.ts'
import { type SaboteurOptions, type Suspect, suspect } from './saboteur.ts'
import type { Handle, Steps } from './steps.ts'

const several: SaboteurOptions = { needs: 'open' }

/** A store that has something of its own for each handle. */
function perHandle<T>(create: () => T): (handle: Handle) => T {
  const own = new WeakMap<AbortController, T>()
  return ({ closed }) => {
    const found = own.get(closed) ?? create()
    own.set(closed, found)
    return found
  }
}

/** Reads that are older than they may be. */
export const cacheSuspects: readonly Suspect[] = [
  suspect('cache/get-is-stale', 'get answers from a cache that settling does not refresh.', () => {
    const cache = new Map<string, CommandRecord>()
    return {
      async get(handle, id) {
        const key = `${handle.data.scope} ${id}`
        const found = cache.get(key) ?? (await base.get(handle, id))
        if (found !== undefined) cache.set(key, found)
        return found && base.copyOut(found)
      },
    }
  }),
  suspect(
    'cache/get-of-another-handle',
    'get answers from a cache of its handle: what another handle settles is not seen.',
    () => {
      const cacheOf = perHandle(() => new Map<string, CommandRecord>())
      return {
        async get(handle, id) {
          const found = cacheOf(handle).get(id) ?? (await base.get(handle, id))
          if (found !== undefined) cacheOf(handle).set(id, found)
          return found && base.copyOut(found)
        },
        async write(handle, record) {
          const result = await base.write(handle, record)
          cacheOf(handle).delete(record.id)
          return result
        },
      }
    },
    several,
  ),
  suspect('cache/unknown-stays-unknown', 'get remembers that an id was not there.', () => {
    const unknown = new Set<string>()
    return {
      async get(handle, id) {
        const key = `${handle.data.scope} ${id}`
        const found = unknown.has(key) ? undefined : await base.get(handle, id)
        if (found === undefined) unknown.add(key)
        return found
      },
    }
  }),
  suspect(
    'cache/unknown-to-other-handles',
    'get remembers that an id was not there, until this handle writes it.',
    () => {
      const unknownOf = perHandle(() => new Set<string>())
      return {
        async get(handle, id) {
          const found = unknownOf(handle).has(id) ? undefined : await base.get(handle, id)
          if (found === undefined) unknownOf(handle).add(id)
          return found
        },
        async write(handle, record) {
          unknownOf(handle).delete(record.id)
          return base.write(handle, record)
        },
      }
    },
    several,
  ),
  suspect('cache/first-page', 'The first page of a query is remembered.', () => {
    const pages = new Map<string, Page>()
    return {
      async page(handle, query) {
        if (query.cursor !== undefined) return base.page(handle, query)
        const key = `${base.scope(handle, query)} ${query.limit}`
        const found = pages.get(key) ?? (await base.page(handle, query))
        pages.set(key, found)
        return { ...found, records: found.records.map(base.copyOut) }
      },
    }
  }),
  suspect(
    'cache/page-of-another-handle',
    'The first page of a query is remembered until this handle writes.',
    () => {
      const pagesOf = perHandle(() => new Map<string, Page>())
      return {
        async page(handle, query) {
          if (query.cursor !== undefined) return base.page(handle, query)
          const key = `${base.scope(handle, query)} ${query.limit}`
          const found = pagesOf(handle).get(key) ?? (await base.page(handle, query))
          pagesOf(handle).set(key, found)
          return { ...found, records: found.records.map(base.copyOut) }
        },
        async write(handle, record) {
          pagesOf(handle).clear()
          const result = await base.write(handle, record)
          pagesOf(handle).clear()
          return result
        },
      }
    },
    several,
  ),
  suspect('cache/correlation', 'What findByCorrelation found once is remembered.', () => {
    const found = new Map<string, readonly CommandRecord[]>()
    return {
      async correlated(handle, id) {
        const key = `${handle.data.scope} ${id}`
        const records = found.get(key) ?? (await base.correlated(handle, id))
        found.set(key, records)
        return records.map(base.copyOut)
      },
    }
  }),
  suspect('replica/list-lags', 'list reads from a replica that is some turns behind.', () => lagging('rows')),
  suspect(
    'replica/other-handles-lag',
    'A second handle sees a record some turns after it was acknowledged.',
    () => {
      const writer = new Map<string, unknown>()
      return {
        async write(handle, record) {
          if (base.find(handle, record.id) === undefined) {
            writer.set(`${handle.data.scope} ${record.id}`, handle.closed)
            setTimeout(() => writer.delete(`${handle.data.scope} ${record.id}`), 3)
          }
          return base.write(handle, record)
        },
        async get(handle, id) {
          const by = writer.get(`${handle.data.scope} ${id}`)
          return by === undefined || by === handle.closed ? base.get(handle, id) : undefined
        },
      }
    },
    several,
  ),
  suspect('replica/get-lags', 'get finds a record some turns after it was acknowledged.', () => lagging('find')),
  suspect('dynamo/index-lags', 'Filtered lists miss what was settled in the last few turns.', () => {
    const recent = new Set<CommandRecord>()
    return {
      replace(handle, row, record) {
        base.replace(handle, row, record)
        recent.add(record)
        setTimeout(() => recent.delete(record), 3)
      },
      matches: (query, record) => base.matches(query, record) && !(query.states !== undefined && recent.has(record)),
    }
  }),
  suspect('nats/dedup-window', 'Only the last 20 ids are known as repeated: older ones are written again.', () => {
    const windows = new WeakMap<object, string[]>()
    return {
      add(handle, record) {
        const window = windows.get(handle.data) ?? []
        windows.set(handle.data, [...window, record.id].slice(-20))
        base.add(handle, record)
      },
      async write(handle, record) {
        if (isSettled(record) || windows.get(handle.data)?.includes(record.id)) return base.write(handle, record)
        const row = base.find(handle, record.id)
        if (row === undefined) return base.write(handle, record)
        base.replace(handle, row, record)
        return 'created'
      },
    }
  }),
  suspect(
    'nats/one-dedup-id-for-both-phases',
    'An outcome written soon after its intent is taken for a repeat of it and dropped.',
    () => {
      const fresh = new Set<string>()
      return {
        async write(handle, record) {
          const key = `${handle.data.scope} ${record.id}`
          if (fresh.has(key)) return 'unchanged'
          const result = await base.write(handle, record)
          fresh.add(key)
          setTimeout(() => fresh.delete(key), 5)
          return result
        },
      }
    },
  ),
  suspect('redis/expires', 'What is created and not settled expires after 15 to 30 milliseconds.', () => {
    const sweeping = new WeakSet<Data>()
    const sweepLater = (data: Data): void => {
      const last = data.nextSequence
      setTimeout(() => {
        keepRows(data, (row) => row.sequence >= last || isSettled(row.record))
        if (data.nextSequence > last) sweepLater(data)
        else sweeping.delete(data)
      }, 15).unref()
    }
    return {
      add(handle, record) {
        const { data } = handle
        if (!sweeping.has(data)) sweepLater(data)
        sweeping.add(data)
        base.add(handle, record)
      },
    }
  }),
  suspect('redis/evicts', 'Beyond 300 records the oldest is forgotten.', () => ({
    add(handle, record) {
      const { data } = handle
      base.add(handle, record)
      const oldest = data.ordered.length > 300 ? data.ordered.shift() : undefined
      if (oldest === undefined) return
      data.rows.delete(oldest.record.id)
      oldest.change = 0
    },
  })),
]

/** A store one of whose ways to find a record does not know the latest. */
function lagging(step: 'rows' | 'find'): Partial<Steps> {
  const hidden = new Set<string>()
  const isHidden = (row: Row): boolean => hidden.has(row.record.id)
  return {
    add(handle, record) {
      base.add(handle, record)
      hidden.add(record.id)
      setTimeout(() => hidden.delete(record.id), 3)
    },
    ...(step === 'rows' && { rows: (handle: Handle) => base.rows(handle).filter((row) => !isHidden(row)) }),
    ...(step === 'find' && {
      get: async (handle: Handle, id: string) => (hidden.has(id) ? undefined : base.get(handle, id)),
    }),
  }
}
