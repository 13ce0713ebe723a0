import { getHeapStatistics } from 'node:v8'
import { collect } from './collector.ts'
import { memorySubjects } from './empty-handler.ts'
import { type Spread, spreadOf } from './statistics.ts'

/** Bytes that one command takes. */
export interface Allocation {
  /** Allocated while the command ran, garbage or not. */
  readonly allocated: Spread
  /** Still held by the memory store afterwards; undefined without a store. */
  readonly retained: number | undefined
}

type Subjects = ReturnType<typeof memorySubjects>
type Weighed = Subjects[number]

/** The commands of the two batches whose growth is compared. */
export const batches = { few: 250, many: 750 } as const

/**
 * Bytes of every subject of the empty handler. Retained: what is left of `records` commands after a full collection,
 * beyond what the empty store held. Allocated: see `allocatedBy`. For a process that has done nothing else yet.
 */
export async function measureAllocations(samples: number, records: number): Promise<Map<string, Allocation>> {
  // What compiling and the first commands leave behind must not count.
  const trial = memorySubjects()
  for (const subject of trial) await subject.run(records / 4)
  const subjects = memorySubjects()
  const retained: (number | undefined)[] = []
  for (const subject of subjects) retained.push(await retainedBy(subject, records))
  const allocations = new Map<string, Allocation>()
  for (const [index, subject] of subjects.entries()) {
    allocations.set(subject.name, { allocated: await allocatedBy(subject, samples), retained: retained[index] })
  }
  // The trial's stores are let go only here: what they give back would count against the others.
  for (const subject of trial) await subject.reset?.()
  return allocations
}

/**
 * How much the used heap grows over a batch that is small enough for no collection to run. The growth of the small
 * batch is taken from that of the larger one, which cancels what the heap counts in blocks.
 */
async function allocatedBy(subject: Weighed, samples: number): Promise<Spread> {
  const { few, many } = batches
  const figures: number[] = []
  await subject.reset?.()
  for (let sample = 0; sample < samples; sample++) {
    const [small, large] = [await growth(subject, few), await growth(subject, many)]
    // A collection in between shows as a heap that did not grow with the batch.
    if (small > 0 && large > small) figures.push((large - small) / (many - few))
  }
  if (figures.length < samples / 2) throw new Error(`the collector ran in most samples of '${subject.name}'`)
  return spreadOf(figures)
}

async function growth(subject: Weighed, count: number): Promise<number> {
  collect('minor')
  const before = getHeapStatistics().used_heap_size
  await subject.run(count)
  const grown = getHeapStatistics().used_heap_size - before
  await subject.reset?.()
  return grown
}

async function retainedBy(subject: Weighed, records: number): Promise<number | undefined> {
  if (subject.store === undefined) return undefined
  const before = await usedHeap()
  await subject.run(records)
  return ((await usedHeap()) - before) / records
}

async function usedHeap(): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
    collect('major')
  }
  return getHeapStatistics().used_heap_size
}
