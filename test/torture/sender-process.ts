import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { type History, hear, type Saying } from './history.ts'

/** What a sender is told. */
export interface SenderOptions {
  readonly store: string
  readonly place: string
  readonly name: string
  readonly seed: number
  /** Whether its store acknowledges before it writes. */
  readonly lie: boolean
}

/** How long a sender may take for its first command, and to end when it is asked to. */
const patienceMs = 30_000

/** A process that sends commands. What it says goes to the history, to the last line that it got out. */
export interface Sender {
  /** Resolves when it begins to open its store, and when it has asked for its first command. */
  readonly isOpening: Promise<void>
  readonly isSending: Promise<void>
  /** With SIGKILL; resolves once everything that it had said has been heard. */
  kill(): Promise<void>
  /** Asks it to come to an end, and resolves when it has. */
  stop(): Promise<void>
}

/** Starts a sender on this node, with the same conditions; `file` is its program, in this folder. */
export function startSender(options: SenderOptions, history: History, file = 'sender.ts'): Sender {
  const program = [join(import.meta.dirname, file), JSON.stringify(options)]
  const child = spawn(process.execPath, ['--conditions=commandlog-source', ...program], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  let isKilled = false
  const opening = Promise.withResolvers<void>()
  const sending = Promise.withResolvers<void>()
  const heard = hearAll(child, (saying) => {
    hear(history, saying)
    opening.resolve()
    if (saying[0] === 'asked') sending.resolve()
  })
  const ended = Promise.all([heard, exitOf(child)]).then(([, exit]) => {
    if (!isKilled && exit !== '0') history.failures.push(`${options.name} ended by itself with ${exit}: ${stderr}`)
    opening.resolve()
    sending.resolve()
  })
  return {
    isOpening: opening.promise,
    isSending: patiently(sending.promise, `${options.name} sends nothing`, history),
    async kill() {
      isKilled = child.exitCode === null
      child.kill('SIGKILL')
      await ended
    },
    async stop() {
      child.kill('SIGTERM')
      await patiently(ended, `${options.name} does not end`, history)
      if (child.exitCode === null) await this.kill()
    },
  }
}

async function patiently(wait: Promise<void>, fault: string, history: History): Promise<void> {
  const given = new AbortController()
  const isLate = sleep(patienceMs, true, { signal: given.signal }).catch(() => false)
  if (await Promise.race([wait.then(() => false), isLate])) history.failures.push(`${fault} within ${patienceMs} ms`)
  given.abort()
}

async function hearAll({ stdout }: ChildProcess, listen: (saying: Saying) => void): Promise<void> {
  if (stdout === null) return
  let torn: string | undefined
  for await (const line of createInterface({ input: stdout })) {
    // The kill may have cut the last line off; what comes before it is whole.
    if (torn !== undefined) throw new Error(`A sender said: ${torn}`)
    const saying = parsed(line)
    if (saying === undefined) torn = line
    else listen(saying)
  }
}

function parsed(line: string): Saying | undefined {
  try {
    return JSON.parse(line)
  } catch {
    // Half a line says nothing.
    return undefined
  }
}

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message))
    child.on('close', (code, signal) => resolve(String(code ?? signal)))
  })
}
