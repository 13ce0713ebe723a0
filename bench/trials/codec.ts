import { Buffer } from 'node:buffer'
import { Bench } from 'tinybench'
import type { CodecSubject } from '../codecs.ts'
import { coding, type PayloadShape, payloadShapes } from '../payload-shapes.ts'
import { type Case, figuresOf, type Measure, type Setup, type Trial } from '../trial.ts'

const trial = 'codec'
const measures: readonly Measure[] = [
  { measure: 'encode', unit: 'ns', better: 'lower' },
  { measure: 'decode', unit: 'ns', better: 'lower' },
  { measure: 'size', unit: 'bytes', better: 'lower' },
]

/** Codecs by themselves. */
export const codec: Trial = {
  name: trial,
  about:
    'One payload encoded and decoded again and again, by tinybench: the median of a round, and its quartiles over the rounds. ' +
    'The ratio is to the first codec. Bytes are base64 in JSON, and making that is part of encoding.',
  plans: (setup) => {
    const groups = payloadShapes.map((shape) => setup.codecs.map((each) => caseOf(setup, each, shape)))
    return [
      {
        cases: groups.flat(),
        rounds: setup.effort.codecRounds,
        warmup: 1,
        collect: 'minor',
        figures: (samples) =>
          groups.flatMap((group) =>
            measures.flatMap((each) =>
              group.flatMap((own, index) => {
                const [first] = group
                const beside =
                  first === undefined || index === 0
                    ? undefined
                    : { to: first.subject, values: samples.of(first, each.measure) }
                return figuresOf({ trial, ...each, beside }, own, samples.of(own, each.measure))
              }),
            ),
          ),
      },
    ]
  },
}

// What the loops make ends up here, or the compiler could leave it out.
const sink: { last: unknown } = { last: undefined }

function caseOf({ effort }: Setup, subject: CodecSubject, shape: PayloadShape): Case {
  const { encode, decode } = coding(subject, shape)
  const encoded = encode()
  const size = typeof encoded === 'string' ? Buffer.byteLength(encoded) : encoded.byteLength
  return {
    subject: subject.name,
    params: { shape: shape.name },
    expectedMs: 2 * effort.codecMs + 5,
    async measure() {
      const bench = new Bench({ time: effort.codecMs, iterations: 10, warmup: false, throws: true })
      bench.add('encode', () => {
        sink.last = encode()
      })
      bench.add('decode', () => {
        sink.last = decode(encoded)
      })
      const [encoding, decoding] = (await bench.run()).map(({ result }) =>
        result.state === 'completed' ? result.latency.p50 * 1e6 : Number.NaN,
      )
      return { encode: encoding ?? Number.NaN, decode: decoding ?? Number.NaN, size }
    },
  }
}
