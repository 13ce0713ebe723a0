// Starts the measuring process and passes Ctrl-C on to it. A process of its own: the signal that a terminal sends to all
// of its group would also reach the servers, in the middle of what is measured on them.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { parseOptions, usage } from './options.ts'
import { preloadOf } from './user-store.ts'

/** A second signal this soon is the same key: npm passes it on once more. */
const sameKeyMs = 500

const args = process.argv.slice(2)
try {
  const options = parseOptions(args)
  if (options === undefined) process.stdout.write(usage)
  else measure(options.storeModules)
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n\n${usage}`)
  process.exitCode = 2
}

function measure(storeModules: readonly string[]): void {
  const preload = storeModules.length === 0 ? [] : ['--import', preloadOf(storeModules)]
  const flags = ['--conditions=commandlog-source', '--expose-gc', ...preload]
  const child = spawn(process.execPath, [...flags, join(import.meta.dirname, 'session.ts'), ...args], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    detached: true,
  })
  let stoppedAt = Number.NEGATIVE_INFINITY
  const stop = (): void => {
    if (performance.now() - stoppedAt < sameKeyMs) return
    stoppedAt = performance.now()
    if (child.connected) child.send('stop')
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  child.once('exit', (code, signal) => {
    process.exitCode = code ?? 1
    if (signal !== null) process.stderr.write(`ended by ${signal}\n`)
    if (child.connected) child.disconnect()
  })
}
