import type { HistoryEvent, HistoryViolation } from './history.ts'
import { checkRegisters } from './linearizability.ts'
import { checkOrder } from './order.ts'

const mostIds = 20

/**
 * Checks a history of many clients over several handles: every id is a linearizable register, and all walks show one
 * order. Pure: the same history always gets the same answer, which is empty where every rule holds. Names the ids of
 * at most 20 broken registers. Purging is not part of a history.
 */
export function checkHistory(history: readonly HistoryEvent[]): readonly HistoryViolation[] {
  return [...checkRegisters(history, mostIds), ...checkOrder(history)]
}

export {
  type Fingerprint,
  fingerprintOf,
  type GetEvent,
  type HistoryEvent,
  type HistoryRule,
  type HistoryViolation,
  type RecordEvent,
  type Result,
  type Sight,
  type WalkEvent,
} from './history.ts'
