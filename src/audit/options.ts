import type Emittery from 'emittery'
import { checkNames, namesOf } from '../check-options.ts'
import { type Clock, systemClock } from '../clock.ts'
import { type Codec, jsonCodec } from '../codec.ts'
import type { CommandContext, CommandParams } from '../context.ts'
import { InvalidArgument } from '../errors.ts'
import type { CommandRecord, Source } from '../record.ts'
import type { StoreError } from '../store-error.ts'
import type { BacklogLimits } from './backlog.ts'

/**
 * When a record is written. `write-ahead`: intent durable before the handler starts, outcome durable before `send`
 * resolves. `outcome`: one write, before `send` resolves. `background`: `send` does not wait.
 */
export type AuditMode = 'write-ahead' | 'outcome' | 'background'

/** What `withCommandAudit` takes; everything has a default. */
export interface AuditOptions {
  /** Default `write-ahead`. */
  readonly mode?: AuditMode | undefined
  /**
   * `fail-closed` (default): no durable intent, no execution (`AuditUnavailable`). `fail-open`: run, count, report. In the
   * modes without an intent, `fail-closed` refuses once as many records as `backlog` allows wait to be written.
   */
  readonly onStoreFailure?: 'fail-closed' | 'fail-open' | undefined
  /** How bodies are encoded; default `jsonCodec`. */
  readonly codec?: Codec | undefined
  /** A larger body is left out and flagged `too-large`; default 1 MiB. */
  readonly maxPayloadBytes?: number | undefined
  /** The most that any one wait for the store may take; default 5,000. */
  readonly deadlineMs?: number | undefined
  /** Recorded with every command. An `instance` must be one process's own name. */
  readonly source?: Source | undefined
  /** Makes the ids of commands that were sent without one; default: UUIDv7. */
  readonly newId?: (() => string) | undefined
  /** Changes what a command is recorded and run with, before anything runs; answers with the new params. */
  readonly params?: ((context: CommandContext, params: CommandParams) => CommandParams | undefined) | undefined
  /** Default: the system's. */
  readonly clock?: Clock | undefined
  /** How much may wait to be written, in the `background` or after failures; default 10,000 records, 64 MiB. */
  readonly backlog?: Partial<BacklogLimits> | undefined
}

/** What `events` emits. Every record is a copy, as it may be stored, never the data in flight. */
export interface AuditEvents {
  /** A command was accepted: its intent is durable, or its mode needs none. */
  received: { readonly record: CommandRecord }
  /** A command has its outcome, stored or not (see `keep`). */
  settled: { readonly record: CommandRecord }
  /** A repeated id was answered from this record, or refused because this record has no outcome yet. */
  duplicate: { readonly record: CommandRecord }
  /** A redactor failed, so the body is left out. */
  redactionFailed: { readonly record: CommandRecord }
  /** A write failed. `lost`: nobody will try this record again. */
  storeFailed: { readonly record: CommandRecord; readonly error: StoreError; readonly lost: boolean }
  /** A handler settled after its command had been given up; the record stays as it is. `failed`: it threw. */
  late: { readonly record: CommandRecord; readonly failed: boolean }
}

/** How many of each so far. */
export interface AuditCounters {
  received: number
  settled: number
  duplicates: number
  redactionsFailed: number
  /** Failed writes, tried again or not. */
  storeFailures: number
  /** Commands whose intent could not be made durable and that ran because of `fail-open`. */
  ranUnrecorded: number
  /** Records that will never be written. */
  lost: number
  /** Commands that handlers have sent through a bus without an audit: these are on no record. */
  bypassed: number
}

/** What `flush` and `close` resolve to. */
export interface Flushed {
  /** The number of records not written. */
  readonly left: number
}

/** The lifecycle events of an audited bus. Listeners are never awaited and cannot fail a command. */
export type AuditEmitter = Emittery<AuditEvents>

/** Options with every default in place. */
export interface ResolvedOptions {
  readonly mode: AuditMode
  readonly failOpen: boolean
  readonly codec: Codec
  readonly maxPayloadBytes: number
  readonly deadlineMs: number
  readonly source: Source | undefined
  readonly newId: AuditOptions['newId']
  readonly params: AuditOptions['params']
  readonly clock: Clock
  readonly backlog: BacklogLimits
}

const names = namesOf<AuditOptions>({
  ...{ mode: true, onStoreFailure: true, codec: true, maxPayloadBytes: true, deadlineMs: true },
  ...{ source: true, newId: true, params: true, clock: true, backlog: true },
})
const sourceNames = namesOf<Source>({ service: true, instance: true, build: true })
const backlogNames = namesOf<BacklogLimits>({ records: true, bytes: true })

/** Checks every option, with `InvalidArgument`, and fills in the defaults. */
export function resolveOptions(options: AuditOptions): ResolvedOptions {
  checkNames('options', options, names)
  const { mode = 'write-ahead', onStoreFailure = 'fail-closed', codec = jsonCodec, clock = systemClock } = options
  const { maxPayloadBytes = 1_048_576, deadlineMs = 5000, source, newId, params, backlog } = options
  const isMode = ['write-ahead', 'outcome', 'background'].includes(mode)
  check('mode', isMode, "'write-ahead', 'outcome' or 'background'", mode)
  const isChoice = ['fail-closed', 'fail-open'].includes(onStoreFailure)
  check('onStoreFailure', isChoice, "'fail-closed' or 'fail-open'", onStoreFailure)
  check('maxPayloadBytes', isFrom(maxPayloadBytes, 0), 'a number from 0', maxPayloadBytes)
  check('deadlineMs', isFrom(deadlineMs, 0) && deadlineMs > 0, 'a positive number', deadlineMs)
  check('codec', typeof codec?.encode === 'function' && typeof codec.decode === 'function', 'a codec', codec)
  const isClock = typeof clock?.now === 'function' && typeof clock.monotonic === 'function'
  check('clock', isClock, 'now() and monotonic()', clock)
  check('newId', newId === undefined || typeof newId === 'function', 'a function', newId)
  check('params', params === undefined || typeof params === 'function', 'a function', params)
  return {
    mode,
    failOpen: onStoreFailure === 'fail-open',
    codec,
    maxPayloadBytes,
    deadlineMs,
    source: source === undefined ? undefined : checkSource(source),
    newId,
    params,
    clock,
    backlog: checkBacklog(backlog),
  }
}

function checkSource(source: Source): Source {
  checkNames('source', source, sourceNames)
  for (const [name, text] of Object.entries(source)) {
    check(`source.${name}`, text === undefined || typeof text === 'string', 'a text', text)
  }
  return Object.freeze({ ...source })
}

function checkBacklog(backlog: Partial<BacklogLimits> = {}): BacklogLimits {
  checkNames('backlog', backlog, backlogNames)
  const limits = { records: backlog.records ?? 10_000, bytes: backlog.bytes ?? 64 * 1_048_576 }
  check('backlog', isFrom(limits.records, 1) && isFrom(limits.bytes, 1), 'positive records and bytes', backlog)
  return limits
}

function isFrom(value: unknown, least: number): boolean {
  return typeof value === 'number' && value >= least
}

function check(argument: string, isFine: boolean, expected: string, received: unknown): void {
  if (!isFine) throw new InvalidArgument(argument, expected, received)
}
