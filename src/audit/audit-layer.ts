import { refusePromise } from '../admit.ts'
import type { Layer } from '../bus.ts'
import { steadyNow } from '../clock.ts'
import type { Command, SendOptions } from '../command.ts'
import { applyParams, type Context, paramsOf, type Wiring } from '../context.ts'
import { startTimer } from '../deadline.ts'
import type { FullDecision } from '../decision.ts'
import { AuditClosed, AuditUnavailable, CommandIdReused, TraitFailed } from '../errors.ts'
import type { CommandRecord } from '../record.ts'
import type { CommandLogStore, RecordResult } from '../store.ts'
import { StoreError } from '../store-error.ts'
import { type Active, activeOn, leave } from './active.ts'
import { type Draft, draftRecord, type Ended, isKept, settleRecord } from './draft.ts'
import { sameOutcome } from './early-outcome.ts'
import type { Flushed, ResolvedOptions } from './options.ts'
import { capture, captureOf } from './payload.ts'
import { type Place, Places } from './places.ts'
import { answerRepeat, isSameCommand } from './repeat.ts'
import { AuditSignals } from './signals.ts'
import { toStoreError } from './store-failure.ts'
import { Writer } from './writer.ts'

/** The audit as the outermost layer of a bus: what `withCommandAudit` hands out the public face of. */
export class AuditLayer implements Layer {
  readonly signals: AuditSignals = new AuditSignals()
  readonly store: CommandLogStore
  readonly #inner: Layer
  readonly #options: ResolvedOptions
  readonly #writer: Writer
  readonly #places: Places
  readonly #now: () => number
  readonly #active: Map<string, Active>
  #inFlight = 0
  #isClosed = false
  #onIdle: (() => void)[] = []

