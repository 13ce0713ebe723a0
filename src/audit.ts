import { AuditLayer } from './audit/audit-layer.ts'
import type { AuditCounters, AuditEmitter, AuditOptions, Flushed } from './audit/options.ts'
import { resolveOptions } from './audit/options.ts'
import { CommandBus, type Layer, layers, type Results, sendThrough, type TypedSend } from './bus.ts'
import type { Receipt, SendOptions } from './command.ts'
import type { SendChild } from './context.ts'
import { AlreadyAudited, InvalidArgument } from './errors.ts'
import { foreignLayer } from './foreign-bus.ts'
import type { CommandLogStore } from './store.ts'

/** Any bus at all: what `withCommandAudit` can wrap. */
export interface AnyBus {
  send(command: never, ...options: never[]): Promise<unknown>
}

/** How a bus sends once it is audited: as typed as before. */
export type SendOf<Bus> =
  Bus extends CommandBus<infer Commands>
    ? TypedSend<Commands> & (Bus extends Results<infer Map> ? Results<Map> : unknown)
    : Bus extends AnyBus
      ? ForeignSend<Bus>
      : never

/** The options that a stranger's bus knows; a `send` without any adds nothing. */
type OwnOptions<Bus extends AnyBus> = [Parameters<Bus['send']>[1]] extends [undefined]
  ? unknown
  : Parameters<Bus['send']>[1]

/** How a stranger's bus sends once it is audited: the same commands and options, and a receipt of its answer. */
export interface ForeignSend<Bus extends AnyBus> {
  send(
    command: Parameters<Bus['send']>[0],
    options?: SendOptions & OwnOptions<Bus>,
  ): Promise<Receipt<ForeignResult<Awaited<ReturnType<Bus['send']>>>>>
}

/** The result in a stranger's answer: that of a receipt or decision, else the answer as a whole. */
export type ForeignResult<Answer> = Answer extends {
  readonly events: readonly unknown[]
  readonly result?: infer Result
}
  ? Result
  : Answer extends { readonly result: infer Result; readonly events?: readonly unknown[] | undefined }
    ? Exclude<keyof Answer, 'events' | 'result'> extends never
      ? Result
      : Answer
    : Answer

/** What an audited bus has besides `send`. */
export interface AuditControls {
  /** Lifecycle events; see `AuditEvents`. */
  readonly events: AuditEmitter
  /** How many of each so far. */
  readonly counters: Readonly<AuditCounters>
  /** Tries at once to write what is left, and resolves when nothing is, or the deadline is over. */
  flush(): Promise<Flushed>
  /**
   * Takes no more commands but the children of running ones, waits for those, then flushes; each within the deadline.
   * Closes neither the store nor the wrapped bus: they are their owner's.
   */
  close(): Promise<Flushed>
}

/** A bus whose every command leaves a record. */
export type AuditedBus<Bus> = SendOf<Bus> & AuditControls

interface Wrapping {
  readonly store: CommandLogStore
  isOpen: boolean
}

const audits = new WeakSet<object>()
const wrappings = new WeakMap<object, readonly Wrapping[]>()

/**
 * Returns a bus with the same handlers and the audit as its outermost layer; `bus` itself stays unaudited. Works with any
 * bus that has `send` and with any store. Throws `AlreadyAudited` where the same store would record a command twice.
 */
export function withCommandAudit<Bus extends AnyBus>(
  bus: Bus,
  store: CommandLogStore,
  options: AuditOptions = {},
): AuditedBus<Bus> {
  if (typeof bus?.send !== 'function') throw new InvalidArgument('bus', 'an object with send()', bus)
  if (typeof store?.record !== 'function') throw new InvalidArgument('store', 'a CommandLogStore', store)
  const before = wrappings.get(bus) ?? []
  if (before.some((wrapping) => wrapping.isOpen && wrapping.store === store)) throw new AlreadyAudited()
  const wrapping: Wrapping = { store, isOpen: true }
  const audit = new AuditLayer(layerOf(bus), store, resolveOptions(options))
  const sendChild: SendChild = (command, childOptions, parent) =>
    sendThrough(audit, { send: sendChild, parent }, command, childOptions)
  const wiring = { send: sendChild }
  const audited = {
    send: ((command, sendOptions) => sendThrough(audit, wiring, command, sendOptions)) as TypedSend['send'],
    events: audit.signals.events,
    get counters(): AuditCounters {
      return { ...audit.signals.counters }
    },
    flush: () => audit.flush(),
    async close(): Promise<Flushed> {
      const flushed = await audit.close()
      wrapping.isOpen = false
      return flushed
    },
  }
  wrappings.set(bus, [...before.filter(({ isOpen }) => isOpen), wrapping])
  layers.set(audited, audit)
  audits.add(audited.send)
  wrappings.set(audited, [...before, wrapping])
  return audited as unknown as AuditedBus<Bus>
}

/** A bus whose `send` somebody has replaced is a stranger's: what they put there must not be bypassed. */
function layerOf(bus: AnyBus): Layer {
  const isPlain = audits.has(bus.send) || bus.send === CommandBus.prototype.send
  return (isPlain ? layers.get(bus) : undefined) ?? foreignLayer(bus)
}
