import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CommandQuery, Page } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory.ts'
import { runSuite } from '../suite.ts'

/** What the pages of a check held. */
interface Pages {
  all: number
  /** With two records or more. */
  several: number
  /** Those of them that were asked for by order, newest first. */
  severalNewest: number
  withoutTenant: number
}

async function pagesOf(check: string): Promise<Pages> {
  const pages: Pages = { all: 0, several: 0, severalNewest: 0, withoutTenant: 0 }
  const note = (page: Page, { order, tenantId }: CommandQuery = {}): Page => {
    const isSeveral = page.records.length >= 2
    pages.all++
    pages.several += Number(isSeveral)
    pages.severalNewest += Number(isSeveral && order === 'newest')
    pages.withoutTenant += Number(tenantId === undefined)
    return page
  }
  const store = memoryStore()
  await runSuite(
    {
      ...store,
      list: async (query) => note(await store.list(query), query),
      findByType: async (type, query) => note(await store.findByType(type, query), query),
    },
    { seed: 1, only: check, onProgress: () => undefined },
  )
  return pages
}

// A filter that hardly ever matches proves hardly anything, whatever else its check does.
for (const check of [
  'filters/joined-by-and',
  'filters/every-pair',
  'filters/findByType-takes-every-filter',
  'model/any-sequence-of-calls',
  'order/with-every-filter',
]) {
  test(`a good share of the pages of ${check} holds several records, in both orders, with a tenant and without`, async () => {
    const { all, several, severalNewest, withoutTenant } = await pagesOf(check)
    const shares = { several: several / all, severalNewest: severalNewest / all, withoutTenant: withoutTenant / all }
    assert.ok(shares.several > 0.3, JSON.stringify(shares))
    assert.ok(shares.severalNewest > 0.08, JSON.stringify(shares))
    assert.ok(shares.withoutTenant > 0.2 && shares.withoutTenant < 0.8, JSON.stringify(shares))
  })
}
