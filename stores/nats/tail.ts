import { randomUUID } from 'node:crypto'
import type { Connection } from './connection.ts'
import type { NatsMessage } from './driver.ts'
import type { Reader } from './reader.ts'
import type { Message } from './rows.ts'
import { unanswered } from './store-error.ts'

/** As many messages are taken at once, and as many bytes of them, unless one message may be larger. */
const [mostAtOnce, mostBytesAtOnce] = [2048, 16 * 1024 * 1024]
/** How long the server keeps a question open while there is nothing new: less than an answer is waited for. */
const patienceMs = 1500
/** When the server forgets a consumer that nobody asks any more. */
const forgottenMs = 5000
/** How long it may take to say that it may be forgotten at once. */
const partingMs = 500

/** Messages of records without a gap; none where nothing new came for a while. */
export interface Taken {
  readonly messages: readonly Message[]
  /** Whether there was more already. */
  readonly isMore: boolean
}

/** What gives messages at the server, and the last one it gave, by the stream's count and by its own. */
interface Consumer {
  readonly name: string
  seq: number
  count: number
  /** Whether it may have given what did not come. */
  isInDoubt: boolean
}

/**
 * The messages of records from a place in the stream on, which the server passes on as they come. What does so lives in the
 * memory of one server, and counts what it gives: where anything is in doubt another takes its place.
 */
export class Tail {
  readonly #connection: Connection
  readonly #reader: Reader
  #consumer: Consumer | undefined
  #isOver = false

  constructor(connection: Connection, reader: Reader) {
    this.#connection = connection
    this.#reader = reader
  }

  /** What comes after this sequence. */
  async take(after: number, until: number): Promise<Taken> {
    if (this.#isOver) return { messages: [], isMore: false }
    await this.#reader.check(until)
    if (this.#consumer?.seq !== after || this.#consumer.isInDoubt) this.#consumer = await this.#make(after, until)
    const consumer = this.#consumer
    consumer.isInDoubt = true
    const { link } = await this.#connection.up(until)
    const maxBytes = Math.max(mostBytesAtOnce, 2 * (link.info?.max_payload ?? 0))
    // What is there already, or where nothing is, what comes first.
    const body = { batch: mostAtOnce, max_bytes: maxBytes, no_wait: true, expires: patienceMs * 1_000_000 }
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${this.#connection.options.stream}.${consumer.name}`
    const answers = await this.#connection.askMany(subject, body, until, isLast)
    const taken = takenOf(answers, consumer)
    consumer.isInDoubt = false
    return taken
  }

  /** Tells the server to forget it. */
  async end(): Promise<void> {
    this.#isOver = true
    if (this.#consumer === undefined) return
    const verb = `$JS.API.CONSUMER.DELETE.${this.#connection.options.stream}.${this.#consumer.name}`
    await this.#connection.ask(verb, '', performance.now() + partingMs).catch(() => {})
  }

  async #make(after: number, until: number): Promise<Consumer> {
    const { stream } = this.#connection.options
    // Positions mean nothing in a stream that took the place of this one.
    await this.#reader.info(until)
    const name = randomUUID()
    const config = {
      ...{ name, deliver_policy: 'by_start_sequence', opt_start_seq: after + 1, filter_subject: `${stream}.record.*` },
      ...{ ack_policy: 'none', max_deliver: 1, mem_storage: true, num_replicas: 1 },
      inactive_threshold: forgottenMs * 1_000_000,
    }
    await this.#connection.api(`CONSUMER.CREATE.${stream}.${name}`, { stream_name: stream, config }, until)
    return { name, seq: after, count: 0, isInDoubt: false }
  }
}

function isLast(message: NatsMessage, count: number): boolean {
  return statusOf(message) > 0 || count === mostAtOnce
}

function statusOf({ headers }: NatsMessage): number {
  return headers?.code ?? 0
}

/** What came, and moves the consumer on. */
function takenOf(answers: readonly NatsMessage[], consumer: Consumer): Taken {
  const given = answers.filter((answer) => statusOf(answer) === 0)
  const status = statusOf(answers.at(-1) as NatsMessage)
  // It was deleted, its server goes, or the like.
  if (given.length === 0 && status !== 404 && status !== 408) throw unanswered()
  let isMore = false
  const messages = given.map(({ subject, data, reply = '' }) => {
    const [seq = 0, count, , left = 0] = countsOf(reply)
    if (count !== consumer.count + 1) throw unanswered()
    consumer.seq = seq
    consumer.count = count
    isMore = left > 0
    return { subject, seq, data }
  })
  return { messages, isMore }
}

/** Its sequence in the stream, its place among what the consumer gave, its time, and how many more there are. */
function countsOf(reply: string): readonly number[] {
  const tokens = reply.split('.')
  // Servers may add a domain and an account in front.
  const first = tokens.length > 9 ? 7 : 5
  return tokens.slice(first, first + 4).map(Number)
}
