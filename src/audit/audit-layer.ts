import type { Layer } from '../bus.ts'
import { steadyNow } from '../clock.ts'
import type { Command, SendOptions } from '../command.ts'
import type { FullDecision } from '../compose.ts'
import { applyParams, type Context, paramsOf, type Wiring } from '../context.ts'
import { AuditClosed, AuditUnavailable, CommandIdReused, CommandInFlight, StoreError, TraitFailed } from '../errors.ts'
import type { CommandRecord, Keep } from '../record.ts'
import type { CommandLogStore } from '../store.ts'
import { type Draft, draftRecord, settleRecord } from './draft.ts'
import type { Flushed, ResolvedOptions } from './options.ts'
import { type Capture, capture } from './payload.ts'
import { type Asked, answerRepeat, isSameCommand } from './repeat.ts'
import { AuditSignals } from './signals.ts'
import { toStoreError } from './store-failure.ts'
import { Writer } from './writer.ts'

/** How an accepted command ended: with a decision, or with whatever was thrown. */
type Ending =
  | { readonly decision: FullDecision; readonly thrown?: never }
  | { readonly thrown: { readonly error: unknown } }

/** The audit as the outermost layer of a bus: what `withCommandAudit` hands out the public face of. */
export class AuditLayer implements Layer {
  readonly signals: AuditSignals = new AuditSignals()
  readonly #inner: Layer
  readonly #options: ResolvedOptions
  readonly #writer: Writer
  readonly #now: () => number
  /** The ids that senders chose, while their commands run here: a repeat in the same process needs no store to tell. */
  readonly #active = new Map<string, Asked>()
  #inFlight = 0
  #isClosed = false
  #onIdle: (() => void)[] = []

