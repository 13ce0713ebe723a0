import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, posix } from 'node:path'
import { after, before, test } from 'node:test'
import { pack, type Tarball } from './pack.ts'
import { publintFindings, typesFindings } from './package-lint.ts'
import { entryPoints, root, runToSuccess, tool } from './project.ts'

const folder = mkdtempSync(join(tmpdir(), 'commandlog-package-'))
const consumer = join(folder, 'consumer')
const installed = join(consumer, 'node_modules', 'commandlog')
let tarball: Tarball

before(async () => {
  tarball = await pack(folder)
  mkdirSync(consumer)
  writeFileSync(join(consumer, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
  const quietly = ['--no-audit', '--no-fund', '--prefer-offline']
  await runToSuccess('npm', ['install', tarball.path, ...quietly], { cwd: consumer, timeout: 120_000 })
})

after(() => rmSync(folder, { recursive: true, force: true }))

test('the tarball holds what users need and nothing of the workshop', () => {
  const { files } = tarball
  for (const needed of ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md'])
    assert.ok(files.includes(needed), needed)
  assert.deepEqual(
    files.filter((file) => /\.test\.|^(?:test|bench|examples|docs|\.)|node_modules|tsbuildinfo|\.tgz$/.test(file)),
    [],
  )
  assert.ok(tarball.size < 1024 * 1024, `${tarball.size} bytes packed`)
  assert.ok(tarball.unpackedSize < 4 * 1024 * 1024, `${tarball.unpackedSize} bytes unpacked`)
})

test('every target of the exports map is in the tarball', () => {
  const targets = entryPoints().flatMap(([, conditions]) => Object.values(conditions))
  assert.deepEqual(
    targets.filter((target) => !tarball.files.includes(posix.normalize(target))),
    [],
  )
})

test('every source that a source map names is in the tarball', () => {
  const maps = tarball.files.filter((file) => file.endsWith('.map'))
  assert.ok(maps.length > 0)
  const named = maps.flatMap((file) => {
    const { sources }: { sources: string[] } = JSON.parse(readFileSync(join(installed, file), 'utf8'))
    return sources.map((source) => posix.join(dirname(file), source))
  })
  assert.deepEqual(
    named.filter((file) => !tarball.files.includes(file)),
    [],
  )
})

test('installing it into an empty folder brings emittery and no driver', () => {
  const { packages }: { packages: Record<string, unknown> } = JSON.parse(
    readFileSync(join(consumer, 'node_modules', '.package-lock.json'), 'utf8'),
  )
  assert.deepEqual(Object.keys(packages).sort(), ['node_modules/commandlog', 'node_modules/emittery'])
})

test('every entry point without a driver is imported from the installed package', async () => {
  const names = ['commandlog', 'commandlog/memory', 'commandlog/storekit']
  const program = `for (const name of ${JSON.stringify(names)}) console.log(name, Object.keys(await import(name)).length > 0)`
  const { stdout } = await runToSuccess(process.execPath, ['--input-type=module', '--eval', program], { cwd: consumer })
  assert.equal(stdout, names.map((name) => `${name} true\n`).join(''))
})

test('the quickstart prints the same from the installed package as from the sources', async () => {
  const quickstart = join(root, 'examples', 'quickstart.ts')
  cpSync(quickstart, join(consumer, 'quickstart.ts'))
  symlinkSync(join(root, 'node_modules', 'better-sqlite3'), join(consumer, 'node_modules', 'better-sqlite3'), 'dir')
  const elsewhere = { cwd: mkdtempSync(join(folder, 'source-')) }
  const fromSource = await runToSuccess(process.execPath, ['--conditions=commandlog-source', quickstart], elsewhere)
  const fromPackage = await runToSuccess(process.execPath, ['quickstart.ts'], { cwd: consumer })
  assert.notEqual(fromSource.stdout, '')
  assert.equal(neutral(fromPackage.stdout), neutral(fromSource.stdout))
})

test('a strict program compiles against the packed declarations, which are themselves checked', async () => {
  writeFileSync(join(consumer, 'consumer.ts'), consumerProgram)
  writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify(strictest))
  for (const [link, target] of [
    ['@types', '@types'],
    ['undici-types', 'undici-types'],
    ['cbor-x', 'cbor-x'],
    ['@msgpack', '@msgpack'],
  ] as const) {
    symlinkSync(join(root, 'node_modules', target), join(consumer, 'node_modules', link), 'dir')
  }
  const { stdout } = await runToSuccess(tool('tsc'), ['--project', '.', '--listFiles', '--pretty', 'false'], {
    cwd: consumer,
  })
  // Proof that nothing was resolved from the project itself.
  assert.ok(stdout.includes(join('consumer', 'node_modules', 'commandlog', 'dist', 'src', 'index.d.ts')))
  assert.ok(!stdout.includes(join(root, 'src')))
})

test('publint and are-the-types-wrong find nothing in the tarball, and something in a broken one', async () => {
  assert.deepEqual([...(await publintFindings(tarball)), ...(await typesFindings(tarball))], [])
  const broken = join(folder, 'broken')
  cpSync(installed, broken, { recursive: true })
  const manifest = JSON.parse(readFileSync(join(broken, 'package.json'), 'utf8'))
  delete manifest.scripts
  manifest.exports['./memory'].types = './dist/stores/missing.d.ts'
  writeFileSync(join(broken, 'package.json'), JSON.stringify(manifest))
  rmSync(tarball.path)
  await runToSuccess('npm', ['pack', '--pack-destination', folder], { cwd: broken })
  assert.ok(existsSync(tarball.path))
  assert.match((await publintFindings(tarball)).join('\n'), /missing\.d\.ts/)
  assert.match((await typesFindings(tarball)).join('\n'), /commandlog\/memory/)
})

test('the lockfile names no registry, so that everybody installs from their own', () => {
  const { packages }: { packages: Record<string, { resolved?: string }> } = JSON.parse(
    readFileSync(join(root, 'package-lock.json'), 'utf8'),
  )
  const resolved = Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined)
  assert.deepEqual(resolved, [])
})

test('the lockfile lists every optional package of every platform, so that npm ci takes it everywhere', () => {
  const { packages }: { packages: Record<string, { optionalDependencies?: Record<string, string> }> } = JSON.parse(
    readFileSync(join(root, 'package-lock.json'), 'utf8'),
  )
  const optional = Object.values(packages).flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
  const missing = optional.filter((name) => !(`node_modules/${name}` in packages))
  assert.deepEqual(missing, [])
})

/** Ids, durations and times differ from run to run. */
function neutral(output: string): string {
  const lines = output.split('\n').map((line) => {
    return line
      .replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
      .replace(/\d+(?:\.\d+)?(?= ?ms\b)/g, '<ms>')
  })
  return lines.join('\n')
}

const strictest = {
  compilerOptions: {
    target: 'es2022',
    lib: ['es2022'],
    types: ['node'],
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
    noImplicitOverride: true,
    noImplicitReturns: true,
    noUnusedLocals: true,
    noUnusedParameters: true,
    isolatedModules: true,
    verbatimModuleSyntax: true,
    skipLibCheck: false,
    noEmit: true,
  },
  files: ['consumer.ts'],
}

const consumerProgram = `
import { CommandBus, type CommandRecord, defineCommand, withCommandAudit } from 'commandlog'
import { cborCodec } from 'commandlog/cbor'
import { memoryStore } from 'commandlog/memory'
import { msgpackCodec } from 'commandlog/msgpack'
import { type SqliteStore, sqliteStore } from 'commandlog/sqlite'
import { checkQuery } from 'commandlog/storekit'

const store = memoryStore()
export const open = (path: string): Promise<SqliteStore> => sqliteStore({ path })
const bus = new CommandBus().register('greet', () => ({ result: 'hello' }))
const audited = withCommandAudit(bus, store, { codec: cborCodec })
const { id } = await audited.send({ type: 'greet', data: { name: 'Ada' } })
const record: CommandRecord | undefined = await store.get(id)
console.log(record?.state, msgpackCodec.format, typeof defineCommand, checkQuery({ limit: 1 }))
// @ts-expect-error: records cannot be written to
if (record !== undefined) record.state = 'failed'
// @ts-expect-error: a command needs a type
await bus.send({ data: 1 })
`
