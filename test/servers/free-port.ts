import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { isMainThread, threadId } from 'node:worker_threads'

/** So many processes share the ports from 15,000 to 32,000, each with so many for its main thread, and for all others. */
const [processes, portsOfEach] = [85, 100]
const first = 15_000 + (2 * (process.pid % processes) + (isMainThread ? 0 : 1)) * portsOfEach
// The other threads of a process begin where those before them have most likely ended.
let next = isMainThread ? randomInt(portsOfEach) : threadId * 16

/**
 * A port of 127.0.0.1 on which nobody listens, below those that systems give to outgoing connections. So a server that is
 * down for a while finds its port free when it comes back, and a client that knocks in between never meets itself. None is
 * given twice before all others were, and test processes that run at once have different ones: between the look and the
 * start of a server nobody else takes it.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = first + (next++ % portsOfEach)
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen({ port, host: '127.0.0.1' })
  try {
    await once(server, 'listening')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return false
    throw error
  }
  server.close()
  await once(server, 'close')
  return true
}
