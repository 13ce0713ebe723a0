import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { TaskOptions } from './child.ts'
import type { TaskName } from './child-tasks.ts'
import type { SqliteTaskName } from './sqlite-tasks.ts'

/** A process that is ready, and waits for `go`. */
export interface Child {
  readonly pid: number
  /** Lets it do its task; resolves to what it gives once it has ended by itself. */
  go(): Promise<unknown>
}

/** What a process can be asked to do. */
type AnyTask = TaskName | SqliteTaskName

/** Starts a process that does this task, below the commands of `within`, such as `['setpriv', '--reuid=65534']`. */
export async function startChild(task: AnyTask, options: TaskOptions, within: readonly string[] = []): Promise<Child> {
  const script = fileURLToPath(new URL('child.ts', import.meta.url))
  const node = [process.execPath, '--conditions=commandlog-source', script, task, JSON.stringify(options)]
  const [command = '', ...args] = [...within, ...node]
  const { NODE_TEST_CONTEXT, ...env } = process.env
  const child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'pipe'], timeout: 60_000 })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const lines: string[] = []
  const ready = Promise.withResolvers<void>()
  createInterface(child.stdout).on('line', (line) => (line === 'ready' ? ready.resolve() : lines.push(line)))
  const ended = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
  const failed = (code: number | null) => new Error(`The child ended with ${code}\n${stderr}`)
  ended.then((code) => ready.reject(failed(code)), ready.reject)
  await ready.promise
  return {
    pid: child.pid ?? 0,
    async go() {
      child.stdin.end('go\n')
      const code = await ended
      if (code !== 0) throw failed(code)
      return JSON.parse(lines.at(-1) ?? '')
    },
  }
}

/** Starts one and lets it do its task. */
export async function runChild(task: AnyTask, options: TaskOptions, within?: readonly string[]): Promise<unknown> {
  return await (await startChild(task, options, within)).go()
}
