import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Command,
  CommandConflict,
  type CommandContext,
  type Decision,
  type EventRef,
  type Handler,
  InvalidArgument,
  OutcomeUnknown,
  uuidv7,
} from '../src/index.ts'
import { setMustFinish } from '../src/limits.ts'
import { type Decided, readDecided } from './decided.ts'
import type { DomainEvent, EventMetadata, EventStore, Fenceable, NewEvent, RecordedEvent } from './event-store.ts'
import { EventStoreError } from './event-store-error.ts'
import { loadStream, readStream } from './load-stream.ts'
import { checkPolicy, type SnapshotPolicy } from './snapshot.ts'
import { takeEvents } from './take-events.ts'

/** What `decider` takes. `C` and `Event` are unions of all commands that it decides and all events of its streams. */
export interface DeciderOptions<C extends Command, Event extends DomainEvent, State, Result> {
  /** What a stream without events amounts to; a new value each time. */
  readonly initialState: () => State
  /** May refuse by throwing `CommandRejected` and its kin. May run several times for one command: no side effects here. */
  readonly decide: (
    command: C,
    state: State,
    context: CommandContext<C>,
  ) => Decided<Named<Event>, Result> | Promise<Decided<Named<Event>, Result>>
  /** The state after an event. */
  readonly evolve: (state: State, event: Event) => State
  /** Whose events decide this command. */
  readonly stream: (command: C, context: CommandContext<C>) => string
  readonly store: EventStore & Partial<Fenceable>
  /** How often a lost race is decided anew; default 16. */
  readonly retries?: number | undefined
  /** Spares reading long streams from the start; none by default. */
  readonly snapshot?: SnapshotPolicy | undefined
  /** Ids of events; default `uuidv7`. */
  readonly newId?: (() => string) | undefined
}

/** Events as `decide` writes them: named by its union, so that a name keeps its literal type without `as const`. */
type Named<Event extends DomainEvent> = NoInfer<Event> & { readonly type: NoInfer<Event>['type'] }

type AppendFailure = Error & { readonly code: string; readonly written: string }

const defaultRetries = 16
/** Where a crowd wants one stream, pauses as long as it takes for most of it to have passed. */
const longestPause = 1000

/**
 * Makes a handler of a decider: it reads the stream, folds it, decides, and appends with the version it has read, so that
 * no decision rests on a state that was gone. Register it for each of its commands.
 *
 * - A lost race is decided anew on fresh state after a random pause, then it is `CommandConflict` with the code
 *   `stream-conflict`. An aborted command appends nothing more, and fails with the signal's reason.
 * - Events that already carry this command's id are its decision: they are answered, without a result, and nothing is
 *   decided. A first attempt looks at what it reads: events before its snapshot go unseen. Later attempts read everything.
 * - After an append whose outcome is unknown it looks first, then decides anew; the version that it expects keeps a late
 *   append from counting twice. Where it ends otherwise than by an append, it fences the command, if the store can, so that
 *   none arrives later. Where neither a fence nor a lost race makes sure, it fails as `OutcomeUnknown`.
 * - A time limit or abort that strikes during an append waits for its end.
 * - A dry run decides too, answers with the references that the events would have, and appends nothing.
 */
export function decider<C extends Command, Event extends DomainEvent, State, Result = undefined>(
  options: DeciderOptions<C, Event, State, Result>,
): Handler<C, Result> {
  checkOptions(options)
  return async function decideAndAppend(command, context): Promise<Decision<Result>> {
    const run: Run<C> = { command, context, stream: options.stream(command, context), isInDoubt: false }
    try {
      const decision = await decideUntilAppended(options, run)
      if (!run.isInDoubt || decision.events?.length !== 0) return decision
      return (await findAppended(options.store, run)) ?? decision
    } catch (error) {
      if (!run.isInDoubt || error instanceof OutcomeUnknown) throw error
      // What fails while an append may still arrive must not be told as if there were no events.
      const decision = await findAppended(options.store, run, error)
      if (decision !== undefined) return decision
      setMustFinish(false)
      throw error
    }
  }
}

interface Run<C extends Command> {
  readonly command: C
  readonly context: CommandContext<C>
  readonly stream: string
  /** Whether there was an append whose outcome is unknown. */
  isInDoubt: boolean
}

