import { type NatsAuth, type NatsOptions, type NatsServer, natsNode } from './nats-node.ts'

/**
 * Starts a server of our own; resolves when JetStream answers. It goes, with its data, when this process ends in any way, if
 * `end` has not been called before. Throws where there is no nats-server and none to download.
 */
export function natsServer(options: NatsOptions = {}): Promise<NatsServer> {
  return natsNode(options)
}

let shared: Promise<NatsServer> | undefined

/**
 * The server for tests that need streams and nothing else: the one that `COMMANDLOG_NATS_URL` names, or one of our own for
 * the whole process. It cannot be stopped, killed or frozen. Call `end` when all tests of the process are over; streams on
 * a server that is not our own are for those who made them to delete.
 */
export function sharedNats(): Promise<NatsServer> {
  shared ??= openShared()
  return shared
}

async function openShared(): Promise<NatsServer> {
  const named = process.env.COMMANDLOG_NATS_URL
  const server = named ? namedServer(named) : await natsServer()
  const refuse = () => {
    throw new Error('Expected a server from natsServer(), came the one that tests share')
  }
  return {
    ...server,
    stop: async () => refuse(),
    kill: async () => refuse(),
    start: async () => refuse(),
    freeze: refuse,
    thaw: refuse,
    async end() {
      shared = undefined
      await server.end()
    },
  }
}

type SharedServer = Pick<NatsServer, 'url' | 'port' | 'monitorPort' | 'name' | 'auth' | 'isOwn' | 'end'>

/** A user without password is a token, as everywhere in NATS. */
function namedServer(named: string): SharedServer {
  const { protocol, hostname, port, username, password } = new URL(named)
  const [user, pass] = [username, password].map(decodeURIComponent)
  const auth: NatsAuth = user && pass ? { user, pass } : user ? { token: user } : {}
  return {
    url: `${protocol}//${hostname}:${port || 4222}`,
    port: Number(port || 4222),
    monitorPort: 0,
    name: hostname,
    auth,
    isOwn: false,
    end: async () => {},
  }
}
