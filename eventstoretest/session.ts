import { limitReached, withLimit } from '../commandlogtest/limit.ts'
import type { CheckSettings } from '../commandlogtest/options.ts'
import { show } from '../commandlogtest/show.ts'
import { newTrace } from '../commandlogtest/trace.ts'
import { unique } from '../commandlogtest/unique.ts'
import { NotApplicable, Violation } from '../commandlogtest/violation.ts'
import type { CheckContext } from './check.ts'
import { type AnyEventStore, type Client, newClient, type Wiring } from './client.ts'

/**
 * Opens an event store on the data of this name: the same name is the same data, several calls are several handles. A name
 * is 1 to 100 letters (their case counts), digits, `-` and `_`.
 */
export type OpenEventStore = (name: string) => AnyEventStore | Promise<AnyEventStore>

/** What is proven: a live event store, possibly shared and not empty, or a function that opens one. */
export type EventStoreOrOpen = AnyEventStore | OpenEventStore

/** The context of one check, and its end. */
export interface Session {
  readonly context: CheckContext
  readonly wiring: Wiring
  executions(): number
  /** Closes whatever was opened. Never rejects. */
  end(): Promise<void>
}

const methods = ['read', 'append', 'close'] as const

/** The session of one check on this subject. */
export function newSession(storeOrOpen: EventStoreOrOpen, settings: CheckSettings): Session {
  const wiring: Wiring = { trace: newTrace(), callLimitMs: settings.callLimitMs, isExpired: false, operations: 0 }
  const open = typeof storeOrOpen === 'function' ? storeOrOpen : undefined
  const held = new Set<AnyEventStore>()
  const endOfWork = performance.now() + settings.timeLimitMs / 12
  const namespace = unique()
  let executions = 0
  let handles = 0
  let main: Promise<Client> | undefined

  async function openNamed(name: string, handle: string): Promise<Client> {
    if (open === undefined) throw new NotApplicable('needs an open function')
    const store = await openOne(open, `est_${namespace}_${name}`, wiring)
    held.add(store)
    return newClient(store, wiring, handle)
  }

  const context: CheckContext = {
    ...settings,
    isLive: open === undefined,
    main() {
      main ??= open === undefined ? live(storeOrOpen, wiring) : openNamed('main', '')
      return main
    },
    open: (name) => openNamed(name, `h${++handles}.`),
    async close(client) {
      held.delete(client.store)
      await client.close()
    },
    hasTime: () => !wiring.isExpired && (executions === 0 || performance.now() < endOfWork),
    beginExecution() {
      executions++
      wiring.trace = newTrace()
    },
    traceLines: () => wiring.trace.lines(),
  }
  const end = async (): Promise<void> => {
    await Promise.all([...held].map((store) => withLimit(closing(store), 3000).catch(() => undefined)))
  }
  return { context, wiring, executions: () => executions, end }
}

async function closing(store: AnyEventStore): Promise<void> {
  await store.close()
}

async function live(store: EventStoreOrOpen, wiring: Wiring): Promise<Client> {
  return newClient(checkStore(store), wiring)
}

async function openOne(open: OpenEventStore, name: string, wiring: Wiring): Promise<AnyEventStore> {
  const note = wiring.trace.call('', 'open', [name])
  try {
    const store = checkStore(await withLimit((async () => await open(name))(), wiring.callLimitMs * 2))
    note('an event store')
    return store
  } catch (error) {
    if (error instanceof Violation) throw error
    if (error === limitReached) throw new Violation('open did not settle', { isHang: true })
    note(error, true)
    throw new Violation('open failed', { expected: 'an event store', actual: show(error) })
  }
}

function checkStore(store: unknown): AnyEventStore {
  const given = store as Partial<AnyEventStore> | null | undefined
  const missing = methods.filter((method) => typeof given?.[method] !== 'function')
  if (missing.length === 0) return store as AnyEventStore
  throw new Violation('this is no event store', {
    expected: `the methods ${methods.join(', ')}`,
    actual: `without ${missing.join(', ')}`,
  })
}
