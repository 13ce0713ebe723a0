import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.ts'

/** Where the proxy connects to. */
export interface TcpTarget {
  readonly host: string
  readonly port: number
}

/** A network that fails on request. What it is told holds for all connections, also those to come. */
export interface TcpProxy {
  /** It listens here, on 127.0.0.1. */
  readonly port: number
  /** How many connections there are. */
  readonly connections: number
  /** Everything takes this long in each direction, and keeps its order; 0 ends it. */
  delay(ms: number): void
  /** Breaks all connections: both sides see a reset. */
  cut(): void
  /** Whether connections are refused, by the system itself. Those that there are stay. */
  refuse(isRefusing: boolean): Promise<void>
  /** Nothing passes any more in either direction, nobody is told, and new connections are silent from the start. */
  freeze(): void
  /** What was held up passes. */
  thaw(): void
  /** Whether answers get lost on the way. Afterwards a connection goes on in the middle of whatever was said. */
  dropAnswers(isDropping: boolean): void
  /** Ends the server's half of all connections for the client, whose half still leads to the server. */
  halfClose(): void
  /**
   * Lets the next request through, as a whole, and then breaks its connection, before any answer. A request is what a client
   * says until it falls silent: for a protocol that asks in several steps, that is the first one of them.
   */
  cutAfterNextRequest(): void
  /** Breaks all connections and goes. */
  close(): Promise<void>
}

/** The silence that ends a request that waits for an answer. */
const silenceMs = 30

/** What the network does at the moment. */
interface Weather {
  delayMs: number
  isDropping: boolean
  isCuttingNext: boolean
  /** Pending while the network is frozen. */
  frozen: PromiseWithResolvers<void> | undefined
}

interface Link {
  readonly client: Socket
  readonly server: Socket
  /** Whether the client shall hear nothing any more. */
  isMute: boolean
}

/** Starts a proxy in front of a server. */
export async function tcpProxy(target: TcpTarget): Promise<TcpProxy> {
  const weather: Weather = { delayMs: 0, isDropping: false, isCuttingNext: false, frozen: undefined }
  const links = new Set<Link>()
  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const server = connect({ ...target, allowHalfOpen: true, noDelay: true })
    addLink({ client, server, isMute: false }, links, weather)
  })
  const port = await freePort()
  await listen(listener, port)
  const faults = faultsOf(weather, links)
  return {
    port,
    get connections() {
      return [...links].filter(({ client }) => !client.destroyed).length
    },
    ...faults,
    async refuse(isRefusing) {
      if (isRefusing === !listener.listening) return
      if (isRefusing) listener.close()
      else await listen(listener, port)
    },
    async close() {
      faults.thaw()
      faults.cut()
      if (!listener.listening) return
      listener.close()
      await once(listener, 'close')
    },
  }
}

function faultsOf(
  weather: Weather,
  links: ReadonlySet<Link>,
): Omit<TcpProxy, 'port' | 'connections' | 'refuse' | 'close'> {
  return {
    delay(ms) {
      weather.delayMs = ms
    },
    cut() {
      for (const link of links) breakLink(link)
    },
    freeze() {
      weather.frozen ??= Promise.withResolvers()
      for (const { client, server } of links) for (const socket of [client, server]) socket.pause()
    },
    thaw() {
      weather.frozen?.resolve()
      weather.frozen = undefined
      for (const { client, server } of links) for (const socket of [client, server]) socket.resume()
    },
    dropAnswers(isDropping) {
      weather.isDropping = isDropping
    },
    halfClose() {
      for (const link of links) {
        link.isMute = true
        link.client.end()
      }
    },
    cutAfterNextRequest() {
      weather.isCuttingNext = true
    },
  }
}

function addLink(link: Link, links: Set<Link>, weather: Weather): void {
  const { client, server } = link
  links.add(link)
  for (const socket of [client, server]) {
    // What breaks on one side of the proxy breaks on the other one too.
    socket.on('error', () => breakLink(link))
    socket.on('close', () => {
      if (client.closed && server.closed) links.delete(link)
    })
  }
  let cutting: NodeJS.Timeout | undefined
  carry(client, server, weather, (data) => {
    if (weather.isCuttingNext) {
      weather.isCuttingNext = false
      link.isMute = true
      cutting = setTimeout(() => {
        reset(client)
        // Not a reset: the server may throw away what it has not read yet.
        server.end()
      }, silenceMs)
    }
    cutting?.refresh()
    server.write(data)
  })
  carry(server, client, weather, (data) => {
    if (!link.isMute && !weather.isDropping) client.write(data)
  })
  if (weather.frozen !== undefined) for (const socket of [client, server]) socket.pause()
}

/** Gives what comes from one side to the other, when the weather allows it and one after the other. */
function carry(from: Socket, to: Socket, weather: Weather, give: (data: Buffer) => void): void {
  let last = Promise.resolve()
  const next = (step: () => void) => {
    const due = performance.now() + weather.delayMs
    last = last.then(async () => {
      const early = due - performance.now()
      if (early > 0) await sleep(early)
      // Whoever thaws may freeze again.
      while (weather.frozen !== undefined) await weather.frozen.promise
      if (to.writable) step()
    })
  }
  from.on('data', (data) => next(() => give(data)))
  from.on('end', () => next(() => to.end()))
  to.on('drain', () => {
    if (weather.frozen === undefined) from.resume()
  })
}

function breakLink({ client, server }: Link): void {
  reset(client)
  reset(server)
}

/** A socket that is just saying its last word cannot be reset: Node would never close it, and never end. */
function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy()
  else socket.resetAndDestroy()
}

async function listen(listener: Server, port: number): Promise<void> {
  listener.listen({ port, host: '127.0.0.1' })
  await once(listener, 'listening')
}
