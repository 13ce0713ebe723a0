import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BenchRun } from './result.ts'

const folder = join(import.meta.dirname, 'peers')

/** Whether the packages of the peers are there. Throws what to do where they are not. */
export function checkPeers(): void {
  if (!existsSync(join(folder, 'node_modules'))) throw new RangeError('--peers: first run npm ci --prefix bench/peers')
}

/** Other buses and logs, in a process that has their packages. What it has measured so far, where the signal is aborted. */
export async function measurePeers(
  isQuick: boolean,
  signal: AbortSignal,
): Promise<Pick<BenchRun, 'subjects' | 'figures'>> {
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
    if (!existsSync(json)) return { subjects: [], figures: [] }
    return JSON.parse(await readFile(json, 'utf8')) as Pick<BenchRun, 'subjects' | 'figures'>
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}
