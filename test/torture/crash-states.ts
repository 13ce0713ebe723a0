import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type CommandLogStore, StoreError } from 'commandlog'
import { sqliteStore } from 'commandlog/sqlite'
import { walk } from '../stores/walk.ts'
import { type Acknowledgement, type CrashWorkload, crashRecord } from './crash-workload.ts'
import { Disk, type DiskOperation } from './disk.ts'
import { between, type Random, seeded } from './seeded.ts'
import { checkSqliteFile } from './stores.ts'
import { traced } from './strace.ts'

/** What was found in the files that power failures may have left. */
export interface CrashStates {
  readonly states: number
  readonly acknowledgements: number
  readonly syncs: number
  /** How often the log was moved into the file. */
  readonly checkpoints: number
  /** States in which something acknowledged is missing, and how much was missing in all of them. */
  readonly statesWithLoss: number
  readonly lost: number
  /** Everything else that is wrong. */
  readonly faults: readonly string[]
}

/** What `crashStates` takes. */
export interface CrashOptions extends Omit<CrashWorkload, 'path'> {
  readonly folder: string
  /** How many states to look at. */
  readonly states: number
  readonly seed: number
}

/** Traces a process that writes, and looks at the files as they may be found had the power failed somewhere. */
export async function crashStates({ folder, states, seed, ...workload }: CrashOptions): Promise<CrashStates> {
  const data = join(folder, 'data')
  mkdirSync(data)
  const told: CrashWorkload = { ...workload, path: join(data, 'log.db') }
  const writer = join(import.meta.dirname, 'crash-writer.ts')
  const operations = await traced(data, join(folder, 'trace'), [writer, JSON.stringify(told)])
  const written = Array.from({ length: workload.records }, (_, index) => crashRecord(index, workload.mostBytes))
  const random = seeded(seed)
  const points = crashPoints(operations, states, random)
  const disk = new Disk()
  const said: Acknowledgement[] = []
  const found: Found[] = []
  for (const [index, operation] of operations.entries()) {
    disk.apply(operation)
    if (operation.kind === 'said') said.push(JSON.parse(operation.text))
    for (const _ of points.filter((point) => point === index)) {
      const place = join(folder, `state-${found.length}`)
      layOut(disk.afterCrash(random), place)
      found.push(await look(join(place, 'log.db'), said, written))
      rmSync(place, { recursive: true })
    }
  }
  const lost = found.map((each) => each.lost)
  return {
    ...{ states: found.length, acknowledgements: said.length },
    syncs: operations.filter(({ kind }) => kind === 'sync').length,
    checkpoints: countCheckpoints(operations, told.path),
    statesWithLoss: lost.filter((count) => count > 0).length,
    lost: lost.reduce((sum, count) => sum + count, 0),
    faults: found.flatMap(({ faults }, index) => faults.map((fault) => `state ${index}: ${fault}`)),
  }
}

/** Half of them right after a sync, half anywhere. */
function crashPoints(operations: readonly DiskOperation[], states: number, random: Random): readonly number[] {
  const syncs = operations.flatMap(({ kind }, index) => (kind === 'sync' ? [index] : []))
  return Array.from({ length: states }, (_, each) => {
    if (each % 2 === 0) return between(random, 0, operations.length - 1)
    return syncs[Math.floor((each * syncs.length) / states)] ?? 0
  })
}

/** The file itself is written in checkpoints only, once it has a write-ahead log: each ends with a sync of it. */
function countCheckpoints(operations: readonly DiskOperation[], path: string): number {
  return operations.filter((operation) => operation.kind === 'sync' && operation.path === path).length - 1
}

function layOut(files: ReadonlyMap<string, Uint8Array>, folder: string): void {
  mkdirSync(folder)
  for (const [path, bytes] of files) writeFileSync(join(folder, basename(path)), bytes)
}

interface Found {
  readonly lost: number
  readonly faults: readonly string[]
}

type Written = readonly ReturnType<typeof crashRecord>[]

async function look(path: string, said: readonly Acknowledgement[], written: Written): Promise<Found> {
  try {
    const store = await sqliteStore({ path })
    const lost = await countLost(store, said, written)
    const faults = [...(await strangers(store, written)), ...checkSqliteFile(path)]
    const next = { ...crashRecord(0, 10).intent, id: 'after-the-crash' }
    const answer = await store.record(next)
    if (answer !== 'created') faults.push(`a new record was ${answer}`)
    await store.close()
    return { lost, faults }
  } catch (thrown) {
    const code = thrown instanceof StoreError ? thrown.code : ''
    return { lost: 0, faults: [`${code} ${thrown}`] }
  }
}

/** Acknowledged writes that are not on the record. */
async function countLost(store: CommandLogStore, said: readonly Acknowledgement[], written: Written): Promise<number> {
  let lost = 0
  for (const [index, phase] of said) {
    const record = await store.get(`crash-${index}`)
    const isThere =
      isDeepStrictEqual(record, written[index]?.outcome) ||
      (phase === 'intent' && isDeepStrictEqual(record, written[index]?.intent))
    if (record === undefined || !isThere) lost++
  }
  return lost
}

/** Records that nobody has written in this way. */
async function strangers(store: CommandLogStore, written: Written): Promise<string[]> {
  const faults: string[] = []
  for (const record of await walk(store, 'newest')) {
    const { intent, outcome } = written[Number(record.id.replace('crash-', ''))] ?? {}
    const isAsWritten = isDeepStrictEqual(record, intent) || isDeepStrictEqual(record, outcome)
    if (!isAsWritten) faults.push(`${record.id} is not as it was written`)
  }
  return faults
}
