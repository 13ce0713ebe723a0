import type { Command, Decision } from './command.ts'
import type { CommandContext, Context } from './context.ts'
import { InvalidDecision, kindOf, NextCalledTwice, NextNotAwaited } from './errors.ts'
import { identifierFault } from './identifier.ts'
import type { EventRef } from './record.ts'

/** Decides a command: answers with events and a result, or refuses by throwing. */
export type Handler<C extends Command = Command, Result = unknown> = (
  command: C,
  context: CommandContext<C>,
) => Decision<Result> | void | Promise<Decision<Result> | void>

/** Wraps every command: calls `next` once, waits for it, and answers with its decision or another. */
export type Middleware = (context: CommandContext, next: () => Promise<Decision>) => Promise<Decision>

/** What the onion runs, from the outside in. */
export type Run = (context: Context) => Promise<FullDecision>

const repeaters = new WeakSet<Middleware>()
const leavers = new WeakSet<Middleware>()

/**
 * Marks a middleware that may call `next` again after an earlier call has failed, as a retry does. Without the mark a
 * second call is `NextCalledTwice`; with it, a call while another is running or after a success still is.
 */
export function mayRepeat<M extends Middleware>(middleware: M): M {
  repeaters.add(middleware)
  return middleware
}

/**
 * Marks a middleware that may throw while what it wraps is still running, as a time limit does. Without the mark that is
 * `NextNotAwaited`; answering early with a decision always is.
 */
export function mayLeave<M extends Middleware>(middleware: M): M {
  leavers.add(middleware)
  return middleware
}

/** Makes one function of an onion: the first middleware is the outermost, the handler is in the middle. */
export function compose(middleware: readonly Middleware[], handler: Handler): Run {
  const innermost: Run = async (context) => {
    context.attempts++
    return checkDecision(await handler(context.command, context))
  }
  return middleware.reduceRight<Run>((inner, outer) => guard(outer, inner), innermost)
}

/** Runs one middleware and holds it to the two rules of the onion. */
function guard(middleware: Middleware, inner: Run): Run {
  const repeats = repeaters.has(middleware)
  const leaves = leavers.has(middleware)
  return async (context) => {
    let calls: 'none' | 'running' | 'failed' | 'done' = 'none'
    let broken: NextCalledTwice | undefined
    const next = (): Promise<Decision> => {
      if (calls !== 'none' && !(repeats && calls === 'failed')) {
        broken = new NextCalledTwice()
        return Promise.reject(broken)
      }
      calls = 'running'
      const running = inner(context)
      running.then(
        () => {
          calls = 'done'
        },
        () => {
          calls = 'failed'
        },
      )
      return running
    }
    let decision: Decision
    try {
      decision = await middleware(context, next)
    } catch (error) {
      if (isRunning(calls) && !leaves) throw new NextNotAwaited({ cause: error })
      throw error
    }
    // A middleware that swallowed the refusal of its second call is refused all the same.
    if (broken !== undefined) throw broken
    if (isRunning(calls)) throw new NextNotAwaited()
    return checkDecision(decision)
  }
}

// A function of its own, since the compiler does not see that the callbacks of `next` change the variable.
function isRunning(calls: string): boolean {
  return calls === 'running'
}

const noEvents: readonly EventRef[] = Object.freeze([])

/** A decision that has passed the check: its class is the proof, so that each layer need not check it again. */
class CheckedDecision implements Decision {
  readonly events: readonly EventRef[]
  readonly result: unknown
  constructor(events: readonly EventRef[], result: unknown) {
    this.events = events
    this.result = result
    Object.freeze(this)
  }
}

/** A decision with both members. */
export type FullDecision = Required<Decision>

const emptyDecision = new CheckedDecision(noEvents, undefined)

/** A decision of our own making, whatever the application does to its objects later: only the refs of its events. */
export function checkDecision(value: unknown): FullDecision {
  if (value instanceof CheckedDecision) return value
  if (value === undefined) return emptyDecision
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidDecision(`received ${kindOf(value)}`)
  }
  const { events, result } = value as { events?: unknown; result?: unknown }
  if (
    events === undefined &&
    result === undefined &&
    Object.keys(value).some((key) => key !== 'events' && key !== 'result')
  ) {
    throw new InvalidDecision('received an object with neither')
  }
  return new CheckedDecision(events === undefined ? noEvents : checkEvents(events), result)
}

function checkEvents(events: unknown): readonly EventRef[] {
  if (!Array.isArray(events)) throw new InvalidDecision(`events is ${kindOf(events)}, not an array`)
  return events.length === 0 ? noEvents : Object.freeze(events.map(checkEvent))
}

function checkEvent(event: unknown, index: number): EventRef {
  if (typeof event !== 'object' || event === null) throw new InvalidDecision(`events[${index}] is ${kindOf(event)}`)
  const { id, type, stream, version } = event as { [key in keyof EventRef]: unknown }
  const ref: { -readonly [key in keyof EventRef]: EventRef[key] } = { id: refText(id, `events[${index}].id`) }
  if (type !== undefined) ref.type = refText(type, `events[${index}].type`)
  if (stream !== undefined) ref.stream = refText(stream, `events[${index}].stream`)
  if (version !== undefined) {
    if (!Number.isSafeInteger(version)) throw new InvalidDecision(`events[${index}].version is not a safe integer`)
    ref.version = version as number
  }
  return Object.freeze(ref)
}

function refText(value: unknown, path: string): string {
  if (typeof value !== 'string') throw new InvalidDecision(`${path} is ${kindOf(value)}`)
  const fault = identifierFault(value)
  if (fault !== undefined) throw new InvalidDecision(`${path} must be at most 256 bytes of well-formed text: ${fault}`)
  return value
}
