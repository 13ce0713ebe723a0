import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** A process of this machine. */
export interface RunningProcess {
  readonly pid: number
  readonly parent: number
  /** Its command line, joined by spaces. */
  readonly args: string
}

/** All processes of this machine, without those that have ended and only wait for their parent to notice. */
export function runningProcesses(): RunningProcess[] {
  if (process.platform !== 'linux') return listedByPs()
  // Small images of Linux come without `ps`.
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0)
    .map(readProcess)
    .filter((found) => found !== undefined)
}

/** Some processes, each followed later by its children, their children, and so on. */
export function processTree(isRoot: (found: RunningProcess) => boolean): number[] {
  const all = runningProcesses()
  const tree = all.filter(isRoot).map(({ pid }) => pid)
  // The list grows while it is walked.
  for (const parent of tree) {
    tree.push(...all.filter((child) => child.parent === parent && !tree.includes(child.pid)).map(({ pid }) => pid))
  }
  return tree
}

/** Signals those that still are there. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
    }
  }
}

/** Whether all of them were gone within that time. */
export async function areGone(pids: readonly number[], timeoutMs: number): Promise<boolean> {
  const end = performance.now() + timeoutMs
  while (areRunning(pids)) {
    if (performance.now() > end) return false
    await sleep(10)
  }
  return true
}

function areRunning(pids: readonly number[]): boolean {
  if (process.platform !== 'linux') return listedByPs().some(({ pid }) => pids.includes(pid))
  // It is asked again and again, and all of /proc takes long.
  return pids.some((pid) => readProcess(pid) !== undefined)
}

function readProcess(pid: number): RunningProcess | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name before it is in parentheses and may contain some itself.
    const [state = '', parent = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if ('ZX'.includes(state)) return undefined
    const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ')
    return { pid, parent: Number(parent), args }
  } catch {
    // It has ended since the folder was listed.
    return undefined
  }
}

function listedByPs(): RunningProcess[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' }).split('\n')
  return lines.flatMap((line) => {
    const [, pid, parent, state = '', args = ''] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? []
    return pid === undefined || state.startsWith('Z') ? [] : [{ pid: Number(pid), parent: Number(parent), args }]
  })
}
