import { cpus, totalmem } from 'node:os'
import type { AuditMode } from '../src/index.ts'
import { type Allocation, measureAllocations } from './allocation.ts'
import { watchCollector } from './collector.ts'
import { bare, emptyHandlerSubjects, modes, orderOf } from './empty-handler.ts'
import { floor, floorParts, floorSubjects } from './floor.ts'
import { timeRealisticHandler } from './realistic-handler.ts'
import { runRounds } from './rounds.ts'
import { differences, quotients, type Spread, spreadOf } from './statistics.ts'

/** How much to measure. */
export interface Effort {
  readonly rounds: number
  readonly warmup: number
  /** Commands in one sample of a micro case. */
  readonly batch: number
  /** The sizes of the event stores that the realistic handler works on. */
  readonly carts: readonly number[]
  readonly realisticRounds: number
  /** Rounds on the smallest event store that nobody counts: until the compiler has settled on the realistic handler. */
  readonly realisticWarmup: number
  readonly allocationSamples: number
  readonly retainedRecords: number
}

/** What a mode costs a realistic handler. */
export interface Share {
  readonly carts: number
  /** The handler on a bare bus, nanoseconds. */
  readonly handler: Spread
  /** What each mode adds, as a part of that, by mode. */
  readonly shares: Readonly<Record<string, Spread>>
}

/** Everything that was measured; times in nanoseconds per command. */
export interface Measurements {
  readonly date: string
  readonly machine: string
  readonly node: string
  readonly payloadBytes: number
  readonly effort: Effort
  readonly bare: Spread
  readonly floor: Spread
  readonly floorParts: Readonly<Record<string, Spread>>
  /** By mode: what it adds to the bare send, and how many floors that is. */
  readonly added: Readonly<Record<AuditMode, { readonly ns: Spread; readonly floors: Spread }>>
  readonly realistic: readonly Share[]
  readonly allocations: Readonly<Record<string, Allocation>>
  /** Timed samples, and how many of them the garbage collector ran in all the same. */
  readonly samples: { readonly stretches: number; readonly disturbed: number }
}

/** Runs everything, one after the other. */
export async function measure(effort: Effort, say: (step: string) => void): Promise<Measurements> {
  // First, while nothing else is on the heap that could be let go meanwhile.
  say('bytes')
  const allocations = Object.fromEntries(await measureAllocations(effort.allocationSamples, effort.retainedRecords))
  const watch = watchCollector()
  say('the empty handler and the floor')
  const subjects = [...emptyHandlerSubjects(effort.batch), ...floorSubjects(effort.batch)]
  const figures = await runRounds(subjects, { ...effort, watch })
  say('nothing yet: warming the realistic handler up')
  await timeRealisticHandler(Math.min(...effort.carts), { warmup: effort.realisticWarmup, rounds: 0, watch })
  const realistic: Share[] = []
  for (const carts of effort.carts) {
    say(`the realistic handler, ${carts} carts`)
    const timed = await timeRealisticHandler(carts, { warmup: effort.warmup, rounds: effort.realisticRounds, watch })
    realistic.push(shareOf(carts, timed))
  }
  const samples = await watch.stop()
  return {
    date: new Date().toISOString(),
    machine: machine(),
    node: process.version,
    payloadBytes: JSON.stringify(orderOf(100)).length,
    effort,
    bare: spreadOf(figuresOf(figures, bare)),
    floor: spreadOf(figuresOf(figures, floor)),
    floorParts: Object.fromEntries(floorParts.map((part) => [part, spreadOf(figuresOf(figures, part))])),
    added: {
      'write-ahead': addedBy('write-ahead', figures),
      outcome: addedBy('outcome', figures),
      background: addedBy('background', figures),
    },
    realistic,
    allocations,
    samples,
  }
}

function addedBy(mode: AuditMode, figures: Map<string, number[]>): { ns: Spread; floors: Spread } {
  const added = differences(figuresOf(figures, mode), figuresOf(figures, bare))
  return { ns: spreadOf(added), floors: spreadOf(quotients(added, figuresOf(figures, floor))) }
}

function shareOf(carts: number, figures: Map<string, number[]>): Share {
  const handler = figuresOf(figures, bare)
  const shares = modes.map((mode) => {
    return [mode, spreadOf(quotients(differences(figuresOf(figures, mode), handler), handler))] as const
  })
  return { carts, handler: spreadOf(handler), shares: Object.fromEntries(shares) }
}

function figuresOf(figures: Map<string, number[]>, name: string): number[] {
  const own = figures.get(name)
  if (own === undefined) throw new Error(`'${name}' was not measured`)
  return own
}

function machine(): string {
  const all = cpus()
  const model = all[0]?.model.trim() ?? 'unknown processor'
  return `${all.length} × ${model}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${process.arch}`
}
