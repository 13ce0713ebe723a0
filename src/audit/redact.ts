import type { Codec } from '../codec.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import type { Problem } from '../problem.ts'
import type { Payload } from '../record.ts'

/** What must not show in stored texts: `everything` where nobody knows what was to be hidden. */
export type Masks = { readonly secrets: ReadonlySet<string>; readonly pattern: RegExp } | 'everything'

const hidden = '[redacted]'
/** Beyond this many secrets a text is hidden whole rather than searched. */
const mostSecrets = 2000

/** A copy that a redactor may change: the data in flight stays as it is. Throws where the data cannot be copied. */
export function copyForRedaction(data: unknown, full: Payload, codec: Codec): unknown {
  // What decides for itself how it is encoded must be redacted as it is encoded.
  if (!encodesItself(data)) {
    try {
      return structuredClone(data)
    } catch {
      // Functions and the like have no clone, but the encoded body may have one.
    }
  }
  if (full.data === undefined) throw new TypeError('the data cannot be copied')
  return codec.decode(full.data)
}

function encodesItself(root: unknown): boolean {
  const isSo = (value: object): boolean =>
    !(value instanceof Date) && typeof (value as { toJSON?: unknown }).toJSON === 'function'
  return objectsIn(root).some(isSo)
}

/**
 * The texts and numbers of a body, and of what its schema made of it, that are no longer in what is left of it; sought only
 * when asked for.
 */
export function masksOf(
  full: Payload,
  codec: Codec,
  outcome: { readonly redacted: unknown } | 'failed',
): (output: unknown) => Masks {
  return (output) => {
    if (outcome === 'failed' || full.status !== 'full') return 'everything'
    try {
      const left = leavesOf(outcome.redacted)
      // A body that is `undefined` has no secrets and no data.
      const secrets = leavesOf([full.data === undefined ? undefined : codec.decode(full.data), output])
      for (const leaf of left) secrets.delete(leaf)
      secrets.delete('')
      return secrets.size > mostSecrets ? 'everything' : { secrets, pattern: patternOf(secrets) }
    } catch {
      // A codec that cannot read its own, or data that throws when read: nobody knows the secrets.
      return 'everything'
    }
  }
}

/** Short secrets are found only where they stand alone, or no text would stay readable. */
function patternOf(secrets: ReadonlySet<string>): RegExp {
  const forms = [...secrets].flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)])
  // Longer ones first, so that a secret within a secret does not leave the rest of it readable.
  const sorted = [...new Set(forms)].sort((a, b) => b.length - a.length)
  const literal = (form: string): string => form.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
  const long = sorted.filter(({ length }) => length >= 4).map(literal)
  const short = sorted.filter(({ length }) => length < 4).map(literal)
  const alone = `(?<![\\p{L}\\p{N}])(?:${short.join('|')})(?![\\p{L}\\p{N}])`
  const source = [...long, ...(short.length > 0 ? [alone] : [])].join('|')
  // Without secrets there is nothing to find, and an empty pattern would be found everywhere.
  return source === '' ? /(?!)/gu : new RegExp(source, 'gu')
}

function leavesOf(root: unknown): Set<string> {
  const leaves = new Set<string>()
  const add = (value: unknown): void => {
    if (typeof value === 'string') leaves.add(value)
    else if (typeof value === 'number' || typeof value === 'bigint') leaves.add(String(value))
    else if (value instanceof Date && !Number.isNaN(value.getTime())) leaves.add(value.toISOString())
  }
  add(root)
  for (const object of objectsIn(root)) for (const child of childrenOf(object)) add(child)
  return leaves
}

/** Every object within, each once, however they are linked. */
function objectsIn(root: unknown): readonly object[] {
  const seen = new Set<object>()
  const open: unknown[] = [root]
  for (let value = open.pop(); value !== undefined || open.length > 0; value = open.pop()) {
    if (typeof value !== 'object' || value === null || seen.has(value) || ArrayBuffer.isView(value)) continue
    seen.add(value)
    open.push(...childrenOf(value))
  }
  return [...seen]
}

function childrenOf(object: object): unknown[] {
  if (object instanceof Map) return [...object.keys(), ...object.values()]
  return object instanceof Set ? [...object] : Object.values(object)
}

/** A text without the secrets. */
export function maskText(text: string, masks: Masks): string {
  return masks === 'everything' ? hidden : text.replace(masks.pattern, hidden)
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

/** Metadata without the secrets; none at all where nobody knows them. */
export function maskMetadata(metadata: JsonObject, masks: Masks): JsonObject | undefined {
  return masks === 'everything' ? undefined : (maskJson(metadata, masks) as JsonObject)
}

function maskJson(value: JsonValue, masks: Exclude<Masks, 'everything'>): JsonValue {
  if (typeof value === 'string') return maskText(value, masks)
  if (typeof value === 'number') return masks.secrets.has(String(value)) ? hidden : value
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((element: JsonValue) => maskJson(element, masks))
  const entries = Object.entries(value as JsonObject).map(([key, member]) => [key, maskJson(member ?? null, masks)])
  return Object.fromEntries(entries) as JsonObject
}
