import { askedOf, stampCommand } from './command.ts'
import { type Context, resolveDryRun } from './context.ts'
import { CommandRejected, TraitFailed } from './errors.ts'
import { withinLimits } from './limits.ts'
import { checkAttributes } from './metadata.ts'
import type { SchemaIssue, StandardSchema } from './schema.ts'

/** What a validator said, or that it failed. */
type Verdict = { readonly answer: unknown } | { readonly error: unknown }

/**
 * Validates, then asks the traits: the last step before a command counts as accepted. Sets `refusal` instead of throwing
 * where the command is to be recorded as refused; throws `TraitFailed` where a trait is at fault.
 */
export function admit(context: Context): undefined | Promise<undefined> {
  const { schema } = context.traits
  // A command that another layer has validated already carries what was asked.
  if (schema === undefined || askedOf(context.command) !== undefined) {
    resolveTraits(context)
    return undefined
  }
  const verdict = askSchema(schema, context.command.data)
  if (!(verdict instanceof Promise)) return accept(context, verdict)
  const inTime = withinLimits(context, () => verdict).catch((error: unknown) => ({ error }))
  return inTime.then((settled) => accept(context, settled))
}

function askSchema(schema: StandardSchema, data: unknown): Verdict | Promise<Verdict> {
  try {
    const answer: unknown = schema['~standard'].validate(data)
    if (!isThenable(answer)) return { answer }
    return Promise.resolve(answer).then(
      (settled: unknown) => ({ answer: settled }),
      (error: unknown) => ({ error }),
    )
  } catch (error) {
    return { error }
  }
}

function accept(context: Context, verdict: Verdict): undefined {
  if ('error' in verdict) {
    context.refusal = { error: verdict.error }
    return
  }
  const { type, data } = context.command
  const { issues, value } = (verdict.answer ?? {}) as { issues?: readonly SchemaIssue[]; value?: unknown }
  if (issues !== undefined) {
    context.refusal = { error: invalidCommand(type, issues) }
    return
  }
  if (typeof verdict.answer !== 'object' || verdict.answer === null || !('value' in verdict.answer)) {
    context.refusal = { error: new TraitFailed('schema', 'it answered with neither a value nor issues') }
    return
  }
  resolveTraits(context)
  const output = { type, data: value }
  context.command = context.definition === undefined ? output : stampCommand(output, context.definition, { data })
}

function resolveTraits(context: Context): void {
  const { traits, said, asked } = context
  if (traits.attributes !== undefined) {
    const own = checkAttributes(callTrait('attributes', traits.attributes, asked))
    context.attributes = context.attributes === undefined ? own : checkAttributes({ ...own, ...context.attributes })
  }
  if (traits.dryRun !== undefined && said.dryRun === undefined && !context.dryRun) {
    const dry: unknown = callTrait('dryRun', traits.dryRun, asked)
    if (typeof dry !== 'boolean') throw new TraitFailed('dryRun', 'expected a boolean')
    resolveDryRun(context, dry)
  }
}

function callTrait<T>(name: string, trait: (data: never) => T, data: unknown): T {
  let answer: T
  try {
    answer = trait(data as never)
  } catch (cause) {
    throw new TraitFailed(name, 'it threw', { cause })
  }
  refusePromise(name, answer)
  return answer
}

/** Refuses an answer that comes later; its rejection must not become an unhandled one. */
export function refusePromise(trait: string, answer: unknown): void {
  if (!isThenable(answer)) return
  Promise.resolve(answer).catch(() => undefined)
  throw new TraitFailed(trait, 'expected an answer at once, not a promise')
}

/** Whether somebody waits for this value; a getter that throws says no. */
export function isThenable(value: unknown): boolean {
  try {
    return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
  } catch {
    return false
  }
}

function invalidCommand(type: string, issues: readonly SchemaIssue[]): CommandRejected {
  const listed = issues.map((issue) => {
    const path = issue.path?.map((part) => String(typeof part === 'object' ? part.key : part))
    return path === undefined ? { message: issue.message } : { message: issue.message, path }
  })
  return new CommandRejected({
    type: 'about:blank',
    title: 'Invalid command',
    status: 422,
    code: 'invalid-command',
    detail: `The data of '${type}' does not fit its schema (${listed.length} ${listed.length === 1 ? 'issue' : 'issues'})`,
    issues: listed,
  })
}
