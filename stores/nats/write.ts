import { StoreError } from '../../src/index.ts'
import type { GroupAnswer, GroupResult, GroupWrite } from '../../storekit/index.ts'
import { type Connection, headersOf, jsonOf } from './connection.ts'
import type { Reader, State } from './reads.ts'
import { correlationDraft, type Draft, firstDrafts, outcomeDrafts, type Row, tooLarge } from './rows.ts'
import { type ApiError, Failure, refusal, toStoreError } from './store-error.ts'

/** The most messages that the server takes in one batch. */
const mostInBatch = 1000
/** So many records, and no more, are written each alone. */
const mostAlone = 200
/** What headers, and the first line of a body, may take of a message. */
const headroom = 512
/** Where so many own intents wait for their outcomes, those of the oldest are read first. */
const mostRemembered = 100_000

type Write = GroupWrite<Row>

/** A write that has no answer yet, and what is known of its id. */
interface Pending {
  readonly write: Write
  readonly index: number
  state: State
  /** Why the last try failed. */
  failure?: Failure
  /** Whether a try that failed may have written it, or may yet. */
  isUnknown?: boolean
}

/** What is known without reading: where the intents are that were written here and have no outcome yet. */
export class Intents {
  readonly #places = new Map<string, number>()

  placeOf(id: string): number | undefined {
    return this.#places.get(id)
  }

  remember(id: string, seq: number): void {
    this.#places.set(id, seq)
    if (this.#places.size <= mostRemembered) return
    const [oldest] = this.#places.keys()
    if (oldest !== undefined) this.#places.delete(oldest)
  }

  forget(id: string): void {
    this.#places.delete(id)
  }
}

/** What writing needs. */
export interface Writing {
  readonly connection: Connection
  readonly reader: Reader
  readonly intents: Intents
}

/**
 * Writes a group as one atomic batch, each record on the expectation that nobody was there before. Where that is wrong for
 * one, or no answer comes, all are looked up, those that are there hear what became of them, and the others are written
 * again: the expectations keep what comes late from being written twice.
 */
export async function writeRows(writing: Writing, writes: readonly Write[]): Promise<readonly GroupAnswer[]> {
  const { connection, intents } = writing
  // Ends before the caller's deadline does, so that what is known by then is told.
  const until = connection.until() - Math.min(100, connection.options.deadlineMs / 5)
  const line = await connection.up(until).catch((thrown) => {
    throw toStoreError(thrown, false)
  })
  const most = (line.link.info?.max_payload ?? 1024 * 1024) - headroom
  const answers: GroupAnswer[] = []
  const pending: Pending[] = []
  for (const [index, write] of writes.entries()) {
    const place = intents.placeOf(idOf(write))
    const state: State = place === undefined ? { phase: 'none', seq: 0 } : { phase: 'open', seq: place, by: '' }
    pending.push({ write, index, state })
  }
  await settleAll({ ...writing, most, until, answers }, pending)
  return answers
}

interface Round extends Writing {
  readonly most: number
  readonly until: number
  readonly answers: GroupAnswer[]
}

/** Tries until everybody has an answer. */
async function settleAll(round: Round, all: readonly Pending[]): Promise<void> {
  let left = all
  for (let pause = 2; ; pause = Math.min(200, pause * 2)) {
    await Promise.all(toBatches(round, left).map((batch) => send(round, batch)))
    const isOver = performance.now() + pause >= round.until
    for (const { index, failure, isUnknown } of left) {
      if (failure === undefined || (failure.isTransient && !isOver)) continue
      const { code, message } = toStoreError(failure, true)
      round.answers[index] = new StoreError(code, message, isUnknown ? 'unknown' : 'no')
    }
    left = left.filter(({ index }) => round.answers[index] === undefined)
    if (left.length === 0) return
    // Whoever lost a race need not wait to see who won it.
    const isRace = left.every(({ failure }) => failure?.code === 'STORE_CONFLICT')
    if (pause > 2 || !isRace) await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())))
    await look(round, left)
    left = left.filter(({ index }) => round.answers[index] === undefined)
    if (left.length === 0) return
  }
}

/** Looks up every id, and tells those whose records are there what became of them. */
async function look(round: Round, left: readonly Pending[]): Promise<void> {
  const ids = left.map(({ write }) => idOf(write))
  const isAway = left.some(({ failure }) => failure?.code === 'STORE_UNAVAILABLE')
  if (isAway && !(await isThere(round, left))) return
  const states = await round.reader.states(ids, round.until)
  for (const [at, pending] of left.entries()) {
    const state = states[at]
    if (state instanceof StoreError && state.code === 'STORE_CORRUPT') {
      round.answers[pending.index] = new StoreError(state.code, state.message, pending.isUnknown ? 'unknown' : 'no')
    }
    // Where nothing can be read nothing can be written: the next try fails, and says why.
    if (state === undefined || state instanceof Error) continue
    pending.state = state
    const { intent, outcome } = pending.write
    if (state.phase === 'none' || (state.phase === 'open' && outcome !== undefined)) continue
    const first: GroupResult = intent !== undefined && state.by === intent.writer ? 'created' : 'unchanged'
    // Its answer was lost, and with it perhaps its name among its correlation.
    const isOwn = state.by === (intent ?? outcome)?.writer
    if (isOwn && !(await isNamed(round, pending))) continue
    let second: GroupResult = 'unchanged'
    if (state.phase === 'settled' && outcome !== undefined && state.outcomeBy === outcome.writer) {
      second = state.by === outcome.writer ? 'created' : 'settled'
    }
    round.answers[pending.index] = answerOf(pending.write, first, second)
  }
}

