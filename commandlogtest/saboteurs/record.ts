// What a write does and what it answers.

import { type CommandRecord, type RecordResult, StoreError } from '../../src/index.ts'
import { isSettled, settle } from '../../storekit/index.ts'
import { base } from './base-steps.ts'
import { pause, type Suspect, suspect } from './saboteur.ts'
import type { Handle, Steps } from './steps.ts'

type Write = Steps['write']

/** A store whose write answers for itself when the id is there already, and is correct otherwise. */
function onRepeat(
  repeat: (handle: Handle, stored: CommandRecord, record: CommandRecord) => RecordResult | undefined,
): Partial<Steps> {
  return {
    async write(handle, record) {
      const row = base.find(handle, record.id)
      return (row && repeat(handle, row.record, record)) ?? base.write(handle, record)
    },
  }
}

/** Puts a record in the place of the one with this id. */
function overwrite(handle: Handle, record: CommandRecord): void {
  const row = base.find(handle, record.id)
  if (row !== undefined) base.replace(handle, row, record)
}

/** A store that settles in its own way. */
function settling(
  change: (settled: CommandRecord, outcome: CommandRecord, first: CommandRecord) => CommandRecord,
): Partial<Steps> {
  return { settle: (first, outcome) => change(settle(first, outcome), outcome, first) }
}

/** A store whose correct answer is replaced. */
function answering(answer: (result: RecordResult, record: CommandRecord) => RecordResult): Partial<Steps> {
  const write: Write = async (handle, record) => answer(await base.write(handle, record), record)
  return { write }
}

/** Whose state, identity or content a repeated or later write changes. */
export const overwritingSuspects: readonly Suspect[] = [
  suspect('record/last-intent-wins', 'An intent that is written again replaces the first one.', () =>
    onRepeat((handle, stored, record) => {
      if (isSettled(stored) || isSettled(record)) return undefined
      overwrite(handle, record)
      return 'unchanged'
    }),
  ),
  suspect('record/last-outcome-wins', 'A second outcome replaces the first one.', () =>
    onRepeat((handle, stored, record) => {
      if (!isSettled(stored) || !isSettled(record)) return undefined
      overwrite(handle, settle(stored, record))
      return 'unchanged'
    }),
  ),
  suspect('record/second-outcome-says-settled', 'A second outcome replaces the first one and is told settled.', () =>
    onRepeat((handle, stored, record) => {
      if (!isSettled(stored) || !isSettled(record)) return undefined
      overwrite(handle, settle(stored, record))
      return 'settled'
    }),
  ),
  suspect(
    'record/intent-undoes-outcome',
    'An intent that arrives after its outcome puts the record back to created.',
    () =>
      onRepeat((handle, stored, record) => {
        if (!isSettled(stored) || isSettled(record)) return undefined
        overwrite(handle, record)
        return 'unchanged'
      }),
  ),
  suspect('record/failure-may-be-overruled', 'A failed record is settled again by a successful outcome.', () =>
    onRepeat((handle, stored, record) => {
      if (stored.state !== 'failed' || record.state !== 'successful') return undefined
      overwrite(handle, settle(stored, record))
      return 'settled'
    }),
  ),
  suspect(
    'record/late-intent-fills-gaps',
    'An intent after its outcome adds its metadata and user to the settled record.',
    () =>
      onRepeat((handle, stored, record) => {
        if (!isSettled(stored) || isSettled(record)) return undefined
        overwrite(handle, { ...record, ...stored })
        return 'unchanged'
      }),
  ),
  suspect(
    'record/upsert-sets-every-column',
    'The outcome replaces the whole record, identity and payload included.',
    () => ({
      settle: (_first, outcome) => outcome,
    }),
  ),
  suspect('record/payload-of-the-outcome', 'The outcome replaces the payload of the intent.', () =>
    settling((settled, { payload }) => ({ ...settled, payload })),
  ),
  suspect('record/received-at-of-the-outcome', 'The outcome replaces the time of receipt.', () =>
    settling((settled, { receivedAt }) => ({ ...settled, receivedAt })),
  ),
  suspect('record/identity-of-the-outcome', 'The outcome replaces tenant, user, client and causation.', () =>
    settling((settled, { tenantId, userId, clientRef, causationId }) => ({
      ...settled,
      ...(tenantId !== undefined && { tenantId }),
      ...(userId !== undefined && { userId }),
      ...(clientRef !== undefined && { clientRef }),
      ...(causationId !== undefined && { causationId }),
    })),
  ),
  suspect('record/type-of-the-outcome', 'The outcome replaces the type.', () =>
    settling((settled, { type }) => ({ ...settled, type })),
  ),
  suspect('record/correlation-of-the-outcome', 'The outcome replaces the correlation.', () =>
    settling((settled, { correlationId }) => ({ ...settled, correlationId })),
  ),
  suspect('record/events-appended', 'The events of the outcome are added to those of the intent.', () =>
    settling((settled, outcome, first) => ({ ...settled, events: [...first.events, ...outcome.events] })),
  ),
  suspect('record/repeat-refreshes-events', 'A repeated outcome replaces the events of the settled record.', () =>
    onRepeat((handle, stored, record) => {
      if (!isSettled(stored) || record.events.length === 0) return undefined
      overwrite(handle, { ...stored, events: record.events })
      return 'unchanged'
    }),
  ),
]

