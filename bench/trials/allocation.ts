import { type Allocation, measureAllocations } from '../allocation.ts'
import { bare } from '../empty-handler.ts'
import type { Figure } from '../result.ts'
import type { Trial } from '../trial.ts'

const trial = 'bytes'
const bytes = { unit: 'bytes/command', better: 'lower' } as const

/** The bytes of one command. Comes first of all, while nothing else is on the heap that could be let go meanwhile. */
export const allocation: Trial = {
  name: trial,
  about:
    'Bytes of one command with the empty handler on the memory store. allocated: how much the heap grows over 750 commands less ' +
    'over 250, with no collection in between; whole sends, of which the bare bus is one; background with its flush. retained: ' +
    'what a record still holds after a full collection, payload and indexes included.',
  plans({ stores, effort: { overhead: effort } }) {
    if (!stores.some(({ name }) => name === 'memory')) return []
    let measured: ReadonlyMap<string, Allocation> = new Map()
    const { allocationSamples, retainedRecords } = effort
    return [
      {
        cases: [
          {
            ...{ subject: 'memory', params: {}, expectedMs: 300 + allocationSamples * 30 },
            async measure() {
              measured = await measureAllocations(allocationSamples, retainedRecords)
              return {}
            },
          },
        ],
        ...{ rounds: 1, warmup: 0, collect: 'major' },
        figures: () => Array.from(measured, ([mode, figures]) => figuresOfMode(mode, figures)).flat(),
      },
    ]
  },
}

function figuresOfMode(name: string, { allocated, retained }: Allocation): readonly Figure[] {
  const isBare = name === bare
  const base = { trial, subject: isBare ? bare : 'memory', params: { mode: isBare ? 'none' : name }, ...bytes }
  return [
    { ...base, measure: 'allocated', value: allocated },
    ...(retained === undefined
      ? []
      : [{ ...base, measure: 'retained', value: { low: retained, median: retained, high: retained } }]),
  ]
}
