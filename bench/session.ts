import { readFile, writeFile } from 'node:fs/promises'
import { codecSubjects } from './codecs.ts'
import { environment } from './environment.ts'
import { type BenchOptions, parseOptions } from './options.ts'
import { checkPeers, measurePeers, noPeers } from './peer-process.ts'
import { profileCommands } from './profile.ts'
import { Progress } from './progress.ts'
import { htmlReport } from './report/html.ts'
import { compareReport, terminalReport } from './report/terminal.ts'
import type { BenchRun, SubjectNote } from './result.ts'
import { type Measured, runTrials } from './run-trials.ts'
import { type StoreSubject, storeSubjects, withFolder } from './store-subjects.ts'
import type { Setup } from './trial.ts'
import { trials } from './trials.ts'
import { userStores } from './user-store.ts'

const stopping = new AbortController()
process.on('message', () => {
  // Whoever asks twice does not want to wait: guards clear the servers away.
  if (stopping.signal.aborted) process.exit(130)
  process.stderr.write('\nending after what is under way\n')
  stopping.abort()
})
// The starter is gone: nobody can end this any more but itself.
process.on('disconnect', () => process.exit(1))

const args = process.argv.slice(2)
const options = parseOptions(args)
if (options !== undefined) {
  try {
    await run(options)
  } catch (error) {
    // What was asked for is wrong, which only shows now: a stack says nothing more.
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 2
  }
}
// What still waits for something must not keep the process; but what was printed must have left.
await new Promise<void>((resolve) => process.stdout.write('', () => resolve()))
process.exit()

async function run(options: BenchOptions): Promise<void> {
  const stores = [...storeSubjects.filter(({ name }) => options.stores.includes(name)), ...userStores()]
  checkNames(stores)
  try {
    if (options.profile === undefined) await measure(options, stores)
    else await profileCommands(stores, { folder: options.profile, ms: 10 * options.effort.ms, say: writeLine })
  } finally {
    for (const { end } of stores) await end?.()
  }
}

function writeLine(text: string): void {
  process.stdout.write(`${text}\n`)
}

async function measure(options: BenchOptions, stores: readonly StoreSubject[]): Promise<void> {
  const base = options.compare === undefined ? undefined : runOf(await readFile(options.compare, 'utf8'))
  if (options.isWithPeers) checkPeers()
  const codecs = codecSubjects.filter(({ name }) => options.codecs.includes(name))
  const setup: Setup = { stores, codecs, effort: options.effort }
  const plans = trials
    .filter(({ name }) => options.trials.includes(name))
    .flatMap((trial) => trial.plans(setup).map((plan) => ({ trial: trial.name, plan })))
  const progress = new Progress(
    plans.map(({ plan }) => plan),
    process.stderr,
  )
  const measured = await runTrials(plans, progress, stopping.signal)
  progress.end()
  const wantsPeers = options.isWithPeers && !measured.isInterrupted
  const peers = wantsPeers ? await measurePeers(options.isQuick, stopping.signal) : noPeers
  const run: BenchRun = {
    format: 1,
    environment: await environment(options.effort.syncs),
    completeness: completenessOf(options, measured),
    command: ['npm run bench --', ...args.filter(isNoOutput)].join(' '),
    subjects: [...(await notesOf(stores)), ...codecNotes(codecs), ...peers.subjects],
    figures: [...measured.figures, ...peers.figures],
    trials: [...trialNotes(options), ...peers.trials],
  }
  await show(run, base, options)
  if (measured.failure !== undefined) {
    process.exitCode = 1
    process.stderr.write(`The trial '${measured.failure.trial}' failed, and ended the run:\n`)
    console.error(measured.failure.error)
  } else if (run.completeness === 'interrupted') process.exitCode = 130
}

/** Where the results go says nothing of how they came about. */
function isNoOutput(arg: string, index: number, all: readonly string[]): boolean {
  const options = /^--(?:json|html|compare)(?:=|$)/
  return !options.test(arg) && !/^--(?:json|html|compare)$/.test(all[index - 1] ?? '')
}

function checkNames(stores: readonly StoreSubject[]): void {
  const names = stores.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new RangeError(`--store: there are two stores called '${twice}'`)
}

function runOf(text: string): BenchRun {
  const run = JSON.parse(text) as Partial<BenchRun>
  if (run.format !== 1) throw new RangeError('--compare: expected what --json writes')
  return run as BenchRun
}

function trialNotes(options: BenchOptions): Required<BenchRun>['trials'] {
  return trials.filter(({ name }) => options.trials.includes(name)).map(({ name, about }) => ({ trial: name, about }))
}

function completenessOf({ isQuick }: BenchOptions, { isInterrupted }: Measured): BenchRun['completeness'] {
  if (isInterrupted || stopping.signal.aborted) return 'interrupted'
  return isQuick ? 'quick' : 'full'
}

async function notesOf(stores: readonly StoreSubject[]): Promise<readonly SubjectNote[]> {
  const notes: SubjectNote[] = []
  for (const { name, settings, raw, remove } of stores) {
    try {
      const asked = await withFolder({ ...(remove === undefined ? {} : { remove }) }, async (folder) => {
        const driver = await raw?.(folder, true)
        await driver?.close()
        return driver?.settings
      })
      notes.push({ subject: name, settings: asked ?? settings ?? '' })
    } catch (error) {
      // The server may have gone with what interrupted the run; its figures are still worth having.
      if (!stopping.signal.aborted) throw error
    }
  }
  return notes
}

function codecNotes(codecs: Setup['codecs']): readonly SubjectNote[] {
  return codecs.map(({ name, settings }) => ({ subject: name, settings }))
}

async function show(run: BenchRun, base: BenchRun | undefined, { json, html }: BenchOptions): Promise<void> {
  process.stdout.write(terminalReport(run))
  if (base !== undefined) process.stdout.write(`\n${compareReport(base, run)}`)
  if (json !== undefined) await writeFile(json, `${JSON.stringify(run, undefined, 2)}\n`)
  if (html !== undefined) await writeFile(html, htmlReport(run, base))
}