/** A stream that was away may be gone for good, or have come back as another: then all hear of it, and this is false. */
async function isThere({ reader, until, answers }: Round, left: readonly Pending[]): Promise<boolean> {
  try {
    await reader.info(until)
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.isTransient) return true
    const { code, message } = toStoreError(thrown, true)
    for (const { index, isUnknown } of left)
      answers[index] = new StoreError(code, message, isUnknown ? 'unknown' : 'no')
    return false
  }
  return true
}

/** Names a record among its correlation once more; false where that failed. */
async function isNamed(round: Round, pending: Pending): Promise<boolean> {
  const { record } = (pending.write.intent ?? pending.write.outcome) as Row
  if (record.correlationId === record.id) return true
  try {
    await publish(round, [correlationDraft(round.connection.options.stream, record)])
    return true
  } catch {
    pending.isUnknown = true
    return false
  }
}

function answerOf({ intent, outcome }: Write, first: GroupResult, second: GroupResult): GroupAnswer {
  if (intent !== undefined && outcome !== undefined) return [first, second]
  return intent === undefined ? second : first
}

/** Those of one batch, each with its messages. */
type Batch = readonly (readonly [pending: Pending, drafts: readonly Draft[]])[]

/**
 * As many batches as the limits of the server need: one as a rule. Where there is one replica the server makes files for a
 * batch, which takes longer than a few messages: then those that need no batch go each by itself. What fits in none has its
 * answer.
 */
function toBatches(round: Round, left: readonly Pending[]): readonly Batch[] {
  const batches: (readonly [Pending, readonly Draft[]])[][] = []
  const isFew = round.reader.isAlone && left.length <= mostAlone
  let count = mostInBatch
  for (const pending of left) {
    const drafts = draftsOf(round, pending)
    if (drafts.length === 0) {
      // Nothing was written in any round before: it would have been too large then.
      round.answers[pending.index] = tooLarge()
      continue
    }
    if (count + drafts.length > mostInBatch || (isFew && isApart(drafts))) {
      batches.push([])
      count = 0
    }
    batches.at(-1)?.push([pending, drafts])
    // The next one has a batch of its own again.
    count = isFew && isApart(drafts) ? mostInBatch : count + drafts.length
  }
  return batches
}

function draftsOf({ connection, most }: Round, { write, state }: Pending): readonly Draft[] {
  const { stream } = connection.options
  const { intent, outcome } = write
  const isOutcome = state.phase === 'open' && outcome !== undefined
  const drafts = isOutcome
    ? outcomeDrafts(stream, outcome, state.seq, most)
    : firstDrafts(stream, { intent, outcome }, state.phase === 'none' ? state.seq : 0, most)
  return drafts.length > mostInBatch || drafts.some(({ body }) => body.length > most) ? [] : drafts
}

let batches = 0

/** Whether these may go one by one: the name among a correlation comes first, and says nothing before its record is there. */
function isApart(drafts: readonly Draft[]): boolean {
  return drafts.length === 1 || (drafts.length === 2 && drafts[0]?.expected === undefined)
}

/** Publishes the messages of a batch, and tells everyone in it what came of it, or why nothing did. */
async function send(round: Round, batch: Batch): Promise<void> {
  let last: number
  const drafts = batch.flatMap(([, each]) => each)
  try {
    const isOne = batch.length === 1 && round.reader.isAlone && isApart(drafts)
    last = isOne ? await publishApart(round, drafts) : await publish(round, drafts)
  } catch (thrown) {
    const failure = thrown instanceof Failure ? thrown : failureOf(toStoreError(thrown, true))
    for (const [pending] of batch) {
      pending.failure = failure
      pending.isUnknown ||= failure.isUnknown
    }
    return
  }
  // The messages of a batch have sequences without a gap.
  let seq = last - drafts.length
  for (const [{ write, index, state }, each] of batch) {
    seq += each.length
    const { intent, outcome } = write
    const isFirst = state.phase === 'none' || outcome === undefined
    if (outcome !== undefined) round.intents.forget(idOf(write))
    else round.intents.remember(idOf(write), seq)
    // Where an intent alone was taken nobody was there, whatever was known of its id before: it was purged since.
    const isNew = isFirst || (state.phase === 'open' && state.by === intent?.writer)
    const first = isNew ? 'created' : 'unchanged'
    round.answers[index] = answerOf(write, first, isFirst && intent === undefined ? 'created' : 'settled')
  }
}

function failureOf({ code, message, written }: StoreError): Failure {
  return new Failure(code, message, { isUnknown: written === 'unknown', isTransient: false })
}

/** Publishes a record after its name, without waiting between; gives the sequence of the record. */
async function publishApart(round: Round, drafts: readonly Draft[]): Promise<number> {
  // Nobody is named once more whose record is there already.
  const { expected, subject: expectedOf } = drafts.at(-1) as Draft
  const sent = await Promise.allSettled(drafts.map((draft) => publish(round, [{ ...draft, expected, expectedOf }])))
  const [record, name = record] = sent.reverse() as [PromiseSettledResult<number>, PromiseSettledResult<number>?]
  if (record.status === 'rejected') throw record.reason
  if (name.status === 'fulfilled') return record.value
  // It is there, and cannot be found by its correlation: it is named again before anybody hears of it.
  throw new Failure('STORE_UNAVAILABLE', 'The record is written in part', { isUnknown: true, isTransient: true })
}

/** Publishes these as one; gives the sequence of the last. */
async function publish({ connection, until }: Round, drafts: readonly Draft[]): Promise<number> {
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

function idOf({ intent, outcome }: Write): string {
  return (intent ?? (outcome as Row)).id
}
