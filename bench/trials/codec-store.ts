import { loadMeasures, loadStore } from '../closed-loop.ts'
import type { CodecSubject } from '../codecs.ts'
import { dataOf, type PayloadShape, payloadShapes } from '../payload-shapes.ts'
import { type StoreSubject, withFolder } from '../store-subjects.ts'
import { type Case, figuresOf, type Setup, type Trial } from '../trial.ts'

const trial = 'codec-store'
const inFlight = 64
const told = ['commands/s', 'latency p99', 'allocated']

/** Every codec through every store. */
export const codecThroughStore: Trial = {
  name: trial,
  about:
    `The load of the throughput trial in write-ahead with ${inFlight} in flight, each payload of that shape in that format; the ratio is ` +
    'to the first codec in the same store. Bytes are base64 in JSON.',
  plans: (setup) => {
    const cases = setup.stores.flatMap((store) =>
      payloadShapes
        .slice(0, setup.effort.shapes)
        .map((shape) => setup.codecs.map((codec) => caseOf(setup, { store, shape, codec }))),
    )
    const measures = loadMeasures.filter(({ measure }) => told.includes(measure))
    return [
      {
        cases: cases.flat(),
        rounds: setup.effort.rounds,
        warmup: setup.effort.warmupRounds,
        collect: 'major',
        figures: (samples) =>
          cases.flatMap((group) =>
            measures.flatMap((each) =>
              group.flatMap((own) => {
                const values = samples.of(own, each.measure)
                const [first] = group
                const isOther = first !== undefined && first !== own && each.measure === 'commands/s'
                const beside = isOther
                  ? { to: String(first.params.codec), values: samples.of(first, each.measure) }
                  : undefined
                return figuresOf({ trial, ...each, beside }, own, values)
              }),
            ),
          ),
      },
    ]
  },
}

interface Through {
  readonly store: StoreSubject
  readonly shape: PayloadShape
  readonly codec: CodecSubject
}

function caseOf({ effort }: Setup, { store, shape, codec }: Through): Case {
  const data = dataOf(codec, shape)
  return {
    subject: store.name,
    params: { codec: codec.name, shape: shape.name },
    expectedMs: effort.warmupMs + effort.ms + 100,
    measure: () =>
      withFolder(store, async (folder) => {
        const { store: opened, close } = await store.open(folder)
        try {
          return await loadStore(opened, { ...effort, inFlight, codec: codec.codec, dataOf: () => data })
        } finally {
          await close()
        }
      }),
  }
}
