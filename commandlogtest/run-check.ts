import type { Check } from './check.ts'
import { ConformanceError, type Failure, failureOf } from './failure.ts'
import { limitReached, withLimit } from './limit.ts'
import { type CheckOptions, type CheckSettings, checkSettings, checkSubject, type StoreOrOpen } from './options.ts'
import { newSession, type Session } from './session.ts'
import { watchRejections } from './stray-rejections.ts'
import { NotApplicable, Violation } from './violation.ts'

/** What a check that held has done. */
export interface CheckReport {
  readonly name: string
  readonly rule: string
  /** Executions, each with values of its own. */
  readonly runs: number
  /** Calls to the store. */
  readonly operations: number
  readonly durationMs: number
  /** Why the rule could not be shown on this store, where it could not. */
  readonly skipped?: string
}

/** What became of a check. */
export interface Outcome {
  readonly report: CheckReport
  readonly failure?: Failure
}

/**
 * Runs one check on a live store, or on what the function opens, and closes what it opened: a body for a test of any
 * runner. Resolves where the rule held, or the check does not apply to the store; rejects with a `ConformanceError`
 * where it is broken.
 */
export async function runCheck(check: Check, storeOrOpen: StoreOrOpen, options: CheckOptions = {}): Promise<void> {
  checkSubject(storeOrOpen)
  const { failure } = await performCheck(check, storeOrOpen, checkSettings(options))
  if (failure !== undefined) throw new ConformanceError([failure])
}

/** Runs one check within its time limit. Never rejects, and leaves nothing open. */
export async function performCheck(check: Check, storeOrOpen: StoreOrOpen, settings: CheckSettings): Promise<Outcome> {
  const startedAt = performance.now()
  const session = newSession(storeOrOpen, settings)
  const strays = watchRejections(() => session.context.traceLines())
  let error: unknown
  try {
    await withLimit(runChecked(check, session), settings.timeLimitMs)
  } catch (caught) {
    error = caught === limitReached ? tooLong(settings.timeLimitMs) : caught
  }
  const operations = session.wiring.operations
  const isBroken = error !== undefined && !(error instanceof NotApplicable)
  let lines = isBroken ? session.context.traceLines() : []
  session.wiring.isExpired = true
  await session.end()
  const stray = await strays.end()
  if (stray !== undefined && !isBroken) [error, lines] = [stray.violation, stray.lines]
  const { name, rule } = check
  const durationMs = performance.now() - startedAt
  const report = { name, rule, runs: session.executions(), operations, durationMs }
  if (error === undefined) return { report }
  if (error instanceof NotApplicable) return { report: { ...report, skipped: error.message } }
  return { report, failure: failureOf(check, error, { seed: settings.seed, runs: report.runs, lines }) }
}

async function runChecked(check: Check, { context }: Session): Promise<void> {
  await check.run(context)
}

function tooLong(limitMs: number): Violation {
  return new Violation(`the check did not end within ${limitMs} ms`, { isHang: true })
}
