import type { Codec } from '../codec.ts'
import type { FullDecision } from '../compose.ts'
import type { Context } from '../context.ts'
import { type CommandRecord, type EventRef, retentionOf, type Source } from '../record.ts'
import { refusalOf } from './outcome.ts'
import { type Capture, encodeBody, payloadOf } from './payload.ts'
import { type Masks, maskError, maskMetadata, maskProblem } from './redact.ts'

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
    const shown = capture.masks === undefined ? metadata : maskMetadata(metadata, capture.masks())
    if (shown !== undefined) draft.metadata = shown
  }
  return draft
}

/** What settling needs besides the command's context. */
export interface Settling {
  readonly times: { readonly settledAt: number; readonly durationMs: number }
  readonly masks: (() => Masks) | undefined
  readonly codec: Codec
  readonly limit: number
}

/** How a command ended. */
export interface Ended {
  readonly decision?: FullDecision
  readonly thrown?: { readonly error: unknown }
}

/** Adds the outcome to a draft. */
export function settleRecord(draft: Draft, context: Context, ended: Ended, settling: Settling): void {
  const { times, masks, codec, limit } = settling
  draft.settledAt = times.settledAt
  draft.durationMs = times.durationMs
  if (context.attempts > 0) draft.attempts = context.attempts
  if (ended.thrown !== undefined) {
    const { state, problem, error } = refusalOf(ended.thrown.error, context.options.signal)
    draft.state = state
    if (problem !== undefined) draft.problem = masks === undefined ? problem : maskProblem(problem, masks())
    if (error !== undefined) draft.error = masks === undefined ? error : maskError(error, masks())
    return
  }
  draft.state = 'successful'
  if (ended.decision === undefined) return
  draft.events = ended.decision.events
  const { result } = ended.decision
  if (context.traits.result === 'keep' && result !== undefined) draft.result = encodeBody(result, codec, limit)
}
