import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A repository that apt is configured to use. */
export interface AptSource {
  readonly uri: string
  readonly suites: readonly string[]
  readonly components: readonly string[]
  /** The rest of its fields that make apt trust it: lines for a `.sources` file. */
  readonly trust: readonly string[]
}

const aliases = ['oldstable', 'stable', 'testing', 'unstable', 'sid']

/** The repositories of this machine that may be mirrors of Debian, or copy the names of its releases. */
export function debianMirrors(): AptSource[] {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : ''
  const names = [...aliases, /^VERSION_CODENAME="?(\w+)/m.exec(release)?.[1]]
  const isMirror = ({ suites, components }: AptSource) =>
    components.includes('main') && suites.some((suite) => names.includes(suite))
  return sourceFiles()
    .flatMap((file) => parseAptSources(readFileSync(file, 'utf8'), file.endsWith('.sources') ? 'deb822' : 'lines'))
    .filter(isMirror)
}

function sourceFiles(): string[] {
  const parts = '/etc/apt/sources.list.d'
  const names = existsSync(parts) ? readdirSync(parts).sort() : []
  const files = names.filter((name) => /\.(list|sources)$/.test(name)).map((name) => join(parts, name))
  return ['/etc/apt/sources.list', ...files].filter((file) => existsSync(file))
}

/** What a file for apt says of binary packages, in the format of `sources.list` or in that of `*.sources`. */
export function parseAptSources(text: string, format: 'lines' | 'deb822'): AptSource[] {
  const lines = text.split('\n').filter((line) => !line.startsWith('#'))
  if (format === 'lines') return lines.flatMap(parseLine)
  return lines
    .join('\n')
    .split(/\n\s*\n/)
    .flatMap(parseStanza)
}

function parseLine(line: string): AptSource[] {
  const [, options = '', uri, rest = ''] = /^\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+([^#]*)/.exec(line) ?? []
  if (uri === undefined) return []
  const [suite = '', ...components] = words(rest)
  const trust = words(options).flatMap((option) => {
    const [, name, value = ''] = /^(signed-by|trusted)=(.*)$/i.exec(option) ?? []
    return name === undefined ? [] : [`${name}: ${value.replaceAll(',', ' ')}`]
  })
  return [{ uri, suites: [suite], components, trust }]
}

function parseStanza(stanza: string): AptSource[] {
  const fields = new Map<string, string>()
  for (const [, name = '', value = ''] of stanza.matchAll(/^([\w-]+):(.*(?:\n[ \t].*)*)/gm)) {
    fields.set(name.toLowerCase(), value)
  }
  const list = (name: string) => words(fields.get(name) ?? '')
  if (!list('types').includes('deb') || list('enabled')[0] === 'no') return []
  // A key may be written out in its field, in lines whose order and indentation matter.
  const trust = ['signed-by', 'trusted'].filter((name) => fields.has(name)).map((name) => `${name}:${fields.get(name)}`)
  return list('uris').map((uri) => ({ uri, suites: list('suites'), components: list('components'), trust }))
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}
