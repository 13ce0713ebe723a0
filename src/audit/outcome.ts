import { Buffer } from 'node:buffer'
import type { JsonObject } from '../json.ts'
import { maxMetadataBytes } from '../metadata.ts'
import { parseJson } from '../parse-json.ts'
import { aborted, type Problem, problemOf, problemState } from '../problem.ts'
import type { CommandState, RecordedError } from '../record.ts'
import { type Masks, maskProblem, maskText } from './redact.ts'

/** What a thrown value says of its command. */
export interface Refusal {
  readonly state: Exclude<CommandState, 'created'>
  readonly problem?: Problem
  readonly error?: RecordedError
}

const longestMessage = 8192
const longestStack = 16_384
/** A longer text is not searched for secrets, but hidden. */
const longestSearched = 1_048_576

/** Reads whatever was thrown: our own refusals by name, anything with a problem by its status, the rest as a fault. */
export function refusalOf(thrown: unknown, sender: AbortSignal | undefined, masks: Masks | undefined): Refusal {
  const name = readText(thrown, 'name')
  const raw = problemOf(thrown)
  if (raw !== undefined) {
    const problem = boundProblem(safeProblem(raw), masks)
    const state = stateByName(name) ?? problemState(problem)
    return state === 'failed' ? { state, problem, error: recordedError(thrown, name, masks) } : { state, problem }
  }
  // A handler that passes the abort of its sender on, as fetch and timers do, was cancelled.
  if (sender?.aborted && (thrown === sender.reason || name === 'AbortError')) {
    return { state: 'cancelled', problem: aborted }
  }
  return { state: 'failed', error: recordedError(thrown, name, masks) }
}

/** Secrets are masked before a text is cut: half a secret would not be found. */
function shown(text: string, masks: Masks | undefined, longest: number): string {
  if (masks === undefined) return text.slice(0, longest)
  return maskText(text, text.length > longestSearched ? 'everything' : masks).slice(0, longest)
}

function recordedError(thrown: unknown, name: string | undefined, masks: Masks | undefined): RecordedError {
  if (typeof thrown !== 'object' || thrown === null) {
    return { name: 'NonError', message: shown(textOf(thrown), masks, longestMessage) }
  }
  const own = {
    name: (name ?? 'NonError').slice(0, 256),
    message: shown(readText(thrown, 'message') ?? '', masks, longestMessage),
  }
  const stack = readText(thrown, 'stack')
  return stack === undefined || masks === 'everything' ? own : { ...own, stack: shown(stack, masks, longestStack) }
}

function stateByName(name: string | undefined): Refusal['state'] | undefined {
  if (name === 'CommandRejected') return 'rejected'
  if (name === 'CommandConflict') return 'conflict'
  return name === 'CommandCancelled' ? 'cancelled' : undefined
}

function textOf(value: unknown): string {
  try {
    return typeof value === 'symbol' ? value.toString() : String(value)
  } catch {
    // A function whose own toString throws.
    return typeof value
  }
}

/** A property of a stranger's value, read without trusting it: getters and proxies may throw. */
function readText(value: unknown, key: 'name' | 'message' | 'stack'): string | undefined {
  try {
    const read = (value as Record<string, unknown> | null | undefined)?.[key]
    return typeof read === 'string' ? read : undefined
  } catch {
    // A value that cannot even be read is recorded without this text.
    return undefined
  }
}

const textMembers = ['type', 'title', 'detail', 'instance', 'code'] as const

/** A plain copy of a problem; where its extensions are no JSON, only the members of the RFC. */
function safeProblem(raw: Problem): Problem {
  try {
    const copy: unknown = parseJson(JSON.stringify(raw))
    if (typeof copy === 'object' && copy !== null) return withoutOddMembers(copy as JsonObject)
  } catch {
    // Cyclic, a bigint, a throwing getter: the members that matter are read one by one below.
  }
  const bare: Record<string, string | number> = {}
  for (const member of [...textMembers, 'status'] as const) {
    try {
      const value: unknown = raw[member]
      if (typeof value === 'string' || typeof value === 'number') bare[member] = value
    } catch {
      // This member throws when read: it is left out.
    }
  }
  return withoutOddMembers(bare)
}

/** Without secrets, and within bounds: beyond them only the members of the RFC, each cut. */
function boundProblem(problem: Problem, masks: Masks | undefined): Problem {
  const bytes = Buffer.byteLength(JSON.stringify(problem))
  const masked = masks === undefined ? problem : maskProblem(problem, bytes > longestSearched ? 'everything' : masks)
  if (bytes <= maxMetadataBytes) return masked
  const members = [...textMembers, 'status'].flatMap((member) => {
    const value = masked[member]
    return value === undefined ? [] : [[member, typeof value === 'string' ? value.slice(0, longestMessage) : value]]
  })
  return Object.fromEntries(members)
}

function withoutOddMembers(problem: JsonObject): Problem {
  const odd = textMembers.filter((member) => typeof problem[member] !== 'string') as string[]
  if (!Number.isInteger(problem.status)) odd.push('status')
  return Object.fromEntries(Object.entries(problem).filter(([member]) => !odd.includes(member)))
}
