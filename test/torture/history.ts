import { createHash } from 'node:crypto'
import type { CommandState } from 'commandlog'

/** A command as its sender meant it, said before it is sent. */
export interface Asked {
  readonly type: string
  readonly payload: string
  readonly attributes: Readonly<Record<string, string | number | boolean>>
  readonly causationId?: string
}

/** What came of a command, said once `send` has settled. */
export interface Done {
  readonly state: CommandState
  readonly events: readonly string[]
}

/** One line of a sender. */
export type Saying =
  | readonly ['opening']
  | readonly ['asked', id: string, asked: Asked]
  | readonly ['started', id: string]
  | readonly ['done', id: string, done: Done]
  | readonly ['failure', text: string]

/** All that was said about a place. */
export interface History {
  readonly asked: Map<string, Asked>
  readonly started: Set<string>
  readonly done: Map<string, Done>
  readonly failures: string[]
}

/** A history in which nothing has been said. */
export function newHistory(): History {
  return { asked: new Map(), started: new Set(), done: new Map(), failures: [] }
}

/** Adds what was said. */
export function hear(history: History, saying: Saying): void {
  const [kind, id] = saying
  if (kind === 'asked') history.asked.set(id, saying[2])
  if (kind === 'started') history.started.add(id)
  if (kind === 'done') history.done.set(id, saying[2])
  if (kind === 'failure') history.failures.push(id)
}

/** Stands for an encoded payload. */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 16)
}
