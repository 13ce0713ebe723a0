import type { Command as EmmettCommand, Decider as EmmettDecider, Event as EmmettEvent } from '@event-driven-io/emmett'
import type { Command, CommandContext, Problem } from '../../src/index.ts'

/** A command of Emmett's as our buses send it: what it carries as metadata comes from the call. */
export type EmmettCommandOf<C extends EmmettCommand> = C extends EmmettCommand ? Command<C['type'], C['data']> : never

/** The three functions of a decider of Emmett's, for `decider`. */
export interface EmmettFunctions<State, C extends EmmettCommand, Event extends EmmettEvent> {
  readonly initialState: () => State
  readonly decide: (command: EmmettCommandOf<C>, state: State, context: CommandContext) => readonly Event[]
  readonly evolve: (state: State, event: Event) => State
}

/**
 * A decider of Emmett's for our `decider`: `decider({ ...emmettDecider(theirs), stream, store })`. Its commands carry the
 * metadata that was given to `send`, and the time as `now`. Errors of Emmett's that are the command's fault
 * (`IllegalStateError` and the like) reach the sender as they are, and refuse the command: they get a problem.
 */
export function emmettDecider<State, C extends EmmettCommand, Event extends EmmettEvent>(
  theirs: EmmettDecider<State, C, Event>,
): EmmettFunctions<State, C, Event> {
  return {
    initialState: () => theirs.initialState(),
    evolve: (state, event) => theirs.evolve(state, event),
    decide({ type, data }, state, context) {
      const metadata = { ...context.metadata, now: new Date() }
      try {
        const decided = theirs.decide({ kind: 'Command', type, data, metadata } as unknown as C, state)
        return Array.isArray(decided) ? decided : [decided]
      } catch (error) {
        explain(error)
        throw error
      }
    },
  }
}

/** What Emmett's codes stand for, which are those of HTTP. */
const codes: Readonly<Record<number, string>> = {
  400: 'invalid',
  403: 'illegal-state',
  404: 'not-found',
  412: 'concurrency',
}

/** Gives an error the problem that its code stands for, so that its command is rejected and has not failed. */
function explain(error: unknown): void {
  if (!(error instanceof Error) || 'problem' in error || !Object.isExtensible(error)) return
  const status: unknown = 'errorCode' in error ? error.errorCode : undefined
  const code = typeof status === 'number' ? codes[status] : undefined
  if (typeof status !== 'number' || code === undefined) return
  const problem: Problem = { type: 'about:blank', title: 'Refused', status, code, detail: error.message }
  Object.assign(error, { problem })
}
