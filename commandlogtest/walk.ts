import type { CommandQuery, CommandRecord, Page } from '../src/index.ts'
import type { Client } from './client.ts'
import { show } from './show.ts'
import { Violation } from './violation.ts'

/** What may happen during a walk. */
export interface WalkOptions {
  /** Called before every further page; gives its limit where that changes. */
  readonly between?: (pages: number) => Promise<number | undefined> | number | undefined
  /** Reads one page; default `list`. */
  readonly read?: (query: CommandQuery) => Promise<Page>
}

// A store that scans may give very many empty pages before the next match.
const fewPages = 1000
// One that looks in vain may lead on with the very cursor that it was given.
const mostInVain = 50

/** Walks every page of a query. No record twice, no page over its limit, and an end. */
export async function walk(
  client: Client,
  query: CommandQuery,
  options: WalkOptions = {},
): Promise<readonly CommandRecord[]> {
  const { between, read = (each) => client.list(each) } = options
  const records: CommandRecord[] = []
  const seen = new Set<string>()
  let { limit, cursor } = query
  let inVain = 0
  const until = performance.now() + client.wiring.callLimitMs
  for (let pages = 0; pages < fewPages || performance.now() < until; pages++) {
    if (pages > 0) limit = (await between?.(pages)) ?? limit
    const asked: CommandQuery = {
      ...query,
      ...(limit !== undefined && { limit }),
      ...(cursor !== undefined && { cursor }),
    }
    const page = await read(asked)
    expectPage(page, asked)
    for (const record of page.records) {
      if (seen.has(record.id))
        throw new Violation(`a walk gives ${show(record.id)} twice`, { expected: 'exactly once' })
      seen.add(record.id)
      records.push(record)
    }
    if (page.next === undefined) return records
    inVain = page.next === cursor && page.records.length === 0 ? inVain + 1 : 0
    if (inVain > mostInVain) break
    cursor = page.next
  }
  throw new Violation('a walk never ends', {
    expected: 'a page without next',
    actual: `next again and again: ${show(cursor)}`,
    isHang: true,
  })
}

/** Walks every page of `findByType`. */
export function walkType(
  client: Client,
  type: string,
  query: Omit<CommandQuery, 'type'> = {},
): Promise<readonly CommandRecord[]> {
  return walk(client, query, { read: (each) => client.findByType(type, each) })
}

/** Demands that a page keeps to its limit. */
export function expectPage(page: Page, { limit = 100 }: CommandQuery): void {
  if (page.records.length <= limit) return
  const details = { expected: `at most ${limit} records`, actual: `${page.records.length}` }
  throw new Violation('a page is larger than its limit', details)
}
