import { type Context, resolveDryRun } from './context.ts'
import { CommandRejected, TraitFailed } from './errors.ts'
import { checkAttributes } from './metadata.ts'
import type { SchemaIssue, SchemaResult } from './schema.ts'

/**
 * Validates, then asks the traits: the last step before a command counts as accepted. Sets `refusal` instead of throwing
 * where the command is to be recorded as refused; throws `TraitFailed` where a trait is at fault.
 */
export function admit(context: Context): undefined | Promise<undefined> {
  const { schema } = context.traits
  if (schema === undefined) {
    resolveTraits(context)
    return undefined
  }
  let answer: SchemaResult<unknown> | Promise<SchemaResult<unknown>>
  try {
    answer = schema['~standard'].validate(context.command.data)
  } catch (error) {
    context.refusal = { error }
    return undefined
  }
  if (answer instanceof Promise) {
    return answer.then(
      (result) => accept(context, result),
      (error: unknown) => {
        context.refusal = { error }
        return undefined
      },
    )
  }
  return accept(context, answer)
}

function accept(context: Context, answer: SchemaResult<unknown>): undefined {
  if (answer.issues !== undefined) {
    context.refusal = { error: invalidCommand(context.command.type, answer.issues) }
    return
  }
  resolveTraits(context)
  context.command = { type: context.command.type, data: answer.value }
}

function resolveTraits(context: Context): void {
  const { traits, options, command } = context
  if (traits.attributes !== undefined) {
    const own = checkAttributes(callTrait('attributes', traits.attributes, command.data))
    context.attributes = context.attributes === undefined ? own : Object.freeze({ ...own, ...context.attributes })
  }
  if (traits.dryRun !== undefined && options.dryRun === undefined && !context.dryRun) {
    const dry: unknown = callTrait('dryRun', traits.dryRun, command.data)
    if (typeof dry !== 'boolean') throw new TraitFailed('dryRun', 'expected a boolean')
    resolveDryRun(context, dry)
  }
}

function callTrait<T>(name: string, trait: (data: never) => T, data: unknown): T {
  try {
    return trait(data as never)
  } catch (cause) {
    throw new TraitFailed(name, 'it threw', { cause })
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
