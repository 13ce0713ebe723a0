import { type Certificate, certificateOf } from './certificate.ts'
import type { Check } from './check.ts'
import { ConformanceError, type Failure } from './failure.ts'
import { checks, durableChecks, followChecks, purgeChecks } from './lists.ts'
import {
  type CheckSettings,
  checkSettings,
  checkSubject,
  type OpenStore,
  type StoreOrOpen,
  type SuiteOptions,
} from './options.ts'
import { newProgressLine } from './progress-line.ts'
import { type CheckReport, type Outcome, performCheck } from './run-check.ts'
import { sharesData } from './shares-data.ts'

const mostHangs = 3
// What a call may take once the store has hung.
const shortLimitMs = 400
// What making counter-examples smaller may take in all.
const shrinkingMs = 6000

/**
 * Proves a store: a live one, which may be shared and need not be empty, or what the function opens, which adds
 * durability and several handles. Runs the core checks and those of `follow` and `purge` where the store has them.
 * Resolves to a certificate, or rejects with a `ConformanceError` that names every broken rule. Closes what it opened,
 * and never a live store that it was given.
 */
export async function runSuite(storeOrOpen: StoreOrOpen, options: SuiteOptions = {}): Promise<Certificate> {
  checkSubject(storeOrOpen)
  const settings = checkSettings(options)
  const startedAt = performance.now()
  const chosen = await chooseChecks(storeOrOpen, options)
  const line = options.onProgress === undefined ? newProgressLine() : undefined
  const reports: CheckReport[] = []
  const failures: Failure[] = []
  const notRun: string[] = []
  let shrinkingLeft = shrinkingMs
  for (const [index, check] of chosen.entries()) {
    const hangs = failures.filter(({ isHang }) => isHang).length
    if (hangs >= mostHangs) {
      notRun.push(check.name)
      continue
    }
    line?.show(check.name, index, chosen.length)
    const limited = { ...settings, shrinkMs: Math.min(settings.shrinkMs, Math.max(40, shrinkingLeft)) }
    const outcome = await performCheck(check, storeOrOpen, hangs === 0 ? limited : shortened(limited))
    if (outcome.failure !== undefined) shrinkingLeft -= limited.shrinkMs
    keep(outcome, reports, failures)
    options.onProgress?.(progressOf(outcome, index, chosen.length))
  }
  line?.clear()
  if (failures.length > 0) throw new ConformanceError(failures, notRun)
  return certificateOf(reports, settings.seed, performance.now() - startedAt)
}

function keep({ report, failure }: Outcome, reports: CheckReport[], failures: Failure[]): void {
  if (failure === undefined) reports.push(report)
  else failures.push(failure)
}

function shortened(settings: CheckSettings): CheckSettings {
  const callLimitMs = Math.min(settings.callLimitMs, shortLimitMs)
  return { ...settings, callLimitMs, timeLimitMs: Math.min(settings.timeLimitMs, 10 * callLimitMs) }
}

function progressOf({ report, failure }: Outcome, index: number, total: number) {
  const { name, runs, operations, durationMs, skipped } = report
  const passed = skipped === undefined ? 'passed' : 'skipped'
  return {
    check: name,
    index,
    total,
    status: failure === undefined ? passed : 'failed',
    runs,
    operations,
    durationMs,
  } as const
}

async function chooseChecks(storeOrOpen: StoreOrOpen, { only }: SuiteOptions): Promise<readonly Check[]> {
  const isOpen = typeof storeOrOpen === 'function'
  const durable = isOpen && (await sharesData(storeOrOpen as OpenStore)) ? durableChecks : []
  // Whether an opened store has a brick is found out by the checks themselves, which are skipped where it has not.
  const follow = isOpen || typeof storeOrOpen.follow === 'function' ? followChecks : []
  const purge = isOpen || typeof storeOrOpen.purge === 'function' ? purgeChecks : []
  // The long ones among the core checks leave many records behind: whatever else there is goes before them.
  const isLong = ({ name }: Check): boolean => name.startsWith('capacity/')
  const all = [...checks.filter((check) => !isLong(check)), ...durable, ...follow, ...purge, ...checks.filter(isLong)]
  const wanted = only === undefined ? undefined : [only].flat()
  if (wanted === undefined) return all
  const chosen = all.filter(({ name }) => wanted.some((each) => name.startsWith(each)))
  if (chosen.length === 0) throw new RangeError(`only: no check begins with ${wanted.join(', ')}`)
  return chosen
}
