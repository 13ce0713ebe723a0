import { randomBytes } from 'node:crypto'
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { guardFolder } from './guard.ts'
import { askMonitor } from './nats-monitor.ts'
import { natsProgram } from './nats-program.ts'
import { serverProcess } from './server-process.ts'

/** What a client has to say to be let in: options of the client by the same names. */
export interface NatsAuth {
  readonly user?: string
  readonly pass?: string
  readonly token?: string
}

/** How a server differs from one without any configuration. */
export interface NatsOptions {
  /** More lines of its configuration file. */
  readonly config?: string
  /**
   * Settings of JetStream. The server's default for `sync_interval` is two minutes: what it has acknowledged survives its
   * own death, but not the machine's. With `always` it survives that too.
   */
  readonly jetstream?: Readonly<Record<string, string | number>>
  /** What it asks of clients; default nothing. */
  readonly auth?: NatsAuth
}

/** A NATS server with JetStream for tests, which keeps its streams in files. */
export interface NatsServer {
  /** Without user and password, which the client does not read from there: add `auth` to its options. */
  readonly url: string
  readonly port: number
  /** Where it answers by HTTP what it is doing; 0 for one that `COMMANDLOG_NATS_URL` names. */
  readonly monitorPort: number
  /** As it calls itself; the host for one that `COMMANDLOG_NATS_URL` names. */
  readonly name: string
  readonly auth: NatsAuth
  /** False for one that `COMMANDLOG_NATS_URL` names. */
  readonly isOwn: boolean
  /** A clean end at once; its data stays. */
  stop(): Promise<void>
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
  /** Once more after `stop` or `kill`, on the same ports and data; resolves when JetStream answers. */
  start(): Promise<void>
  /** SIGSTOP. The system goes on accepting connections to its port. */
  freeze(): void
  /** SIGCONT. */
  thaw(): void
  /** Stops it and removes its data. */
  end(): Promise<void>
}

/** What a member of a cluster has besides. */
export interface NatsMembership {
  /** Lines of its configuration file. */
  readonly config: string
  /** Its path of `/healthz` that is fine before the others are there. */
  readonly healthPath: string
}

/** Starts a server of our own, whose guard ends it and removes its data. */
export async function natsNode(options: NatsOptions, membership?: NatsMembership): Promise<NatsServer> {
  const { auth = {} } = options
  const program = await natsProgram()
  const [port, monitorPort] = [await freePort(), await freePort()]
  const name = `nats-${port}`
  const folder = join(realpathSync(tmpdir()), `commandlog-nats-${randomBytes(6).toString('hex')}`)
  const guard = guardFolder(folder)
  mkdirSync(folder, { mode: 0o700 })
  const configFile = join(folder, 'server.conf')
  const listen = [`server_name: ${name}`, `listen: "127.0.0.1:${port}"`, `http: "127.0.0.1:${monitorPort}"`]
  writeFileSync(configFile, [...listen, ...configLines(options), membership?.config, ''].join('\n'))
  const server = serverProcess({
    name: 'nats-server',
    command: program,
    args: ['-sd', join(folder, 'data'), '-c', configFile],
    folder,
    options: { env: { PATH: process.env.PATH ?? '' } },
    port,
    isReady: async () => (await askMonitor(monitorPort, membership?.healthPath ?? '/healthz'))?.status === 'ok',
  })
  try {
    await server.start()
  } catch (error) {
    await guard.clear()
    throw error
  }
  let isOver: Promise<void> | undefined
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    monitorPort,
    name,
    auth,
    isOwn: true,
    ...server,
    end() {
      isOver ??= guard.clear()
      return isOver
    },
  }
}

function configLines({ auth = {}, jetstream = {}, config = '' }: NatsOptions): string[] {
  const settings = Object.entries(jetstream).map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
  const names = { user: 'user', pass: 'password', token: 'token' } as const
  const demands = Object.entries(auth).map(
    ([name, value]) => `${names[name as keyof NatsAuth]}: ${JSON.stringify(value)}`,
  )
  const authorization = demands.length === 0 ? [] : ['authorization {', ...demands, '}']
  return ['jetstream {', ...settings, '}', ...authorization, config]
}