/** What is lost of an outcome, field by field. */
export const lossySuspects: readonly Suspect[] = (
  ['events', 'result', 'problem', 'error', 'settledAt', 'durationMs', 'attempts'] as const
).map((field) =>
  suspect(`record/settling-loses-${kebab(field)}`, `An outcome after its intent is stored without its ${field}.`, () =>
    settling((settled, _outcome, first) => {
      const { [field]: _lost, ...kept } = settled
      return { ...kept, events: field === 'events' ? first.events : settled.events } as CommandRecord
    }),
  ),
)

/** What the caller is told. */
export const answerSuspects: readonly Suspect[] = [
  suspect('record/always-created', 'Every write is told created.', () => answering(() => 'created')),
  suspect('record/repeat-says-created', 'A repeated intent is told created.', () =>
    answering((result, record) => (result === 'unchanged' && !isSettled(record) ? 'created' : result)),
  ),
  suspect('record/repeat-says-settled', 'A repeated outcome, which changes nothing, is told settled.', () =>
    answering((result, record) => (result === 'unchanged' && isSettled(record) ? 'settled' : result)),
  ),
  suspect('record/settling-says-created', 'An outcome after its intent is told created.', () =>
    answering((result) => (result === 'settled' ? 'created' : result)),
  ),
  suspect('record/outcome-first-says-settled', 'An outcome without an intent is told settled.', () =>
    answering((result, record) => (result === 'created' && isSettled(record) ? 'settled' : result)),
  ),
  suspect('record/settling-says-unchanged', 'An outcome after its intent is told unchanged.', () =>
    answering((result) => (result === 'settled' ? 'unchanged' : result)),
  ),
  suspect('record/answers-nothing', 'A write resolves to undefined.', () => ({
    expose: (store) => ({
      ...store,
      async record(record) {
        await store.record(record)
        return undefined as never
      },
    }),
  })),
  suspect('record/outcome-alone-refused', 'An outcome without an intent is refused.', () => ({
    async write(handle, record) {
      if (isSettled(record) && base.find(handle, record.id) === undefined) {
        throw new StoreError('INVALID_RECORD', 'There is no intent of this id')
      }
      return base.write(handle, record)
    },
  })),
  suspect('record/outcome-alone-lost', 'An outcome without an intent is acknowledged and not stored.', () => ({
    write: async (handle, record) =>
      isSettled(record) && base.find(handle, record.id) === undefined ? 'created' : base.write(handle, record),
  })),
  suspect('record/repeat-refused', 'A repeated write is refused as a duplicate.', () =>
    onRepeat((_handle, stored, record) => {
      if (!isSettled(stored) && isSettled(record)) return undefined
      throw new StoreError('DUPLICATE', 'This id is there already')
    }),
  ),
  suspect('record/cancelled-refused', 'The state cancelled, which an older schema does not know, is refused.', () => ({
    async write(handle, record) {
      if (record.state === 'cancelled') throw new StoreError('INVALID_RECORD', 'Check constraint on state')
      return base.write(handle, record)
    },
  })),
  suspect('record/conflict-stored-as-rejected', 'The state conflict is stored as rejected.', () => ({
    copyIn: (record) => base.copyIn(record.state === 'conflict' ? { ...record, state: 'rejected' } : record),
  })),
]

/** Outcomes that can be seen half. */
export const tornSuspects: readonly Suspect[] = [
  suspect('record/state-before-events', 'Settling writes the state first and the events a moment later.', () => ({
    async write(handle, record) {
      const row = base.find(handle, record.id)
      if (row === undefined || isSettled(row.record) || !isSettled(record)) return base.write(handle, record)
      const whole = settle(row.record, record)
      base.replace(handle, row, { ...whole, events: [] })
      await pause(2)
      base.replace(handle, row, whole)
      return 'settled'
    },
  })),
  suspect(
    'record/state-before-duration',
    'Settling writes the state first, the duration and problem a moment later.',
    () => ({
      async write(handle, record) {
        const row = base.find(handle, record.id)
        if (row === undefined || isSettled(row.record) || !isSettled(record)) return base.write(handle, record)
        const whole = settle(row.record, record)
        const { durationMs: _duration, settledAt: _settled, problem: _problem, error: _error, ...half } = whole
        base.replace(handle, row, half)
        await pause(2)
        base.replace(handle, row, whole)
        return 'settled'
      },
    }),
  ),
  suspect('record/events-before-state', 'Settling stores the events first and the state a moment later.', () => ({
    async write(handle, record) {
      const row = base.find(handle, record.id)
      if (row === undefined || isSettled(row.record) || !isSettled(record)) return base.write(handle, record)
      const first = row.record
      base.replace(handle, row, { ...first, events: record.events })
      await pause(2)
      base.replace(handle, row, settle(first, record))
      return 'settled'
    },
  })),
  suspect('record/bare-row-first', 'A record is visible without its events and attributes for a moment.', () => ({
    async write(handle, record) {
      if (base.find(handle, record.id) !== undefined) return base.write(handle, record)
      const { attributes: _attributes, metadata: _metadata, ...bare } = record
      base.add(handle, { ...bare, events: [] })
      await pause(2)
      const row = base.find(handle, record.id)
      if (row !== undefined && row.record.state === record.state) row.record = record
      return 'created'
    },
  })),
]

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
