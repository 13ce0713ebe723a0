import type { CheckContext } from './check.ts'
import { type AnyStore, type Client, newClient, type Wiring } from './client.ts'
import { limitReached, withLimit } from './limit.ts'
import type { CheckSettings, OpenStore, StoreOrOpen } from './options.ts'
import { show } from './show.ts'
import { newTrace } from './trace.ts'
import { unique } from './unique.ts'
import { NotApplicable, Violation } from './violation.ts'

/** The context of one check, and its end. */
export interface Session {
  readonly context: CheckContext
  readonly wiring: Wiring
  executions(): number
  /** Closes whatever was opened, also what is still being opened. Never rejects. */
  end(): Promise<void>
}

const methods = ['record', 'get', 'findByCorrelation', 'findByType', 'list', 'close'] as const

/** The session of one check on this subject. */
export function newSession(storeOrOpen: StoreOrOpen, settings: CheckSettings): Session {
  const wiring: Wiring = {
    trace: newTrace(),
    callLimitMs: settings.callLimitMs,
    isExpired: false,
    operations: 0,
    ownChanges: 0,
    wasUnsure: false,
  }
  const open = typeof storeOrOpen === 'function' ? storeOrOpen : undefined
  const stores = openStores(open, wiring)
  const endOfWork = performance.now() + settings.timeLimitMs / 12
  const namespace = unique()
  let executions = 0
  let main: Promise<Client> | undefined

  const context: CheckContext = {
    ...settings,
    isLive: open === undefined,
    main() {
      main ??= open === undefined ? live(storeOrOpen, wiring) : stores.open(`clt_${namespace}_main`, '')
      return main
    },
    open(name) {
      return stores.open(`clt_${namespace}_${name}`)
    },
    fresh() {
      return open === undefined ? context.main() : stores.open(`clt_${namespace}_${unique()}`, '')
    },
    close: (client) => stores.close(client),
    hasTime: () => !wiring.isExpired && (executions === 0 || performance.now() < endOfWork),
    beginExecution() {
      executions++
      wiring.trace = newTrace()
      wiring.ownChanges = 0
    },
    traceLines: () => wiring.trace.lines(),
    unique,
  }
  return { context, wiring, executions: () => executions, end: () => stores.end() }
}

async function live(store: StoreOrOpen, wiring: Wiring): Promise<Client> {
  return newClient(checkStore(store), wiring)
}

/** Every store that was opened, by how many clients hold it: a factory may hand the same one out again. */
function openStores(open: OpenStore | undefined, wiring: Wiring) {
  const held = new Map<AnyStore, number>()
  let handles = 0
  return {
    async open(name: string, handle?: string): Promise<Client> {
      if (open === undefined) throw new NotApplicable('needs an open function')
      // Counted when it is called, so that those opened at once are named alike each time.
      const named = handle ?? `h${++handles}.`
      const store = await openOne(open, name, wiring)
      held.set(store, (held.get(store) ?? 0) + 1)
      return newClient(store, wiring, named)
    },
    async close(client: Client): Promise<void> {
      const holders = held.get(client.store) ?? 1
      if (holders > 1) held.set(client.store, holders - 1)
      else {
        held.delete(client.store)
        await client.close()
      }
    },
    async end(): Promise<void> {
      const left = [...held.keys()]
      held.clear()
      await Promise.all(left.map((store) => closeQuietly(store, wiring.callLimitMs)))
    },
  }
}

async function openOne(open: OpenStore, name: string, wiring: Wiring): Promise<AnyStore> {
  const limitMs = wiring.callLimitMs * 2
  const note = wiring.trace.call('', 'open', [name])
  const opening = (async () => await open(name))()
  try {
    const store = checkStore(await withLimit(opening, limitMs))
    note('a store')
    if (!wiring.isExpired) return store
    await closeQuietly(store, limitMs)
    throw new Violation('the check went on after its time limit', { isHang: true })
  } catch (error) {
    if (error instanceof Violation) throw error
    if (error !== limitReached) {
      note(error, true)
      throw new Violation('open failed', { expected: 'a store', actual: show(error) })
    }
    // Whatever comes too late is closed again, and may fail unseen.
    opening.then(
      (late) => closeQuietly(late, limitMs),
      () => undefined,
    )
    throw new Violation(`open did not settle within ${limitMs} ms`, { isHang: true })
  }
}

function checkStore(store: unknown): AnyStore {
  const missing = methods.filter(
    (method) => typeof (store as Partial<AnyStore> | null | undefined)?.[method] !== 'function',
  )
  if (missing.length === 0) return store as AnyStore
  throw new Violation('this is no store', {
    expected: `the methods ${methods.join(', ')}`,
    actual: `without ${missing.join(', ')}`,
  })
}

/** Closes what nobody needs any more: how that ends matters to the checks about closing, not here. */
async function closeQuietly(store: AnyStore | undefined, limitMs: number): Promise<void> {
  const closing = (async () => await store?.close())()
  await withLimit(closing, Math.min(limitMs, 3000)).catch(() => undefined)
}
