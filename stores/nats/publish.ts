import type { StoreError } from '../../src/index.ts'
import type { GroupAnswer, GroupResult, GroupWrite } from '../../storekit/index.ts'
import { type Connection, headersOf, jsonOf } from './connection.ts'
import type { Intents } from './intents.ts'
import { farthest, Names } from './names.ts'
import type { Reader, State } from './reader.ts'
import { type Draft, firstDrafts, outcomeDrafts, type Row, tooLarge } from './rows.ts'
import { type ApiError, Failure, refusal, toStoreError } from './store-error.ts'

/** The most messages that the server takes in one batch. */
const mostInBatch = 1000
/** So many records, and no more, are written each alone. */
const mostAlone = 200
/** By so many messages a record is named at most. */
const mostNames = 2

export type Write = GroupWrite<Row>

/** A write that has no answer yet, and what is known of its id. */
export interface Pending {
  readonly write: Write
  readonly index: number
  state: State
  /** Why the last try failed. */
  failure?: Failure
  /** Whether a try that failed may have written it, or may yet. */
  isUnknown?: boolean
  /** Whether such a try may have written it, and not what names it. */
  isApart?: boolean
}

/** What one group of writes needs. */
export interface Round {
  readonly connection: Connection
  readonly reader: Reader
  readonly intents: Intents
  /** The most bytes of a message. */
  readonly most: number
  readonly until: number
  readonly answers: GroupAnswer[]
}

/** A write with its messages. */
interface Item {
  readonly pending: Pending
  readonly drafts: readonly Draft[]
}

/** Those that go together, and what names the new ones among them. */
interface Batch {
  readonly items: Item[]
  readonly names: Names
  /** Whether each goes by itself, after all names. */
  readonly isApart: boolean
}

/**
 * As many batches as the limits of the server need: one as a rule. Where there is one replica the server makes files for a
 * batch, which takes longer than a few messages: then those of one message go each by itself. What fits in none has its
 * answer.
 */
export function toBatches(round: Round, left: readonly Pending[]): readonly Batch[] {
  const { stream } = round.connection.options
  const isFew = round.reader.isAlone && left.length <= mostAlone
  const apart: Batch = { items: [], names: new Names(stream), isApart: true }
  const batches: Batch[] = []
  let count = mostInBatch
  for (const pending of left) {
    const drafts = draftsOf(round, pending)
    if (drafts.length === 0) {
      // Nothing was written in any round before: it would have been too large then.
      round.answers[pending.index] = tooLarge()
      continue
    }
    const isApart = isFew && drafts.length === 1
    if (!isApart && count + drafts.length + mostNames > mostInBatch) {
      batches.push({ items: [], names: new Names(stream), isApart: false })
      count = 0
    }
    const batch = isApart ? apart : (batches.at(-1) as Batch)
    batch.items.push({ pending, drafts })
    const named = isOutcome(pending) ? 0 : batch.names.add(rowOf(pending.write).record, drafts[0]?.expected ?? 0)
    if (!isApart) count += drafts.length + named
  }
  return apart.items.length === 0 ? batches : [apart, ...batches]
}

function draftsOf({ connection, most }: Round, pending: Pending): readonly Draft[] {
  const { stream } = connection.options
  const { write, state } = pending
  const drafts = isOutcome(pending)
    ? outcomeDrafts(stream, write.outcome as Row, state.seq, most)
    : firstDrafts(stream, write, state.phase === 'none' ? state.seq : 0, most)
  const isTooLarge = drafts.length + mostNames > mostInBatch || drafts.some(({ body }) => body.length > most)
  return isTooLarge ? [] : drafts
}

/** Whether its intent is there, so that only its outcome is written. */
function isOutcome({ write, state }: Pending): boolean {
  return state.phase === 'open' && write.outcome !== undefined
}

/** Publishes a batch, and tells everyone in it what came of it, or why nothing did. */
export async function send(round: Round, { items, names, isApart }: Batch): Promise<void> {
  if (isApart) {
    await sendApart(round, items, names)
    return
  }
  const first = names.drafts()
  const drafts = [...first, ...items.flatMap((item) => item.drafts)]
  try {
    // The messages of a batch have sequences without a gap.
    let seq = (await publish(round, drafts)) - drafts.length + first.length
    for (const item of items) {
      seq += item.drafts.length
      tell(round, item, seq)
    }
  } catch (thrown) {
    for (const { pending } of items) fail(pending, thrown)
  }
}