  constructor(inner: Layer, store: CommandLogStore, options: ResolvedOptions) {
    this.#inner = inner
    this.#options = options
    this.#now = steadyNow(options.clock)
    this.#writer = new Writer({
      store,
      deadlineMs: options.deadlineMs,
      limits: options.backlog,
      onFailure: (record, error, lost) => this.signals.storeFailed(record, error, lost),
    })
  }

  open(command: Command, options: SendOptions, wiring: Wiring): Context {
    const { newId, codec, maxPayloadBytes } = this.#options
    const context = this.#inner.open(command, options, newId === undefined ? wiring : { ...wiring, newId })
    // At once: whatever the sender does to the data after this call is not what was asked.
    context.note = capture(context, codec, maxPayloadBytes, this)
    return context
  }

  admit(context: Context): undefined | Promise<undefined> {
    const admission = this.#inner.admit(context)
    if (this.#options.params === undefined) return admission
    return admission === undefined ? this.#transform(context) : admission.then(() => this.#transform(context))
  }

  async run(context: Context): Promise<FullDecision> {
    const isChild = context.parent !== undefined && this.#inFlight > 0
    if (this.#isClosed && !isChild) throw new AuditClosed()
    const taken = this.#captureOf(context)
    const draft = draftRecord(context, taken, this.#now(), this.#options.source)
    if (taken.redactionFailed) {
      this.signals.counters.redactionsFailed++
      this.signals.emit('redactionFailed', draft)
    }
    this.#inFlight++
    try {
      return context.ownId ? await this.#runOwnId(context, draft) : await this.#runAudited(context, draft)
    } finally {
      this.#inFlight--
      if (this.#inFlight === 0) for (const onIdle of this.#onIdle.splice(0)) onIdle()
    }
  }

  async flush(): Promise<Flushed> {
    const { backlog } = this.#writer
    await backlog.flush(this.#options.deadlineMs)
    return { left: backlog.size + backlog.lost }
  }

  async close(): Promise<Flushed> {
    this.#isClosed = true
    const { backlog } = this.#writer
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, this.#options.deadlineMs)
        this.#onIdle.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
    await backlog.flush(this.#options.deadlineMs)
    backlog.stop()
    return { left: backlog.size + backlog.lost + this.#inFlight }
  }

  #transform(context: Context): undefined {
    const given = paramsOf(context)
    let answer: ReturnType<NonNullable<ResolvedOptions['params']>>
    try {
      answer = this.#options.params?.(context, given)
    } catch (cause) {
      throw new TraitFailed('params', 'it threw', { cause })
    }
    if (answer === undefined) return
    if (typeof answer !== 'object' || answer === null || 'then' in answer) {
      throw new TraitFailed('params', 'expected the new params, at once')
    }
    applyParams(context, { ...given, ...answer })
  }

  #captureOf(context: Context): Capture {
    let { note } = context
    while (note !== undefined && note.owner !== this) note = note.next
    return note as Capture
  }

  /** An id that its sender chose may be a repeat, of a command that runs right now too. */
  async #runOwnId(context: Context, draft: Draft): Promise<FullDecision> {
    const { id, type, payload } = draft
    const active = this.#active.get(id)
    if (active !== undefined) {
      if (!isSameCommand(active, draft, this.#options.codec)) throw new CommandIdReused(id)
      this.signals.duplicate(draft)
      throw new CommandInFlight(id)
    }
    this.#active.set(id, { type, payload })
    try {
      return await this.#runAudited(context, draft)
    } finally {
      this.#active.delete(id)
    }
  }

  async #runAudited(context: Context, draft: Draft): Promise<FullDecision> {
    const writesIntent = this.#writesIntent(context)
    if (writesIntent) {
      const repeat = await this.#writeIntent(context, draft)
      if (repeat !== undefined) return repeat
    } else {
      if (context.ownId) {
        const stored = await this.#findRepeat(draft)
        if (stored !== undefined) return this.#answer(stored, context, draft)
      }
      if (this.#writer.backlog.isFull) await this.#waitForRoom(context.id)
    }
    this.signals.counters.received++
    this.signals.emit('received', draft)
    const { ending, record } = await this.#runInner(context, draft, writesIntent)
    if (isKept(context.keep, record)) await this.#store(record)
    this.signals.counters.settled++
    this.signals.emit('settled', record)
    if (ending.thrown !== undefined) throw ending.thrown.error
    return ending.decision
  }

  async #runInner(
    context: Context,
    draft: Draft,
    isWritten: boolean,
  ): Promise<{ ending: Ending; record: CommandRecord }> {
    const { clock, codec, maxPayloadBytes } = this.#options
    // A draft that was handed to a store stays as it was handed over: the store may still be reading it.
    const record = isWritten ? { ...draft } : draft
    if (context.options.signal !== undefined || context.timeoutMs !== undefined) {
      context.onLate = (error) => this.signals.late(record, error !== undefined)
    }
    const startedAt = clock.monotonic()
    let ending: Ending
    try {
      ending = { decision: await this.#inner.run(context) }
    } catch (error) {
      ending = { thrown: { error } }
    }
    const durationMs = Math.max(0, clock.monotonic() - startedAt)
    const times = { settledAt: this.#now(), durationMs }
    settleRecord(record, context, ending, {
      times,
      masks: this.#captureOf(context).masks,
      codec,
      limit: maxPayloadBytes,
    })
    return { ending, record }
  }

  /** Everything that is kept whatever comes of it, and that is not refused already, is on the record before it runs. */
  #writesIntent(context: Context): boolean {
    const isRefused = context.refusal !== undefined || context.options.signal?.aborted
    return this.#options.mode === 'write-ahead' && context.keep === 'all' && !isRefused
  }

  /** Resolves once the intent is durable; to a decision where the id is on the record already. */
  async #writeIntent(context: Context, draft: Draft): Promise<FullDecision | undefined> {
    const intent = await this.#writer.intent(draft)
    if ('error' in intent) {
      if (!this.#options.failOpen) throw new AuditUnavailable(draft.id, intent.error.code, intent.written)
      this.signals.counters.ranUnrecorded++
      return undefined
    }
    // Where the store had it smaller, the outcome must be of the same size.
    draft.payload = intent.record.payload
    if (intent.result !== 'unchanged') return undefined
    const stored = await this.#readBack(draft.id)
    if (intent.afterUnknown && this.#isOwnIntent(stored, context, draft)) return undefined
    return this.#answer(stored, context, draft)
  }

  /** Whether the record that a retried intent ran into is the first try's: nobody else's may be taken for it. */
  #isOwnIntent(stored: CommandRecord, context: Context, draft: Draft): boolean {
    if (stored.state !== 'created') return false
    if (!context.ownId && this.#options.newId === undefined) return true
    const instance = draft.source?.instance
    return instance !== undefined && stored.source?.instance === instance && stored.receivedAt === draft.receivedAt
  }

  async #readBack(id: string): Promise<CommandRecord> {
    let stored: CommandRecord | undefined
    try {
      stored = await this.#writer.get(id)
    } catch (thrown) {
      const { code } = toStoreError(thrown)
      throw new AuditUnavailable(id, code, 'unknown')
    }
    if (stored === undefined) throw new AuditUnavailable(id, 'RECORD_NOT_FOUND', 'unknown')
    return stored
  }

  async #findRepeat(draft: Draft): Promise<CommandRecord | undefined> {
    try {
      return await this.#writer.get(draft.id)
    } catch (thrown) {
      const error = toStoreError(thrown)
      this.signals.storeFailed(draft, error, false)
      if (!this.#options.failOpen) throw new AuditUnavailable(draft.id, error.code, 'no')
      return undefined
    }
  }

  #answer(stored: CommandRecord, context: Context, draft: Draft): FullDecision {
    if (!isSameCommand(stored, draft, this.#options.codec)) throw new CommandIdReused(draft.id)
    context.duplicate = true
    this.signals.duplicate(stored)
    return answerRepeat(stored, this.#options.codec)
  }

  /** Back-pressure: waits until the backlog has room for one more. */
  async #waitForRoom(id: string): Promise<void> {
    if (this.#options.failOpen) return
    if (await this.#writer.backlog.room(this.#options.deadlineMs)) return
    throw new AuditUnavailable(id, 'BACKLOG_FULL', 'no')
  }

  async #store(record: CommandRecord): Promise<void> {
    if (this.#options.mode === 'background') {
      const { backlog } = this.#writer
      if (await backlog.offer(record, this.#options.deadlineMs)) return
      backlog.lose(record, new StoreError('BACKLOG_FULL', 'The record found no room to wait in', 'no'))
      return
    }
    try {
      if ((await this.#writer.write(record)) === 'unchanged') await this.#checkOwn(record)
    } catch (thrown) {
      if ((await this.#writer.recover(record, thrown)) === 'unchanged') await this.#checkOwn(record)
    }
  }

  /** An outcome that changed nothing is either an earlier try's, or was settled by another hand; that must show. */
  async #checkOwn(record: CommandRecord): Promise<void> {
    let stored: CommandRecord | undefined
    try {
      stored = await this.#writer.get(record.id)
    } catch (thrown) {
      this.signals.storeFailed(record, toStoreError(thrown), false)
      return
    }
    if (stored?.state === record.state && stored.settledAt === record.settledAt) return
    this.#writer.backlog.lose(record, new StoreError('ALREADY_SETTLED', 'The id was settled by another hand', 'no'))
  }
}

function isKept(keep: Keep, { state }: CommandRecord): boolean {
  if (keep === 'all') return true
  if (keep === 'not-successful') return state !== 'successful'
  return keep === 'failures' && state === 'failed'
}
