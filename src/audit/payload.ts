import { refusePromise } from '../admit.ts'
import type { Codec } from '../codec.ts'
import type { Context, LayerNote } from '../context.ts'
import type { CommandRecord, Payload } from '../record.ts'
import { copyForRedaction, type Masks, masksOf } from './redact.ts'

/** What was asked, as one audit layer may store it: taken before the handler, or anybody else, can change it. */
export interface Capture extends LayerNote {
  /** What may be stored of the body, unless the command omits it. */
  readonly body: Payload
  /** What the redactor took away, for texts that may repeat it. Undefined where there is no redactor. */
  readonly masks: ((output: unknown) => Masks) | undefined
  readonly redactionFailed: boolean
  /** How a kept result is to be encoded. */
  readonly codec: Codec
  readonly limit: number
  /** While the command runs: its record without an outcome, and when it began. */
  running: { readonly draft: CommandRecord; readonly startedAt: number } | undefined
  /** The record that was written together with its events, before the handler had ended. */
  early: CommandRecord | undefined
}

/** Encodes a body once, and leaves it out where it must not or cannot be stored. Never throws. */
export function capture(context: Context, codec: Codec, limit: number, owner: object): Capture {
  const { traits, asked, note: next } = context
  if (traits.redact !== undefined) return captureRedacted(context, codec, limit, owner)
  const body = encodeBody(asked, codec, limit)
  const none = undefined
  return { owner, next, body, masks: none, redactionFailed: false, codec, limit, running: none, early: none }
}

/** What this layer took of the command on its way in. */
export function captureOf(context: Context, owner: object): Capture {
  let { note } = context
  while (note !== undefined && note.owner !== owner) note = note.next
  return note as Capture
}

/** What texts that may repeat the body must not show; undefined where all of it may be stored. */
export function masksFor({ masks, body, codec }: Capture, { payload, command }: Context): Masks | undefined {
  if (masks !== undefined) return masks(command.data)
  return payload === 'omit' ? masksOf(body, codec, { redacted: undefined })(command.data) : undefined
}

/** The payload as the command wants it kept. */
export function payloadOf({ body }: Capture, payload: 'keep' | 'omit'): Payload {
  if (payload === 'keep') return body
  const { format, bytes } = body
  return { status: 'omitted', format, bytes }
}

/** A body in the codec's format; flagged, without data, where it cannot be encoded or is too large. */
export function encodeBody(value: unknown, codec: Codec, limit: number, status: 'full' | 'redacted' = 'full'): Payload {
  const { format } = codec
  if (value === undefined) return { status, format, bytes: 0 }
  let data: unknown
  try {
    data = codec.encode(value)
  } catch {
    // The codec's message may describe the body; that there is none is said by the status.
    return leftOut('unserialisable', codec, 0)
  }
  if (typeof data === 'string') {
    const bytes = Buffer.byteLength(data)
    return bytes > limit ? leftOut('too-large', codec, bytes) : { status, format, data, bytes }
  }
  if (!(data instanceof Uint8Array)) return leftOut('unserialisable', codec, 0)
  const bytes = data.byteLength
  // A copy: a codec that answers with bytes of the data itself must not let a later change of them through.
  return bytes > limit ? leftOut('too-large', codec, bytes) : { status, format, data: new Uint8Array(data), bytes }
}

function captureRedacted(context: Context, codec: Codec, limit: number, owner: object): Capture {
  const { asked, note: next } = context
  const full = encodeBody(asked, codec, Number.POSITIVE_INFINITY)
  const redact = context.traits.redact as (data: unknown) => unknown
  const { status, redacted } = runRedactor(redact, asked, full, codec)
  const kept = status === 'kept' ? encodeBody(redacted, codec, limit, 'redacted') : undefined
  // What the redactor made of the body cannot be encoded: nothing of it may be stored.
  const failed = status === 'failed' || (kept?.status === 'unserialisable' && full.status !== 'unserialisable')
  const body = redactedBody({ full, kept, failed }, codec)
  const masks = masksOf(full, codec, failed ? 'failed' : { redacted })
  return { owner, next, body, masks, redactionFailed: failed, codec, limit, running: undefined, early: undefined }
}

interface Redacted {
  readonly full: Payload
  readonly kept: Payload | undefined
  readonly failed: boolean
}

function redactedBody({ full, kept, failed }: Redacted, codec: Codec): Payload {
  if (full.status === 'unserialisable') return full
  if (failed) return leftOut('redaction-failed', codec, full.bytes)
  return kept === undefined ? leftOut('omitted', codec, full.bytes) : { ...kept, bytes: full.bytes }
}

interface RedactorRun {
  readonly status: 'kept' | 'omitted' | 'failed'
  readonly redacted?: unknown
}

function runRedactor(redact: (data: unknown) => unknown, asked: unknown, full: Payload, codec: Codec): RedactorRun {
  try {
    const redacted = redact(copyForRedaction(asked, full, codec))
    if (redacted === undefined) return { status: 'omitted' }
    refusePromise('redact', redacted)
    return { status: 'kept', redacted }
  } catch {
    // The redactor's error may quote the body; that it failed is said by the status and the event.
    return { status: 'failed' }
  }
}

function leftOut(status: Payload['status'], codec: Codec, bytes: number): Payload {
  return { status, format: codec.format, bytes }
}
