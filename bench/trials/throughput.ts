import type { AuditMode } from '../../src/index.ts'
import { loadMeasures, loadStore } from '../closed-loop.ts'
import { type RawWork, rawRate } from '../raw-rate.ts'
import type { Figure } from '../result.ts'
import { quotients } from '../statistics.ts'
import { type StoreSubject, withFolder } from '../store-subjects.ts'
import { type Beside, type Case, figuresOf, type Samples, type Setup, type Trial } from '../trial.ts'

const trial = 'throughput'
const modes: readonly AuditMode[] = ['write-ahead', 'outcome']
/** What the driver does by hand for one command of that mode, and how many rows a second it makes of it. */
const byHand: Readonly<Record<string, { readonly work: RawWork; readonly rows: number }>> = {
  'write-ahead': { work: 'insert + update', rows: 2 },
  outcome: { work: 'insert', rows: 1 },
}
const works: readonly RawWork[] = ['insert', 'insert + update']
const largest = 1000

/** Commands a second and their latency, beside the driver by hand. */
export const throughput: Trial = {
  name: trial,
  about:
    'The audited bus with a handler that only names an event: a payload of about 250 bytes of JSON, tenant, user, one event. ' +
    'A closed loop: each of the senders in flight sends its next command when it has the receipt of the last. ' +
    'Each measurement has a new log on the same disk. Beside it the driver by hand, on the same tables and settings: rows ' +
    'are made before and not timed, and nobody asks whether an id is known. insert + update: a transaction of intents, then ' +
    'one that settles them by id. The ratio is to transactions of as many rows as there are commands in flight, at most 64, ' +
    'else 1000. Heap, collector and bytes are those of the thread of the bus.',
  plans: (setup) => {
    const all = setup.stores.map((store) => casesOf(store, setup))
    return [
      {
        cases: all.flatMap(({ bus, raw }) => [...bus, ...raw]),
        rounds: setup.effort.rounds,
        warmup: setup.effort.warmupRounds,
        collect: 'major',
        figures: (samples) => all.flatMap((cases) => figuresOfStore(cases, samples)),
      },
    ]
  },
}

interface BusCase extends Case {
  readonly params: { readonly mode: AuditMode; readonly inFlight: number }
}

interface RawCase extends Case {
  readonly params: { readonly work: RawWork; readonly rows: number }
}

interface StoreCases {
  readonly store: StoreSubject
  readonly bus: readonly BusCase[]
  readonly raw: readonly RawCase[]
}

function casesOf(store: StoreSubject, { effort }: Setup): StoreCases {
  const expectedMs = effort.warmupMs + effort.ms + 100
  const bus = modes.flatMap((mode) =>
    effort.inFlight.map((inFlight): BusCase => {
      const measure = (): Promise<Readonly<Record<string, number>>> =>
        withFolder(store, async (folder) => {
          const { store: opened, close } = await store.open(folder)
          try {
            return await loadStore(opened, { ...effort, mode, inFlight })
          } finally {
            await close()
          }
        })
      return { subject: store.name, params: { mode, inFlight }, expectedMs, measure }
    }),
  )
  const sizes = store.raw === undefined ? [] : [...new Set(effort.inFlight.map(rowsBeside))]
  const raw = works.flatMap((work) =>
    sizes.map((rows): RawCase => {
      const measure = async (): Promise<{ readonly 'rows/s': number }> => ({
        'rows/s': await rawRate(store, { work, rows, ...effort }),
      })
      return { subject: `raw ${store.name}`, params: { work, rows }, expectedMs, measure }
    }),
  )
  return { store, bus, raw }
}

function rowsBeside(inFlight: number): number {
  return inFlight <= 64 ? inFlight : largest
}

function figuresOfStore({ store, bus, raw }: StoreCases, samples: Samples): readonly Figure[] {
  return [
    ...loadMeasures.flatMap((each) =>
      bus.flatMap((busCase) => {
        const beside = each.measure === 'commands/s' ? besideRaw(busCase, raw, samples) : undefined
        return figuresOf({ trial, ...each, beside }, busCase, samples.of(busCase, each.measure))
      }),
    ),
    ...raw.flatMap((each) =>
      figuresOf({ trial, measure: 'rows/s', unit: 'rows/s', better: 'higher' }, each, samples.of(each, 'rows/s')),
    ),
    ...aimedFigures({ store, bus, raw }, samples),
  ]
}

function besideRaw({ subject, params }: BusCase, raw: readonly RawCase[], samples: Samples): Beside | undefined {
  const hand = byHand[params.mode]
  const rows = rowsBeside(params.inFlight)
  const partner = raw.find((each) => each.params.work === hand?.work && each.params.rows === rows)
  if (partner === undefined) return undefined
  return {
    to: `raw ${subject}, ${partner.params.work}, ${rows} a transaction`,
    values: samples.of(partner, 'rows/s'),
    times: hand?.rows ?? 1,
  }
}

/** The aims that a store was built to: two writes a command as a part of the driver's rows. */
function aimedFigures({ store, bus, raw }: StoreCases, samples: Samples): readonly Figure[] {
  return (store.aims ?? []).flatMap(({ inFlight, rowsPerTransaction, aim }) => {
    const measured = bus.find(({ params }) => params.mode === 'write-ahead' && params.inFlight === inFlight)
    const partners = raw.filter(({ params }) => params.rows === rowsPerTransaction)
    if (measured === undefined) return []
    const writes = samples.of(measured, 'commands/s').map((each) => 2 * each)
    return partners.flatMap((partner) =>
      figuresOf(
        { trial, measure: 'writes beside raw rows', unit: '×', better: 'higher', aim: { atLeast: aim } },
        { subject: store.name, params: { inFlight, ...partner.params } },
        quotients(writes, samples.of(partner, 'rows/s')),
      ),
    )
  })
}
