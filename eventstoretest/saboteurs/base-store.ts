import type {
  AppendOptions,
  EventStore,
  Fenceable,
  NewEvent,
  ReadOptions,
  RecordedEvent,
} from '../../eventsourcing/event-store.ts'
import { EventStoreError, versionConflict } from '../../eventsourcing/event-store-error.ts'
import {
  checkAppend,
  checkFence,
  checkRead,
  duplicateEvent,
  fenced,
  recordedEvent,
  type TakenEvent,
  takeEvents,
} from '../../eventsourcing/take-events.ts'
import type { OpenEventStore } from '../session.ts'

/** An event as the base store has it. */
export interface Kept {
  readonly event: TakenEvent
  readonly stream: string
  readonly version: number
}

/** What lives as long as the data of a name. */
export interface Data {
  kept: Kept[]
  fences: Set<string>
}

/** What a handle knows while it is asked to append. */
export interface Asked {
  readonly data: Data
  readonly stream: string
  readonly events: readonly TakenEvent[]
  readonly expected: number | undefined
}

/** The parts of a correct event store, each of which a saboteur can replace. */
export interface Steps {
  /** What names are told apart by. */
  streamKey(name: string): string
  idKey(id: string): string
  commandKey(id: string): string
  dataKey(name: string): string
  take(events: readonly NewEvent[]): readonly TakenEvent[]
  checkStream(stream: unknown): void
  isFenced(asked: Asked): boolean
  isTaken(asked: Asked): boolean
  conflict(asked: Asked, version: number): Error | undefined
  /** Between the checks and the writing. */
  pause(): Promise<void> | undefined
  write(asked: Asked, version: number): Promise<number> | number
  read(kept: readonly Kept[], from: number): readonly RecordedEvent[]
  findFenced(data: Data, own: readonly Kept[]): readonly RecordedEvent[]
  fence(data: Data, commandId: string): void
  /** Once a handle was closed. */
  reopen(data: Data): void
  checkOpen(isClosed: boolean): void
}

/** The steps of a store that keeps every rule. */
export function correctSteps(): Steps {
  const same = (text: string): string => text
  const steps: Steps = {
    streamKey: same,
    idKey: same,
    commandKey: same,
    dataKey: same,
    take: takeEvents,
    checkStream: (stream) => void checkRead(stream),
    isFenced: ({ data, events }) =>
      events.some(({ metadata }) => data.fences.has(steps.commandKey(metadata.commandId))),
    isTaken: ({ data, events }) => {
      const ids = new Set(data.kept.map(({ event }) => steps.idKey(event.id)))
      return events.some(({ id }) => ids.has(steps.idKey(id)))
    },
    conflict: ({ expected }, version) =>
      expected === undefined || expected === version ? undefined : versionConflict(expected, version),
    pause: () => undefined,
    write({ data, stream, events }, version) {
      data.kept.push(...events.map((event, index) => ({ event, stream, version: version + 1 + index })))
      return version + events.length
    },
    read: (kept, from) => kept.filter(({ version }) => version >= from).map(toEvent),
    findFenced: (_, own) => own.map(toEvent),
    fence: (data, commandId) => void data.fences.add(steps.commandKey(commandId)),
    reopen: () => undefined,
    checkOpen(isClosed) {
      if (isClosed) throw new EventStoreError('STORE_CLOSED', 'The event store is closed')
    },
  }
  return steps
}

/** An event as it is given back. */
export function toEvent({ event, stream, version }: Kept): RecordedEvent {
  return recordedEvent(event, stream, version)
}

/** An open function of stores with these steps: the same name is the same data, each call a handle. */
export function baseStore(sabotage: (steps: Steps) => Partial<Steps>): OpenEventStore {
  const all = new Map<string, Data>()
  const steps = correctSteps()
  Object.assign(steps, sabotage({ ...steps }))
  return (name) => {
    const data = all.get(steps.dataKey(name)) ?? { kept: [], fences: new Set() }
    all.set(steps.dataKey(name), data)
    return newHandle(steps, data)
  }
}

function newHandle(steps: Steps, data: Data): EventStore & Fenceable {
  let isClosed = false
  const inStream = (stream: string): readonly Kept[] =>
    data.kept.filter((each) => steps.streamKey(each.stream) === steps.streamKey(stream))
  return {
    async read(stream: string, options?: ReadOptions) {
      steps.checkOpen(isClosed)
      steps.checkStream(stream)
      return steps.read(inStream(stream), checkRead('any', options))
    },
    async append(stream: string, events: readonly NewEvent[], options?: AppendOptions) {
      steps.checkOpen(isClosed)
      steps.checkStream(stream)
      const asked = { data, stream, events: steps.take(events), expected: checkAppend('any', options) }
      if (steps.isFenced(asked)) throw fenced()
      if (steps.isTaken(asked)) throw duplicateEvent()
      const version = inStream(stream).at(-1)?.version ?? 0
      const conflict = steps.conflict(asked, version)
      if (conflict !== undefined) throw conflict
      const pausing = steps.pause()
      if (pausing !== undefined) await pausing
      return await steps.write(asked, version)
    },
    async close() {
      isClosed = true
      steps.reopen(data)
    },
    async fence(commandId: string) {
      steps.checkOpen(isClosed)
      checkFence(commandId)
      const own = data.kept.filter(
        ({ event }) => steps.commandKey(event.metadata.commandId) === steps.commandKey(commandId),
      )
      steps.fence(data, commandId)
      return steps.findFenced(data, own)
    },
  }
}

/** Resolves in a later turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
