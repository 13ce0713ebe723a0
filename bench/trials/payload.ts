import { loadMeasures, loadStore } from '../closed-loop.ts'
import { rawRate } from '../raw-rate.ts'
import { type StoreSubject, withFolder } from '../store-subjects.ts'
import { type Case, figuresOf, type Setup, type Trial } from '../trial.ts'
import { ordersOfBytes } from '../typical-command.ts'

const trial = 'payload'
const inFlight = 64
const told = ['commands/s', 'latency p50', 'latency p99', 'allocated']

/** Commands with larger and larger payloads. */
export const payload: Trial = {
  name: trial,
  about:
    `The load of the throughput trial in write-ahead with ${inFlight} in flight, and a payload of so many bytes of JSON. The ratio is to ` +
    `the driver by hand, insert + update of ${inFlight} rows a transaction with the same payload, two rows a command.`,
  plans: (setup) => {
    const pairs = setup.stores.flatMap((store) => setup.effort.payloads.map((bytes) => casesOf(store, bytes, setup)))
    return [
      {
        cases: pairs.flatMap(({ bus, raw }) => (raw === undefined ? [bus] : [bus, raw])),
        rounds: setup.effort.rounds,
        warmup: setup.effort.warmupRounds,
        collect: 'major',
        figures: (samples) =>
          pairs.flatMap(({ bus, raw }) => [
            ...loadMeasures
              .filter(({ measure }) => told.includes(measure))
              .flatMap((each) => {
                const isRate = each.measure === 'commands/s' && raw !== undefined
                const beside = isRate ? { to: raw.subject, values: samples.of(raw, 'rows/s'), times: 2 } : undefined
                return figuresOf({ trial, ...each, beside }, bus, samples.of(bus, each.measure))
              }),
            ...(raw === undefined
              ? []
              : figuresOf(
                  { trial, measure: 'rows/s', unit: 'rows/s', better: 'higher' },
                  raw,
                  samples.of(raw, 'rows/s'),
                )),
          ]),
      },
    ]
  },
}

function casesOf(store: StoreSubject, bytes: number, { effort }: Setup): { readonly bus: Case; readonly raw?: Case } {
  const base = { params: { bytes }, expectedMs: effort.warmupMs + effort.ms + 100 + bytes / 500 }
  const dataOf = ordersOfBytes(bytes)
  const bus: Case = {
    ...{ ...base, subject: store.name },
    measure: () =>
      withFolder(store, async (folder) => {
        const { store: opened, close } = await store.open(folder)
        try {
          return await loadStore(opened, { ...effort, inFlight, dataOf })
        } finally {
          await close()
        }
      }),
  }
  if (store.raw === undefined) return { bus }
  const work = 'insert + update'
  const measure = async (): Promise<{ readonly 'rows/s': number }> => ({
    'rows/s': await rawRate(store, { work, rows: inFlight, dataOf, ...effort }),
  })
  return { bus, raw: { ...base, subject: `raw ${store.name}`, measure } }
}
