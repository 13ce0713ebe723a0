import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { listFile, type Surface, surfaceOf } from './exports.ts'
import { exportedNames } from './imports.ts'
import { entryPoints, root } from './project.ts'

const listed: Record<string, Surface> = JSON.parse(readFileSync(listFile, 'utf8'))

test('the list names the entry points of the exports map, no more and no fewer', () => {
  assert.deepEqual(
    Object.keys(listed).sort(),
    entryPoints()
      .map(([specifier]) => specifier)
      .sort(),
  )
})

for (const [specifier, targets] of entryPoints()) {
  test(`${specifier} exports the listed names and loads the listed packages (node test/exports.ts lists anew)`, async () => {
    assert.deepEqual(await surfaceOf(specifier, targets), listed[specifier])
  })

  test(`${specifier} has a source, and its build has the source's place`, () => {
    const source = targets['commandlog-source'] ?? ''
    assert.ok(existsSync(join(root, source)), `${source} is missing`)
    const built = source.replace('./', './dist/')
    assert.deepEqual(targets, {
      'commandlog-source': source,
      types: built.replace(/\.ts$/, '.d.ts'),
      default: built.replace(/\.ts$/, '.js'),
    })
  })
}

test('commandlog and commandlog/memory load no driver', () => {
  assert.deepEqual(listed.commandlog?.packages, ['emittery'])
  assert.deepEqual(listed['commandlog/memory']?.packages, ['emittery'])
})

test('the paths that the linter resolves names by are those of the exports map', () => {
  const { compilerOptions } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'))
  const expected = entryPoints().map(([specifier, targets]) => [specifier, [targets['commandlog-source']]])
  assert.deepEqual(compilerOptions.paths, Object.fromEntries(expected))
})

test('export statements of every form are read', () => {
  const source = [
    "export { a, b as c, type D } from './a.ts'",
    "export type { E, F } from './e.ts'",
    'export interface G {}',
    'export type H = string',
    'export const i = 1',
    'export async function j() {}',
    'export function* k() {}',
    'export abstract class L {}',
    '// export const m = 1',
    'const n = 1',
    'export { n }',
  ].join('\n')
  assert.deepEqual(exportedNames(source), ['D', 'E', 'F', 'G', 'H', 'L', 'a', 'c', 'i', 'j', 'k', 'n'])
})
