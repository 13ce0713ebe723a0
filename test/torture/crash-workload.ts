import type { CommandRecord } from 'commandlog'
import { between, seeded } from './seeded.ts'

/** How a traced process writes. */
export interface CrashWorkload {
  readonly path: string
  readonly durability: 'power' | 'process'
  readonly records: number
  /** The size of the largest payload. */
  readonly mostBytes: number
  /** After how many pages the log is moved into the file; absent for a handle of the store's own, with its own setting. */
  readonly checkpointPages?: number
}

/** What a traced process says once a write of a record is acknowledged. */
export type Acknowledgement = readonly [index: number, phase: 'intent' | 'outcome']

/** The intent of a record and its outcome: the same ones in every process. */
export function crashRecord(index: number, mostBytes: number): Readonly<Record<Acknowledgement[1], CommandRecord>> {
  const random = seeded(index)
  const text = random().toString(36).slice(2)
  const data = JSON.stringify(text.repeat(Math.ceil(between(random, 10, mostBytes) / text.length)))
  const intent: CommandRecord = {
    ...{ id: `crash-${index}`, type: 'crash', state: 'created', correlationId: `crash-${index % 7}` },
    payload: { status: 'full', format: 'json', data, bytes: data.length },
    attributes: { shard: index % 5 },
    ...{ events: [], importance: 'normal', retention: 'long-lived', dryRun: false, receivedAt: 1_000_000 + index },
  }
  const events = Array.from({ length: index % 4 }, (_, each) => ({ id: `crash-${index}/e${each}` }))
  const outcome = { ...intent, state: 'successful', events, settledAt: 1_000_001 + index, durationMs: 1 } as const
  return { intent, outcome }
}
