import type { Authenticator } from '@nats-io/transport-node'
import type { NatsLink } from './driver.ts'

interface CommonOptions {
  /** What the stream is called, and what its subjects begin with; default `commandlog`. */
  readonly stream?: string | undefined
  /** How many servers keep each record; default 1. A stream that has fewer is refused. */
  readonly replicas?: number | undefined
  /** How long a call may take; default 5,000. Where a leader dies, electing the next one takes up to 10,000. */
  readonly deadlineMs?: number | undefined
}

/** How the store says who it is. A user in the URL of a server counts as `user`, or as `token` where it has no password. */
export interface NatsCredentials {
  readonly user?: string | undefined
  readonly pass?: string | undefined
  readonly token?: string | undefined
  /** For all else, such as `credsAuthenticator(…)` of the client. */
  readonly authenticator?: Authenticator | undefined
}

interface OwnConnection extends NatsCredentials {
  readonly servers: string | readonly string[]
  /** What the subjects begin with on which answers come; default `_INBOX`. Users with one each cannot hear each other's. */
  readonly inboxPrefix?: string | undefined
  readonly connection?: undefined
}

/** What `natsStore` takes: servers of one cluster, or a live connection that its owner closes. */
export type NatsStoreOptions = CommonOptions &
  (OwnConnection | { readonly connection: NatsLink; readonly servers?: undefined })

/** Options with every default in place. */
export interface CheckedOptions {
  /** Without users and passwords. */
  readonly servers: readonly string[]
  readonly credentials: NatsCredentials
  readonly inboxPrefix: string | undefined
  readonly connection: NatsLink | undefined
  readonly stream: string
  readonly replicas: number
  readonly deadlineMs: number
}

/** Refuses what `natsStore` cannot work with, before any connection is made. Tells no URL: it may hold a password. */
export function checkOptions(options: NatsStoreOptions): CheckedOptions {
  if (typeof options !== 'object' || options === null) throw new TypeError('options: expected an object')
  const { servers, connection, stream = 'commandlog', replicas = 1, deadlineMs = 5000 } = options
  if ((servers === undefined) === (connection === undefined)) {
    throw new TypeError('expected either servers or connection')
  }
  if (connection !== undefined && typeof connection?.request !== 'function') {
    throw new TypeError('connection: expected what connect() gives')
  }
  // Consumers, files and subjects are named after it.
  if (!(typeof stream === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(stream))) {
    throw new TypeError('stream: expected at most 64 letters, digits, hyphens and underscores')
  }
  if (!(Number.isSafeInteger(replicas) && replicas >= 1 && replicas <= 5)) {
    throw new RangeError('replicas: expected a whole number from 1 to 5')
  }
  if (!(Number.isSafeInteger(deadlineMs) && deadlineMs >= 1)) {
    throw new RangeError('deadlineMs: expected a whole number from 1')
  }
  const { inboxPrefix } = options as Partial<OwnConnection>
  if (!(inboxPrefix === undefined || isPrefix(inboxPrefix))) {
    throw new TypeError('inboxPrefix: expected tokens of a subject, without wildcards, joined by dots')
  }
  const named = servers === undefined ? [] : checkServers(servers)
  const credentials = servers === undefined ? {} : checkCredentials(options as NatsCredentials, named)
  const place = { servers: named.map(withoutUser), credentials, inboxPrefix, connection }
  return { ...place, stream, replicas, deadlineMs }
}

function isPrefix(text: unknown): boolean {
  return typeof text === 'string' && /^[^\s.*>]+(?:\.[^\s.*>]+)*$/.test(text)
}

function checkServers(servers: string | readonly string[]): readonly URL[] {
  const list = typeof servers === 'string' ? [servers] : servers
  const isFine = Array.isArray(list) && list.length > 0 && list.every((each) => typeof each === 'string')
  const urls = isFine ? list.map(toUrl) : []
  if (!isFine || urls.includes(undefined)) {
    throw new TypeError('servers: expected nats://user:password@host:port, one or several')
  }
  return urls as readonly URL[]
}

function toUrl(server: string): URL | undefined {
  const url = server.includes('://') ? server : `nats://${server}`
  if (!/^(?:nats|tls):\/\/[^/]/.test(url) || !URL.canParse(url)) return undefined
  const parsed = new URL(url)
  return parsed.hostname === '' ? undefined : parsed
}

function withoutUser({ protocol, host }: URL): string {
  return `${protocol}//${host}`
}

function checkCredentials(
  { user, pass, token, authenticator }: NatsCredentials,
  servers: readonly URL[],
): NatsCredentials {
  for (const [name, value] of Object.entries({ user, pass, token })) {
    if (value !== undefined && typeof value !== 'string') throw new TypeError(`${name}: expected a text`)
  }
  if (authenticator !== undefined && typeof authenticator !== 'function') {
    throw new TypeError('authenticator: expected what an authenticator of the client gives')
  }
  if (user !== undefined || token !== undefined || authenticator !== undefined) {
    return { user, pass, token, authenticator }
  }
  const named = servers.find(({ username }) => username !== '')
  if (named === undefined) return {}
  const [name, password] = [decoded(named.username), decoded(named.password)]
  return named.password === '' ? { token: name } : { user: name, pass: password }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
