import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { environment } from './environment.ts'
import { type LookupEffort, measureLookups } from './lookups.ts'
import { type StoreSubject, storeSubjects } from './store-subjects.ts'
import { type StoreMeasurements, storesReport } from './stores-report.ts'
import { measureThroughput, type ThroughputEffort } from './throughput.ts'

type Effort = ThroughputEffort & LookupEffort

const usual: Effort = {
  ...{ rounds: 20, warmupRounds: 2, warmupMs: 150, ms: 400 },
  ...{ sizes: [10_000, 1_000_000], calls: 2000 },
}
const full: Effort = { ...usual, sizes: [...usual.sizes, 5_000_000] }
const quick: Effort = {
  ...{ rounds: 2, warmupRounds: 0, warmupMs: 20, ms: 60 },
  ...{ sizes: [1000, 5000], calls: 60 },
}

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    only: { type: 'string' },
    stores: { type: 'string' },
    json: { type: 'string' },
  },
})
const parts = ['throughput', 'lookups']
if (values.only !== undefined && !parts.includes(values.only))
  throw new RangeError(`--only: expected ${parts.join(' or ')}`)
const subjects = chosen(values.stores)
const usualOrFull = values.full ? full : usual
const effort = values.quick ? quick : usualOrFull
const say = (step: string): unknown => process.stderr.write(`${step}\n`)

const measured: StoreMeasurements = {
  environment: await environment(values.quick ? 20 : 300),
  effort,
  throughput: values.only === 'lookups' ? [] : await measureThroughput(subjects, effort, say),
  lookups: values.only === 'throughput' ? [] : await measureLookups(subjects, effort, say),
}
for (const { end } of subjects) await end?.()
process.stdout.write(storesReport(measured))
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(measured, undefined, 2)}\n`)

function chosen(names: string | undefined): readonly StoreSubject[] {
  return (names?.split(',') ?? storeSubjects.map(({ name }) => name)).map((name) => {
    const subject = storeSubjects.find((each) => each.name === name)
    if (subject === undefined) throw new RangeError(`--stores: no store is called '${name}'`)
    return subject
  })
}
