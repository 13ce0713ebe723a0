import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BenchRun } from './result.ts'

const folder = join(import.meta.dirname, 'peers')

/** What a run has of the peers. */
export type PeerRun = Required<Pick<BenchRun, 'subjects' | 'trials' | 'figures'>>

/** Of a run without them. */
export const noPeers: PeerRun = { subjects: [], trials: [], figures: [] }

/** Whether the packages of the peers are there. Throws what to do where they are not. */
export function checkPeers(): void {
  if (!existsSync(join(folder, 'node_modules'))) throw new RangeError('--peers: first run npm ci --prefix bench/peers')
}

/** Other buses and logs, in a process that has their packages. What it has measured so far, where the signal is aborted. */
export async function measurePeers(isQuick: boolean, signal: AbortSignal): Promise<PeerRun> {
  const temporary = await mkdtemp(join(tmpdir(), 'commandlog-bench-'))
  try {
    const json = join(temporary, 'peers.json')
    const flags = ['--conditions=commandlog-source', '--expose-gc', join(folder, 'run.ts'), '--json', json]
    const child = spawn(process.execPath, [...flags, ...(isQuick ? ['--quick'] : [])], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const stop = (): unknown => child.kill('SIGINT')
    signal.addEventListener('abort', stop)
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', resolve)
    })
    signal.removeEventListener('abort', stop)
    if (code !== 0 && !signal.aborted) throw new Error(`the process of the peers ended with ${code}`)
    if (!existsSync(json)) return noPeers
    return JSON.parse(await readFile(json, 'utf8')) as PeerRun
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}
