import { createHash } from 'node:crypto'

/** The layout of subjects and bodies that this library knows. */
export const layoutVersion = '1'

/** The oldest server that has atomic batches. */
export const oldestServer: readonly number[] = [2, 12, 0]

/** The configuration of a stream, as the server's API has it. */
export type StreamConfig = Readonly<Record<string, unknown>>

/** What the stream is made with. Nothing in it ever makes the server drop a record by itself. */
export function streamConfig(name: string, replicas: number, data: string): StreamConfig {
  return {
    name,
    subjects: [`${name}.>`],
    ...{ storage: 'file', retention: 'limits', discard: 'new', num_replicas: replicas },
    ...{ max_msgs: -1, max_bytes: -1, max_age: 0, max_msgs_per_subject: -1, max_msg_size: -1, max_consumers: -1 },
    ...{ allow_direct: true, allow_atomic: true, deny_delete: false, deny_purge: false, allow_rollup_hdrs: false },
    metadata: { 'commandlog-layout': layoutVersion, 'commandlog-data': data },
  }
}

/** What a stream must have, each with what it means where it has something else. */
const needed: readonly (readonly [field: string, isFine: (value: unknown) => boolean, why: string])[] = [
  ['storage', (value) => value === 'file', 'keeps its records in memory'],
  ['retention', (value) => value === 'limits', 'drops records that were read'],
  ['discard', (value) => value === 'new', 'drops old records for new ones (discard)'],
  ['max_msgs', isUnlimited, 'has a limit of messages (max_msgs)'],
  ['max_bytes', isUnlimited, 'has a limit of bytes (max_bytes)'],
  ['max_age', isUnlimited, 'drops records by their age (max_age)'],
  ['max_msgs_per_subject', isUnlimited, 'has a limit of messages of one subject (max_msgs_per_subject)'],
  ['max_msg_size', isUnlimited, 'has a limit of bytes of one message (max_msg_size)'],
  ['persist_mode', (value) => !value || value === 'default', 'acknowledges before it writes (persist_mode)'],
  ['no_ack', isAbsent, 'does not acknowledge (no_ack)'],
  ['sealed', isAbsent, 'takes no more records (sealed)'],
  ['mirror', isAbsent, 'is a mirror of another'],
  ['sources', (value) => isAbsent(value) || (Array.isArray(value) && value.length === 0), 'has other sources'],
  ['republish', isAbsent, 'publishes its records elsewhere (republish)'],
  ['subject_transform', isAbsent, 'changes subjects (subject_transform)'],
  ['allow_rollup_hdrs', isAbsent, 'lets a message replace others (allow_rollup_hdrs)'],
  ['allow_msg_ttl', isAbsent, 'lets messages expire (allow_msg_ttl)'],
  ['allow_atomic', (value) => value === true, 'takes no atomic batches (allow_atomic)'],
  ['allow_direct', (value) => value === true, 'answers no direct gets (allow_direct)'],
]

/** Why a stream is none that a log may be kept in; undefined for one that may. */
export function faultOf(config: StreamConfig, name: string, replicas: number): string | undefined {
  const metadata = (config.metadata ?? {}) as Readonly<Record<string, string>>
  const layout = metadata['commandlog-layout']
  if (layout === undefined) return 'The stream is not one of a command log'
  if (layout !== layoutVersion) return `The stream has layout ${layout}, and this library knows ${layoutVersion}`
  const subjects = config.subjects
  if (!Array.isArray(subjects) || subjects.join() !== `${name}.>`) return 'The stream takes other subjects'
  for (const [field, isFine, why] of needed) if (!isFine(config[field])) return `The stream ${why}`
  if (Number(config.num_replicas) < replicas) {
    return `The stream has ${config.num_replicas} replicas, and ${replicas} are asked for`
  }
  return undefined
}

function isUnlimited(value: unknown): boolean {
  return value === undefined || Number(value) <= 0
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === false
}

/** Where everything of an id is. */
export function recordSubject(stream: string, id: string): string {
  return `${stream}.record.${toToken(id)}`
}

/** Where it stands which ids have this type. */
export function typeSubject(stream: string, type: string): string {
  return `${stream}.type.${toToken(type)}`
}

/** Where it stands which ids have this type, of records that are not shortly after where that should stand. */
export function lateSubject(stream: string, type: string): string {
  return `${stream}.late.${toToken(type)}`
}

/** Where it stands which other ids have this correlation. */
export function correlationSubject(stream: string, correlationId: string): string {
  return `${stream}.correlation.${toToken(correlationId)}`
}

/**
 * A text as a token of a subject: itself where it is plain and short, else encoded, and where that is long, its digest.
 * The first character says which, so that no two texts have one token, digests apart: bodies tell those.
 */
export function toToken(text: string): string {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(text)) return text
  const bytes = Buffer.from(text)
  if (bytes.length <= 96) return `=${bytes.toString('base64url')}`
  return `~${createHash('sha256').update(bytes).digest('base64url')}`
}
