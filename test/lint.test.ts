import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { manifest, root, run, tool, withFolder } from './project.ts'

const work = `
export interface Store {
  record(): Promise<number>
}
export class Bus {
  async send(): Promise<void> {
    await work()
  }
}
export async function work(): Promise<number> {
  return await Promise.resolve(1)
}
`

const careless = `
import { Bus, type Store, work } from 'commandlog'
import { work as nearby } from './work.ts'

export function use(store: Store, list: number[]): void {
  work()
  nearby()
  store.record()
  new Bus().send()
  if (work()) console.log('always')
  list.forEach(async (item) => console.log(item, await work()))
}
`

const careful = `
import { Bus, type Store, work } from 'commandlog'
import { work as nearby } from './work.ts'

export async function use(store: Store, list: number[]): Promise<void> {
  await work()
  await nearby()
  await store.record()
  void new Bus().send()
  if (await work()) for (const item of list) console.log(item, await work())
}
`

test('a floating and a misused promise are found, by the types of imported code, and waiting mends them', async () => {
  const found = [
    'noFloatingPromises:6',
    'noFloatingPromises:7',
    'noFloatingPromises:8',
    'noFloatingPromises:9',
    'noMisusedPromises:10',
    'noMisusedPromises:11',
  ]
  assert.deepEqual(await lint({ 'src/work.ts': work, 'src/use.ts': careless }), found)
  assert.deepEqual(await lint({ 'src/work.ts': work, 'src/use.ts': careful }), [])
})

test('a store that nobody waits for is found in a program that uses this project', async () => {
  const program = `
import { memoryStore } from 'commandlog/memory'

memoryStore().close()
`
  const found = await lint({ 'examples/use.ts': program }, ['src', 'storekit', 'stores'])
  assert.deepEqual(found, ['noFloatingPromises:4'])
})

test('shortcuts that the house rules forbid are found', async () => {
  const source = `
import { Store } from './work'
export * from './work.ts'
enum Colour {
  Red = 'red',
}
export default function first(list: any[], store: Store): unknown {
  return [list.at(0)!, store, Colour.Red]
}
`
  const found = await lint({ 'src/work.ts': work, 'src/use.ts': source })
  const rules = [...new Set(found.map((line) => line.split(':', 1)[0]))].sort()
  assert.deepEqual(rules, [
    'noDefaultExport',
    'noEnum',
    'noExplicitAny',
    'noNonNullAssertion',
    'noReExportAll',
    'useImportExtensions',
    'useImportType',
  ])
})

/**
 * Lints the given files by the project's own settings, in a folder of their own beside copies of some of the project's,
 * and gives back rule and line of each error in the given files.
 */
async function lint(files: Readonly<Record<string, string>>, copies: readonly string[] = []): Promise<string[]> {
  return await withFolder(tmpdir(), async (folder) => {
    const { $schema: _, vcs: __, ...settings } = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8'))
    const config = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'))
    // Without the project's sources, the package's name stands for the planted module.
    if (copies.length === 0) config.compilerOptions.paths = { commandlog: ['./src/work.ts'] }
    for (const copy of copies) cpSync(join(root, copy), join(folder, copy), { recursive: true })
    const added = { 'package.json': manifest(), 'biome.json': settings, 'tsconfig.json': config }
    const texts = Object.entries(added).map(([file, content]) => [file, JSON.stringify(content)] as const)
    for (const [file, text] of [...texts, ...Object.entries(files)]) {
      mkdirSync(dirname(join(folder, file)), { recursive: true })
      writeFileSync(join(folder, file), text)
    }
    const { stdout } = await run(tool('biome'), ['lint', '--reporter=json', ...Object.keys(files)], { cwd: folder })
    const diagnostics: { category: string; severity: string; location: { start: { line: number } } }[] =
      JSON.parse(stdout).diagnostics
    const errors = diagnostics.filter(({ severity }) => severity === 'error')
    return errors.map(({ category, location }) => `${category.split('/').at(-1)}:${location.start.line}`).sort()
  })
}
