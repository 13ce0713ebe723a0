import type { AnyStore } from './client.ts'
import { withLimit } from './limit.ts'
import type { OpenStore } from './options.ts'

/**
 * Whether an open function means the same data by the same name. One that takes a name says so; one that takes none,
 * such as `() => memoryStore()`, is asked: it may well make a new store every time, which proves nothing wrong.
 */
export async function sharesData(open: OpenStore): Promise<boolean> {
  if (open.length > 0) return true
  const opened: AnyStore[] = []
  try {
    for (let handle = 0; handle < 2; handle++) {
      opened.push(await withLimit((async () => await open('clt_probe'))(), 2000))
    }
    const [first, second] = opened
    if (first === second) return true
    const id = `probe ${Math.random()}`
    await withLimit((async () => first?.record(probe(id)))(), 2000)
    const found: unknown = await withLimit((async () => second?.get(id))(), 2000)
    return found !== undefined
  } catch {
    // Whatever is wrong with this store is for the checks to say.
    return true
  } finally {
    for (const store of new Set(opened))
      await withLimit((async () => await store.close())(), 2000).catch(() => undefined)
  }
}

function probe(id: string) {
  const payload = { status: 'omitted', format: 'json', bytes: 0 } as const
  const kinds = { importance: 'low', retention: 'short-lived', dryRun: true } as const
  return {
    id,
    type: 'commandlogtest.probe',
    state: 'created',
    correlationId: id,
    payload,
    events: [],
    ...kinds,
    receivedAt: 1,
  } as const
}
