import type { CommandRecord } from '../record.ts'
import type { CommandLogStore } from '../store.ts'

/** A chosen id whose command runs, or waits to be written. */
export interface Active {
  /** Its record without an outcome. */
  readonly asked: CommandRecord
  settled: CommandRecord | undefined
  /** Whether the backlog has it still. */
  isLeft: boolean
}

const actives = new WeakMap<CommandLogStore, Map<string, Active>>()

/** One for each store, whatever buses are audited into it: a repeat in the same process needs no store to be told. */
export function activeOn(store: CommandLogStore): Map<string, Active> {
  const active = actives.get(store) ?? new Map<string, Active>()
  actives.set(store, active)
  return active
}

/** Notes that the backlog has the record from now on: until it is done with it, repeats are answered from here. */
export function leave(entry: Active, record: CommandRecord): void {
  entry.settled = record
  entry.isLeft = true
}
