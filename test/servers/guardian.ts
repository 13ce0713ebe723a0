// Waits for its stdin to end, which also happens when the process at the other end is killed. Then ends what works on the
// data of a folder and removes the folder: `node guardian.ts <folder>`.

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { areGone, processTree, signalAll } from './processes.ts'

const [, , folder] = process.argv
if (folder === undefined) throw new TypeError('Expected a folder')
const data = join(folder, 'data')

// What ends a whole test run must not end what cleans up after it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

process.stdin.resume()
await once(process.stdin, 'end')

const tree = processTree(({ pid, args }) => pid !== process.pid && args.includes(` ${data} `))
// Without a checkpoint, but Postgres itself still removes what it has outside of the folder. Others just end.
signalAll(tree, 'SIGCONT')
signalAll(tree.slice(0, 1), 'SIGQUIT')
if (!(await areGone(tree, 2000))) {
  signalAll(tree, 'SIGKILL')
  await areGone(tree, 2000)
}
removeSharedMemory(join(data, 'postmaster.pid'))
rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })

/** A server that was killed has left its lock file, which names a segment of the system's shared memory. */
function removeSharedMemory(lockFile: string): void {
  if (!existsSync(lockFile)) return
  const segment = readFileSync(lockFile, 'utf8').split('\n')[6]?.trim().split(/\s+/)[1]
  if (segment !== undefined) spawnSync('ipcrm', ['-m', segment])
}
