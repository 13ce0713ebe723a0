import type { CommandRecord } from '../../src/index.ts'
import { settle } from '../../storekit/index.ts'
import { Messages } from './messages.ts'
import { fromHeaded, type Headed, type Message, toHeaded } from './rows.ts'
import { recordSubject } from './schema.ts'

/** What is there of an id: `seq` is what the next message on its subject must expect, `first` where its record begins. */
export type State =
  | { readonly phase: 'none'; readonly seq: number }
  | {
      readonly phase: 'open' | 'settled'
      readonly seq: number
      readonly first: number
      readonly by: string
      readonly outcomeBy?: string | undefined
    }

/** A record as it stands: where its first message is, and where its last. */
export interface Standing {
  readonly seq: number
  readonly last: number
  readonly record: CommandRecord
}

/** Reads records of the messages that they are made of. */
export class Reader extends Messages {
  /** What is there of each of these ids, or why that cannot be read. */
  async states(ids: readonly string[], until: number): Promise<readonly (State | Error)[]> {
    const read = (id: string): Promise<State | Error> =>
      this.#state(recordSubject(this.stream, id), until).catch((error: Error) => error)
    return await Promise.all(ids.map(read))
  }

  /** The record of an id. */
  async one(id: string, until: number): Promise<Standing | undefined> {
    return (await this.many([id], until))[0]
  }

  /** The records of those ids that have one. */
  async many(ids: readonly string[], until: number): Promise<Standing[]> {
    const wanted = new Map(ids.filter((id) => id.isWellFormed()).map((id) => [recordSubject(this.stream, id), id]))
    const messages = await this.lasts([...wanted.keys()], until)
    const found = await Promise.all(messages.map((message) => this.#ofLast(message, until)))
    // A long id shares its subject with whatever has the same digest.
    return found.filter(
      (each) => each !== undefined && wanted.get(recordSubject(this.stream, each.record.id)) === each.record.id,
    ) as Standing[]
  }

  /** The record whose last message on its subject this was. */
  async #ofLast(message: Message | undefined, until: number): Promise<Standing | undefined> {
    const headed = message && toHeaded(message)
    if (headed === undefined) return undefined
    const first = headed.head.of === undefined ? headed : await this.#headed(headed.head.of, headed.subject, until)
    if (first !== undefined) return await this.standing(first, headed, new Map(), until)
    // Where its intent is gone it was purged since, and may be there again.
    const now = await this.last(headed.subject, until)
    return now?.seq === headed.seq ? undefined : await this.#ofLast(now, until)
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
      return { phase: outcomeBy === undefined ? 'open' : 'settled', seq, first: seq, by, outcomeBy }
    }
    const first = await this.#headed(head.of, subject, until)
    if (first === undefined) return { phase: 'none', seq }
    return { phase: 'settled', seq, first: first.seq, by: first.head.by, outcomeBy: head.by }
  }
}
