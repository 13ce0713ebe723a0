import type { Check } from './check.ts'
import { FailedProperty } from './property.ts'
import { show } from './show.ts'
import { shortened } from './unique.ts'
import { Violation } from './violation.ts'

/** One broken rule. */
export interface Failure {
  /** The name of the check. */
  readonly check: string
  readonly rule: string
  /** What went wrong, in one sentence. */
  readonly message: string
  readonly expected?: string
  readonly actual?: string
  /** The calls of the smallest counter-example, in order, each with its answer. */
  readonly counterexample: readonly string[]
  readonly seed: number
  /** Where the counter-example is, for a replay. */
  readonly path: string
  /** Executions until it was found. */
  readonly runs: number
  /** The line that replays it. */
  readonly replay: string
  /** A call, or the whole check, did not end. */
  readonly isHang: boolean
}

/** The store breaks rules of the contract: all that were found, each with its counter-example. */
export class ConformanceError extends Error {
  override readonly name = 'ConformanceError'
  readonly code = 'NON_CONFORMANT'
  // No fields, which whoever prints an error prints once more below its message.
  readonly #failures: readonly Failure[]
  readonly #notRun: readonly string[]
  constructor(failures: readonly Failure[], notRun: readonly string[] = []) {
    super(messageOf(failures, notRun))
    this.#failures = failures
    this.#notRun = notRun
  }
  /** Every broken rule; the message tells the first of them in full. */
  get failures(): readonly Failure[] {
    return this.#failures
  }
  /** Checks that were left out because the store had hung too often. */
  get notRun(): readonly string[] {
    return this.#notRun
  }
}

const mostInFull = 10

/** Says what a check failed with. */
export function failureOf(
  { name: check, rule }: Pick<Check, 'name' | 'rule'>,
  error: unknown,
  facts: { readonly seed: number; readonly runs: number; readonly lines: readonly string[] },
): Failure {
  const isProperty = error instanceof FailedProperty
  const cause = isProperty ? error.violation : error
  const { seed } = facts
  const path = isProperty ? error.path : ''
  const violation = cause instanceof Violation ? cause : undefined
  const named = path === '' ? '' : `, path: ${JSON.stringify(path)}`
  return {
    check,
    rule,
    message: shortened(violation?.message ?? `the check met something unexpected: ${show(cause)}`),
    ...(violation?.expected !== undefined && { expected: shortened(violation.expected) }),
    ...(violation?.actual !== undefined && { actual: shortened(violation.actual) }),
    counterexample: (isProperty ? error.operations : facts.lines).map(shortened),
    seed,
    path,
    runs: isProperty ? error.runs : facts.runs,
    replay: `await runSuite(store, { seed: ${seed}, only: [${JSON.stringify(check)}]${named} })`,
    isHang: violation?.isHang ?? false,
  }
}

function messageOf(failures: readonly Failure[], notRun: readonly string[]): string {
  const parts = [...contentsOf(failures), ...failures.slice(0, mostInFull).map(formatFailure)]
  const left = failures.length - mostInFull
  if (left > 0) parts.push(`${left} more are in failures of this error, each to be printed by formatFailure.`)
  if (notRun.length > 0) parts.push(`Not run, because the store hung too often: ${notRun.join(', ')}`)
  return parts.join('\n\n')
}

function contentsOf(failures: readonly Failure[]): readonly string[] {
  if (failures.length === 1) return ['The store breaks a rule of the contract.']
  const rules = failures.map(({ check, rule }) => `✗ ${check}: ${rule}`)
  return [`The store breaks ${failures.length} rules of the contract.`, rules.join('\n')]
}

/** A failure as text: the rule, what was expected and what came, the calls that show it, and how to replay them. */
export function formatFailure(failure: Failure): string {
  const { check, rule, message, expected, actual, counterexample, seed, path, replay } = failure
  const lines = [`✗ ${check}`, `  Rule:     ${rule}`, `  Broken:   ${message}`]
  if (expected !== undefined) lines.push(`  Expected: ${expected}`)
  if (actual !== undefined) lines.push(`  Actual:   ${actual}`)
  lines.push(`  Seed:     ${seed}${path === '' ? '' : `, path ${path}`}`, `  Replay:   ${replay}`)
  if (counterexample.length > 0)
    lines.push('  Calls, … standing for what any plain record has:', ...counterexample.map((line) => `    ${line}`))
  return lines.join('\n')
}
