import type { Layer } from '../bus.ts'
import { steadyNow } from '../clock.ts'
import type { Command, SendOptions } from '../command.ts'
import type { FullDecision } from '../compose.ts'
import { applyParams, type Context, paramsOf, type Wiring } from '../context.ts'
import { AuditClosed, AuditUnavailable, CommandIdReused, CommandInFlight, StoreError, TraitFailed } from '../errors.ts'
import type { CommandRecord, Keep } from '../record.ts'
import type { CommandLogStore, RecordResult } from '../store.ts'
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

  run(context: Context): Promise<FullDecision> {
    const isChild = context.parent !== undefined && this.#inFlight > 0
    if (this.#isClosed && !isChild) return Promise.reject(new AuditClosed())
    const taken = this.#captureOf(context)
    const draft = draftRecord(context, taken, this.#now(), this.#options.source)
    if (taken.redactionFailed) this.signals.redactionFailed(draft)
    return context.ownId ? this.#runOwnId(context, draft) : this.#runAudited(context, draft)
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
    this.#inFlight++
    try {
      const isWritten = this.#writesIntent(context)
      const repeat = isWritten ? await this.#writeIntent(context, draft) : await this.#lookFirst(context, draft)
      if (repeat !== undefined) return repeat
      this.signals.received(draft)
      // A draft that was handed to a store stays as it was handed over: the store may still be reading it.
      const record = isWritten ? { ...draft } : draft
      context.onLate = this.#mayBeLate(context) ? (failed) => this.signals.late(record, failed) : undefined
      const startedAt = this.#options.clock.monotonic()
      let ending: Ending
      try {
        ending = { decision: await this.#inner.run(context) }
      } catch (error) {
        ending = { thrown: { error } }
      }
      this.#settle(record, context, ending, startedAt)
      let result: RecordResult | 'left' | undefined
      try {
        if (isKept(context.keep, record)) result = await this.#write(record)
      } catch (thrown) {
        result = await this.#writer.recover(record, thrown)
      }
      if (result === 'unchanged') await this.#checkOwn(record)
      this.signals.settled(record)
      if (ending.thrown !== undefined) throw ending.thrown.error
      return ending.decision
    } finally {
      this.#inFlight--
      if (this.#inFlight === 0 && this.#onIdle.length > 0) for (const onIdle of this.#onIdle.splice(0)) onIdle()
    }
  }

  #settle(record: Draft, context: Context, ending: Ending, startedAt: number): void {
    const { clock, codec, maxPayloadBytes: limit } = this.#options
    const durationMs = Math.max(0, clock.monotonic() - startedAt)
    const times = { settledAt: this.#now(), durationMs }
    settleRecord(record, context, ending, { times, masks: this.#captureOf(context).masks, codec, limit })
  }

  #mayBeLate({ options }: Context): boolean {
    return options.signal !== undefined || options.timeoutMs !== undefined
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

  /** Without an intent, a chosen id is looked up before it runs; and whoever adds to a full backlog waits. */
  #lookFirst(context: Context, draft: Draft): Promise<FullDecision | undefined> | undefined {
    if (!context.ownId && !this.#writer.backlog.isFull) return undefined
    return this.#lookAndWait(context, draft)
  }

  async #lookAndWait(context: Context, draft: Draft): Promise<FullDecision | undefined> {
    const { failOpen, deadlineMs } = this.#options
    if (context.ownId) {
      const stored = await this.#findRepeat(draft)
      if (stored !== undefined) return this.#answer(stored, context, draft)
    }
    if (failOpen || (await this.#writer.backlog.room(deadlineMs))) return undefined
    throw new AuditUnavailable(context.id, 'BACKLOG_FULL', 'no')
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

  /** The first try at an outcome; in the background nobody waits, unless there is no room. */
  #write(record: CommandRecord): Promise<RecordResult | undefined> | undefined {
    if (this.#options.mode !== 'background') return this.#writer.write(record)
    const { backlog } = this.#writer
    if (backlog.isFull) return this.#addWhenRoom(record)
    backlog.add(record)
    return undefined
  }

  async #addWhenRoom(record: CommandRecord): Promise<undefined> {
    const { backlog } = this.#writer
    if (await backlog.offer(record, this.#options.deadlineMs)) return
    backlog.lose(record, new StoreError('BACKLOG_FULL', 'The record found no room to wait in', 'no'))
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
