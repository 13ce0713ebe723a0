import type { CommandRecord, EventRef } from '../src/index.ts'
import type { OpenStore, StoreSubject } from './store-subjects.ts'

/** How a log is made up that is long enough to look something up in. */
export const shape = { correlation: 5, types: 20, tenants: 50, users: 100, failed: 100, msApart: 1000 } as const

const firstAt = Date.UTC(2026, 0, 1)
const payload = JSON.stringify({
  orderId: 'order-4711',
  lines: [{ sku: 'sku-0815', quantity: 2 }],
  note: 'x'.repeat(180),
})

const most = 10_000
const mostAtOnce = 1000

/**
 * A log of so many records: one a second, so that an hour holds as many whatever the length. Filled in large transactions
 * of the driver where there is one, else through the store. Shorter where the signal is aborted meanwhile.
 */
export async function openFilled(
  subject: StoreSubject,
  folder: string,
  { size, signal }: { readonly size: number; readonly signal?: AbortSignal | undefined },
): Promise<OpenStore> {
  const driver = await subject.raw?.(folder, false)
  if (driver !== undefined) {
    try {
      for (const records of groups(size, most, signal)) await driver.inserts(records).run()
    } finally {
      await driver.close()
    }
  }
  const opened = await subject.open(folder)
  if (driver === undefined) {
    for (const records of groups(size, mostAtOnce, signal)) {
      await Promise.all(records.map((record) => opened.store.record(record)))
    }
  }
  return opened
}

function* groups(size: number, step: number, signal: AbortSignal | undefined): Generator<readonly CommandRecord[]> {
  for (let first = 0; first < size && !signal?.aborted; first += step) {
    yield Array.from({ length: Math.min(step, size - first) }, (_, index) => recordAt(first + index))
  }
}

/** The record number `index`: the same in every log. One in a hundred failed. */
export function recordAt(index: number): CommandRecord {
  const first = firstOf(index)
  const isFailed = index % shape.failed === shape.failed - 1
  const base = {
    id: idOf('command', index),
    type: typeOf(index),
    correlationId: idOf('command', first),
    ...(index === first ? {} : { causationId: idOf('command', first) }),
    tenantId: tenantOf(index),
    userId: `user-${mix(index, 3) % shape.users}`,
    payload: { status: 'full', format: 'json', data: payload, bytes: payload.length },
    importance: 'normal',
    retention: 'long-lived',
    dryRun: false,
    receivedAt: timeOf(index),
    settledAt: timeOf(index) + 3,
    durationMs: 2.5,
    attempts: 1,
  } as const
  if (isFailed) return { ...base, state: 'failed', events: [], error: { name: 'Error', message: 'out of stock' } }
  const event: EventRef = { id: idOf('event', index), type: 'order-placed', stream: `order-${index}`, version: 1 }
  return { ...base, state: 'successful', events: [event] }
}

/** The number of the record that began the correlation of this one. */
export function firstOf(index: number): number {
  return index - (index % shape.correlation)
}

/** When it was received. */
export function timeOf(index: number): number {
  return firstAt + index * shape.msApart
}

/** Its type. */
export function typeOf(index: number): string {
  return `type-${mix(index, 1) % shape.types}`
}

/** Its tenant. */
export function tenantOf(index: number): string {
  return `tenant-${mix(index, 2) % shape.tenants}`
}

/** Looks like a UUIDv7 of that time, and is the same every time, so that a key needs no list of keys. */
export function idOf(kind: 'command' | 'event', index: number): string {
  const time = timeOf(index).toString(16).padStart(12, '0')
  const salt = kind === 'command' ? 10 : 20
  const random = [0, 1, 2]
    .map((part) =>
      mix(index, salt + part)
        .toString(16)
        .padStart(8, '0'),
    )
    .join('')
  return [
    ...[time.slice(0, 8), time.slice(8), `7${random.slice(0, 3)}`],
    ...[`8${random.slice(3, 6)}`, random.slice(6, 18)],
  ].join('-')
}

/** A whole number below 2^32 that looks random. */
function mix(index: number, salt: number): number {
  let hash = Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(salt, 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
