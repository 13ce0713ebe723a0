import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type AptSource, debianMirrors } from './apt-sources.ts'

/** The release of Debian with a server that is new enough. */
const suite = 'forky'

/**
 * Unpacks Debian's package of nats-server into a folder that exists, and gives the program's path. What apt on this machine
 * knows and has installed stays as it is, and nobody need be root. Throws without apt, or where it reaches no mirror.
 */
export async function unpackNatsServer(folder: string, path: string): Promise<string> {
  const mirrors = debianMirrors()
  const failures: unknown[] = []
  for (const [index, mirror] of mirrors.entries()) {
    try {
      const attempt = join(folder, `apt-${index}`)
      mkdirSync(attempt)
      const file = await download(mirror, attempt, path)
      await promisify(execFile)('dpkg', ['-x', file, folder], { env: { ...process.env, PATH: path } })
      return join(folder, 'usr/sbin/nats-server')
    } catch (error) {
      failures.push(error)
    }
  }
  const reason = failures.map(String).join('\n') || 'apt is not set up for Debian here'
  throw new Error(`Debian ${suite} gave no nats-server: ${reason}`)
}

/** Downloads the package as apt would, but with all that apt remembers in a folder of our own. */
async function download(mirror: AptSource, folder: string, path: string): Promise<string> {
  for (const name of ['lists/partial', 'cache/archives/partial', 'packages']) {
    mkdirSync(join(folder, name), { recursive: true })
  }
  const sources = join(folder, 'debian.sources')
  const fields = [`URIs: ${mirror.uri}`, `Suites: ${suite}`, 'Components: main', 'Targets: Packages', ...mirror.trust]
  writeFileSync(sources, `${['Types: deb', ...fields].join('\n')}\n`)
  const config = join(folder, 'apt.conf')
  writeFileSync(config, aptConfig(folder, sources))
  const packages = join(folder, 'packages')
  const options = { cwd: packages, env: { ...process.env, PATH: path, LC_ALL: 'C' }, timeout: 300_000 }
  await promisify(execFile)('apt-get', ['-c', config, 'update'], options)
  await promisify(execFile)('apt-get', ['-c', config, 'download', 'nats-server'], options)
  return join(packages, readdirSync(packages).find((name) => name.endsWith('.deb')) ?? 'nats-server.deb')
}

/** The machine's own configuration, with its proxies, has been read when this is. */
function aptConfig(folder: string, sources: string): string {
  return `
    Dir::Etc::SourceList "${sources}";
    Dir::Etc::SourceParts "-";
    Dir::Etc::Preferences "/dev/null";
    Dir::Etc::PreferencesParts "/dev/null";
    Dir::State::Lists "${join(folder, 'lists')}";
    Dir::Cache "${join(folder, 'cache')}";
    Acquire::Languages "none";
    APT::Update::Error-Mode "any";
    // Root's apt downloads as another user, to whom the folder is closed.
    APT::Sandbox::User "root";
    // They tidy up the system's folders.
    #clear APT::Update::Pre-Invoke;
    #clear APT::Update::Post-Invoke;
    #clear APT::Update::Post-Invoke-Success;
  `.replace(/^ +/gm, '')
}
