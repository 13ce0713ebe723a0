import { isDeepStrictEqual } from 'node:util'
import { show } from '../commandlogtest/show.ts'
import { unique } from '../commandlogtest/unique.ts'
import { Violation } from '../commandlogtest/violation.ts'
import type { EventMetadata, NewEvent, RecordedEvent } from '../eventsourcing/event-store.ts'
import type { CheckContext } from './check.ts'
import type { Answer, Client } from './client.ts'

/** One execution of a check: streams and ids of its own, so that it needs no clean slate. */
export interface Scope {
  readonly context: CheckContext
  readonly client: Client
  /** A name of this execution, for streams, events and commands. */
  name(text: string): string
  /** An event of this execution, as plain as can be but for these fields. */
  event(text: string, fields?: Partial<NewEvent>): NewEvent
  /** Metadata of a command of this execution, as plain as can be but for these fields. */
  by(command: string, fields?: Partial<EventMetadata>): EventMetadata
  /** Opens data of this execution's own; the same data each time. */
  open(): Promise<Client>
}

/** The scope of one execution. */
export function newScope(context: CheckContext, client: Client): Scope {
  const prefix = unique()
  const name = (text: string): string => `${prefix}.${text}`
  const by: Scope['by'] = (command, fields) => {
    return { commandId: name(command), correlationId: name('k'), recordedAt: 1_700_000_000_000, ...fields }
  }
  return {
    context,
    client,
    name,
    by,
    event: (text, fields) => ({ id: name(text), type: 'Happened', data: { text }, metadata: by('c'), ...fields }),
    open: () => context.open(prefix),
  }
}

/** These events as a stream gives them back, the first of them at this version. */
export function recorded(stream: string, events: readonly NewEvent[], first = 1): readonly RecordedEvent[] {
  return events.map((event, index) => ({ ...event, stream, version: first + index }))
}

/** Demands that these events were read, in this order, and each as it was appended. */
export function expectEvents(
  where: string,
  actual: readonly RecordedEvent[],
  expected: readonly RecordedEvent[],
): void {
  const [read, wanted] = [actual.map(({ id }) => id), expected.map(({ id }) => id)]
  if (!isDeepStrictEqual(read, wanted)) {
    throw new Violation(`${where} gives other events`, { expected: show(wanted), actual: show(read) })
  }
  for (const [index, event] of expected.entries()) {
    const [own, given] = [plain(event), plain(actual[index] as RecordedEvent)]
    if (isDeepStrictEqual(given, own)) continue
    throw new Violation(`${where} gives an event that is not as it was appended`, {
      expected: show(own),
      actual: show(given),
    })
  }
}

/** Demands this code, and that nothing was written. */
export function expectRefused(where: string, { value, failure }: Answer, ...codes: readonly string[]): void {
  const expected = `${codes.join(' or ')}, written no`
  if (failure === undefined) throw new Violation(`${where} did not fail`, { expected, actual: show(value) })
  if (codes.includes(failure.code) && failure.written === 'no') return
  throw new Violation(`${where} failed otherwise`, { expected, actual: `${failure.code}, written ${failure.written}` })
}

/** Demands that the failure is a lost race, and says which versions met. */
export function expectConflict(where: string, answer: Answer, expected: number, actual: number): void {
  expectRefused(where, answer, 'VERSION_CONFLICT')
  const { failure } = answer
  if (failure?.expected === expected && failure.actual === actual) return
  const details = { expected: show({ expected, actual }), actual: show(failure) }
  throw new Violation(`${where} does not say which versions met`, details)
}

/** Data as JSON gives them back, members that are undefined apart: what is there decides, not how it is written. */
function plain({ id, type, data, metadata, stream, version }: RecordedEvent): unknown {
  const { commandId, correlationId, causationId, tenantId, userId, recordedAt } = metadata ?? {}
  const told = { commandId, correlationId, causationId, tenantId, userId, recordedAt }
  const text = JSON.stringify(data)
  return { id, type, stream, version, data: text === undefined ? undefined : JSON.parse(text), metadata: told }
}
