import type { Arbitrary } from 'fast-check'
import type { Client } from './client.ts'
import { runProperty } from './property.ts'
import type { Scope } from './scope.ts'

/** One rule of the contract and how to show it: what `checks` and its sister lists consist of. */
export interface Check {
  /** Its topic and what holds, such as `record/first-write-of-each-phase-wins`. */
  readonly name: string
  /** The rule, in one sentence. */
  readonly rule: string
  /** Resolves where the rule held, else rejects; `runCheck` makes the context. */
  run(context: CheckContext): Promise<void>
}

/** What a check works with: the store under test, and how hard to try. */
export interface CheckContext {
  /** A single live store: others may be using it, it must not be closed, and there are no further handles. */
  readonly isLive: boolean
  /** How many clients are at work at once where a check is about parallelism. */
  readonly concurrency: number
  /** How many executions a check of usual weight makes. */
  readonly runs: number
  readonly seed: number
  /** Replays one execution. */
  readonly path: string | undefined
  /** The store that the whole check works on, opened once. */
  main(): Promise<Client>
  /** Opens data of this name, which is this check's own; the same name is the same data. Needs an open function. */
  open(name: string): Promise<Client>
  /** Data of its own, opened once for this one use; the main store where there is no open function. */
  fresh(): Promise<Client>
  /** Closes what `open` gave. */
  close(client: Client): Promise<void>
  /** Whether there is time for another execution; an execution is not broken off. */
  hasTime(): boolean
  /** Notes one execution, and starts a trace of its own for it. */
  beginExecution(): void
  /** The calls of this execution so far. */
  traceLines(): readonly string[]
  /** A text that nobody used before, on this store or elsewhere. */
  unique(): string
  /** How long failing may take to be made smaller. */
  readonly shrinkMs: number
}

/** The parts of a check that is one property. */
export interface PropertyParts<T> {
  /** What one execution is given. */
  readonly given: Arbitrary<T>
  /** Its executions relative to the usual number; default 0.2. */
  readonly weight?: number
  /** What must be there, else the check does not apply. */
  readonly needs?: Needs
  holds(scope: Scope, value: T): Promise<void>
}

/** What a check cannot do without. */
export type Needs = 'open' | 'follow' | 'purge' | 'open+follow' | 'open+purge' | 'follow+purge' | 'open+follow+purge'

/** A check that is one property: it holds for whatever is given. */
export function property<T>(name: string, rule: string, parts: PropertyParts<T>): Check {
  return { name, rule, run: (context) => runProperty(context, name, parts) }
}
