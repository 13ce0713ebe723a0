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
 *
 * On a live store with `purge` it purges what was received in the first 1,000 seconds of 1970, permanent records too.
 * Where others have records from that time the checks of `purge` are skipped; but what a broken `purge` takes beyond
 * that is gone, so do not prove one on data that you need.
 */
export async function runSuite(storeOrOpen: StoreOrOpen, options: SuiteOptions = {}): Promise<Certificate> {
  checkSubject(storeOrOpen)
  const settings = checkSettings(options)
  const startedAt = performance.now()
  const { chosen, leftOut } = await chooseChecks(storeOrOpen, options)
  if (settings.path !== undefined && chosen.length !== 1)
    throw new RangeError(`path: expected only to choose the one check that it belongs to, received ${chosen.length}`)
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
    const outcome = leftOut.has(check)
      ? notShown(check)
      : await performCheck(check, storeOrOpen, hangs === 0 ? limited : shortened(limited))
    if (outcome.failure !== undefined) shrinkingLeft -= limited.shrinkMs
    keep(outcome, reports, failures)
    options.onProgress?.(progressOf(outcome, index, chosen.length))
  }
  line?.clear()
  if (failures.length > 0) throw new ConformanceError(failures, notRun)
  return certificateOf(reports, settings.seed, performance.now() - startedAt)
}

/** Several handles need an open function by which the same name is the same data. */
function notShown({ name, rule }: Check): Outcome {
  const skipped = 'open gives other data each time, also by the same name'
  return { report: { name, rule, runs: 0, operations: 0, durationMs: 0, skipped } }
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

/** The checks that are asked for, and those among them that are left out. */
interface Choice {
  readonly chosen: readonly Check[]
  readonly leftOut: ReadonlySet<Check>
}

async function chooseChecks(storeOrOpen: StoreOrOpen, { only }: SuiteOptions): Promise<Choice> {
  const isOpen = typeof storeOrOpen === 'function'
  const durable = isOpen ? durableChecks : []
  const leftOut = new Set(isOpen && !(await sharesData(storeOrOpen as OpenStore)) ? durable : [])
  // Whether an opened store has a brick is found out by the checks themselves, which are skipped where it has not.
  const follow = isOpen || typeof storeOrOpen.follow === 'function' ? followChecks : []
  const purge = isOpen || typeof storeOrOpen.purge === 'function' ? purgeChecks : []
  // The long ones among the core checks leave many records behind: whatever else there is goes before them.
  const isLong = ({ name }: Check): boolean => name.startsWith('capacity/')
  const all = [...checks.filter((check) => !isLong(check)), ...durable, ...follow, ...purge, ...checks.filter(isLong)]
  const wanted = only === undefined ? undefined : [only].flat()
  if (wanted === undefined) return { chosen: all, leftOut }
  const chosen = all.filter(({ name }) => wanted.some((each) => name.startsWith(each)))
  if (chosen.length === 0) throw new RangeError(`only: no check begins with ${wanted.join(', ')}`)
  return { chosen, leftOut }
}
