import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { at } from '../closed-loop.ts'
import { openFilled, shape } from '../long-log.ts'
import { type Call, type Lookup, lookups, rawCall } from '../lookups.ts'
import type { Figure } from '../result.ts'
import { quotients } from '../statistics.ts'
import type { OpenStore, RawDriver, StoreSubject } from '../store-subjects.ts'
import { type Case, figuresOf, type Plan, type Samples, type Setup, type Trial } from '../trial.ts'

const trial = 'read'

/** Lookups in logs of several lengths. */
export const read: Trial = {
  name: trial,
  about:
    `A log of each length: correlations of ${shape.correlation}, one event each, ${shape.types} types, ${shape.tenants} tenants, ${shape.users} users, one in ` +
    `${shape.failed} failed, one record a second. Random keys; pages of 100; the deep page begins at half of the records of its ` +
    'type. All logs are open and have their calls in turns, so that files are in the memory of the system. The driver by ' +
    'hand reads the same rows in one prepared statement and makes no records of them. growth: the same call in the ' +
    'smallest log is 1.',
  plans: (setup) => [planOf(setup)],
}

interface Log {
  readonly subject: StoreSubject
  readonly size: number
  opened?: OpenStore
  raw?: RawDriver
}

interface ReadCase extends Case {
  readonly params: { readonly lookup: string; readonly records: number }
  readonly lookup: Lookup
  readonly isRaw: boolean
  /** What a longer log should make of its time at most. */
  readonly atMost: number | undefined
}

function planOf({ stores, effort }: Setup): Plan {
  const logs = stores.flatMap((subject) =>
    effort.sizes
      .filter((size, index) => index === 0 || size <= (subject.mostRecords ?? Number.POSITIVE_INFINITY))
      .map((size): Log => ({ subject, size })),
  )
  const cases = logs.flatMap((log) => casesOf(log, effort))
  const folders: { readonly folder: string; readonly log: Log }[] = []
  return {
    cases,
    rounds: effort.rounds,
    warmup: Math.max(1, effort.warmupRounds),
    collect: 'minor',
    openMs: logs.reduce((ms, { size }) => ms + 200 + size / 30, 0),
    async open(signal) {
      for (const log of logs) {
        if (signal.aborted) return
        const folder = await mkdtemp(join(tmpdir(), 'commandlog-bench-'))
        folders.push({ folder, log })
        log.opened = await openFilled(log.subject, folder, { size: log.size, signal })
        const driver = await log.subject.raw?.(folder, true)
        if (driver !== undefined) log.raw = driver
      }
    },
    async close() {
      for (const { folder, log } of folders) {
        await log.raw?.close()
        await log.opened?.close()
        await log.subject.remove?.(folder)
        await rm(folder, { recursive: true, force: true })
      }
    },
    figures: (samples) => [...timeFigures(cases, samples), ...growthFigures(cases, samples)],
  }
}

function casesOf(log: Log, { calls, ms }: Setup['effort']): readonly ReadCase[] {
  const { subject, size } = log
  const isShort = size <= (subject.mostScanned ?? size)
  const chosen = lookups.filter((lookup) => isShort || isIndexed(subject, lookup))
  return chosen.flatMap((lookup): ReadCase[] => {
    // A log in memory has an index of ids only, and is not for looking things up in.
    const isAimed = subject.raw !== undefined && (subject.mostScanned === undefined || isIndexed(subject, lookup))
    const atMost = isAimed ? lookup.atMost : undefined
    const base = { params: { lookup: lookup.name, records: size }, lookup, atMost, expectedMs: 15 }
    const own: ReadCase = {
      ...{ ...base, subject: subject.name, isRaw: false },
      measure: async () => {
        if (log.opened === undefined) throw new Error('the log is not open')
        return await timeCalls(await lookup.callsOf({ store: log.opened.store, size }, calls), 2 * ms)
      },
    }
    const { raw } = lookup
    if (subject.raw === undefined || raw === undefined || subject.finds?.includes(raw.by) === false) return [own]
    const measure = (): ReturnType<typeof timeCalls> => {
      if (log.raw === undefined) throw new Error('the driver is not open')
      return timeCalls(rawCall(raw, log.raw, { size, count: calls }), 2 * ms)
    }
    return [own, { ...base, subject: `raw ${subject.name}`, isRaw: true, measure }]
  })
}

/** Whether a store that has to scan for other things has an index for it. */
function isIndexed({ indexes = ['id', 'correlation'] }: StoreSubject, { raw }: Lookup): boolean {
  return raw !== undefined && indexes.includes(raw.by)
}

/** As many calls as there is time for, at least one. */
async function timeCalls(calls: readonly Call[], mostMs: number): Promise<Readonly<Record<string, number>>> {
  const times: number[] = []
  let found = 0
  const begin = performance.now()
  for (const call of calls) {
    const start = performance.now()
    if (times.length > 0 && start - begin > mostMs) break
    const pending = call()
    found += typeof pending === 'number' ? pending : await pending
    times.push((performance.now() - start) * 1000)
  }
  const micros = Float64Array.from(times).sort()
  return { 'time p50': at(micros, 0.5), 'time p99': at(micros, 0.99), found: found / times.length }
}

function timeFigures(cases: readonly ReadCase[], samples: Samples): readonly Figure[] {
  return ['time p50', 'time p99'].flatMap((measure) =>
    cases.flatMap((each) => {
      const partner = each.isRaw ? undefined : cases.find((other) => other.isRaw && isBeside(other, each))
      const beside = partner === undefined ? undefined : { to: partner.subject, values: samples.of(partner, measure) }
      return figuresOf({ trial, measure, unit: 'µs', better: 'lower', beside }, each, samples.of(each, measure))
    }),
  )
}

function isBeside(raw: ReadCase, { subject, params }: ReadCase): boolean {
  const { lookup, records } = raw.params
  return raw.subject === `raw ${subject}` && lookup === params.lookup && records === params.records
}

/** What a longer log makes of a lookup. */
function growthFigures(cases: readonly ReadCase[], samples: Samples): readonly Figure[] {
  return cases.flatMap((each) => {
    const smallest = cases.find(({ subject, lookup }) => subject === each.subject && lookup === each.lookup)
    if (smallest === undefined || smallest === each || each.isRaw) return []
    const aim = each.atMost === undefined ? undefined : { atMost: each.atMost }
    const values = quotients(samples.of(each, 'time p50'), samples.of(smallest, 'time p50'))
    return figuresOf({ trial, measure: 'growth', unit: '×', better: 'lower', aim }, each, values)
  })
}
