import { setTimeout as sleep } from 'node:timers/promises'
import { connect, headers, type MsgHdrs } from '@nats-io/transport-node'
import { StoreError } from '../../src/index.ts'
import type { NatsLink, NatsMessage } from './driver.ts'
import type { CheckedOptions } from './options.ts'
import { type ApiError, Failure, forbidden, refusal, unanswered, unsent } from './store-error.ts'

/** An answer that took longer is not waited for: a server may have died without a word while the connection stays. */
const attemptMs = 2000

/** How long it takes from one try to connect to the next. */
const [leastWaitMs, mostWaitMs] = [50, 2000]

/** A link, and whether it is up: what is sent while it is down may be lost in silence. */
interface Line {
  readonly link: NatsLink
  readonly backOff: BackOff
  isUp: boolean
  /** Told when it breaks: whoever waits for an answer. */
  readonly pending: Set<() => void>
  /** Told when it is up again. */
  readonly waiting: Set<() => void>
}

/** How long to wait before the next try: about as long as it has been down, so that each wait is twice the one before. */
class BackOff {
  #downSince: number | undefined
  /** Once for each time that it is down: clients that lost their server together do not come back together. */
  #share = 1

  /** The client may ask several times for one wait. */
  wait(): number {
    if (this.#downSince === undefined) this.#share = 0.5 + Math.random() / 2
    this.#downSince ??= performance.now()
    const wait = Math.min(mostWaitMs, Math.max(leastWaitMs, performance.now() - this.#downSince))
    return wait * this.#share
  }

  end(): void {
    this.#downSince = undefined
  }
}

/**
 * What stands between the client and the store: nothing is sent while the connection is down, what is under way when it
 * breaks fails at once, and a connection of our own that was closed is replaced.
 */
export class Connection {
  readonly options: CheckedOptions
  #line: Promise<Line> | undefined
  #isClosed = false

  constructor(options: CheckedOptions) {
    this.options = options
  }

  /** When a call that begins now must be over. */
  until(): number {
    return performance.now() + this.options.deadlineMs
  }

  /** Asks once. Rejects with a `Failure` that says whether it may have done what it should. */
  async ask(subject: string, payload: Uint8Array | string, until: number, hdrs?: MsgHdrs): Promise<NatsMessage> {
    const line = await this.up(until)
    const timeout = Math.min(attemptMs, Math.ceil(until - performance.now()))
    if (timeout < 1) throw unsent()
    const request = line.link.request(subject, payload, { timeout, ...(hdrs !== undefined && { headers: hdrs }) })
    const answer = await unlessBroken(line, request)
    if (answer.headers?.code === 503) throw unsent()
    return answer
  }

  /** A request of the JetStream API, again and again while nothing was done and there is time. */
  async api<Answer extends object>(
    verb: string,
    body: object | undefined,
    until: number = this.until(),
  ): Promise<Answer> {
    return await this.patiently(until, async () => {
      const message = await this.ask(`$JS.API.${verb}`, body === undefined ? '' : JSON.stringify(body), until)
      const answer = jsonOf(message) as Answer & { readonly error?: ApiError }
      if (answer.error !== undefined) throw refusal(answer.error)
      return answer
    })
  }

  /** Does this until it succeeds, or fails for good, or there is no more time. Only for what may be done twice. */
  async patiently<T>(until: number, attempt: () => Promise<T>): Promise<T> {
    for (let longest = 15; ; longest = Math.min(375, longest * 2)) {
      const pause = longest * (1 / 3 + (Math.random() * 2) / 3)
      try {
        return await attempt()
      } catch (thrown) {
        const isOver = this.#isClosed || performance.now() + pause >= until
        if (!(thrown instanceof Failure && thrown.isTransient) || isOver) throw thrown
      }
      await sleep(pause)
    }
  }

  /** Asks once for what is answered in several messages, up to one of which this is true. */
  async askMany(
    subject: string,
    body: object,
    until: number,
    isLast: (message: NatsMessage, count: number) => boolean,
  ): Promise<readonly NatsMessage[]> {
    const line = await this.up(until)
    const maxWait = Math.max(1, Math.min(attemptMs, until - performance.now()))
    // What the answers say they are about is no name that the client could tell its questions by.
    const how = { strategy: 'timer', maxWait, noMux: true } as const
    const asked = line.link.requestMany(subject, JSON.stringify(body), how)
    return await unlessBroken(
      line,
      asked.then((answers) => upTo(answers, isLast)),
    )
  }

  /** The connection, once it is up. */
  async up(until: number): Promise<Line> {
    if (this.#isClosed) throw new StoreError('STORE_CLOSED', 'The store is closed')
    this.#line ??= this.#open(until)
    const opening = this.#line
    // Somebody else may have put a new one in its place meanwhile, which stays.
    const forget = (): void => {
      if (this.#line === opening) this.#line = undefined
    }
    const line = await opening.catch((thrown) => {
      forget()
      throw thrown
    })
    if (line.link.isClosed()) {
      if (this.options.connection !== undefined) throw unsent(false)
      forget()
      throw unsent()
    }
    if (!line.isUp) await whenUp(line, until)
    return line
  }

  /** Sends nothing more, and ends what was opened here. */
  async close(): Promise<void> {
    this.#isClosed = true
    const line = await this.#line?.catch(() => undefined)
    if (line === undefined) return
    if (this.options.connection === undefined) await line.link.close().catch(() => {})
  }

  async #open(until: number): Promise<Line> {
    const backOff = new BackOff()
    const link = this.options.connection ?? (await this.#connect(until, backOff))
    backOff.end()
    const line: Line = { link, backOff, isUp: !link.isClosed(), pending: new Set(), waiting: new Set() }
    void watch(line)
    if (this.#isClosed && this.options.connection === undefined) await link.close()
    return line
  }

  async #connect(until: number, backOff: BackOff): Promise<NatsLink> {
    const { servers, credentials, inboxPrefix } = this.options
    const given = Object.entries({ ...credentials, inboxPrefix }).filter(([, value]) => value !== undefined)
    try {
      const link: NatsLink = await connect({
        servers: [...servers],
        ...Object.fromEntries(given),
        name: 'commandlog',
        maxReconnectAttempts: -1,
        reconnectDelayHandler: () => backOff.wait(),
        // A server that is frozen is noticed after a second and a half.
        pingInterval: 500,
        maxPingOut: 2,
        ignoreAuthErrorAbort: true,
        noAsyncTraces: true,
        timeout: Math.max(1, Math.min(2000, until - performance.now())),
      })
      return link
    } catch (thrown) {
      const isRefused = (thrown as Error)?.name === 'AuthorizationError'
      const message = isRefused ? 'The server does not let this user in' : 'The server cannot be reached'
      throw new Failure('STORE_UNAVAILABLE', message, { isUnknown: false, isTransient: !isRefused })
    }
  }
}

/** Headers of a message to be stored. */
export function headersOf(entries: readonly (readonly [name: string, value: string])[]): MsgHdrs {
  const made = headers()
  for (const [name, value] of entries) made.append(name, value)
  return made
}

/** The answer of the API. */
export function jsonOf({ data }: NatsMessage): unknown {
  try {
    return JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.length).toString())
  } catch {
    throw unanswered()
  }
}

/** Follows what the client says of its connection until that is closed. */
async function watch(line: Line): Promise<void> {
  for await (const { type } of line.link.status()) {
    if (type === 'reconnect') {
      line.isUp = true
      line.backOff.end()
      for (const tell of [...line.waiting]) tell()
    }
    if (type === 'disconnect' || type === 'staleConnection' || type === 'close') breakOff(line)
  }
  breakOff(line)
}

function breakOff(line: Line): void {
  line.isUp = false
  for (const fail of [...line.pending]) fail()
  if (line.link.isClosed()) for (const tell of [...line.waiting]) tell()
}

async function upTo(
  answers: AsyncIterable<NatsMessage>,
  isLast: (message: NatsMessage, count: number) => boolean,
): Promise<readonly NatsMessage[]> {
  const messages: NatsMessage[] = []
  for await (const message of answers) {
    messages.push(message)
    if (isLast(message, messages.length)) return messages
  }
  throw unanswered()
}

/** An answer, or a failure once the line breaks. */
function unlessBroken<T>(line: Line, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (): void => reject(unanswered())
    line.pending.add(fail)
    answer.then(
      (value) => {
        line.pending.delete(fail)
        resolve(value)
      },
      (thrown) => {
        line.pending.delete(fail)
        reject(toFailure(thrown))
      },
    )
  })
}

function whenUp(line: Line, until: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer)
      line.waiting.delete(end)
      if (line.isUp) resolve()
      else reject(unsent())
    }
    const timer = setTimeout(end, Math.max(1, until - performance.now()))
    line.waiting.add(end)
  })
}

/** What is used of an error of the client. */
interface ClientError {
  readonly name?: string
  readonly operation?: string
  readonly subject?: string
}

function toFailure(thrown: unknown): Error {
  if (thrown instanceof Failure || thrown instanceof StoreError) return thrown
  const { cause } = (thrown ?? {}) as { readonly cause?: unknown }
  const both = [thrown, cause] as readonly (ClientError | undefined)[]
  if (both.some((each) => neverLeft.includes(String(each?.name)))) return unsent()
  const refused = both.find((each) => each?.name === 'PermissionViolationError')
  return refused === undefined ? unanswered() : forbidden(String(refused.operation), String(refused.subject))
}

/** What the client calls its errors where nobody has got anything. */
const neverLeft = ['NoResponders', 'ClosedConnectionError', 'DrainingConnectionError', 'InvalidArgumentError']
