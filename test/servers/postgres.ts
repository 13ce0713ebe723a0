import { randomBytes } from 'node:crypto'
import { chmodSync, constants, cpSync, mkdirSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDatabase, dropDatabase } from './databases.ts'
import { freePort } from './free-port.ts'
import { guardFolder } from './guard.ts'
import { giveAway, postgresTemplate, superuser } from './postgres-programs.ts'
import { postmaster } from './postmaster.ts'

/** A Postgres server for tests. The pages of its data are on disk whenever it says so: nothing durable is turned off. */
export interface PostgresServer {
  /** As its superuser, to the database `postgres`; or what `COMMANDLOG_POSTGRES_URL` says. */
  readonly url: string
  readonly port: number
  /** False for one that `COMMANDLOG_POSTGRES_URL` names. */
  readonly isOwn: boolean
  /** Creates a new empty database with a random name and gives its URL. */
  database(): Promise<string>
  /** A fast shutdown: it ends all sessions, and its data stays. */
  stop(): Promise<void>
  /** SIGKILL for all its processes at once; resolves when they are gone. */
  kill(): Promise<void>
  /** Once more after `stop` or `kill`, on the same port and data; resolves when it accepts connections. */
  start(): Promise<void>
  /** SIGSTOP for all its processes. The system goes on accepting connections to its port. */
  freeze(): void
  /** SIGCONT for all its processes. */
  thaw(): void
  /** Stops it and removes its data; on a server that is not our own it drops the databases that it was asked for. */
  end(): Promise<void>
}

const defaults = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  // In the data folder, so that nothing of a killed server stays in /dev/shm.
  dynamic_shared_memory_type: 'mmap',
}

/**
 * Starts a server of our own, with these settings of `postgresql.conf` on top. It goes, with its data, when this process
 * ends in any way, if `end` has not been called before. Throws where Postgres is not installed.
 */
export async function postgresServer(settings: Readonly<Record<string, string>> = {}): Promise<PostgresServer> {
  const template = await postgresTemplate()
  const password = readFileSync(join(template, 'password'), 'utf8')
  const port = await freePort()
  const folder = join(realpathSync(tmpdir()), `commandlog-postgres-${randomBytes(6).toString('hex')}`)
  const guard = guardFolder(folder)
  copyData(template, folder)
  const server = postmaster(folder, port, { ...defaults, ...settings })
  try {
    await server.start()
  } catch (error) {
    await guard.clear()
    throw error
  }
  const url = `postgres://${superuser}:${password}@127.0.0.1:${port}/postgres`
  let isOver: Promise<void> | undefined
  return {
    url,
    port,
    isOwn: true,
    database: () => createDatabase(url),
    ...server,
    end() {
      isOver ??= guard.clear()
      return isOver
    },
  }
}

let shared: Promise<PostgresServer> | undefined

/**
 * The server for tests that need a database and nothing else: the one that `COMMANDLOG_POSTGRES_URL` names, or one of our
 * own for the whole process. It cannot be stopped, killed or frozen. Call `end` when all tests of the process are over.
 */
export function sharedPostgres(): Promise<PostgresServer> {
  shared ??= openShared()
  return shared
}

async function openShared(): Promise<PostgresServer> {
  const named = process.env.COMMANDLOG_POSTGRES_URL
  const server = named ? namedServer(named) : await postgresServer()
  const refuse = () => {
    throw new Error('Expected a server from postgresServer(), came the one that tests share')
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

type SharedServer = Pick<PostgresServer, 'url' | 'port' | 'isOwn' | 'database' | 'end'>

function namedServer(url: string): SharedServer {
  const created: string[] = []
  return {
    url,
    port: Number(new URL(url).port || 5432),
    isOwn: false,
    async database() {
      const database = await createDatabase(url)
      created.push(database)
      return database
    },
    async end() {
      for (const database of created.splice(0)) await dropDatabase(url, database)
    },
  }
}

function copyData(template: string, folder: string): void {
  const data = join(folder, 'data')
  mkdirSync(folder)
  cpSync(join(template, 'data'), data, { recursive: true, mode: constants.COPYFILE_FICLONE })
  // Copies belong to whoever copies, and folders get the usual mode, at which Postgres refuses to start.
  for (const path of ['.', ...readdirSync(data, { encoding: 'utf8', recursive: true })]) giveAway(join(data, path))
  giveAway(folder)
  chmodSync(data, 0o700)
  chmodSync(folder, 0o700)
}
