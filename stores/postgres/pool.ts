import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import type { PostgresSql } from './driver.ts'
import type { CheckedOptions } from './options.ts'

/** One connection: a pool of the driver with room for one, so that it can be thrown away alone when it hangs or breaks. */
export interface Lane {
  readonly sql: PostgresSql
  discard(): void
}

/**
 * Connections, each of which serves one call at a time. The driver would send several calls down one connection, where one
 * that hangs holds up the others, and would tell the end of a broken connection once more to whoever comes next.
 */
export class Pool {
  readonly #open: () => Lane
  readonly #most: number
  readonly #lanes = new Set<Lane>()
  #idle: Lane[] = []
  readonly #waiting: ((lane: Lane) => void)[] = []

  /** Of so many at most; somebody else's pool has its own bounds. */
  constructor(options: CheckedOptions, most: number) {
    const { sql } = options
    this.#open = () => (sql === undefined ? openLane(options) : { sql, discard: () => {} })
    this.#most = sql === undefined ? most : Number.POSITIVE_INFINITY
  }

  /** A connection that nobody else has; the same again as often as possible. */
  async take(): Promise<Lane> {
    const lane = this.#idle.pop()
    if (lane !== undefined) return lane
    if (this.#lanes.size < this.#most) return this.#add()
    return await new Promise((resolve) => this.#waiting.push(resolve))
  }

  give(lane: Lane): void {
    if (!this.#lanes.has(lane)) return
    const next = this.#waiting.shift()
    if (next === undefined) this.#idle.push(lane)
    else next(lane)
  }

  /** Throws one away that was taken. What it was doing fails, or did so already. */
  discard(lane: Lane): void {
    if (!this.#lanes.delete(lane)) return
    lane.discard()
    this.#waiting.shift()?.(this.#add())
  }

  /** Throws all away that nobody has. */
  discardIdle(): void {
    for (const lane of this.#idle.splice(0)) this.discard(lane)
  }

  close(): void {
    for (const lane of this.#lanes) lane.discard()
    this.#lanes.clear()
    this.#idle = []
  }

  #add(): Lane {
    const lane = this.#open()
    this.#lanes.add(lane)
    return lane
  }
}

const goodbyeMs = 20

/** Connects once it is used, and again whenever the connection has ended meanwhile. */
export function openLane(options: CheckedOptions): Lane {
  const { url = '', prepare, deadlineMs } = options
  const sockets = lineOfSockets()
  const sql = postgres(url, {
    max: 1,
    connect_timeout: Math.max(1, Math.ceil(deadlineMs / 1000)),
    // Types that nobody asked for would be fetched first, in a way whose failure nobody can catch.
    fetch_types: false,
    prepare,
    onnotice: () => {},
    connection: {
      application_name: 'commandlog',
      // A pooler takes no such settings, and the server is asked for them anyway.
      ...(prepare && { synchronous_commit: 'on', statement_timeout: Math.ceil(deadlineMs * 0.9) }),
    },
    ...{ socket: sockets.open },
  }) as unknown as PostgresSql
  return {
    sql,
    discard() {
      sockets.close()
      sql.end({ timeout: 0 }).catch(() => {})
      // The driver has said goodbye by then, if it can; that it has ended is not to be waited for.
      setTimeout(sockets.destroy, goodbyeMs)
    },
  }
}

/** What the driver says of where to connect to. */
interface Addresses {
  readonly host: readonly string[]
  readonly port: readonly number[]
  readonly path: string | false
}

/**
 * The sockets of one lane, one after the other. The driver never destroys a socket whose other side is silent, so that the
 * process could not end; and it connects again at once, without end, where a server hangs up on it.
 */
function lineOfSockets(): { open(to: Addresses): Promise<Socket>; close(): void; destroy(): void } {
  let sockets: Socket[] = []
  let count = 0
  let isClosed = false
  return {
    async open({ host, port, path }) {
      if (count > 0) await sleep(Math.min(250, 2 ** count), undefined, { ref: false })
      if (isClosed) throw new Error('The connection is not wanted any more')
      const index = count++ % host.length
      const to = path === false ? { host: host[index] ?? '', port: port[index] ?? 5432 } : { path }
      // The driver asks it for its host, to check certificates by.
      const socket = Object.assign(connect(to), { host: host[index] })
      sockets = [...sockets.filter(({ destroyed }) => !destroyed), socket]
      return socket
    },
    close() {
      isClosed = true
    },
    destroy() {
      for (const socket of sockets) socket.destroy()
    },
  }
}
