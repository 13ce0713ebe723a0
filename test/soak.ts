// Runs the suite over and over, each time with the next seed on a new memory store.
//
//   node --conditions=commandlog-source test/soak.ts [seeds = 100] [first seed = 1] [live | open]
//
// Prints a line every ten seeds, and every failure; exits with 1 where there was one.

import { runSuite } from '../commandlogtest/index.ts'
import { memoryStore } from '../stores/memory.ts'

const [seeds = 100, first = 1] = process.argv.slice(2, 4).map(Number)
const isLive = process.argv[4] === 'live'
const startedAt = performance.now()
let failed = 0
for (let seed = first; seed < first + seeds; seed++) {
  try {
    await runSuite(isLive ? memoryStore() : () => memoryStore(), { seed, onProgress: () => undefined })
  } catch (error) {
    failed++
    console.log(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`)
  }
  const done = seed - first + 1
  if (done % 10 === 0)
    console.log(`${done} seeds, ${failed} failed, ${((performance.now() - startedAt) / 1000).toFixed(0)} s`)
}
process.exitCode = failed === 0 ? 0 : 1
