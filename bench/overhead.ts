import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { type Effort, measure } from './measure.ts'
import { report } from './report.ts'

const full: Effort = {
  rounds: 200,
  warmup: 40,
  batch: 1000,
  carts: [100, 1000, 10_000],
  realisticRounds: 60,
  realisticWarmup: 600,
  allocationSamples: 40,
  retainedRecords: 20_000,
}

const quick: Effort = {
  rounds: 20,
  warmup: 8,
  batch: 500,
  carts: [100],
  realisticRounds: 15,
  realisticWarmup: 100,
  allocationSamples: 8,
  retainedRecords: 4000,
}

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, json: { type: 'string' } } })
const measured = await measure(values.quick ? quick : full, (step) => process.stderr.write(`measuring ${step}\n`))
process.stdout.write(report(measured))
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(measured, undefined, 2)}\n`)
