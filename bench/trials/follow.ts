import { setTimeout as sleep } from 'node:timers/promises'
import type { Followable } from '../../src/index.ts'
import { at } from '../closed-loop.ts'
import { recordAt } from '../long-log.ts'
import { type OpenStore, type StoreSubject, withFolder } from '../store-subjects.ts'
import { type Case, figuresOf, type Measure, type Trial } from '../trial.ts'

const trial = 'follow'
const perSecond = 500
const patienceMs = 5000
const measures: readonly Measure[] = [
  { measure: 'lag p50', unit: 'ms', better: 'lower' },
  { measure: 'lag p99', unit: 'ms', better: 'lower' },
]

/** How far a follower is behind. */
export const follow: Trial = {
  name: trial,
  about:
    `Settled records at a steady ${perSecond} a second, and one follower of the same handle: from the acknowledgement of a record to its ` +
    'delivery; 0 where it is delivered first. Stores that cannot be followed are left out.',
  plans: ({ stores, effort }) => {
    const cases = stores.map((store) => caseOf(store, effort.followMs))
    return [
      {
        cases,
        rounds: effort.rounds,
        warmup: effort.warmupRounds,
        collect: 'major',
        figures: (samples) =>
          measures.flatMap((each) =>
            cases.flatMap((own) => figuresOf({ trial, ...each }, own, samples.of(own, each.measure))),
          ),
      },
    ]
  },
}

function caseOf(subject: StoreSubject, ms: number): Case {
  return {
    subject: subject.name,
    params: { 'records/s': perSecond },
    expectedMs: ms + 150,
    measure: () =>
      withFolder(subject, async (folder) => {
        const { store, close } = await subject.open(folder)
        try {
          if (!isFollowable(store)) return {}
          const lags = (await lagsOf(store, ms)).sort()
          return { 'lag p50': at(lags, 0.5), 'lag p99': at(lags, 0.99) }
        } finally {
          await close()
        }
      }),
  }
}

function isFollowable(store: OpenStore['store']): store is OpenStore['store'] & Followable {
  return typeof store.follow === 'function'
}

/** Milliseconds, one a record. */
async function lagsOf(store: OpenStore['store'] & Followable, ms: number): Promise<Float64Array> {
  const total = Math.max(1, Math.round((ms * perSecond) / 1000))
  const numbers = new Map(Array.from({ length: total }, (_, index) => [recordAt(index).id, index]))
  const acknowledged = new Float64Array(total).fill(Number.NaN)
  const delivered = new Float64Array(total).fill(Number.NaN)
  const over = AbortSignal.timeout(ms + patienceMs)
  const following = (async () => {
    let left = total
    for await (const { record } of store.follow({ signal: over })) {
      delivered[numbers.get(record.id) ?? -1] = performance.now()
      if (--left === 0) return
    }
    throw new Error(`a follower was still waiting for ${left} of ${total} records after ${patienceMs} ms`)
  })()
  await Promise.all([following, sendSteadily(store, acknowledged)])
  return delivered.map((time, index) => Math.max(0, time - (acknowledged[index] ?? Number.NaN)))
}

async function sendSteadily(store: OpenStore['store'], acknowledged: Float64Array): Promise<void> {
  const writes: Promise<void>[] = []
  const start = performance.now()
  while (writes.length < acknowledged.length) {
    const due = Math.min(acknowledged.length, Math.ceil(((performance.now() - start) * perSecond) / 1000))
    while (writes.length < due) {
      const index = writes.length
      writes.push(
        store.record(recordAt(index)).then(() => {
          acknowledged[index] = performance.now()
        }),
      )
    }
    await sleep(1)
  }
  await Promise.all(writes)
}
