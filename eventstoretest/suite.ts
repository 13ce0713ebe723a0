import { type Certificate, certificateOf } from '../commandlogtest/certificate.ts'
import { ConformanceError, type Failure } from '../commandlogtest/failure.ts'
import { checkSettings, checkSubject, type SuiteOptions } from '../commandlogtest/options.ts'
import { newProgressLine } from '../commandlogtest/progress-line.ts'
import type { CheckReport } from '../commandlogtest/run-check.ts'
import type { EventStoreCheck } from './check.ts'
import { durableEventStoreChecks, eventStoreChecks, fenceChecks } from './lists.ts'
import { type Outcome, performCheck } from './run-check.ts'
import type { EventStoreOrOpen } from './session.ts'

const mostHangs = 3

/**
 * Proves an event store: a live one, which may be shared and need not be empty, or what the function opens, which adds
 * durability and several handles. Runs the core checks, and those of `fence` where the store has it. Resolves to a
 * certificate, or rejects with a `ConformanceError` that names every broken rule. Closes what it opened, and never a live
 * store that it was given, in which it leaves its events.
 */
export async function runEventStoreSuite(
  storeOrOpen: EventStoreOrOpen,
  options: SuiteOptions = {},
): Promise<Certificate> {
  checkSubject(storeOrOpen)
  const settings = checkSettings(options)
  const startedAt = performance.now()
  const chosen = chooseChecks(storeOrOpen, options)
  const line = options.onProgress === undefined ? newProgressLine() : undefined
  const reports: CheckReport[] = []
  const failures: Failure[] = []
  const notRun: string[] = []
  for (const [index, check] of chosen.entries()) {
    if (failures.filter(({ isHang }) => isHang).length >= mostHangs) {
      notRun.push(check.name)
      continue
    }
    line?.show(check.name, index, chosen.length)
    const outcome = await performCheck(check, storeOrOpen, settings)
    if (outcome.failure === undefined) reports.push(outcome.report)
    else failures.push(outcome.failure)
    options.onProgress?.(progressOf(outcome, index, chosen.length))
  }
  line?.clear()
  if (failures.length > 0) throw new ConformanceError(failures, notRun)
  return certificateOf(reports, settings.seed, performance.now() - startedAt)
}

function chooseChecks(storeOrOpen: EventStoreOrOpen, { only, path }: SuiteOptions): readonly EventStoreCheck[] {
  // A function that takes no name gives other data each time.
  const durable = typeof storeOrOpen === 'function' && storeOrOpen.length > 0 ? durableEventStoreChecks : []
  const all = [...eventStoreChecks, ...fenceChecks, ...durable]
  const wanted = only === undefined ? [''] : [only].flat()
  const chosen = all.filter(({ name }) => wanted.some((each) => name.startsWith(each)))
  if (chosen.length === 0) throw new RangeError(`only: no check begins with ${wanted.join(', ')}`)
  if (path !== undefined && chosen.length !== 1) {
    throw new RangeError(`path: expected only to choose the one check that it belongs to, received ${chosen.length}`)
  }
  return chosen
}

function progressOf({ report, failure }: Outcome, index: number, total: number) {
  const { name: check, runs, operations, durationMs, skipped } = report
  const status = failure === undefined ? (skipped === undefined ? 'passed' : 'skipped') : 'failed'
  return { check, index, total, status, runs, operations, durationMs } as const
}
