import fc, { type Arbitrary } from 'fast-check'
import { FailedProperty, seedOf } from '../commandlogtest/property.ts'
import { NotApplicable, Violation } from '../commandlogtest/violation.ts'
import type { AnyEventStore, Client } from './client.ts'
import { newScope, type Scope } from './scope.ts'

/** One rule of the contract of event stores and how to show it. */
export interface EventStoreCheck {
  /** Its topic and what holds, such as `append/whole-or-not-at-all`. */
  readonly name: string
  /** The rule, in one sentence. */
  readonly rule: string
  /** Resolves where the rule held, else rejects; `runEventStoreCheck` makes the context. */
  run(context: CheckContext): Promise<void>
}

/** What a check works with: the store under test, and how hard to try. */
export interface CheckContext {
  /** A single live store: others may be using it, it must not be closed, and there are no further handles. */
  readonly isLive: boolean
  readonly concurrency: number
  readonly runs: number
  readonly seed: number
  /** Replays one execution. */
  readonly path: string | undefined
  readonly shrinkMs: number
  main(): Promise<Client>
  open(name: string): Promise<Client>
  close(client: Client): Promise<void>
  hasTime(): boolean
  beginExecution(): void
  traceLines(): readonly string[]
}

/** The parts of a check. */
export interface PropertyParts<T> {
  /** What one execution is given. */
  readonly given: Arbitrary<T>
  /** Its executions relative to the usual number; default 0.2. */
  readonly weight?: number
  /** What must be there, else the check does not apply. */
  readonly needs?: 'open' | 'fence' | 'open+fence'
  holds(scope: Scope, value: T): Promise<void>
}

/** A check that holds for whatever is given. */
export function property<T>(name: string, rule: string, parts: PropertyParts<T>): EventStoreCheck {
  return { name, rule, run: (context) => runProperty(context, name, parts) }
}

async function runProperty<T>(context: CheckContext, name: string, parts: PropertyParts<T>): Promise<void> {
  const client = await context.main()
  demand(context, client.store, parts.needs?.split('+') ?? [])
  let shrinkUntil = Number.POSITIVE_INFINITY
  let failure: { readonly error: unknown; readonly operations: readonly string[] } | undefined
  const details = await fc.check(
    fc.asyncProperty(parts.given, async (value) => {
      if (performance.now() > shrinkUntil || !context.hasTime()) return
      context.beginExecution()
      try {
        await parts.holds(newScope(context, client), value)
      } catch (error) {
        if (shrinkUntil === Number.POSITIVE_INFINITY) shrinkUntil = performance.now() + context.shrinkMs
        // What hangs or does not apply would do so again: making it smaller would only cost time.
        if (error instanceof NotApplicable || (error instanceof Violation && error.isHang)) shrinkUntil = 0
        failure = { error, operations: context.traceLines() }
        throw error
      }
    }),
    {
      seed: seedOf(context.seed, name),
      numRuns: context.path === undefined ? Math.max(1, Math.round(context.runs * (parts.weight ?? 0.2))) : 1,
      ...(context.path !== undefined && { path: context.path }),
      endOnFailure: context.path !== undefined,
    },
  )
  if (!details.failed || failure === undefined) return
  if (failure.error instanceof NotApplicable) throw failure.error
  const facts = { path: details.counterexamplePath ?? '', runs: details.numRuns, operations: failure.operations }
  throw new FailedProperty(failure.error, facts)
}

function demand(context: CheckContext, store: AnyEventStore, needs: readonly string[]): void {
  if (needs.includes('open') && context.isLive) throw new NotApplicable('needs an open function')
  if (needs.includes('fence') && typeof store.fence !== 'function') throw new NotApplicable('the store has no fence')
}
