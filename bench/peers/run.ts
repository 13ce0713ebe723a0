import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { sharedPostgres } from '../../test/servers/postgres.ts'
import { quick, usual } from '../effort.ts'
import { environment } from '../environment.ts'
import { Progress } from '../progress.ts'
import { terminalReport } from '../report/terminal.ts'
import type { BenchRun } from '../result.ts'
import { runTrials } from '../run-trials.ts'
import { peerNotes, peersTrial } from './trial.ts'

const { values } = parseArgs({ options: { json: { type: 'string' }, quick: { type: 'boolean', default: false } } })
const effort = values.quick ? quick : usual
const usualOrQuick = values.quick ? 'quick' : 'full'
// What a driver of a driver tells its authors is no news here.
process.noDeprecation = true
const interrupted = new AbortController()
process.once('SIGINT', () => interrupted.abort())

const plans = peersTrial.plans({ stores: [], codecs: [], effort })
const progress = new Progress(plans, process.stderr)
const named = plans.map((plan) => ({ trial: peersTrial.name, plan }))
try {
  const { figures, isInterrupted, failure } = await runTrials(named, progress, interrupted.signal)
  progress.end()
  if (failure !== undefined) throw failure.error
  const run: BenchRun = {
    format: 1,
    environment: await environment(effort.syncs),
    completeness: isInterrupted ? 'interrupted' : usualOrQuick,
    command: `bench/peers/run.ts ${process.argv.slice(2).join(' ')}`.trim(),
    subjects: peerNotes,
    trials: [{ trial: peersTrial.name, about: peersTrial.about }],
    figures,
  }
  process.stdout.write(terminalReport(run))
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(run, undefined, 2)}\n`)
} finally {
  await (await sharedPostgres()).end()
}
