import type { Codec } from '../codec.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import type { Problem } from '../problem.ts'
import type { Payload, RecordedError } from '../record.ts'

/** What must not show in stored texts: `everything` where nobody knows what the redactor would have taken away. */
export type Masks = readonly string[] | 'everything'

const hidden = '[redacted]'
/** Beyond this many secrets a text is hidden whole rather than searched. */
const mostMasks = 2000

/** A copy that a redactor may change: the data in flight stays as it is. Throws where the data cannot be copied. */
export function copyForRedaction(data: unknown, full: Payload, codec: Codec): unknown {
  try {
    return structuredClone(data)
  } catch {
    // Functions and the like have no clone, but the encoded body may have one; without a body there is no copy.
    if (full.data === undefined) throw new TypeError('the data cannot be copied')
    return codec.decode(full.data)
  }
}

/** The texts and numbers of a body that are no longer in what the redactor made of it; sought only when asked for. */
export function masksOf(full: Payload, codec: Codec, outcome: { readonly redacted: unknown } | 'failed'): () => Masks {
  let masks: Masks | undefined
  return () => {
    masks ??=
      outcome === 'failed' || full.data === undefined ? 'everything' : secretsOf(codec, full.data, outcome.redacted)
    return masks
  }
}

function secretsOf(codec: Codec, data: string | Uint8Array, redacted: unknown): Masks {
  let secrets: string[]
  try {
    const shown = leavesOf(redacted)
    secrets = [...leavesOf(codec.decode(data))].filter((leaf) => leaf !== '' && !shown.has(leaf))
  } catch {
    // A codec that cannot read its own, or an answer of the redactor that throws when read: nobody knows the secrets.
    return 'everything'
  }
  if (secrets.length > mostMasks) return 'everything'
  const escaped = secrets.map((secret) => JSON.stringify(secret).slice(1, -1))
  // Longer ones first, so that a secret within a secret does not leave the rest of it readable.
  return [...new Set([...secrets, ...escaped])].sort((a, b) => b.length - a.length)
}

function leavesOf(root: unknown): Set<string> {
  const leaves = new Set<string>()
  const seen = new Set<object>()
  const open: unknown[] = [root]
  while (open.length > 0) {
    const value = open.pop()
    if (typeof value === 'string') leaves.add(value)
    else if (typeof value === 'number' || typeof value === 'bigint') leaves.add(String(value))
    else if (value instanceof Date) leaves.add(Number.isNaN(value.getTime()) ? '' : value.toISOString())
    else if (typeof value === 'object' && value !== null && !seen.has(value) && !ArrayBuffer.isView(value)) {
      seen.add(value)
      if (value instanceof Map) open.push(...value.keys(), ...value.values())
      else open.push(...(value instanceof Set ? value : Object.values(value)))
    }
  }
  return leaves
}

/** A text without the secrets. Short ones are hidden only where they stand alone, or no text would stay readable. */
export function maskText(text: string, masks: Masks): string {
  if (masks === 'everything') return hidden
  let masked = text
  for (const secret of masks) {
    if (secret.length >= 4) masked = masked.replaceAll(secret, hidden)
    else masked = masked.replace(aloneInText(secret), () => hidden)
  }
  return masked
}

function aloneInText(secret: string): RegExp {
  const literal = secret.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
  return new RegExp(`(?<![\\p{L}\\p{N}])${literal}(?![\\p{L}\\p{N}])`, 'gu')
}

/** A problem without the secrets. `type`, `status` and `code` are the application's own words and stay. */
export function maskProblem(problem: Problem, masks: Masks): Problem {
  const { type, status, code } = problem
  const own = {
    ...(type === undefined ? {} : { type }),
    ...(status === undefined ? {} : { status }),
    ...(code === undefined ? {} : { code }),
  }
  return masks === 'everything' ? own : { ...(maskJson(problem, masks) as Problem), ...own }
}

/** An error without the secrets; without its stack where nobody knows them. */
export function maskError(error: RecordedError, masks: Masks): RecordedError {
  const { name, message, stack } = error
  if (masks === 'everything' || stack === undefined) return { name, message: maskText(message, masks) }
  return { name, message: maskText(message, masks), stack: maskText(stack, masks) }
}

/** Metadata without the secrets; none at all where nobody knows them. */
export function maskMetadata(metadata: JsonObject, masks: Masks): JsonObject | undefined {
  return masks === 'everything' ? undefined : (maskJson(metadata, masks) as JsonObject)
}

function maskJson(value: JsonValue, masks: readonly string[]): JsonValue {
  if (typeof value === 'string') return maskText(value, masks)
  if (typeof value === 'number') return masks.includes(String(value)) ? hidden : value
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((element: JsonValue) => maskJson(element, masks))
  const entries = Object.entries(value as JsonObject).map(([key, member]) => [key, maskJson(member ?? null, masks)])
  return Object.fromEntries(entries) as JsonObject
}
