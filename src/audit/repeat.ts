import { isDeepStrictEqual } from 'node:util'
import { type Codec, jsonCodec } from '../codec.ts'
import type { Scope } from '../command.ts'
import { checkDecision, type FullDecision } from '../decision.ts'
import {
  CodecError,
  CommandCancelled,
  CommandConflict,
  CommandFailed,
  CommandInFlight,
  CommandRejected,
} from '../errors.ts'
import type { CommandRecord, Payload } from '../record.ts'

/**
 * The answer to a repeated id: the decision on the record, or its refusal as the same kind of error, or
 * `CommandInFlight` where there is no outcome yet.
 */
export function answerRepeat(stored: CommandRecord, codec: Codec): FullDecision {
  if (stored.state === 'created') throw new CommandInFlight(stored.id)
  const problem = stored.problem ?? {}
  if (stored.state === 'rejected') throw new CommandRejected(problem)
  if (stored.state === 'conflict') throw new CommandConflict(problem)
  if (stored.state === 'cancelled') throw new CommandCancelled(problem)
  if (stored.state === 'failed') throw new CommandFailed(stored.problem, stored.error)
  return checkDecision({ events: stored.events, result: decodeResult(stored.result, codec) })
}

/** Whether a repeat is of the same command, and not somebody else's who has come upon its id. */
export function isSameCommand(
  stored: CommandRecord,
  asked: CommandRecord,
  scope: Scope | undefined,
  codec: Codec,
): boolean {
  if (stored.type !== asked.type || stored.tenantId !== asked.tenantId) return false
  // Within a tenant another may repeat what one has begun, a colleague or a job, unless the command is a user's own.
  if (scope === 'user' && stored.userId !== asked.userId) return false
  return isSameBody(stored.payload, asked.payload, codec)
}

/** As far as they are on the record, and by their size where they are not. */
function isSameBody(then: Payload, now: Payload, codec: Codec): boolean {
  if (then.format === now.format && then.data === now.data && then.bytes === now.bytes) return true
  // Without one of the bodies its size is all there is to compare, and only within one format.
  if (then.data === undefined || now.data === undefined) return then.format === now.format && then.bytes === now.bytes
  if (then.status !== 'full' && then.bytes !== now.bytes) return false
  try {
    // A store gives back an equal value, not the same text: members may come in another order.
    return isDeepStrictEqual(decode(then, codec), decode(now, codec))
  } catch {
    // A body in a format that this audit cannot read cannot be shown to be the same.
    return false
  }
}

function decodeResult(result: Payload | undefined, codec: Codec): unknown {
  if (result?.data === undefined) return undefined
  try {
    return decode(result, codec)
  } catch {
    // The receipt of a result in a format that this audit cannot read is one without it, as if it had not been kept.
    return undefined
  }
}

function decode({ format, data }: Payload, codec: Codec): unknown {
  const reader = format === codec.format ? codec : jsonCodec
  if (data === undefined || reader.format !== format)
    throw new CodecError('NOT_DECODABLE', format, 'no codec for this format')
  return reader.decode(data)
}
