import { type Connection, jsonOf } from './connection.ts'
import type { NatsMessage } from './driver.ts'
import type { Message } from './rows.ts'
import { faultOf, type StreamConfig } from './schema.ts'
import { type ApiError, Failure, incompatible, refusal } from './store-error.ts'

/** A window ends where its messages add up to this. */
const mostBytesAtOnce = 16 * 1024 * 1024
/** So many single messages are asked for at once. */
const mostAsked = 256
/** Fewer are faster each by itself. */
const leastTogether = 32
/** So many parts of the stream are walked at once, where messages are asked for one by one. */
const mostWalks = 16
const notFound = 10037
/** What the server said of the stream is believed for so long. */
const trustMs = 2000

/** What the server says of the stream. */
export interface StreamInfo {
  readonly created: string
  readonly config: StreamConfig
  readonly state: { readonly first_seq: number; readonly last_seq: number }
}

/** A part of the stream, and how much of it. */
export interface Range {
  readonly low?: number
  readonly high?: number
  readonly most?: number | undefined
}

/** Messages between two sequences: all of them up to `upTo`. */
export interface Window {
  readonly messages: readonly Message[]
  readonly upTo: number
}

/**
 * Reads messages so that what was acknowledged is seen. Where there is one replica the server answers direct gets, many
 * messages at once; where there are several, followers would answer those too, and may be late: then each message is asked
 * of the leader.
 */
export class Messages {
  readonly #connection: Connection
  readonly stream: string
  #isAlone = false
  #data: string | undefined
  /** When it was last asked what the stream is like, if it was found to be as it must be. */
  #foundFit = Number.NEGATIVE_INFINITY
  #looking: Promise<StreamInfo> | undefined

  constructor(connection: Connection) {
    this.#connection = connection
    this.stream = connection.options.stream
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
    const info = await this.#connection.api<StreamInfo>(`STREAM.INFO.${this.stream}`, undefined, until)
    this.#data ??= dataOf(info)
    const fault = faultOf(info.config, this.stream, this.#connection.options.replicas)
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

  /** The last messages on these subjects, of those that have one. */
  async lasts(subjects: readonly string[], until: number): Promise<readonly Message[]> {
    if (!this.#isAlone || subjects.length < leastTogether) {
      const found = await Promise.all(subjects.map((subject) => this.last(subject, until)))
      return found.filter((each) => each !== undefined)
    }
    const chunks = Array.from({ length: Math.ceil(subjects.length / mostAsked) }, (_, n) =>
      subjects.slice(n * mostAsked, (n + 1) * mostAsked),
    )
    return (await Promise.all(chunks.map((chunk) => this.#lastsAtOnce(chunk, until)))).flat()
  }

  async #lastsAtOnce(subjects: readonly string[], until: number): Promise<readonly Message[]> {
    const { messages, isCut } = await this.#many({ multi_last: subjects, max_bytes: mostBytesAtOnce }, until)
    if (!isCut) return messages
    const found = new Set(messages.map(({ subject }) => subject))
    const left = subjects.filter((subject) => !found.has(subject))
    const others = await Promise.all(left.map((subject) => this.last(subject, until)))
    return [...messages, ...others.filter((each) => each !== undefined)]
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
    return this.next(`${this.stream}.>`, seq, until)
  }

  /** All messages on a subject, or the first so many, between two sequences, both included. */
  async all(subject: string, until: number, range: Range = {}): Promise<readonly Message[]> {
    const { low = 1, high = Number.MAX_SAFE_INTEGER, most } = range
    if (this.#isAlone || most !== undefined || high - low < mostAsked) return await this.#walk(subject, until, range)
    // Each is asked for after the one before it: in several parts of the stream at once.
    const { state } = await this.info(until)
    const [first, last] = [Math.max(low, state.first_seq), Math.min(high, state.last_seq)]
    const length = Math.max(1, Math.ceil((last - first + 1) / mostWalks))
    const walks = Array.from({ length: Math.ceil((last - first + 1) / length) }, (_, n) => {
      const from = first + n * length
      return this.#walk(subject, until, { low: from, high: Math.min(last, from + length - 1) })
    })
    return (await Promise.all(walks)).flat()
  }

  async #walk(
    subject: string,
    until: number,
    { low = 1, high = Number.MAX_SAFE_INTEGER, most = Number.POSITIVE_INFINITY }: Range,
  ): Promise<readonly Message[]> {
    const messages: Message[] = []
    for (let seq = Math.max(1, low); seq <= high && messages.length < most; ) {
      const batch = Math.min(1000, most - messages.length, high - seq + 1)
      const found = this.#isAlone
        ? (await this.#many({ seq, next_by_subj: subject, batch }, until)).messages
        : [await this.next(subject, seq, until)].filter((each) => each !== undefined)
      const within = found.filter((each) => each.seq <= high)
      messages.push(...within)
      const last = within.at(-1)
      if (last === undefined || within.length < found.length) return messages
      seq = last.seq + 1
    }
    return messages
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
      const verb = `$JS.API.STREAM.MSG.GET.${this.stream}`
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
    return `$JS.API.DIRECT.GET.${this.stream}`
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
