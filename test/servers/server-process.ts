import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { areGone, processTree, signalAll } from './processes.ts'

/** How long a server may take to start, recovery included, and to stop. */
const patienceMs = 60_000

/** The processes of one server, which come and go. Nothing is done twice: a call may repeat. */
export interface ServerProcess {
  start(): Promise<void>
  stop(): Promise<void>
  kill(): Promise<void>
  freeze(): void
  thaw(): void
}

/** A program that serves, and ends by itself on SIGINT. */
export interface ServerProgram {
  /** As errors call it. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** Its working folder, where `server.log` gets all that it prints. */
  readonly folder: string
  readonly options: Pick<SpawnOptions, 'env' | 'uid' | 'gid'>
  /** Where it listens on 127.0.0.1. It is gone when nobody does any more. */
  readonly port: number
  /** Whether the process that was started serves already; asked again and again. */
  isReady(pid: number | undefined): boolean | Promise<boolean>
  beforeStart?(): void
}

/** What runs a program, once it is started. */
export function serverProcess(program: ServerProgram): ServerProcess {
  let child: ChildProcess | undefined
  let ending = Promise.resolve()

  return {
    async start() {
      // Whoever kills it in the middle of something need not wait there until it is gone.
      await ending
      if (isRunning(child)) return
      program.beforeStart?.()
      const log = openSync(logFile(program), 'a')
      const { command, args, folder, options } = program
      child = spawn(command, args, { cwd: folder, stdio: ['ignore', log, log], ...options })
      closeSync(log)
      // A test that forgets its server shall end nevertheless.
      child.unref()
      await untilReady(child, program)
    },
    stop() {
      if (isRunning(child)) ending = stopped(child, program)
      return ending
    },
    kill() {
      if (isRunning(child)) ending = killed(child, program)
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

async function stopped(child: ChildProcess, program: ServerProgram): Promise<void> {
  const tree = treeOf(child)
  signalAll(tree, 'SIGCONT')
  child.kill('SIGINT')
  if (!(await areGone(tree, patienceMs))) throw new Error(`${program.name} does not stop\n${tail(program)}`)
  await untilNoticed(child, program)
}

async function killed(child: ChildProcess, program: ServerProgram): Promise<void> {
  // Stopped first, it starts no child that the list would miss.
  child.kill('SIGSTOP')
  const tree = treeOf(child)
  signalAll(tree, 'SIGKILL')
  if (!(await areGone(tree, patienceMs))) throw new Error(`Processes of ${program.name} survived SIGKILL: ${tree}`)
  await untilNoticed(child, program)
}

/** Not by `exitCode` alone: where a signal ended it there is none. */
function isRunning(child: ChildProcess | undefined): child is ChildProcess {
  return child !== undefined && child.exitCode === null && child.signalCode === null
}

/** A process that has ended is still running for Node until its exit event, and its port may outlive it for a moment. */
async function untilNoticed(child: ChildProcess, { name, port }: ServerProgram): Promise<void> {
  child.ref()
  if (isRunning(child)) await once(child, 'exit')
  const end = performance.now() + patienceMs
  while (await isListening(port)) {
    if (performance.now() > end) throw new Error(`${name} has ended, and somebody still listens on its port ${port}`)
    await sleep(10)
  }
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED')
  } finally {
    socket.destroy()
  }
}

function treeOf(child: ChildProcess | undefined): number[] {
  return isRunning(child) ? processTree(({ pid }) => pid === child.pid) : []
}

async function untilReady(child: ChildProcess, program: ServerProgram): Promise<void> {
  let failure: Error | undefined
  child.once('error', (error) => {
    failure = error
  })
  const end = performance.now() + patienceMs
  while (!(await program.isReady(child.pid))) {
    if (failure !== undefined) throw failure
    if (!isRunning(child) || performance.now() > end) {
      throw new Error(`${program.name} does not start\n${tail(program)}`)
    }
    await sleep(10)
  }
}

function logFile({ folder }: ServerProgram): string {
  return join(folder, 'server.log')
}

function tail(program: ServerProgram): string {
  return readFileSync(logFile(program), 'utf8').split('\n').slice(-20).join('\n')
}
