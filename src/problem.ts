import type { JsonValue } from './json.ts'

/**
 * An RFC 9457 problem: why a command was refused, in a form that people and programs can read.
 * `code` is our short name for queries (`problemCode` of a query); every further member is an extension.
 */
export interface Problem {
  readonly type?: string
  /** What is wrong, for people: the same for every such problem. */
  readonly title?: string
  /** An HTTP status. */
  readonly status?: number
  /** What is wrong this time. */
  readonly detail?: string
  readonly instance?: string
  /** A short name for queries and for programs. */
  readonly code?: string
  readonly [extension: string]: JsonValue | undefined
}

/** The problem of a command that its sender gave up. */
export const aborted: Problem = Object.freeze({
  type: 'about:blank',
  title: 'Cancelled by its sender',
  status: 399,
  code: 'aborted',
})

/** The states that a problem's status can stand for. `conflict` is not among them: only application code chooses it. */
export type ProblemState = 'successful' | 'cancelled' | 'rejected' | 'failed'

/** What a problem's status says of its command: 2xx successful, 3xx cancelled, 5xx failed, anything else rejected. */
export function problemState(problem: Problem): ProblemState {
  const status = problem.status
  if (typeof status !== 'number') return 'rejected'
  if (status >= 200 && status < 300) return 'successful'
  if (status >= 300 && status < 400) return 'cancelled'
  return status >= 500 && status < 600 ? 'failed' : 'rejected'
}

/**
 * The problem that a thrown value carries: under `.problem`, or because it has the shape of problem+json itself (a
 * `title`, or a `type` together with a `status` or `detail`). Never throws, whatever was thrown.
 */
export function problemOf(thrown: unknown): Problem | undefined {
  if (typeof thrown !== 'object' || thrown === null) return undefined
  try {
    const inner = (thrown as { problem?: unknown }).problem
    if (typeof inner === 'object' && inner !== null && hasProblemMember(inner)) return inner as Problem
    return hasProblemShape(thrown) ? (thrown as Problem) : undefined
  } catch {
    // A getter or proxy of the application threw while we looked: such a value carries no readable problem.
    return undefined
  }
}

function hasProblemMember(value: object): boolean {
  const { type, title, detail, code, status } = value as Record<string, unknown>
  return [type, title, detail, code].some((member) => typeof member === 'string') || typeof status === 'number'
}

function hasProblemShape(value: object): boolean {
  const { type, title, detail, status } = value as Record<string, unknown>
  if (typeof title === 'string') return true
  return typeof type === 'string' && (typeof status === 'number' || typeof detail === 'string')
}
