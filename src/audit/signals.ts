import Emittery from 'emittery'
import { type RunListener, running } from '../context.ts'
import { copyRecord } from '../copy-record.ts'
import type { CommandRecord } from '../record.ts'
import type { StoreError } from '../store-error.ts'
import type { AuditCounters, AuditEmitter, AuditEvents } from './options.ts'

/** What an audit tells the world: counters, and events whose listeners can neither fail nor slow a command. */
export class AuditSignals implements RunListener {
  readonly events: AuditEmitter = new Emittery<AuditEvents>()
  readonly counters: AuditCounters = {
    received: 0,
    settled: 0,
    duplicates: 0,
    redactionsFailed: 0,
    storeFailures: 0,
    ranUnrecorded: 0,
    lost: 0,
    bypassed: 0,
  }

  received(record: CommandRecord): void {
    this.counters.received++
    this.#emit('received', record)
  }

  settled(record: CommandRecord): void {
    this.counters.settled++
    this.#emit('settled', record)
  }

  redactionFailed(record: CommandRecord): void {
    this.counters.redactionsFailed++
    this.#emit('redactionFailed', record)
  }

  duplicate(record: CommandRecord): void {
    this.counters.duplicates++
    this.#emit('duplicate', record)
  }

  storeFailed(record: CommandRecord, error: StoreError, lost: boolean): void {
    this.counters.storeFailures++
    if (lost) this.counters.lost++
    if (this.events.listenerCount('storeFailed') === 0) return
    this.#tell('storeFailed', { record: copyRecord(record), error, lost })
  }

  late(record: CommandRecord, failed: boolean): void {
    if (this.events.listenerCount('late') > 0) this.#tell('late', { record: copyRecord(record), failed })
  }

  bypassed(): void {
    this.counters.bypassed++
  }

  #emit(name: 'received' | 'settled' | 'duplicate' | 'redactionFailed', record: CommandRecord): void {
    if (this.events.listenerCount(name) > 0) this.#tell(name, { record: copyRecord(record) })
  }

  #tell<Name extends keyof AuditEvents>(name: Name, data: AuditEvents[Name]): void {
    // Outside the command's async context: what a listener sends is not caused by the command it was told of.
    const told = running.exit(() => this.events.emit(name, data))
    told.catch(() => {
      // The listener's error may quote the record, so only its place is told.
      process.emitWarning(`A listener of the audit event '${name}' threw`, { code: 'COMMANDLOG_LISTENER' })
    })
  }
}
