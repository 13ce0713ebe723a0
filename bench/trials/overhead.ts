import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { auditedSubject, bare, bareSubject, emptyBus, memorySubjects, modes, type Subject } from '../empty-handler.ts'
import { floor, floorSubjects } from '../floor.ts'
import { realisticHandler } from '../realistic-handler.ts'
import type { Figure } from '../result.ts'
import { differences } from '../statistics.ts'
import type { OpenStore, StoreSubject } from '../store-subjects.ts'
import { type Case, figuresOf, type Measure, type Plan, type Samples, type Setup, type Trial } from '../trial.ts'

const trial = 'overhead'
const time: Measure = { measure: 'time', unit: 'ns', better: 'lower' }
const added: Measure = { measure: 'added', unit: 'ns/command', better: 'lower' }
const empty = 'empty'
const memory = 'memory'

/** What the audit adds to the bare bus. */
export const overhead: Trial = {
  name: trial,
  about:
    'One command in flight. added: the audited send less the bare send of the same round; background with the flush of what it ' +
    'put off. Empty handler: a definition without traits, a payload of about 100 bytes of JSON, no middleware, no listeners; ' +
    'its ratio is to the floor: an id, two clock readings, encoding the payload, inserting it into a Map, with no promise, bus ' +
    "or record. Carts: Emmett's CommandHandler loads a stream of 5 events from an in-memory event store of so many carts, " +
    'folds it, decides and appends 1; the ratio is to that handler on the bare bus. Where the store is in memory it is ' +
    'emptied after every sample, and the young generation before it, so that collecting garbage is not in these times.',
  plans: (setup) => [
    memoryPlan(setup),
    ...(hasMemory(setup.stores) ? realisticPlans(setup) : []),
    ...(setup.stores.some(({ name }) => name !== memory) ? [durablePlan(setup)] : []),
  ],
}

/** A batch of a subject as a case, by time a command. */
function timed(subject: () => Subject, batch: number, of: Pick<Case, 'subject' | 'params'>): Case {
  return {
    ...of,
    expectedMs: 1 + batch / 150,
    async measure() {
      const { run, reset } = subject()
      const start = performance.now()
      const pending = run(batch)
      if (pending !== undefined) await pending
      const ns = ((performance.now() - start) / batch) * 1e6
      await reset?.()
      return { time: ns }
    },
  }
}

interface DurableLog {
  readonly subject: StoreSubject
  readonly byMode: Map<string, Subject>
  close(): Promise<void>
}

/** The memory store before all others: once a call site has seen several stores, the compiler knows less about it. */
function memoryPlan({ stores, effort: { overhead: effort } }: Setup): Plan {
  const { batch, rounds, warmup } = effort
  const plain = bareSubject(emptyBus())
  const bareCase = timed(() => plain, batch, { subject: bare, params: { part: 'one send' } })
  const floors = floorCases(batch)
  const inMemory = hasMemory(stores) ? memorySubjects().slice(1) : []
  const audited = inMemory.map((subject) =>
    timed(() => subject, batch, { subject: memory, params: { handler: empty, mode: subject.name } }),
  )
  return {
    ...{ rounds, warmup, collect: 'minor', cases: [bareCase, ...floors, ...audited] },
    figures: (samples) => [
      ...[bareCase, ...floors].flatMap((each) => figuresOf({ trial, ...time }, each, samples.of(each, 'time'))),
      ...addedFigures({ bareCase, floors, audited }, samples),
    ],
  }
}

