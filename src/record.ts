import type { JsonObject } from './json.ts'
import type { Problem } from './problem.ts'

/** How much a command matters; decides how long its record is kept. */
export type Importance = 'low' | 'normal' | 'high'

/** How long a record is kept: `low` is short-lived, `normal` long-lived, `high` permanent. */
export type Retention = 'short-lived' | 'long-lived' | 'permanent'

/** Which outcomes are stored. */
export type Keep = 'all' | 'not-successful' | 'failures' | 'none'

/** `created` until the outcome is known, then one of the five others, for ever. */
export type CommandState = 'created' | 'successful' | 'cancelled' | 'rejected' | 'conflict' | 'failed'

/** A flat value that queries can filter by. */
export type AttributeValue = string | number | boolean

/** Flat values for filters. */
export type Attributes = Readonly<Record<string, AttributeValue>>

/** A reference to an event that a command caused. */
export interface EventRef {
  readonly id: string
  readonly type?: string
  readonly stream?: string
  readonly version?: number
}

/** A body as the log keeps it, or the reason why it is left out. */
export interface Payload {
  readonly status: 'full' | 'redacted' | 'omitted' | 'redaction-failed' | 'unserialisable' | 'too-large'
  /** The codec's name: `json`, `cbor`, `msgpack`, or a stranger's. */
  readonly format: string
  /** Text formats carry a string, binary ones bytes. Absent when left out, and for a body that is `undefined`. */
  readonly data?: string | Uint8Array
  /** The size as encoded, before redaction or omission. */
  readonly bytes: number
}

/** Where a command ran. */
export interface Source {
  readonly service?: string
  readonly instance?: string
  readonly build?: string
}

/** What is kept of a thrown error. */
export interface RecordedError {
  readonly name: string
  readonly message: string
  readonly stack?: string
}

/** What the log keeps of one command. An absent field is absent, never `undefined`. */
export interface CommandRecord {
  readonly id: string
  readonly type: string
  readonly state: CommandState
  /** The whole chain that it belongs to. */
  readonly correlationId: string
  /** What triggered it: the id of a command or an event. */
  readonly causationId?: string
  /** The client that the chain came from: a browser, a machine. */
  readonly clientRef?: string
  readonly tenantId?: string
  readonly userId?: string
  /** What was asked, as encoded. */
  readonly payload: Payload
  /** Anything else, for reading. */
  readonly metadata?: JsonObject
  /** What queries can filter by. */
  readonly attributes?: Attributes
  readonly events: readonly EventRef[]
  /** Only where the command keeps its result. */
  readonly result?: Payload
  /** Refusals, conflicts, cancellations, and failures that carry one. */
  readonly problem?: Problem
  /** Faults. */
  readonly error?: RecordedError
  readonly importance: Importance
  readonly retention: Retention
  readonly dryRun: boolean
  /** Epoch milliseconds, never running backwards within a process. */
  readonly receivedAt: number
  /** Epoch milliseconds of the outcome. */
  readonly settledAt?: number
  /** Monotonic: from the acknowledged intent to the decision, inner middleware and attempts included, audit writes not. */
  readonly durationMs?: number
  /** How often the handler was started. */
  readonly attempts?: number
  /** The command that this one repeats, for tools that write records of their own. */
  readonly replayOf?: string
  readonly source?: Source
  /** W3C trace context, when the sender had one. */
  readonly traceparent?: string
}

/** The retention that an importance gives. */
export function retentionOf(importance: Importance): Retention {
  if (importance === 'high') return 'permanent'
  return importance === 'low' ? 'short-lived' : 'long-lived'
}
