import { isDeepStrictEqual } from 'node:util'
import type { Decision } from '../command.ts'
import { type Context, running } from '../context.ts'
import { checkDecision } from '../decision.ts'
import type { CommandRecord } from '../record.ts'
import { type Draft, type Ended, isKept } from './draft.ts'
import type { Capture } from './payload.ts'

/** An outcome that somebody else writes together with the events, while the handler still runs. */
export interface EarlyOutcome {
  /** Whether the log keeps an outcome of this command. */
  readonly isKept: boolean
  /** The record of this decision, as the audit would write it now. */
  record(decision: Decision): CommandRecord
  /** Says that this record is on the log: the audit then does not write it again. */
  written(record: CommandRecord): void
}

/** What is asked of an audit layer. */
interface Auditing {
  readonly store: object
  settle(record: Draft, context: Context, ending: Ended, startedAt: number): void
}

/** The id of the command that runs right now. */
export function runningId(): string | undefined {
  return running.getStore()?.id
}

/** The outcome of the command that runs right now; undefined where it is not audited into this store. */
export function earlyOutcome(store: object): EarlyOutcome | undefined {
  const context = running.getStore()
  let note = context?.note as Capture | undefined
  while (note !== undefined && (note.owner as Auditing).store !== store) note = note.next as Capture | undefined
  const layer = note?.owner as Auditing | undefined
  const begun = note?.running
  if (context === undefined || note === undefined || layer === undefined || begun === undefined) return undefined
  const taken = note
  return {
    isKept: isKept(context.keep, { state: 'successful' }),
    record(decision) {
      const record: Draft = { ...begun.draft }
      layer.settle(record, context, { decision: checkDecision(decision) }, begun.startedAt)
      return record
    },
    written(record) {
      taken.early = record
    },
  }
}

/** The early outcome, where it is what the command has come to in the end. */
export function sameOutcome(early: CommandRecord | undefined, record: CommandRecord): CommandRecord | undefined {
  if (early === undefined || early.state !== record.state) return undefined
  return isDeepStrictEqual([early.events, early.result], [record.events, record.result]) ? early : undefined
}
