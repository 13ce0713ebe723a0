import { CodecError } from './errors.ts'
import { parseJson } from './parse-json.ts'

/**
 * Turns a body into text or bytes and back. `encode` throws on what it cannot carry faithfully, `decode` on types and
 * sizes that its `encode` could not have written; both throw `CodecError`, and neither ever echoes a value in its message.
 */
export interface Codec {
  /** Recorded with every body, so that a reader knows how to decode it. */
  readonly format: string
  encode(value: unknown): string | Uint8Array
  decode(data: string | Uint8Array): unknown
}

/** Standard JSON semantics: a Date becomes a string, NaN becomes null. What JSON has no text for is refused. */
export const jsonCodec: Codec = {
  format: 'json',
  encode(value: unknown): string {
    let text: string | undefined
    try {
      text = JSON.stringify(value)
    } catch {
      // The engine's message can quote property names and values of the body.
      throw new CodecError(
        'NOT_ENCODABLE',
        'json',
        'the value is cyclic, too deep, holds a bigint, or threw while read',
      )
    }
    if (text === undefined)
      throw new CodecError('NOT_ENCODABLE', 'json', 'undefined, functions and symbols have no JSON text')
    return text
  },
  decode(data: string | Uint8Array): unknown {
    if (typeof data !== 'string') throw new CodecError('NOT_DECODABLE', 'json', 'expected text, got bytes')
    try {
      return parseJson(data)
    } catch {
      throw new CodecError('NOT_DECODABLE', 'json', 'the text is not JSON')
    }
  },
}
