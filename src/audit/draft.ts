import type { Context } from '../context.ts'
import type { FullDecision } from '../decision.ts'
import { InvalidDecision } from '../errors.ts'
import { type CommandRecord, type EventRef, type Keep, retentionOf, type Source } from '../record.ts'
import { refusalOf } from './outcome.ts'
import { type Capture, encodeBody, masksFor, payloadOf } from './payload.ts'
import { maskMetadata } from './redact.ts'

/** A record in the making. */
export type Draft = { -readonly [key in keyof CommandRecord]: CommandRecord[key] }

const noEvents: readonly EventRef[] = Object.freeze([])

/** What is known of a command before it runs: its record in the state `created`. */
export function draftRecord(context: Context, capture: Capture, receivedAt: number, source: Source | undefined): Draft {
  const { id, correlationId, causationId, clientRef, tenantId, userId, traceparent } = context
  const { importance, dryRun, attributes, metadata } = context
  const draft: Draft = {
    id,
    type: context.command.type,
    state: 'created',
    correlationId,
    payload: payloadOf(capture, context.payload),
    events: noEvents,
    importance,
    retention: retentionOf(importance),
    dryRun,
    receivedAt,
  }
  if (causationId !== undefined) draft.causationId = causationId
  if (clientRef !== undefined) draft.clientRef = clientRef
  if (tenantId !== undefined) draft.tenantId = tenantId
  if (userId !== undefined) draft.userId = userId
  if (traceparent !== undefined) draft.traceparent = traceparent
  if (attributes !== undefined) draft.attributes = attributes
  if (source !== undefined) draft.source = source
  if (metadata !== undefined) {
    const masks = masksFor(capture, context)
    const shown = masks === undefined ? metadata : maskMetadata(metadata, masks)
    if (shown !== undefined) draft.metadata = shown
  }
  return draft
}

/** How a command ended: with a decision, or with whatever was thrown. */
export type Ended =
  | { readonly decision: FullDecision; readonly thrown?: never }
  | { readonly decision?: never; readonly thrown: { readonly error: unknown } }

/** Adds the outcome to a draft, its times apart. */
export function settleRecord(draft: Draft, context: Context, ended: Ended, capture: Capture): void {
  if (context.attempts > 0) draft.attempts = context.attempts
  if (ended.thrown !== undefined) {
    const { error: thrown } = ended.thrown
    const { state, problem, error } = refusalOf(thrown, context.sender, masksFor(capture, context))
    draft.state = state
    if (problem !== undefined) draft.problem = problem
    if (error !== undefined) draft.error = error
    if (isInvalidDecision(thrown)) draft.events = thrown.events
    return
  }
  draft.state = 'successful'
  draft.events = ended.decision.events
  const { result } = ended.decision
  if (context.traits.result === 'keep' && result !== undefined) {
    draft.result = encodeBody(result, capture.codec, capture.limit)
  }
}

function isInvalidDecision(thrown: unknown): thrown is InvalidDecision {
  try {
    return thrown instanceof InvalidDecision
  } catch {
    // A revoked proxy cannot even be asked.
    return false
  }
}

/** Whether a settled record is one of those that are to be stored. */
export function isKept(keep: Keep, { state }: Pick<CommandRecord, 'state'>): boolean {
  if (keep === 'all') return true
  if (keep === 'not-successful') return state !== 'successful'
  return keep === 'failures' && state === 'failed'
}
