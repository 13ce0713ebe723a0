import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportedNames } from './imports.ts'
import { entryPoints, root, runToSuccess } from './project.ts'

/** What importing one entry point gives and costs. */
export interface Surface {
  /** Names at run time. */
  readonly values: readonly string[]
  /** Names that only types have. */
  readonly types: readonly string[]
  /** Installed packages that are loaded with it. */
  readonly packages: readonly string[]
}

/** The list that the exports test compares with; `node test/exports.ts` writes it anew. */
export const listFile: string = join(root, 'test', 'exports.json')

/** Imports an entry point in a process of its own and looks at what came. */
const probe = `
import { registerHooks } from 'node:module'
const urls = new Set()
registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context)
    urls.add(resolved.url)
    return resolved
  },
})
const names = Object.keys(await import(process.argv[1])).sort()
const packages = [...urls].flatMap((url) => /.*[/]node_modules[/]((?:@[^/]+[/])?[^/]+)/.exec(url)?.[1] ?? [])
console.log(JSON.stringify({ names, packages: [...new Set(packages)].sort() }))
`

/** What one entry point exports and loads, from its source. */
export async function surfaceOf(specifier: string, targets: Readonly<Record<string, string>>): Promise<Surface> {
  const source = targets['commandlog-source']
  if (source === undefined) throw new Error(`${specifier} has no commandlog-source in the exports map`)
  const args = ['--conditions=commandlog-source', '--input-type=module', '--eval', probe, specifier]
  const { stdout } = await runToSuccess(process.execPath, args)
  const { names, packages }: { names: string[]; packages: string[] } = JSON.parse(stdout)
  const declared = exportedNames(readFileSync(join(root, source), 'utf8'))
  const unread = names.filter((name) => !declared.includes(name))
  if (unread.length > 0) throw new Error(`${source} exports ${unread.join(', ')} by no statement that can be read`)
  return { values: names, types: declared.filter((name) => !names.includes(name)), packages }
}

/** Every entry point's surface, by specifier. */
export async function surfaces(): Promise<Record<string, Surface>> {
  const all = entryPoints().map(
    async ([specifier, targets]) => [specifier, await surfaceOf(specifier, targets)] as const,
  )
  return Object.fromEntries(await Promise.all(all))
}

if (import.meta.main) writeFileSync(listFile, `${JSON.stringify(await surfaces(), undefined, 2)}\n`)
