import type { CommandRecord } from '../../src/index.ts'
import { settle } from '../../storekit/index.ts'
import { type Connection, jsonOf } from './connection.ts'
import type { NatsMessage } from './driver.ts'
import { fromHeaded, type Headed, type Message, toHeaded } from './rows.ts'
import { faultOf, recordSubject, type StreamConfig } from './schema.ts'
import { type ApiError, Failure, incompatible, refusal } from './store-error.ts'

/** A window ends where its messages add up to this. */
const mostBytesAtOnce = 16 * 1024 * 1024
/** So many single messages are asked for at once. */
const mostAsked = 256
const notFound = 10037
/** What the server said of the stream is believed for so long. */
const trustMs = 2000

/** What is there of an id. `seq` is what the next message on its subject must expect. */
export type State =
  | { readonly phase: 'none'; readonly seq: number }
  | { readonly phase: 'open'; readonly seq: number; readonly by: string }
  | { readonly phase: 'settled'; readonly seq: number; readonly by: string; readonly outcomeBy: string }

/** What the server says of the stream. */
export interface StreamInfo {
  readonly created: string
  readonly config: StreamConfig
  readonly state: { readonly first_seq: number; readonly last_seq: number }
}

/** Messages between two sequences: all of them up to `upTo`. */
export interface Window {
  readonly messages: readonly Message[]
  readonly upTo: number
}

/** A record as it stands: where its first message is, and where its last. */
export interface Standing {
  readonly seq: number
  readonly last: number
  readonly record: CommandRecord
}

/**
 * Reads messages so that what was acknowledged is seen. Where there is one replica the server answers direct gets, many
 * messages at once; where there are several, followers would answer those too, and may be late: then each message is asked
 * of the leader.
 */
export class Reader {
  readonly #connection: Connection
  readonly #stream: string
  #isAlone = false
  #data: string | undefined
  /** When it was last asked what the stream is like, if it was found to be as it must be. */
  #foundFit = Number.NEGATIVE_INFINITY
  #looking: Promise<StreamInfo> | undefined

  constructor(connection: Connection) {
    this.#connection = connection
    this.#stream = connection.options.stream
  }

  /** Whether there is one replica, as the server last said. */
  get isAlone(): boolean {
    return this.#isAlone
  }

