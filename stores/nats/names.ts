import type { CommandRecord } from '../../src/index.ts'
import { parseJson } from '../../storekit/index.ts'
import type { Draft, Message } from './rows.ts'
import { correlationSubject, recordSubject, typeSubject } from './schema.ts'

/** A record comes at most so many messages after the one that names it among its type, or is named as late besides. */
export const farthest = 8192

/** A message that names more than this is two. */
const mostBytes = 16 * 1024

/** A message to come, and what the last message of the first record that it names must be. */
interface Name {
  readonly subject: string
  readonly ids: string[]
  readonly expected: number
  bytes: number
}

/** Messages that name records which are written at the same time: one for each type, and for each correlation of others. */
export class Names {
  readonly #stream: string
  readonly #open = new Map<string, Name>()
  readonly #all: Name[] = []

  constructor(stream: string) {
    this.#stream = stream
  }

  /** Names one more, on whose subject that is the last message; how many messages more it takes, which is two at most. */
  add({ id, type, correlationId }: CommandRecord, expected: number): number {
    const before = this.#all.length
    this.#addTo(typeSubject(this.#stream, type), id, expected)
    if (correlationId !== id) this.#addTo(correlationSubject(this.#stream, correlationId), id, expected)
    return this.#all.length - before
  }

  #addTo(subject: string, id: string, expected: number): void {
    let name = this.#open.get(subject)
    if (name === undefined || name.bytes > mostBytes) {
      name = { subject, ids: [], expected, bytes: 0 }
      this.#open.set(subject, name)
      this.#all.push(name)
    }
    name.ids.push(id)
    name.bytes += id.length
  }

  /** The messages, to be written before those of the records. */
  drafts(): readonly Draft[] {
    return this.#all.map(({ subject, ids }) => nameDraft(subject, ids))
  }

  /** The same where no batch keeps them together: nobody is named alone whose record is there already. */
  draftsApart(): readonly (readonly [draft: Draft, ids: readonly string[]])[] {
    return this.#all.map(({ subject, ids, expected }) => {
      const draft = nameDraft(subject, ids)
      const [id = ''] = ids
      return [ids.length > 1 ? draft : { ...draft, expected, expectedOf: recordSubject(this.#stream, id) }, ids]
    })
  }
}

/** A message that names these. */
export function nameDraft(subject: string, ids: readonly string[]): Draft {
  return { subject, body: Buffer.from(JSON.stringify({ ids })), expected: undefined }
}

/** The ids that a message names; none where somebody else wrote it. */
export function idsIn({ data }: Message): readonly string[] {
  try {
    const text = Buffer.from(data.buffer, data.byteOffset, data.length).toString()
    const named = parseJson(text) as { ids?: unknown } | null
    const ids = named?.ids
    return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : []
  } catch {
    return []
  }
}

/** What a message is there for, as its subject tells: a record, or naming some; by which token. */
export function placeOf({ subject }: Message): {
  readonly kind: string | undefined
  readonly token: string | undefined
} {
  const [, kind, token] = subject.split('.', 3)
  return { kind, token }
}

/** Whether it is on the subject of a record, and no other. */
export function isOfRecord(message: Message): boolean {
  return placeOf(message).kind === 'record'
}

/** Whether it is on a subject that names records. */
export function isName(message: Message): boolean {
  return ['type', 'late', 'correlation'].includes(placeOf(message).kind ?? '')
}