/** Publishes records after what names them, without waiting between. */
async function sendApart(round: Round, items: readonly Item[], names: Names): Promise<void> {
  const drafts = names.draftsApart()
  const naming = Promise.allSettled(drafts.map(([draft]) => publish(round, [draft])))
  const sent = await Promise.allSettled(items.map(({ drafts }) => publish(round, drafts)))
  const named = (await naming).flatMap((answer, n) => (drafts[n]?.[1] ?? []).map((id) => ({ id, answer })))
  const answers = Map.groupBy(named, ({ id }) => id)
  for (const [at, item] of items.entries()) {
    const { pending } = item
    const answer = sent[at] as PromiseSettledResult<number>
    const own = answers.get(rowOf(pending.write).id)?.map((each) => each.answer) ?? []
    if (answer.status === 'rejected') fail(pending, answer.reason)
    else if (own.every((each) => each.status === 'fulfilled' && isNear(each.value, answer.value))) {
      tell(round, item, answer.value)
    } else fail(pending, inPart(own))
    pending.isApart ||= pending.failure?.isUnknown ?? false
  }
}

/** The record is there, and cannot be found by all that it has: it is named again before anybody hears of it. */
function inPart(answers: readonly PromiseSettledResult<number>[]): Failure {
  const reasons = answers.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []))
  const final = reasons.find((reason) => reason instanceof Failure && !reason.isTransient) as Failure | undefined
  const { code, message } = final ?? { code: 'STORE_UNAVAILABLE', message: 'The record is written in part' }
  return new Failure(code, message, { isUnknown: true, isTransient: final === undefined })
}

/** Whether what names a record is where it is looked for. */
export function isNear(place: number, record: number): boolean {
  return place < record && record - place <= farthest
}

function fail(pending: Pending, thrown: unknown): void {
  const failure = thrown instanceof Failure ? thrown : failureOf(toStoreError(thrown, true))
  pending.failure = failure
  pending.isUnknown ||= failure.isUnknown
}

function failureOf({ code, message, written }: StoreError): Failure {
  return new Failure(code, message, { isUnknown: written === 'unknown', isTransient: false })
}

/** What was published is answered; `seq` is of its last message. */
function tell(round: Round, { pending: { write, index, state } }: Item, seq: number): void {
  const { intent, outcome } = write
  const isFirst = state.phase === 'none' || outcome === undefined
  if (outcome !== undefined) round.intents.forget(rowOf(write).id)
  else round.intents.remember(rowOf(write).id, seq)
  // Where an intent alone was taken nobody was there, whatever was known of its id before: it was purged since.
  const isNew = isFirst || (state.phase === 'open' && state.by === intent?.writer)
  const first = isNew ? 'created' : 'unchanged'
  round.answers[index] = answerOf(write, first, isFirst && intent === undefined ? 'created' : 'settled')
}

export function answerOf({ intent, outcome }: Write, first: GroupResult, second: GroupResult): GroupAnswer {
  if (intent !== undefined && outcome !== undefined) return [first, second]
  return intent === undefined ? second : first
}

export function rowOf({ intent, outcome }: Write): Row {
  return intent ?? (outcome as Row)
}

let batches = 0

/** Publishes these as one; gives the sequence of the last. */
export async function publish(
  { connection, until }: Pick<Round, 'connection' | 'until'>,
  drafts: readonly Draft[],
): Promise<number> {
  const last = drafts.at(-1) as Draft
  const id = `${batchPrefix}${(batches++).toString(36)}`
  if (drafts.length > 1) {
    const { link } = await connection.up(until)
    for (let n = 0; n < drafts.length - 1; n++) {
      const draft = drafts[n] as Draft
      link.publish(draft.subject, draft.body, { headers: headersOf([...inBatch(id, n + 1), ...expecting(draft)]) })
    }
  }
  const commit = drafts.length > 1 ? ([...inBatch(id, drafts.length), ['Nats-Batch-Commit', '1']] as const) : []
  const message = await connection.ask(last.subject, last.body, until, headersOf([...commit, ...expecting(last)]))
  const ack = jsonOf(message) as { readonly seq?: number; readonly error?: ApiError }
  if (ack.error !== undefined) throw refusal(ack.error)
  return ack.seq as number
}

const batchPrefix = `${crypto.randomUUID().slice(0, 13)}-`

function inBatch(id: string, sequence: number): readonly (readonly [string, string])[] {
  return [
    ['Nats-Batch-Id', id],
    ['Nats-Batch-Sequence', String(sequence)],
  ]
}

function expecting({ subject, expected, expectedOf = subject }: Draft): readonly (readonly [string, string])[] {
  if (expected === undefined) return []
  const header = 'Nats-Expected-Last-Subject-Sequence'
  const other = expectedOf === subject ? [] : ([[`${header}-Subject`, expectedOf]] as const)
  return [[header, String(expected)], ...other]
}