/** The other stores, with a bare bus and a floor of the same rounds. */
function durablePlan({ stores, effort: { overhead: effort } }: Setup): Plan {
  const { durableBatch, rounds, warmup } = effort
  const plain = bareSubject(emptyBus())
  const bareCase = timed(() => plain, durableBatch, { subject: bare, params: {} })
  const floors = floorCases(durableBatch).slice(0, 1)
  const logs = new Map<string, DurableLog>()
  const others = stores.filter(({ name }) => name !== memory)
  const audited = others.flatMap(({ name }) =>
    modes.map((mode) => ({
      ...timed(() => openedOf(logs.get(name), mode), durableBatch, {
        ...{ subject: name, params: { handler: empty, mode } },
      }),
      expectedMs: durableBatch,
    })),
  )
  return {
    ...{ rounds: Math.ceil(rounds / 4), warmup: Math.ceil(warmup / 4), collect: 'minor' },
    cases: [bareCase, ...floors, ...audited],
    openMs: 200 * others.length,
    async open() {
      for (const subject of others) logs.set(subject.name, await openLog(subject))
    },
    async close() {
      for (const log of logs.values()) await log.close()
    },
    figures: (samples) => addedFigures({ bareCase, floors, audited }, samples),
  }
}

function floorCases(batch: number): readonly Case[] {
  return floorSubjects(batch).map((subject) =>
    timed(() => subject, batch, { subject: floor, params: { part: subject.name === floor ? 'whole' : subject.name } }),
  )
}

function hasMemory(stores: readonly StoreSubject[]): boolean {
  return stores.some(({ name }) => name === memory)
}

function openedOf(log: DurableLog | undefined, mode: string): Subject {
  const subject = log?.byMode.get(mode)
  if (subject === undefined) throw new Error('the log is not open')
  return subject
}

async function openLog(subject: StoreSubject): Promise<DurableLog> {
  const folder = await mkdtemp(join(tmpdir(), 'commandlog-bench-'))
  const opened: OpenStore = await subject.open(folder)
  return {
    subject,
    // A bus of its own for every mode: one bus is not audited twice with the same store.
    byMode: new Map(modes.map((mode) => [mode, auditedSubject(emptyBus(), opened.store, mode)])),
    async close() {
      await opened.close()
      await subject.remove?.(folder)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

interface EmptyCases {
  readonly bareCase: Case
  readonly floors: readonly Case[]
  readonly audited: readonly Case[]
}

function addedFigures({ bareCase, floors, audited }: EmptyCases, samples: Samples): readonly Figure[] {
  const [wholeFloor] = floors
  const bareTimes = samples.of(bareCase, 'time')
  const values = wholeFloor === undefined ? [] : samples.of(wholeFloor, 'time')
  return audited.flatMap((each) => {
    const isAimed = each.subject === memory && each.params.mode === 'outcome'
    const aim = isAimed ? { atMost: 2.5 } : undefined
    const own = differences(samples.of(each, 'time'), bareTimes)
    return figuresOf({ trial, ...added, beside: { to: floor, values }, aim }, each, own)
  })
}

function realisticPlans({ effort: { overhead: effort } }: Setup): readonly Plan[] {
  return effort.carts.map((carts, index): Plan => {
    const { subjects, batch, beforeRound } = realisticHandler(carts)
    const handler = `${carts} carts`
    const cases = subjects.map((subject) => {
      const isBare = subject.name === bare
      const params = isBare ? { part: `handler, ${handler}` } : { handler, mode: subject.name }
      return timed(() => subject, batch, { subject: isBare ? bare : memory, params })
    })
    return {
      cases,
      rounds: effort.realisticRounds,
      // The compiler settles on the handler once, on the smallest store.
      warmup: index === 0 ? effort.realisticWarmup : effort.warmup,
      collect: 'minor',
      beforeRound,
      figures: (samples) => realisticFigures(cases, samples),
    }
  })
}

function realisticFigures(cases: readonly Case[], samples: Samples): readonly Figure[] {
  const [plain, ...audited] = cases
  if (plain === undefined) return []
  const values = samples.of(plain, 'time')
  return [
    ...figuresOf({ trial, ...time }, plain, values),
    ...audited.flatMap((each) => {
      const beside = { to: 'the handler on the bare bus', values }
      const own = differences(samples.of(each, 'time'), values)
      return figuresOf({ trial, ...added, beside, aim: { atMost: 0.05 } }, each, own)
    }),
  ]
}
