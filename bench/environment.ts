import { closeSync, fdatasyncSync, openSync, statfsSync, writeSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { type Spread, spreadOf } from './statistics.ts'
import { withFolder } from './store-subjects.ts'

/** Where it was measured. */
export interface Environment {
  readonly date: string
  readonly machine: string
  readonly node: string
  /** The type of the file system, as the kernel numbers it. */
  readonly fileSystem: string
  /** What appending 4 KiB to a file durably takes, in milliseconds. */
  readonly syncMs: Spread
}

/** Looks at this machine, and at the disk of `os.tmpdir()`. */
export async function environment(syncs: number): Promise<Environment> {
  const all = cpus()
  const model = all[0]?.model.trim() ?? 'unknown processor'
  const { fileSystem, syncMs } = await withFolder({}, async (folder) => ({
    fileSystem: `0x${statfsSync(folder).type.toString(16)}`,
    syncMs: spreadOf(timeSyncs(join(folder, 'sync'), syncs)),
  }))
  return {
    date: new Date().toISOString(),
    machine: `${all.length} × ${model}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${process.arch}`,
    node: process.version,
    fileSystem,
    syncMs,
  }
}

function timeSyncs(path: string, syncs: number): number[] {
  const file = openSync(path, 'w')
  const page = new Uint8Array(4096)
  const times = Array.from({ length: syncs }, () => {
    const start = performance.now()
    writeSync(file, page)
    fdatasyncSync(file)
    return performance.now() - start
  })
  closeSync(file)
  return times
}
