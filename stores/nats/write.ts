import { StoreError } from '../../src/index.ts'
import type { GroupAnswer, GroupResult } from '../../storekit/index.ts'
import type { Connection } from './connection.ts'
import type { Intents } from './intents.ts'
import { farthest, idsIn, nameDraft } from './names.ts'
import { answerOf, isNear, type Pending, publish, type Round, rowOf, send, toBatches, type Write } from './publish.ts'
import type { Reader, State } from './reader.ts'
import { correlationSubject, lateSubject, typeSubject } from './schema.ts'
import { Failure, toStoreError } from './store-error.ts'

/** What headers, and the first line of a body, may take of a message. */
const headroom = 512
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
    const place = intents.placeOf(rowOf(write).id)
    const state: State =
      place === undefined ? { phase: 'none', seq: 0 } : { phase: 'open', seq: place, first: place, by: '' }
    pending.push({ write, index, state })
  }
  await settleAll({ ...writing, most, until, answers }, pending)
  return answers
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
  const ids = left.map(({ write }) => rowOf(write).id)
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
  }
  const nameless = await nameAgain(round, left.filter(isOwn))
  for (const pending of left) {
    const { write, state, index } = pending
    const { intent, outcome } = write
    const isOpen = state.phase === 'none' || (state.phase === 'open' && outcome !== undefined)
    if (isOpen || state.by === '' || nameless.has(pending) || round.answers[index] !== undefined) continue
    const first: GroupResult = intent !== undefined && state.by === intent.writer ? 'created' : 'unchanged'
    let second: GroupResult = 'unchanged'
    if (state.phase === 'settled' && outcome !== undefined && state.outcomeBy === outcome.writer) {
      second = state.by === outcome.writer ? 'created' : 'settled'
    }
    round.answers[index] = answerOf(write, first, second)
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

/** Whether a try that failed has written it. */
function isOwn({ write, state }: Pending): boolean {
  return state.phase !== 'none' && state.by === rowOf(write).writer
}

/** Names what each of these lacks, since the answers to its names were lost with its own; those for which that failed. */
async function nameAgain(round: Round, own: readonly Pending[]): Promise<ReadonlySet<Pending>> {
  const failed = new Set<Pending>()
  const { stream } = round.connection.options
  const apart = own.filter(({ isApart }) => isApart)
  for (const [type, some] of Map.groupBy(apart, ({ write }) => rowOf(write).record.type)) {
    try {
      const missing = await unnamed(round, typeSubject(stream, type), some)
      const late = missing.map(({ write }) => nameDraft(lateSubject(stream, type), [rowOf(write).id]))
      const others = some.flatMap(({ write }) => {
        const { id, correlationId } = rowOf(write).record
        return correlationId === id ? [] : [nameDraft(correlationSubject(stream, correlationId), [id])]
      })
      await Promise.all([...late, ...others].map((draft) => publish(round, [draft])))
    } catch {
      for (const pending of some) {
        pending.isUnknown = true
        failed.add(pending)
      }
    }
  }
  return failed
}

/** Those that no message on this subject names where that is looked for. */
async function unnamed({ reader, until }: Round, subject: string, some: readonly Pending[]): Promise<Pending[]> {
  const places = some.map(({ state }) => firstOf(state))
  const range = { low: Math.min(...places) - farthest, high: Math.max(...places) }
  const names = await reader.all(subject, until, range)
  const named = Map.groupBy(
    names.flatMap((name) => idsIn(name).map((id) => ({ id, seq: name.seq }))),
    ({ id }) => id,
  )
  return some.filter(({ write, state }) => {
    const own = named.get(rowOf(write).id) ?? []
    return !own.some(({ seq }) => isNear(seq, firstOf(state)))
  })
}

function firstOf(state: State): number {
  return state.phase === 'none' ? 0 : state.first
}
