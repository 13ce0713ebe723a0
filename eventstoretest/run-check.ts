import { ConformanceError, type Failure, failureOf } from '../commandlogtest/failure.ts'
import { limitReached, withLimit } from '../commandlogtest/limit.ts'
import { type CheckOptions, type CheckSettings, checkSettings, checkSubject } from '../commandlogtest/options.ts'
import type { CheckReport } from '../commandlogtest/run-check.ts'
import { watchRejections } from '../commandlogtest/stray-rejections.ts'
import { NotApplicable, Violation } from '../commandlogtest/violation.ts'
import type { EventStoreCheck } from './check.ts'
import { type EventStoreOrOpen, newSession } from './session.ts'

/** What became of a check. */
export interface Outcome {
  readonly report: CheckReport
  readonly failure?: Failure
}

/**
 * Runs one check on a live event store, or on what the function opens, and closes what it opened: a body for a test of any
 * runner. Resolves where the rule held, or the check does not apply to the store; rejects with a `ConformanceError` where
 * it is broken.
 */
export async function runEventStoreCheck(
  check: EventStoreCheck,
  storeOrOpen: EventStoreOrOpen,
  options: CheckOptions = {},
): Promise<void> {
  checkSubject(storeOrOpen)
  const { failure } = await performCheck(check, storeOrOpen, checkSettings(options))
  if (failure !== undefined) throw new ConformanceError([failure])
}

/** Runs one check within its time limit. Never rejects, and leaves nothing open. */
export async function performCheck(
  check: EventStoreCheck,
  storeOrOpen: EventStoreOrOpen,
  settings: CheckSettings,
): Promise<Outcome> {
  const startedAt = performance.now()
  const { context, wiring, executions, end } = newSession(storeOrOpen, settings)
  const strays = watchRejections(() => context.traceLines())
  let error: unknown
  try {
    await withLimit(check.run(context), settings.timeLimitMs)
  } catch (caught) {
    const text = `the check did not end within ${settings.timeLimitMs} ms`
    error = caught === limitReached ? new Violation(text, { isHang: true }) : caught
  }
  let lines = context.traceLines()
  wiring.isExpired = true
  await end()
  const stray = await strays.end()
  if (stray !== undefined && (error === undefined || error instanceof NotApplicable)) {
    error = stray.violation
    lines = stray.lines
  }
  const { name, rule } = check
  const durationMs = performance.now() - startedAt
  const report = { name, rule, runs: executions(), operations: wiring.operations, durationMs }
  if (error === undefined) return { report }
  if (error instanceof NotApplicable) return { report: { ...report, skipped: error.message } }
  const failure = failureOf(check, error, { seed: settings.seed, runs: report.runs, lines })
  return { report, failure: { ...failure, replay: failure.replay.replace('runSuite', 'runEventStoreSuite') } }
}
