// Runs the suite over and over, each time with the next seed on a new store: the memory store, or every odd one, each of
// which is correct however oddly it goes about it.
//
//   node --conditions=commandlog-source test/soak.ts [seeds = 100] [first seed = 1] [open | live | odd] [runs]
//
// Prints a line every ten seeds, and every failure; exits with 1 where there was one. `runs` is that of the suite: the odd
// stores that are slow take minutes a seed without it.

import { runSuite, type StoreOrOpen } from '../commandlogtest/index.ts'
import { oddStores } from '../commandlogtest/odd-stores/index.ts'
import { memoryStore } from '../stores/memory.ts'

interface Subject {
  readonly name: string
  make(seed: number): StoreOrOpen | Promise<StoreOrOpen>
}

const [seeds = 100, first = 1] = process.argv.slice(2, 4).map(Number)
const subjects = subjectsOf(process.argv[4] ?? 'open')
const runs = process.argv[5] === undefined ? undefined : Number(process.argv[5])
const startedAt = performance.now()
let failed = 0
for (let seed = first; seed < first + seeds; seed++) {
  for (const { name, make } of subjects) {
    try {
      await runSuite(await make(seed), { seed, runs, onProgress: () => undefined })
    } catch (error) {
      failed++
      console.log(`${name}, seed ${seed}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  const done = seed - first + 1
  if (done % 10 === 0 || subjects.length > 1)
    console.log(`${done} seeds, ${failed} failed, ${((performance.now() - startedAt) / 1000).toFixed(0)} s`)
}
process.exitCode = failed === 0 ? 0 : 1

function subjectsOf(kind: string): readonly Subject[] {
  if (kind === 'live') return [{ name: 'memory', make: () => memoryStore() }]
  if (kind === 'open') return [{ name: 'memory', make: () => () => memoryStore() }]
  if (kind === 'odd') {
    return oddStores.map(({ name, runs: mode, make }) => ({
      name,
      make: (seed) => (mode === 'live' ? make(seed)('live') : make(seed)),
    }))
  }
  throw new RangeError('expected open, live or odd')
}
