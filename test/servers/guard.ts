import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** Sees to it that a folder goes, and before it any program with the argument `<folder>/data`. */
export interface Guard {
  /** Does so now. Without this it happens once this process has ended, in whatever way. */
  clear(): Promise<void>
}

/**
 * Starts the guard of a folder; call it before there is anything to guard.
 *
 * It is a process in a session of its own, so that no Ctrl-C reaches it, with a pipe from this one that only the end of
 * this one closes. The pipe also stays open while a program is being started, which therefore is not missed.
 */
export function guardFolder(folder: string): Guard {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'guardian.ts'), folder], {
    cwd: '/',
    detached: true,
    env: { PATH: process.env.PATH },
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  child.unref()
  const exit = once(child, 'exit')
  return {
    async clear() {
      child.ref()
      child.stdin.end()
      const [code] = await exit
      if (code !== 0) throw new Error(`The guard of ${folder} ended with ${code}; something of it may be left`)
    },
  }
}
