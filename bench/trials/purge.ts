import { openFilled } from '../long-log.ts'
import { type StoreSubject, withFolder } from '../store-subjects.ts'
import { type Case, figuresOf, type Trial } from '../trial.ts'

const trial = 'purge'
const measure = 'records/s'

/** How fast records go. */
export const purge: Trial = {
  name: trial,
  about:
    'All of a log of settled records with one event each is purged. The driver by hand removes the same rows in one ' +
    'transaction; stores go in batches, so that writers have their turn. Stores that cannot be purged are left out.',
  plans: ({ stores, effort }) => {
    const pairs = stores.map((store) => ({
      bus: busCase(store, effort.purged),
      raw: store.raw === undefined ? undefined : rawCase(store, effort.purged),
    }))
    return [
      {
        cases: pairs.flatMap(({ bus, raw }) => (raw === undefined ? [bus] : [bus, raw])),
        rounds: effort.rounds,
        warmup: effort.warmupRounds,
        collect: 'major',
        figures: (samples) =>
          pairs.flatMap(({ bus, raw }) => {
            const base = { trial, measure, unit: measure, better: 'higher' } as const
            if (raw === undefined) return figuresOf(base, bus, samples.of(bus, measure))
            const beside = { to: raw.subject, values: samples.of(raw, measure) }
            return [
              ...figuresOf({ ...base, beside }, bus, samples.of(bus, measure)),
              ...figuresOf(base, raw, samples.of(raw, measure)),
            ]
          }),
      },
    ]
  },
}

function busCase(subject: StoreSubject, size: number): Case {
  return {
    ...{ subject: subject.name, params: { records: size }, expectedMs: 100 + size / 10 },
    measure: () =>
      withFolder(subject, async (folder) => {
        const { store, close } = await openFilled(subject, folder, { size })
        try {
          if (typeof store.purge !== 'function') return {}
          const start = performance.now()
          const removed = await store.purge({ retention: 'long-lived', before: Number.MAX_SAFE_INTEGER })
          return { [measure]: removed / ((performance.now() - start) / 1000) }
        } finally {
          await close()
        }
      }),
  }
}

function rawCase(subject: StoreSubject, size: number): Case {
  return {
    ...{ subject: `raw ${subject.name}`, params: { records: size }, expectedMs: 100 + size / 20 },
    measure: () =>
      withFolder(subject, async (folder) => {
        await (await openFilled(subject, folder, { size })).close()
        const driver = await subject.raw?.(folder, true)
        if (driver === undefined) return {}
        try {
          const start = performance.now()
          const pending = driver.purge()
          if (pending !== undefined) await pending
          return { [measure]: size / ((performance.now() - start) / 1000) }
        } finally {
          await driver.close()
        }
      }),
  }
}
