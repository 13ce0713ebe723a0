// Tries every saboteur on the checks named for it, over many seeds, and writes docs/saboteurs.md. Fails if a saboteur is
// caught too seldom, or a check never catches what it is named for, or is named for nothing.
//
//   node --conditions=commandlog-source commandlogtest/saboteurs/matrix.ts [options]
//
//   --workers N      how many threads (1)
//   --results FILE   what is known already, and where results are noted (in the folder for temporary files)
//   --only A,B       tries these again, whatever is known about them
//   --full           instead, all checks on each saboteur with one seed: prints who catches what

import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { type Counts, pageText, saboteursPage } from './page.ts'
import {
  type Duty,
  duties,
  noteResult,
  type Result,
  readResults,
  resultOf,
  seedsDemanded,
  seedsTried,
} from './results.ts'
import { allChecks, survey } from './survey.ts'

/** What a worker is to do: the duties of these numbers. */
interface Share {
  readonly numbers: readonly number[]
  readonly isFull: boolean
}

/** What a worker tells: what came of its next duty, or, without that, that it is at work. */
interface News {
  readonly result: Result | undefined
}

const firstSeed = 7
// A process that has seen many broken stores gets slow.
const shareSize = 20
const longestSilenceMs = 60_000

if (isMainThread) await main()
else await work(workerData as Share)

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      workers: { type: 'string', default: '1' },
      results: { type: 'string', default: join(tmpdir(), 'commandlog-saboteurs.jsonl') },
      only: { type: 'string' },
      full: { type: 'boolean', default: false },
    },
  })
  const only = values.only?.split(',')
  const known = readResults(values.results)
  const isDue = (duty: Duty): boolean => {
    if (only !== undefined) return only.includes(duty.saboteur.name)
    return values.full || resultOf(duty, known) === undefined
  }
  const numbers = [...duties.keys()].filter((number) => isDue(duties[number] as Duty))
  const keep = (result: Result): void => {
    if (values.full) process.stdout.write(`${result.saboteur}, ${result.mode}: ${result.killers.join(' ')}\n`)
    else noteResult(values.results, result)
  }
  await runAll(numbers, { workers: Number(values.workers), isFull: values.full, keep })
  if (!values.full) report(readResults(values.results))
}

interface RunOptions {
  readonly workers: number
  readonly isFull: boolean
  readonly keep: (result: Result) => void
}

async function runAll(numbers: readonly number[], { workers, isFull, keep }: RunOptions): Promise<void> {
  const left = [...numbers]
  const runner = async (): Promise<void> => {
    while (left.length > 0) {
      let share: readonly number[] = left.splice(0, shareSize)
      while (share.length > 0) share = await runShare({ numbers: share, isFull }, keep)
    }
  }
  await Promise.all(Array.from({ length: workers }, runner))
}

/** Runs a share in a thread; what is left after a duty that brought it down, or to silence: that counts as not caught. */
function runShare(share: Share, keep: (result: Result) => void): Promise<readonly number[]> {
  return new Promise((resolve) => {
    const left = [...share.numbers]
    const resourceLimits = { maxOldGenerationSizeMb: 1500 }
    const worker = new Worker(new URL(import.meta.url), { workerData: share, argv: [], resourceLimits })
    const end = (): void => {
      worker.removeAllListeners('exit')
      clearTimeout(timer)
      const stopped = left.shift()
      if (stopped !== undefined) keep(resultOfNone(duties[stopped] as Duty))
      resolve(left)
      void worker.terminate()
    }
    let timer = setTimeout(end, longestSilenceMs)
    worker.on('message', ({ result }: News) => {
      clearTimeout(timer)
      timer = setTimeout(end, longestSilenceMs)
      if (result === undefined) return
      left.shift()
      keep(result)
    })
    worker.on('error', (error) => process.stderr.write(`${String(error)}\n`))
    worker.on('exit', end)
  })
}

function resultOfNone({ saboteur, mode, named }: Duty): Result {
  return { saboteur: saboteur.name, mode, named, seeds: 0, killers: [] }
}

async function work({ numbers, isFull }: Share): Promise<void> {
  for (const number of numbers) {
    const tell = (result?: Result): void => parentPort?.postMessage({ result } satisfies News)
    const duty = duties[number] as Duty
    tell(await (isFull ? tryAll(duty, tell) : tryNamed(duty, tell)))
  }
  // Stores that hang leave timers behind.
  process.exit(0)
}

async function tryNamed({ saboteur, mode, named }: Duty, tell: () => void): Promise<Result> {
  const killers = new Set<string>()
  let seeds = 0
  for (let seed = firstSeed; seed < firstSeed + seedsTried; seed++) {
    let isCaught = false
    for (const check of named) {
      // In the first seed every check has to show what it is named for.
      if (isCaught && seed > firstSeed) break
      tell()
      const caught = await survey(saboteur, { seed, mode, only: [check] })
      for (const each of caught) killers.add(each)
      isCaught ||= caught.length > 0
    }
    seeds += Number(isCaught)
  }
  return { saboteur: saboteur.name, mode, named, seeds, killers: [...killers] }
}

async function tryAll({ saboteur, mode, named }: Duty, tell: () => void): Promise<Result> {
  const killers = await survey(saboteur, { seed: firstSeed, mode, onCaught: () => tell() })
  return { saboteur: saboteur.name, mode, named, seeds: Number(killers.length > 0), killers }
}

function report(results: ReadonlyMap<string, Result>): void {
  const done = duties.map((duty) => ({ duty, result: resultOf(duty, results) }))
  const countOf = (name: string, mode: 'open' | 'live'): number | undefined =>
    done.find(({ duty }) => duty.saboteur.name === name && duty.mode === mode)?.result?.seeds
  const countsOf = (name: string): Counts => ({ open: countOf(name, 'open'), live: countOf(name, 'live') })
  writeFileSync(saboteursPage, pageText(countsOf))
  const seldom = done
    .filter(({ result }) => (result?.seeds ?? 0) < seedsDemanded)
    .map(
      ({ duty, result }) =>
        `${duty.saboteur.name}, ${duty.mode}: caught in ${result?.seeds ?? 0} of ${seedsTried} seeds`,
    )
  const misnamed = done.flatMap(({ duty, result }) =>
    duty.named
      .filter((check) => !result?.killers.includes(check))
      .map((check) => `${duty.saboteur.name}, ${duty.mode}: never caught by ${check}`),
  )
  const named = new Set(duties.flatMap((duty) => duty.named))
  const idle = allChecks.filter(({ name }) => !named.has(name)).map(({ name }) => `${name}: named for no saboteur`)
  const faults = [...seldom, ...misnamed, ...idle]
  process.stdout.write(`${done.length} duties, ${allChecks.length} checks, ${faults.length} faults\n`)
  for (const fault of faults) process.stdout.write(`${fault}\n`)
  process.exitCode = faults.length === 0 ? 0 : 1
}