async function decideUntilAppended<C extends Command, Event extends DomainEvent, State, Result>(
  options: DeciderOptions<C, Event, State, Result>,
  run: Run<C>,
): Promise<Decision<Result>> {
  const { store, retries = defaultRetries, newId = uuidv7 } = options
  const { command, context, stream } = run
  for (let attempt = 0; ; attempt++) {
    // A snapshot may hide what an earlier attempt has appended.
    const folding = run.isInDoubt || context.attempts > 1 ? { ...options, snapshot: undefined } : options
    const { state, version, events: read } = await loadStream<Event, State>(folding, stream)
    const earlier = context.dryRun ? [] : ownOf(read, context)
    if (earlier.length > 0) return { events: earlier }
    const { events, ...rest } = readDecided<Result>(await options.decide(command, state, context))
    const metadata = metadataOf(context)
    const fresh = events.map(({ type, data }): NewEvent => ({ id: newId(), type, data, metadata }))
    const refs = fresh.map(({ id, type }, index) => ({ id, type, stream, version: version + 1 + index }))
    // What could not be appended is refused in a dry run too.
    if (context.dryRun) takeEvents(fresh)
    if (context.dryRun || fresh.length === 0) return { events: refs, ...rest }
    // A sender that has been told of its abort must not find events later.
    context.signal.throwIfAborted()
    setMustFinish(true)
    try {
      const last = await store.append(stream, fresh, { expectedVersion: version, ...rest })
      if (last === version + fresh.length) return { events: refs, ...rest }
      throw wrongVersion()
    } catch (error) {
      noteFailure(run, error)
      if (!isOpen(error)) throw error
      if (attempt >= retries) throw error.code === 'VERSION_CONFLICT' ? streamConflict(error) : error
    }
    await pause(attempt, context.signal)
  }
}

/** Only an event store that says so has surely written nothing. */
function noteFailure(run: Run<Command>, error: unknown): void {
  const wasInDoubt = run.isInDoubt
  // First: what a stranger's store has thrown may throw in its turn while it is read.
  run.isInDoubt = true
  const { name, written } = (error ?? {}) as Partial<AppendFailure>
  if (wasInDoubt || name !== 'EventStoreError' || written !== 'no') return
  run.isInDoubt = false
  setMustFinish(false)
}

/** Whether trying again makes sense: a lost race, or an append that nobody knows the outcome of. */
function isOpen(error: unknown): error is AppendFailure {
  const { name, code, written } = (error ?? {}) as Partial<AppendFailure>
  if (name !== 'EventStoreError' || code === 'STORE_INCOMPATIBLE') return false
  return code === 'VERSION_CONFLICT' || written === 'unknown'
}

/** Of an append that resolved: where its events are, if anywhere, is for the event store to say. */
function wrongVersion(): EventStoreError {
  const message = 'The event store answered an append with something else than the version of its last event'
  return new EventStoreError('STORE_INCOMPATIBLE', message, { written: 'unknown' })
}

/**
 * The decision that has been appended after all; undefined where that is sure not to be. A fence makes it sure, and so does
 * a lost race: the stream has passed every version that was expected.
 */
async function findAppended(
  store: EventStore & Partial<Fenceable>,
  { context, stream }: Run<Command>,
  ended?: unknown,
): Promise<Decision<never> | undefined> {
  let own: readonly EventRef[]
  try {
    const events = store.fence === undefined ? await readStream(store, stream, 1) : await store.fence(context.id)
    own = ownOf(events, context)
  } catch (cause) {
    throw new OutcomeUnknown({ cause })
  }
  if (own.length > 0) return { events: own }
  if (store.fence === undefined && !isLostRace(ended)) throw new OutcomeUnknown({ cause: ended })
  return undefined
}

function streamConflict(cause: unknown): CommandConflict {
  const detail = 'Others kept changing what this command decides on'
  return new CommandConflict(
    { type: 'about:blank', title: 'Conflict', status: 409, code: 'stream-conflict', detail },
    { cause },
  )
}

function isLostRace(error: unknown): boolean {
  return error instanceof CommandConflict && error.problem.code === 'stream-conflict'
}

async function pause(attempt: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(Math.random() * Math.min(longestPause, 2 * 2 ** attempt), undefined, { signal })
  } catch {
    // Aborted: the timer's own error says less than the reason that the sender gave.
    signal.throwIfAborted()
  }
}

function ownOf(events: readonly RecordedEvent[], { id }: CommandContext): readonly EventRef[] {
  return refsOf(events.filter(({ metadata }) => metadata.commandId === id))
}

/** References to events of a store. */
export function refsOf(events: readonly RecordedEvent[]): readonly EventRef[] {
  return events.map(({ id, type, stream, version }) => ({ id, type, stream, version }))
}

function metadataOf({ id, correlationId, causationId, tenantId, userId }: CommandContext): EventMetadata {
  return {
    commandId: id,
    correlationId,
    ...(causationId === undefined ? {} : { causationId }),
    ...(tenantId === undefined ? {} : { tenantId }),
    ...(userId === undefined ? {} : { userId }),
    recordedAt: Date.now(),
  }
}

function checkOptions<C extends Command, Event extends DomainEvent, State, Result>(
  options: DeciderOptions<C, Event, State, Result>,
): void {
  for (const name of ['initialState', 'decide', 'evolve', 'stream'] as const) {
    if (typeof options[name] !== 'function') throw new InvalidArgument(name, 'a function', options[name])
  }
  const { store, retries = 0, snapshot } = options
  if (typeof store?.append !== 'function') throw new InvalidArgument('store', 'an EventStore', store)
  if (!(Number.isSafeInteger(retries) && retries >= 0))
    throw new InvalidArgument('retries', 'a whole number from 0', retries)
  if (snapshot !== undefined) checkPolicy(snapshot)
}
