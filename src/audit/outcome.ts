import { Buffer } from 'node:buffer'
import type { JsonObject } from '../json.ts'
import { maxMetadataBytes } from '../metadata.ts'
import { type Problem, problemOf, problemState } from '../problem.ts'
import type { CommandState, RecordedError } from '../record.ts'

/** What a thrown value says of its command. */
export interface Refusal {
  readonly state: Exclude<CommandState, 'created'>
  readonly problem?: Problem
  readonly error?: RecordedError
}

/** The problem of a command that its sender gave up. */
export const aborted: Problem = Object.freeze({
  type: 'about:blank',
  title: 'Cancelled by its sender',
  status: 399,
  code: 'aborted',
})

const longestMessage = 8192
const longestStack = 16_384

/** Reads whatever was thrown: our own refusals by name, anything with a problem by its status, the rest as a fault. */
export function refusalOf(thrown: unknown, sender: AbortSignal | undefined): Refusal {
  const name = readText(thrown, 'name')
  const raw = problemOf(thrown)
  const problem = raw === undefined ? undefined : safeProblem(raw)
  if (problem !== undefined) {
    const state = stateByName(name) ?? problemState(problem)
    if (state !== 'failed') return { state, problem }
    return { state, problem, error: recordedError(thrown, name) }
  }
  // A handler that passes the abort of its sender on, as fetch and timers do, was cancelled.
  if (sender?.aborted && (thrown === sender.reason || name === 'AbortError'))
    return { state: 'cancelled', problem: aborted }
  return { state: 'failed', error: recordedError(thrown, name) }
}

function stateByName(name: string | undefined): Refusal['state'] | undefined {
  if (name === 'CommandRejected') return 'rejected'
  if (name === 'CommandConflict') return 'conflict'
  return name === 'CommandCancelled' ? 'cancelled' : undefined
}

function recordedError(thrown: unknown, name: string | undefined): RecordedError {
  if (typeof thrown !== 'object' || thrown === null) {
    return { name: 'NonError', message: textOf(thrown).slice(0, longestMessage) }
  }
  const message = (readText(thrown, 'message') ?? '').slice(0, longestMessage)
  const stack = readText(thrown, 'stack')?.slice(0, longestStack)
  const own = { name: (name ?? 'NonError').slice(0, 256), message }
  return stack === undefined ? own : { ...own, stack }
}

function textOf(value: unknown): string {
  return typeof value === 'symbol' ? value.toString() : String(value)
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

/** A plain, bounded copy of a problem; where its extensions are no JSON, or too much, only the members of the RFC. */
function safeProblem(raw: Problem): Problem {
  try {
    const text = JSON.stringify(raw)
    const copy: unknown = JSON.parse(text)
    if (Buffer.byteLength(text) <= maxMetadataBytes && typeof copy === 'object' && copy !== null) {
      return withoutOddMembers(copy as JsonObject)
    }
  } catch {
    // Cyclic, a bigint, a throwing getter: the members that matter are read one by one below.
  }
  const bare: Record<string, string | number> = {}
  for (const member of [...textMembers, 'status'] as const) {
    try {
      const value: unknown = raw[member]
      if (typeof value === 'string') bare[member] = value.slice(0, longestMessage)
      if (typeof value === 'number') bare[member] = value
    } catch {
      // This member throws when read: it is left out.
    }
  }
  return withoutOddMembers(bare)
}

function withoutOddMembers(problem: JsonObject): Problem {
  const odd = textMembers.filter((member) => typeof problem[member] !== 'string') as string[]
  if (!Number.isInteger(problem.status)) odd.push('status')
  return Object.fromEntries(Object.entries(problem).filter(([member]) => !odd.includes(member)))
}
