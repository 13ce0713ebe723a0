import type { CommandRecord } from '../src/index.ts'
import { bounded, show } from './show.ts'

/** An intent as plain as can be. */
export function plainIntent(id: string, correlationId: string, tenantId: string): CommandRecord {
  return {
    id,
    type: 'commandlogtest.plain',
    state: 'created',
    correlationId,
    tenantId,
    payload: { status: 'full', format: 'json', data: '{"n":1}', bytes: 7 },
    events: [],
    importance: 'normal',
    retention: 'long-lived',
    dryRun: false,
    receivedAt: 1_700_000_000_123,
  }
}

/** What a plain outcome says beyond its intent. */
export function plainOutcome(of: CommandRecord): Partial<CommandRecord> {
  const events = [{ id: `event of ${of.id.slice(0, 60)}`, type: 'happened', stream: 's-1', version: 1 }]
  return { state: 'successful', events, settledAt: of.receivedAt + 5, durationMs: 4.5, attempts: 1 }
}

/** Prints any value as `show` does, but of a record, also in a page, only what tells it from a plain one. */
export function showShort(value: unknown): string {
  try {
    if (Array.isArray(value) && value.some(isRecord)) return `[${bounded(value, showShort, ', ')}]`
    if (isRecord(value)) return showRecord(value)
    if (isPage(value)) {
      const next = value.next === undefined ? '' : `, next: ${show(value.next)}`
      return `{ records: ${showShort(value.records)}${next} }`
    }
  } catch {
    // A getter or proxy of the store threw: whatever can be said of it is said below.
  }
  return show(value)
}

function showRecord(record: CommandRecord): string {
  const { id, state, receivedAt } = record
  const prefix = id.slice(0, id.indexOf('.') + 1)
  const intent = { ...plainIntent(id, `${prefix}c`, `${prefix}t`), state }
  const plain = state === 'created' ? intent : { ...intent, ...plainOutcome({ ...intent, receivedAt }), state }
  const [read, usual] = [record, plain] as unknown as readonly Readonly<Record<string, unknown>>[]
  const fields = [...new Set([...Object.keys(plain), ...Object.keys(record)])].filter((field) => {
    return field === 'id' || field === 'state' || show(read?.[field]) !== show(usual?.[field])
  })
  return `{ ${fields.map((field) => `${field}: ${show(read?.[field], 1)}`).join(', ')}, … }`
}

function isRecord(value: unknown): value is CommandRecord {
  const { id, state, payload } = (value ?? {}) as Partial<CommandRecord>
  return typeof id === 'string' && typeof state === 'string' && typeof payload === 'object'
}

function isPage(value: unknown): value is { readonly records: readonly unknown[]; readonly next?: unknown } {
  return typeof value === 'object' && value !== null && Array.isArray((value as { records?: unknown }).records)
}
