import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { at } from '../closed-loop.ts'
import type { Measure } from '../trial.ts'
import type { OpenPeer, Peer } from './peer.ts'

/** How long to load a peer, and with how many senders. */
export interface PeerLoad {
  readonly inFlight: number
  readonly warmupMs: number
  readonly ms: number
}

/** What a load tells of a peer. Latency is from `send` until it resolves. */
export const peerMeasures: readonly Measure[] = [
  { measure: 'commands/s', unit: 'commands/s', better: 'higher' },
  { measure: 'latency p50', unit: 'ms', better: 'lower' },
  { measure: 'latency p99', unit: 'ms', better: 'lower' },
]

/** Opens a peer with nothing recorded yet, loads it, and removes all that it kept. */
export async function loadPeer(peer: Peer, load: PeerLoad, url: string): Promise<Readonly<Record<string, number>>> {
  const folder = await mkdtemp(join(tmpdir(), 'commandlog-bench-'))
  const schema = `bench_${randomBytes(6).toString('hex')}`
  try {
    const open = await peer.open({ folder, url, schema })
    try {
      return await latenciesOf(open, load)
    } finally {
      await open.close()
    }
  } finally {
    await dropSchema(url, schema)
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * A closed loop: each sender sends its next command once the last has resolved. What counts is what resolves within the
 * window, while all senders are at work: a loop that was stopped to be timed would cost slow peers more than fast ones.
 */
async function latenciesOf(
  peer: OpenPeer,
  { inFlight, warmupMs, ms }: PeerLoad,
): Promise<Readonly<Record<string, number>>> {
  const latencies: number[] = []
  const begin = performance.now() + warmupMs
  const end = begin + ms
  const sender = async (): Promise<void> => {
    for (;;) {
      const sent = performance.now()
      if (sent >= end) return
      await peer.send()
      const resolved = performance.now()
      if (resolved >= begin && resolved < end) latencies.push(resolved - sent)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, sender))
  const sorted = Float64Array.from(latencies).sort()
  return { 'commands/s': sorted.length / (ms / 1000), 'latency p50': at(sorted, 0.5), 'latency p99': at(sorted, 0.99) }
}

async function dropSchema(url: string, schema: string): Promise<void> {
  const sql = postgres(url, { max: 1, fetch_types: false, onnotice: () => {} })
  try {
    await sql.unsafe(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`)
  } finally {
    await sql.end({ timeout: 5 })
  }
}