  /**
   * Of the leader. A stream that is not the one that was read first is refused, since positions mean nothing in it, and so is
   * one that was changed so that it could drop records.
   */
  async info(until: number): Promise<StreamInfo> {
    const askedAt = performance.now()
    const info = await this.#connection.api<StreamInfo>(`STREAM.INFO.${this.#stream}`, undefined, until)
    this.#data ??= dataOf(info)
    const fault = faultOf(info.config, this.#stream, this.#connection.options.replicas)
    this.#foundFit = Number.NEGATIVE_INFINITY
    if (this.#data !== dataOf(info)) throw replaced()
    if (fault !== undefined) throw incompatible(fault)
    this.#foundFit = askedAt
    this.#isAlone = info.config.num_replicas === 1
    return info
  }

  /** Before reading: asks for `info` where what is known is too old, or not good. */
  async check(until: number): Promise<void> {
    if (performance.now() - this.#foundFit < trustMs) return
    // Whoever asks last may have more time than the one whose question it is.
    await this.#connection.patiently(until, () => {
      this.#looking ??= this.info(until).finally(() => {
        this.#looking = undefined
      })
      return this.#looking
    })
  }

  /** Before writing: the same, but a stream that was good the last time is written to meanwhile. */
  async checkAside(until: number): Promise<void> {
    const checked = this.check(until)
    if (this.#foundFit === Number.NEGATIVE_INFINITY) await checked
    else checked.catch(() => {})
  }

  /** The last message on a subject. */
  last(subject: string, until: number): Promise<Message | undefined> {
    return this.#get({ last_by_subj: subject }, until)
  }

  at(seq: number, until: number): Promise<Message | undefined> {
    return this.#get({ seq }, until)
  }

  /** The first message on a subject from a sequence on. */
  next(subject: string, seq: number, until: number): Promise<Message | undefined> {
    return this.#get({ seq, next_by_subj: subject }, until)
  }

  /** The first message of all from a sequence on. */
  nextAny(seq: number, until: number): Promise<Message | undefined> {
    return this.next(`${this.#stream}.>`, seq, until)
  }

  /** All messages on a subject. */
  async all(subject: string, until: number): Promise<readonly Message[]> {
    const messages: Message[] = []
    for (let seq = 1; ; ) {
      const found = this.#isAlone
        ? (await this.#many({ seq, next_by_subj: subject, batch: 1000 }, until)).messages
        : [await this.next(subject, seq, until)].filter((each) => each !== undefined)
      const last = found.at(-1)
      if (last === undefined) return messages
      messages.push(...found)
      seq = last.seq + 1
    }
  }

  /** What is between two sequences, both included, as far as so many messages, or places of messages, go. */
  async window(low: number, high: number, until: number, most: number): Promise<Window> {
    if (low > high) return { messages: [], upTo: high }
    if (this.#isAlone) {
      const batch = { seq: low, batch: Math.min(high - low + 1, most), max_bytes: mostBytesAtOnce }
      const { messages, isCut } = await this.#many(batch, until)
      const last = messages.at(-1)?.seq ?? high
      return { messages: messages.filter(({ seq }) => seq <= high), upTo: isCut ? Math.min(last, high) : high }
    }
    const upTo = Math.min(high, low + Math.min(mostAsked, most) - 1)
    const seqs = Array.from({ length: upTo - low + 1 }, (_, n) => low + n)
    const found = await Promise.all(seqs.map((seq) => this.at(seq, until)))
    return { messages: found.filter((each) => each !== undefined), upTo }
  }

  /** What is there of each of these ids, or why that cannot be read. */
  async states(ids: readonly string[], until: number): Promise<readonly (State | Error)[]> {
    const read = (id: string): Promise<State | Error> =>
      this.#state(recordSubject(this.#stream, id), until).catch((error: Error) => error)
    return await Promise.all(ids.map(read))
  }

  /** The record of an id. */
  async one(id: string, until: number): Promise<Standing | undefined> {
    if (!id.isWellFormed()) return undefined
    for (;;) {
      const message = await this.last(recordSubject(this.#stream, id), until)
      const headed = message && toHeaded(message)
      if (headed === undefined) return undefined
      const first = headed.head.of === undefined ? headed : await this.#headed(headed.head.of, headed.subject, until)
      // Where its intent is gone it was purged since, and may be there again.
      if (first === undefined) {
        const now = await this.last(headed.subject, until)
        if (now?.seq === headed.seq || now === undefined) return undefined
        continue
      }
      const standing = await this.standing(first, headed, new Map(), until)
      return standing?.record.id === id ? standing : undefined
    }
  }

  /** A record of its first message and its last, which may be the same; undefined where parts were purged meanwhile. */
  async standing(
    first: Headed,
    last: Headed,
    near: ReadonlyMap<number, Message>,
    until: number,
  ): Promise<Standing | undefined> {
    const whole = await this.#whole(first, near, until)
    if (whole === undefined || first === last) return whole && { seq: first.seq, last: last.seq, record: whole }
    const outcome = await this.#whole(last, near, until)
    return outcome && { seq: first.seq, last: last.seq, record: settle(whole, outcome) }
  }

  /** The head of a message of this subject. */
  async #headed(seq: number, subject: string, until: number): Promise<Headed | undefined> {
    const message = await this.at(seq, until)
    return message?.subject === subject ? toHeaded(message) : undefined
  }

  /** The intent of an outcome. */
  async intentOf(outcome: Headed, near: ReadonlyMap<number, Message>, until: number): Promise<Headed | undefined> {
    const message = near.get(outcome.head.of ?? 0)
    if (message !== undefined) return toHeaded(message)
    return await this.#headed(outcome.head.of ?? 0, outcome.subject, until)
  }

  async #whole(headed: Headed, near: ReadonlyMap<number, Message>, until: number): Promise<CommandRecord | undefined> {
    const { parts = 0 } = headed.head
    if (parts === 0) return fromHeaded(headed, [])
    const seqs = Array.from({ length: parts }, (_, n) => headed.seq - parts + n)
    const found = await Promise.all(seqs.map((seq) => near.get(seq) ?? this.at(seq, until)))
    const data = found.flatMap((each) => (each?.subject === headed.subject ? [each.data] : []))
    return data.length === parts ? fromHeaded(headed, data) : undefined
  }

  async #state(subject: string, until: number): Promise<State> {
    const message = await this.last(subject, until)
    const headed = message && toHeaded(message)
    // Parts without a head, and an outcome without its intent, are what an interrupted server has left: they count for nothing.
    if (headed === undefined) return { phase: 'none', seq: message?.seq ?? 0 }
    const { seq, head } = headed
    if (head.of === undefined) {
      const { by, outcomeBy } = head
      return outcomeBy === undefined ? { phase: 'open', seq, by } : { phase: 'settled', seq, by, outcomeBy }
    }
    const first = await this.#headed(head.of, subject, until)
    if (first === undefined) return { phase: 'none', seq }
    return { phase: 'settled', seq, by: first.head.by, outcomeBy: head.by }
  }

  async #get(body: object, until: number): Promise<Message | undefined> {
    if (this.#isAlone) {
      const message = await this.#connection.patiently(until, async () => {
        const answer = await this.#connection.ask(this.#direct, JSON.stringify(body), until)
        const status = answer.headers?.code ?? 0
        if (status >= 400 && status !== 404) throw refusal({ code: status })
        return answer
      })
      return message.headers?.code === 404 ? undefined : toMessage(message)
    }
    return await this.#ofLeader(body, until)
  }

  async #ofLeader(body: object, until: number): Promise<Message | undefined> {
    return await this.#connection.patiently(until, async () => {
      const verb = `$JS.API.STREAM.MSG.GET.${this.#stream}`
      const { message, error } = jsonOf(await this.#connection.ask(verb, JSON.stringify(body), until)) as {
        readonly message?: { readonly subject: string; readonly seq: number; readonly data?: string }
        readonly error?: ApiError
      }
      if (error?.err_code === notFound) return undefined
      if (message === undefined) throw error === undefined ? unreadable() : refusal(error)
      return { subject: message.subject, seq: message.seq, data: Buffer.from(message.data ?? '', 'base64') }
    })
  }

  async #many(body: object, until: number): Promise<{ messages: readonly Message[]; isCut: boolean }> {
    const found = await this.#connection.patiently(until, () =>
      this.#connection.askMany(this.#direct, body, until, isEnd),
    )
    const end = found.at(-1)
    const isCut = end?.headers?.code === 204 && Number(end.headers.get('Nats-Num-Pending')) > 0
    return { messages: found.slice(0, -1).map(toMessage), isCut }
  }

  get #direct(): string {
    return `$JS.API.DIRECT.GET.${this.#stream}`
  }
}

function toMessage({ data, headers }: NatsMessage): Message {
  return { subject: headers?.get('Nats-Subject') ?? '', seq: Number(headers?.get('Nats-Sequence')), data }
}

/** Whether it only says that a batch is over. */
function isEnd({ headers }: NatsMessage): boolean {
  const status = headers?.code ?? 0
  if (status > 404 || status === 400) throw refusal({ code: status })
  return status === 404 || status === 204
}

/** What the log is called: no other stream has this name, whatever it is called itself. */
export function dataOf({ config, created }: StreamInfo): string {
  const metadata = (config.metadata ?? {}) as Readonly<Record<string, string>>
  return `${metadata['commandlog-data']} ${created}`
}

function replaced(): Failure {
  return new Failure('STORE_UNAVAILABLE', 'The stream was replaced by another', {
    isUnknown: false,
    isTransient: false,
  })
}

function unreadable(): Failure {
  return new Failure('STORE_UNAVAILABLE', 'The server gave an answer that is none', {
    isUnknown: false,
    isTransient: true,
  })
}
