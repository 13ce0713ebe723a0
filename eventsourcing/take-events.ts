import { identifierFault } from '../src/identifier.ts'
import { parseJson } from '../storekit/index.ts'
import type { AppendOptions, EventMetadata, NewEvent, ReadOptions, RecordedEvent } from './event-store.ts'
import { EventStoreError } from './event-store-error.ts'

/** An event as a store keeps it: checked, and sharing nothing with what was passed in. */
export interface TakenEvent {
  readonly id: string
  readonly type: string
  /** JSON text; null for an event without data. */
  readonly data: string | null
  readonly metadata: EventMetadata
}

const optional = ['causationId', 'tenantId', 'userId'] as const

/** Takes events as they are at this moment; `INVALID_EVENT` for what is none, `DUPLICATE_EVENT` for an id that comes twice. */
export function takeEvents(events: readonly NewEvent[]): readonly TakenEvent[] {
  if (!Array.isArray(events)) throw invalid('expected an array of events')
  const taken = Array.from(events, takeEvent)
  if (new Set(taken.map(({ id }) => id)).size < taken.length) throw duplicateEvent()
  return taken
}

/** What a store gives back of an event; a new value each time. */
export function recordedEvent(
  { id, type, data, metadata }: TakenEvent,
  stream: string,
  version: number,
): RecordedEvent {
  return { id, type, data: data === null ? undefined : parseJson(data), metadata: { ...metadata }, stream, version }
}

/** The error of an event whose id is already in the store. */
export function duplicateEvent(): EventStoreError {
  return new EventStoreError('DUPLICATE_EVENT', 'An event with this id is already in the store')
}

/** The error of an append whose command is fenced. */
export function fenced(): EventStoreError {
  return new EventStoreError('FENCED', 'The command is fenced: nothing more can be appended for it')
}

/** Refuses with `INVALID_ARGUMENT` what cannot be the name of a stream or the id of a command. */
function checkName(name: 'stream' | 'commandId', value: unknown): asserts value is string {
  const reason = nameFault(value)
  if (reason !== undefined) throw new EventStoreError('INVALID_ARGUMENT', `${name}: ${reason}`)
}

/** Checks what `fence` takes, with `INVALID_ARGUMENT`. */
export function checkFence(commandId: unknown): asserts commandId is string {
  checkName('commandId', commandId)
}

/** Checks what `read` takes, with `INVALID_ARGUMENT`; gives the first version back. */
export function checkRead(stream: unknown, options: ReadOptions = {}): number {
  checkName('stream', stream)
  checkObject(options)
  const { from = 1 } = options
  if (Number.isSafeInteger(from) && from >= 1) return from
  throw new EventStoreError('INVALID_ARGUMENT', 'from: expected a whole number from 1')
}

/** Checks what `append` takes besides its events, with `INVALID_ARGUMENT`; gives the expected version back. */
export function checkAppend(stream: unknown, options: AppendOptions = {}): number | undefined {
  checkName('stream', stream)
  checkObject(options)
  const { expectedVersion } = options
  if (expectedVersion === undefined || (Number.isSafeInteger(expectedVersion) && expectedVersion >= 0)) {
    return expectedVersion
  }
  throw new EventStoreError('INVALID_ARGUMENT', 'expectedVersion: expected a whole number from 0')
}

/** A bare version in the place of options would be an append that nobody checks. */
function checkObject(options: unknown): void {
  if (typeof options === 'object' && options !== null) return
  throw new EventStoreError('INVALID_ARGUMENT', 'options: expected an object')
}

function takeEvent(event: NewEvent): TakenEvent {
  if (typeof event !== 'object' || event === null) throw invalid('expected an object')
  try {
    const { id, type, data, metadata } = event
    checkText('id', id)
    checkText('type', type)
    return { id, type, data: encode(data), metadata: takeMetadata(metadata) }
  } catch (thrown) {
    // A getter of the caller: whose message may hold what is in the event.
    throw thrown instanceof EventStoreError ? thrown : invalid('it threw while it was read')
  }
}

function takeMetadata(metadata: EventMetadata): EventMetadata {
  if (typeof metadata !== 'object' || metadata === null) throw invalid('expected metadata')
  const { commandId, correlationId, recordedAt } = metadata
  checkText('metadata.commandId', commandId)
  checkText('metadata.correlationId', correlationId)
  if (!Number.isSafeInteger(recordedAt)) throw invalid('metadata.recordedAt: expected whole milliseconds')
  const taken: { -readonly [Key in keyof EventMetadata]: EventMetadata[Key] } = { commandId, correlationId, recordedAt }
  for (const field of optional) {
    const value = metadata[field]
    if (value === undefined) continue
    checkText(`metadata.${field}`, value, 'empty')
    taken[field] = value
  }
  return taken
}

function encode(data: unknown): string | null {
  if (data === undefined) return null
  let text: string | undefined
  try {
    text = JSON.stringify(data)
  } catch {
    // A cycle, a bigint, or a getter of the caller: whose message may hold what is in the event.
  }
  if (text === undefined) throw invalid('data: expected what JSON can say')
  return text
}

function checkText(field: string, value: unknown, empty?: 'empty'): asserts value is string {
  const reason = value === '' && empty !== undefined ? undefined : nameFault(value)
  if (reason !== undefined) throw invalid(`${field}: ${reason}`)
}

function nameFault(value: unknown): string | undefined {
  const expected = 'expected 1 to 256 bytes of well-formed text without NUL'
  if (typeof value !== 'string' || value === '') return expected
  return identifierFault(value) === undefined ? undefined : expected
}

function invalid(reason: string): EventStoreError {
  return new EventStoreError('INVALID_EVENT', `Not an event: ${reason}`)
}