  constructor(inner: Layer, store: CommandLogStore, options: ResolvedOptions) {
    this.#inner = inner
    this.store = store
    this.#options = options
    this.#now = steadyNow(options.clock)
    this.#active = activeOn(store)
    this.#writer = new Writer({
      store,
      deadlineMs: options.deadlineMs,
      limits: options.backlog,
      onFailure: (record, error, lost) => this.signals.storeFailed(record, error, lost),
      onDone: (record, result) => this.#left(record, result),
    })
    this.#places = new Places(this.#writer.backlog, options)
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
    const taken = captureOf(context, this)
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
        const timer = startTimer(this.#options.deadlineMs, resolve)
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
    refusePromise('params', answer)
    if (typeof answer !== 'object' || answer === null) throw new TraitFailed('params', 'expected the new params')
    applyParams(context, { ...given, ...answer })
  }

  /** An id that its sender chose may be a repeat, of a command that runs right now too, or waits to be written. */
  async #runOwnId(context: Context, draft: Draft): Promise<FullDecision> {
    const active = this.#active.get(draft.id)
    if (active !== undefined) return this.#answer(active.settled ?? active.asked, context, draft)
    const entry: Active = { asked: { ...draft }, settled: undefined, isLeft: false }
    this.#active.set(draft.id, entry)
    try {
      return await this.#runAudited(context, draft, entry)
    } finally {
      if (!entry.isLeft && this.#active.get(draft.id) === entry) this.#active.delete(draft.id)
    }
  }

  async #runAudited(context: Context, draft: Draft, entry?: Active): Promise<FullDecision> {
    this.#inFlight++
    let place: Place = 'none'
    try {
      const isWritten = this.#writesIntent(context)
      const looking = isWritten ? this.#writeIntent(context, draft) : this.#lookFirst(context, draft)
      // Awaiting nothing costs as much as awaiting something.
      const repeat = looking === undefined ? undefined : await looking
      if (repeat !== undefined) return repeat
      const isChild = context.parent !== undefined && this.#inFlight > 1
      place = this.#places.keep(context, isChild) ?? (await this.#places.keepSoon(context))
      this.signals.received(draft)
      // A draft that was handed to a store stays as it was handed over: the store may still be reading it.
      const record = isWritten ? { ...draft } : draft
      context.listener = this.signals
      context.record = record
      const startedAt = this.#options.clock.monotonic()
      const taken = captureOf(context, this)
      taken.running = { draft: record, startedAt }
      let ending: Ended
      try {
        ending = { decision: await this.#inner.run(context) }
      } catch (error) {
        ending = { thrown: { error } }
      }
      this.settle(record, context, ending, startedAt)
      const early = sameOutcome(taken.early, record)
      const isOpen = early === undefined && isKept(context.keep, record)
      const writing = isOpen ? this.#write(record, entry, place) : undefined
      let result: RecordResult | 'left' | undefined
      try {
        if (writing !== undefined) result = await writing
      } catch (thrown) {
        result = await this.#recover(record, entry, thrown)
      }
      if (result === 'unchanged') await this.#checkOwn(record)
      this.signals.settled(early ?? record)
      if (ending.thrown !== undefined) throw ending.thrown.error
      return ending.decision
    } finally {
      if (place === 'kept') this.#writer.backlog.release()
      this.#inFlight--
      if (this.#inFlight === 0 && this.#onIdle.length > 0) for (const onIdle of this.#onIdle.splice(0)) onIdle()
    }
  }

  /** Adds the outcome to a draft as it stands now. */
  settle(record: Draft, context: Context, ending: Ended, startedAt: number): void {
    record.durationMs = Math.max(0, this.#options.clock.monotonic() - startedAt)
    record.settledAt = this.#now()
    settleRecord(record, context, ending, captureOf(context, this))
  }

  /** Everything that is kept whatever comes of it, and that is not refused already, is on the record before it runs. */
  #writesIntent(context: Context): boolean {
    const isRefused = context.refusal !== undefined || context.sender?.aborted
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
    if (intent.afterUnknown && stored.state === 'created') {
      if (this.#isOwnIntent(stored, context, draft)) return undefined
      throw new AuditUnavailable(draft.id, 'STORE_UNAVAILABLE', 'unknown')
    }
    return this.#answer(stored, context, draft)
  }

  /** Whether the record that a retried intent ran into is the first try's: nobody else's may be taken for it. */
  #isOwnIntent(stored: CommandRecord, context: Context, draft: Draft): boolean {
    if (!context.ownId && this.#options.newId === undefined) return true
    // In this process no other command of this id runs on this store, and no other process has this instance's name.
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

  /** Without an intent, a chosen id is looked up before it runs; and nothing runs that a full backlog would lose. */
  #lookFirst(context: Context, draft: Draft): Promise<FullDecision | undefined> | undefined {
    const isFull = this.#options.mode === 'outcome' && this.#writer.backlog.isFull
    return context.ownId || isFull ? this.#lookAndWait(context, draft, isFull) : undefined
  }

  async #lookAndWait(context: Context, draft: Draft, isFull: boolean): Promise<FullDecision | undefined> {
    const { failOpen, deadlineMs } = this.#options
    if (context.ownId) {
      const stored = await this.#findRepeat(draft)
      if (stored !== undefined) return this.#answer(stored, context, draft)
    }
    if (!isFull || failOpen || (await this.#writer.backlog.room(deadlineMs))) return undefined
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
    if (!isSameCommand(stored, draft, context.traits.scope, this.#options.codec)) throw new CommandIdReused(draft.id)
    context.duplicate = true
    context.correlationId = stored.correlationId
    this.signals.duplicate(stored)
    return answerRepeat(stored, this.#options.codec)
  }

  /** Writes an outcome, or puts it off: in the background, and where the store fails. */
  #write(record: CommandRecord, entry: Active | undefined, place: Place): Promise<RecordResult> | undefined {
    if (this.#options.mode !== 'background') return this.#writer.write(record)
    const { backlog } = this.#writer
    if (place === 'refused' && backlog.isFull) {
      backlog.lose(record, new StoreError('BACKLOG_FULL', 'The record found no room to wait in', 'no'))
      return undefined
    }
    if (entry !== undefined) leave(entry, record)
    backlog.add(record)
    return undefined
  }

  /** After an outcome's first try failed. */
  async #recover(record: CommandRecord, entry: Active | undefined, thrown: unknown): Promise<RecordResult | 'left'> {
    // Before it is put off: the backlog may be done with it at once.
    if (entry !== undefined) leave(entry, record)
    const result = await this.#writer.recover(record, thrown)
    if (entry !== undefined && result !== 'left') entry.isLeft = false
    return result
  }

  /** The backlog is done with a record: a repeat of its id finds it in the store from now on, or nowhere. */
  #left(record: CommandRecord, result: RecordResult | 'lost'): void {
    if (this.#active.get(record.id)?.settled === record) this.#active.delete(record.id)
    if (result === 'unchanged') void this.#checkOwn(record)
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
    const isOwn = stored?.settledAt === record.settledAt && stored?.durationMs === record.durationMs
    if (stored?.state === record.state && isOwn) return
    this.#writer.backlog.lose(record, new StoreError('ALREADY_SETTLED', 'The id was settled by another hand', 'no'))
  }
}
