// Pages that are read in one go of so many rows and filtered after that: where nothing is left the walk ends.

import type { CommandRecord } from '../../src/index.ts'
import type { CheckedQuery } from '../../storekit/index.ts'
import { base } from './base-steps.ts'
import { type Suspect, suspect } from './saboteur.ts'
import type { Handle, Steps } from './steps.ts'

/** Which rows are read, by what stands in an index, before anything else is asked for. */
type Read = (query: CheckedQuery, record: CommandRecord) => boolean

/** Reads so many rows for the queries of this kind, filters them, and says that there are no more where none is left. */
function scans(size: number, isOfKind: (query: CheckedQuery) => boolean, isRead: Read = () => true): Partial<Steps> {
  return {
    async page(handle, query) {
      if (!isOfKind(query)) return base.page(handle, query)
      const all: Handle = { ...handle, steps: { ...handle.steps, matches: isRead } }
      const { records, next } = await base.page(all, { ...query, limit: size })
      const kept = records.filter((record) => handle.steps.matches(query, record))
      if (kept.length > query.limit) return base.page(handle, query)
      return kept.length === 0 || next === undefined ? { records: kept } : { records: kept, next }
    },
  }
}

const sizes = [10, 100, 256, 1000] as const
const isOfTenant: Read = ({ equal: { tenantId } }, record) => record.tenantId === tenantId

type Kind = readonly [name: string, text: string, isOfKind: (query: CheckedQuery) => boolean]
const dryRuns: Kind = ['dry-run', 'by dryRun', ({ equal }) => equal.dryRun !== undefined]
const kinds: readonly (readonly [Kind, size: number])[] = [
  ...sizes.map((size) => [dryRuns, size] as const),
  [['state', 'by state', ({ states }) => states !== undefined], 256],
  [['tenant', 'by tenant', ({ equal }) => equal.tenantId !== undefined], 256],
]
const ofTenant: readonly Kind[] = [
  ['user', 'by user', ({ equal }) => equal.userId !== undefined],
  ['attribute', 'by attributes', ({ attributes }) => attributes.length > 0],
]

/** What is looked for among so many rows, and no more. */
export const pageScanSuspects: readonly Suspect[] = [
  suspect('filters/by-correlation-at-most-5000', 'findByCorrelation gives at most 5,000 records.', () => ({
    correlated: async (handle, id) => (await base.correlated(handle, id)).slice(0, 5000),
  })),
  ...kinds.map(([[name, text, isOfKind], size]) =>
    suspect(
      `paging/${name}-among-${size}`,
      `What a filter ${text} asks for is looked for among ${size} records at a time; where none is, the walk ends.`,
      () => scans(size, isOfKind),
    ),
  ),
  ...ofTenant.map(([name, text, isOfKind]) =>
    suspect(
      `paging/${name}-among-1000-of-the-tenant`,
      `With a tenant what a filter ${text} asks for is looked for among 1,000 records of it; where none is, the walk ends.`,
      () => scans(1000, (query) => query.equal.tenantId !== undefined && isOfKind(query), isOfTenant),
    ),
  ),
]
