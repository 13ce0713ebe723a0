import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { importsOf } from './imports.ts'
import { layerFaults, layerRules, type SourceFile } from './layers.ts'
import { manifest, projectFiles, root } from './project.ts'

const allowed = { packages: ['emittery', 'cbor-x', '@msgpack/msgpack', 'better-sqlite3', 'fast-check'] }

function parsed(file: string, source: string): SourceFile {
  return { file, source, specifiers: importsOf(source) }
}

test('every source file keeps the layers', () => {
  const { dependencies, peerDependencies } = manifest()
  const files = projectFiles('**/*.ts').filter((file) => !file.endsWith('.test.ts') && !file.startsWith('test/'))
  assert.ok(files.includes('src/index.ts') && files.includes('stores/memory.ts'))
  const packages = Object.keys({ ...dependencies, ...peerDependencies })
  const sources = files.map((file) => parsed(file, readFileSync(join(root, file), 'utf8')))
  assert.deepEqual(layerFaults(sources, { packages }), [])
})

test('neither the exports map nor the imports map opens an internal or wildcard subpath', () => {
  const subpaths = Object.keys(manifest().exports)
  assert.deepEqual(
    subpaths.filter((subpath) => /internal|\*/.test(subpath)),
    [],
  )
  assert.ok(!('imports' in manifest()))
})

/** File, source, and the rules that must catch it. */
const planted: readonly (readonly [string, string, ...string[]])[] = [
  ['src/bus.ts', "import { cursor } from '../storekit/index.ts'", 'one-way'],
  ['src/bus.ts', "import type { Followable } from '../stores/memory.ts'", 'one-way'],
  ['src/bus.ts', "export {\n  run,\n} from '../test/project.ts'", 'one-way'],
  ['src/deep/bus.ts', "import '../../../elsewhere/file.ts'", 'one-way'],
  ['storekit/index.ts', "import { memoryStore } from '../stores/memory.ts'", 'one-way'],
  ['commandlogtest/model.ts', "import { memoryStore } from '../stores/memory.ts'", 'one-way'],
  ['eventsourcing/decider.ts', "import { checks } from '../commandlogtest/index.ts'", 'one-way'],
  ['stores/sqlite.ts', "import { memoryStore } from './memory.ts'", 'stores-apart'],
  ['stores/sqlite/index.ts', "import {\n  memoryStore,\n  type Row\n} from '../memory.ts'", 'stores-apart'],
  ['stores/sqlite/index.ts', "export { toRow } from '../postgres/rows.ts'", 'stores-apart'],
  ['stores/sqlite.ts', "import { CommandBus } from '../src/bus.ts'", 'stores-like-strangers'],
  ['stores/sqlite/rows.ts', "import { openCursor } from '../../storekit/cursor.ts'", 'stores-like-strangers'],
  ['stores/memory.ts', "import Database from 'better-sqlite3'", 'driver-in-its-place'],
  ['stores/sqlite-like.ts', "import Database from 'better-sqlite3'", 'driver-in-its-place'],
  ['src/codec.ts', "import { Encoder } from 'cbor-x/encode'", 'driver-in-its-place'],
  ['storekit/index.ts', "import Emittery from 'emittery'", 'driver-in-its-place'],
  ['stores/postgres.ts', "import postgres from 'postgres'", 'declared'],
  ['src/bus.ts', "import { z } from 'zod'", 'driver-in-its-place', 'declared'],
  ['src/bus.ts', "import { readFile } from 'fs'", 'driver-in-its-place', 'declared'],
  ['src/bus.ts', "import { CommandBus } from 'commandlog'", 'driver-in-its-place', 'declared'],
  ['examples/shop.ts', "import { CommandBus } from '../src/index.ts'", 'examples-like-users'],
  ['examples/shop.ts', "import { row } from 'commandlog/internal/rows'", 'no-internal'],
  ['src/bus.ts', "const driver = await import('emittery')", 'no-dynamic-import'],
  [
    'src/bus.ts',
    "export function load(): Promise<unknown> {\n  return import(\n    'emittery'\n  )\n}",
    'no-dynamic-import',
  ],
  ['eventsourcing/memory-event-store.ts', "const driver = await import('better-sqlite3')", 'no-dynamic-import'],
  ['src/bus.ts', "const fs = require('node:fs')", 'no-require'],
  ['src/bus.ts', "import { createRequire } from 'node:module'", 'no-require'],
  ['src/index.ts', "export * from './bus.ts'", 'no-export-all'],
  ['src/index.ts', "export * as bus from './bus.ts'", 'no-export-all'],
  ['src/index.ts', "export type * from './bus.ts'", 'no-export-all'],
  ['src/bus.ts', 'export default class CommandBus {}', 'no-default-export'],
  ['src/index.ts', "export { CommandBus as default } from './bus.ts'", 'no-default-export'],
]

for (const [file, source, ...rules] of planted) {
  test(`${rules.join(' and ')} alone catch ${JSON.stringify(source)} in ${file}`, () => {
    const caught = layerFaults([parsed(file, source)], allowed).map(({ rule }) => rule)
    assert.deepEqual(caught, rules)
  })
}

test('every layer rule has a planted violation', () => {
  const caught = new Set(planted.flatMap(([, , ...rules]) => rules))
  assert.deepEqual([...caught].sort(), layerRules.map(({ name }) => name).sort())
})

test('what a stranger could write is no fault', () => {
  const files = [
    parsed('stores/sqlite.ts', "import Database from 'better-sqlite3'\nimport { StoreError } from '../src/index.ts'"),
    parsed(
      'stores/sqlite/index.ts',
      "import { toRow } from './rows.ts'\nimport { matches } from '../../storekit/index.ts'",
    ),
    parsed('src/codecs/cbor.ts', "import { Encoder } from 'cbor-x/encode'\nimport { isIP } from 'node:net'"),
    parsed('commandlogtest/index.ts', "import fc from 'fast-check'\nimport type { Page } from '../src/store.ts'"),
    parsed(
      'src/bus.ts',
      "/** Never `import('x')`, `require` or\n * export * from 'y' */\nconst text = \"export default import('x')\"",
    ),
    parsed('examples/shop.ts', "import { CommandBus } from 'commandlog'\nimport { paint } from './paint.ts'"),
  ]
  assert.deepEqual(layerFaults(files, allowed), [])
})

test('imports of every form are read, and those in comments and texts are not', () => {
  const source = [
    "import 'a'",
    "import b from 'b'",
    "import * as c from 'c'",
    "import d, { e } from 'd'",
    'import {',
    "  one, // from 'nowhere'",
    '  type Two,',
    "} from 'f'",
    "import type { G } from 'g'",
    'import type from "h"',
    "export { x as y } from 'i'",
    "export type { Z } from 'j'",
    'const local = 1',
    'export { local }',
    '/*',
    "import k from 'k'",
    '*/',
    'const text = `',
    "import l from 'l'",
    '`',
    'const pattern = /[`"]/',
    "import m from 'm'",
  ].join('\n')
  assert.deepEqual(
    importsOf(source).map(({ text, typeOnly }) => (typeOnly ? `type ${text}` : text)),
    ['a', 'b', 'c', 'd', 'f', 'type g', 'h', 'i', 'type j', 'm'],
  )
})

test('an import that cannot be read is an error', () => {
  assert.throws(() => importsOf("import source x from 'x'"), { name: 'SyntaxError' })
})
