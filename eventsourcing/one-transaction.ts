import { earlyOutcome, runningId } from '../src/audit/early-outcome.ts'
import type { CommandLogStore } from '../src/index.ts'
import type { SettlesTogether } from '../storekit/index.ts'
import type { AppendOptions, NewEvent } from './event-store.ts'
import { EventStoreError } from './event-store-error.ts'
import { appendRows, checkSameEvents } from './sqlite-event-store/rows.ts'
import { toEventStoreError } from './sqlite-event-store/to-error.ts'
import type { SqliteEventStore } from './sqlite-event-store.ts'
import { checkAppend, takeEvents } from './take-events.ts'

/**
 * The same events, but what a running command appends is committed in one transaction with its outcome: both are there, or
 * neither. The log must be that of the command's audit, and in the same file. Give it to a decider as its store.
 *
 * - A command appends once: after that it has its outcome, and another append for it is `FENCED`. So is one whose command
 *   was settled by another hand meanwhile.
 * - A result that the record keeps must come with the append, as `result`.
 * - Refusals, dry runs and commands whose outcome is not kept are recorded as always; what is appended outside of a command
 *   is appended as always.
 */
export function oneTransaction(log: CommandLogStore & SettlesTogether, events: SqliteEventStore): SqliteEventStore {
  let isClosed = false
  return {
    data: events.data,
    read: (stream, options) => events.read(stream, options),
    async append(stream: string, given: readonly NewEvent[], options: AppendOptions = {}): Promise<number> {
      const outcome = isClosed || !isOfRunning(given) ? undefined : outcomeIn(log)
      if (outcome === undefined || !outcome.isKept) return await events.append(stream, given, options)
      const expected = checkAppend(stream, options)
      const taken = takeEvents(given)
      let version = 0
      try {
        const record = await log.settleTogether((file) => {
          checkSameEvents(file, events.data)
          version = appendRows(file, { stream, events: taken, expected })
          const before = version - taken.length
          const refs = taken.map(({ id, type }, index) => ({ id, type, stream, version: before + 1 + index }))
          return outcome.record({ events: refs, result: options.result })
        })
        outcome.written(record)
        return version
      } catch (thrown) {
        throw settledAlready(thrown) ?? toEventStoreError(thrown)
      }
    },
    close() {
      isClosed = true
      return events.close()
    },
    fence: (commandId) => events.fence(commandId),
  }
}

function isOfRunning(events: readonly NewEvent[]): boolean {
  const id = runningId()
  if (id === undefined || !Array.isArray(events) || events.length === 0) return false
  return events.every((event: NewEvent | undefined) => event?.metadata?.commandId === id)
}

function outcomeIn(log: CommandLogStore): NonNullable<ReturnType<typeof earlyOutcome>> {
  const outcome = earlyOutcome(log)
  if (outcome !== undefined) return outcome
  throw new EventStoreError('INVALID_ARGUMENT', 'The command that runs is not audited into this log')
}

function settledAlready(thrown: unknown): EventStoreError | undefined {
  if ((thrown as { readonly code?: unknown }).code !== 'ALREADY_SETTLED') return undefined
  return new EventStoreError('FENCED', 'The command has an outcome already: nothing more can be appended for it')
}
