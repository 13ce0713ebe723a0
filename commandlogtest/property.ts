import fc from 'fast-check'
import type { CheckContext, Needs, PropertyParts } from './check.ts'
import { type Client, wasEverUnsure } from './client.ts'
import { sleep } from './limit.ts'
import { newScope } from './scope.ts'
import { NotApplicable, Violation } from './violation.ts'

/** What a property failed with: the violation of its smallest counter-example, and how to get there again. */
export class FailedProperty extends Error {
  override readonly name = 'FailedProperty'
  readonly violation: unknown
  readonly path: string
  readonly runs: number
  readonly operations: readonly string[]
  constructor(violation: unknown, facts: { path: string; runs: number; operations: readonly string[] }) {
    super('A property does not hold')
    this.violation = violation
    this.path = facts.path
    this.runs = facts.runs
    this.operations = facts.operations
  }
}

/** Runs a property with the context's seed, and shrinks what breaks it within the context's time for that. */
export async function runProperty<T>(context: CheckContext, name: string, parts: PropertyParts<T>): Promise<void> {
  const { given, weight = 0.2, needs } = parts
  if (needs !== undefined) await demand(context, needs)
  const client = await context.main()
  const failing = newFailing(context)
  let isUndecided = false
  const details = await fc.check(
    fc.asyncProperty(given, async (value) => {
      if (failing.isOver()) return
      try {
        if ((await execute({ context, client, parts }, value)) === 'undecided') isUndecided = true
      } catch (error) {
        failing.note(error)
        throw error
      }
    }),
    {
      seed: seedOf(context.seed, name),
      numRuns: context.path === undefined ? Math.max(1, Math.round(context.runs * weight)) : 1,
      ...(context.path !== undefined && { path: context.path }),
      endOnFailure: context.path !== undefined,
    },
  )
  if (!details.failed) {
    if (isUndecided) throw new NotApplicable('a write that nobody is sure of may come after its purge')
    return
  }
  if (failing.error instanceof NotApplicable) throw failing.error
  const operations = failing.operations
  throw new FailedProperty(failing.error, { path: details.counterexamplePath ?? '', runs: details.numRuns, operations })
}

const mostTries = 10
// By then whatever was under way has come, or never will.
const lateMs = 60

/**
 * One execution. Where a write may still take effect nobody can say what a purge leaves behind: what failed then is tried
 * again with ids of its own, and counts once it fails without any such write.
 */
async function execute<T>(
  { context, client, parts }: { context: CheckContext; client: Client; parts: PropertyParts<T> },
  value: T,
): Promise<'held' | 'undecided'> {
  const { needs, holds } = parts
  const { store, wiring } = client
  for (let tries = 1; ; tries++) {
    context.beginExecution()
    wiring.wasUnsure = false
    const isClean = !wasEverUnsure(store) || tries > 1
    try {
      await holds(newScope(context, client), value)
      return 'held'
    } catch (error) {
      const mayComeLate = needs?.includes('purge') === true && (wiring.wasUnsure || !isClean)
      if (!mayComeLate || !(error instanceof Violation) || error.isHang) throw error
      if (tries === mostTries || !context.hasTime()) return 'undecided'
      await sleep(lateMs)
    }
  }
}

/** What failed last, which is the smallest, and whether there is time to go on. */
function newFailing(context: CheckContext) {
  let shrinkUntil = Number.POSITIVE_INFINITY
  const failing = {
    error: undefined as unknown,
    operations: [] as readonly string[],
    note(error: unknown): void {
      if (shrinkUntil === Number.POSITIVE_INFINITY) shrinkUntil = performance.now() + context.shrinkMs
      // Whatever hangs or does not apply would do so again: making it smaller would only cost time.
      if ((error instanceof Violation && error.isHang) || error instanceof NotApplicable) shrinkUntil = 0
      failing.error = error
      failing.operations = context.traceLines()
    },
    isOver(): boolean {
      return performance.now() > shrinkUntil || !context.hasTime()
    },
  }
  return failing
}

async function demand(context: CheckContext, needs: Needs): Promise<void> {
  const parts = needs.split('+')
  if (parts.includes('open') && context.isLive) throw new NotApplicable('needs an open function')
  const { store } = await context.main()
  for (const brick of ['follow', 'purge'] as const) {
    if (parts.includes(brick) && typeof store[brick] !== 'function')
      throw new NotApplicable(`the store has no ${brick}`)
  }
}

/** A seed of its own for each check, so that leaving one out does not change the others. */
export function seedOf(seed: number, name: string): number {
  let hash = seed | 0
  for (let index = 0; index < name.length; index++) hash = (Math.imul(hash, 31) + name.charCodeAt(index)) | 0
  return hash
}
