import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { account, environment, postgresProgram } from './postgres-programs.ts'
import { areGone, processTree, signalAll } from './processes.ts'

/** How long a server may take to start, recovery included, and to stop. */
const patienceMs = 60_000

/** The processes of one Postgres server on a data folder, which come and go. Nothing is done twice: a call may repeat. */
export interface Postmaster {
  start(): Promise<void>
  stop(): Promise<void>
  kill(): Promise<void>
  freeze(): void
  thaw(): void
}

/** What works on `<folder>/data`, and writes to `<folder>/server.log`, once it is started. */
export function postmaster(folder: string, settings: Readonly<Record<string, string>>): Postmaster {
  const program = postgresProgram('postgres')
  const data = join(folder, 'data')
  const lockFile = join(data, 'postmaster.pid')
  const logFile = join(folder, 'server.log')
  const args = ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
  let child: ChildProcess | undefined
  let ending = Promise.resolve()

  return {
    async start() {
      // Whoever kills it in the middle of something need not wait there until it is gone.
      await ending
      if (isRunning(child)) return
      // A number in it may belong to some other process by now, which Postgres would take for itself.
      rmSync(lockFile, { force: true })
      const log = openSync(logFile, 'a')
      child = spawn(program, args, { cwd: folder, env: environment, stdio: ['ignore', log, log], ...account })
      closeSync(log)
      // A test that forgets its server shall end nevertheless.
      child.unref()
      await untilReady(child, { lockFile, logFile })
    },
    stop() {
      if (isRunning(child)) ending = stopped(child, logFile)
      return ending
    },
    kill() {
      if (isRunning(child)) ending = killed(child)
      return ending
    },
    freeze() {
      child?.kill('SIGSTOP')
      signalAll(treeOf(child), 'SIGSTOP')
    },
    thaw() {
      signalAll(treeOf(child), 'SIGCONT')
    },
  }
}

async function stopped(child: ChildProcess, logFile: string): Promise<void> {
  const tree = treeOf(child)
  signalAll(tree, 'SIGCONT')
  child.kill('SIGINT')
  if (!(await areGone(tree, patienceMs))) throw new Error(`Postgres does not stop\n${tail(logFile)}`)
  await untilNoticed(child)
}

async function killed(child: ChildProcess): Promise<void> {
  // Stopped first, it starts no child that the list would miss.
  child.kill('SIGSTOP')
  const tree = treeOf(child)
  signalAll(tree, 'SIGKILL')
  if (!(await areGone(tree, patienceMs))) throw new Error(`Processes of Postgres survived SIGKILL: ${tree}`)
  await untilNoticed(child)
}

/** Not by `exitCode` alone: where a signal ended it there is none. */
function isRunning(child: ChildProcess | undefined): child is ChildProcess {
  return child !== undefined && child.exitCode === null && child.signalCode === null
}

/** A process that has ended is still running for Node until its exit event. */
async function untilNoticed(child: ChildProcess): Promise<void> {
  child.ref()
  if (isRunning(child)) await once(child, 'exit')
}

function treeOf(child: ChildProcess | undefined): number[] {
  return isRunning(child) ? processTree(({ pid }) => pid === child.pid) : []
}

async function untilReady(child: ChildProcess, files: { lockFile: string; logFile: string }): Promise<void> {
  let failure: Error | undefined
  child.once('error', (error) => {
    failure = error
  })
  const end = performance.now() + patienceMs
  while (!isReady(child, files.lockFile)) {
    if (failure !== undefined) throw failure
    if (!isRunning(child) || performance.now() > end) {
      throw new Error(`Postgres does not start\n${tail(files.logFile)}`)
    }
    await sleep(10)
  }
}

/** The same test as `pg_ctl start` does. */
function isReady({ pid }: ChildProcess, lockFile: string): boolean {
  try {
    const lines = readFileSync(lockFile, 'utf8').split('\n')
    return lines[0] === String(pid) && lines[7]?.trim() === 'ready'
  } catch {
    // It has not been written yet.
    return false
  }
}

function tail(logFile: string): string {
  return readFileSync(logFile, 'utf8').split('\n').slice(-20).join('\n')
}
