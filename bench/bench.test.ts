import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { BenchRun } from './result.ts'

const run = promisify(execFile)
const main = fileURLToPath(new URL('main.ts', import.meta.url))
const memory = new URL('../stores/memory.ts', import.meta.url).href

/** Runs with an empty folder, and checks that nothing but these files is left in it. */
async function inFolder(left: readonly string[], work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'commandlog-bench-test-'))
  try {
    // A server that is not to run as root must get in.
    await chmod(folder, 0o755)
    await work(folder)
    assert.deepEqual((await readdir(folder)).sort(), left)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function runOf(file: string): Promise<BenchRun> {
  return JSON.parse(await readFile(file, 'utf8')) as BenchRun
}

/** How many figures each subject has, by trial and measure. */
function countsOf({ figures }: BenchRun): Readonly<Record<string, Readonly<Record<string, number>>>> {
  const counts: Record<string, Record<string, number>> = {}
  for (const { trial, measure, subject } of figures) {
    // Where nothing ever waits there is none.
    if (measure === 'loop delay p99') continue
    const own = (counts[`${trial}, ${measure}`] ??= {})
    own[subject] = (own[subject] ?? 0) + 1
  }
  return counts
}

const allStores = ['memory', 'sqlite', 'postgres', 'nats', 'mine']
const each = (count: number, names = allStores): Record<string, number> =>
  Object.fromEntries(names.map((name) => [name, count]))
const raw = ['raw sqlite', 'raw postgres', 'raw nats']
const codecs = { json: 5, cbor: 5, msgpack: 5 }
const reads = { ...each(16), ...each(8, raw), 'raw nats': 2 }

const expected = {
  'bytes, allocated': { 'bare bus': 1, memory: 3 },
  'bytes, retained': { memory: 3 },
  'overhead, time': { 'bare bus': 2, floor: 5 },
  'overhead, added': { ...each(3), memory: 6 },
  'throughput, commands/s': each(4),
  'throughput, latency p50': each(4),
  'throughput, latency p99': each(4),
  'throughput, collector': each(4),
  'throughput, allocated': each(4),
  'throughput, heap': each(4),
  'throughput, rows/s': each(4, raw),
  'throughput, writes beside raw rows': { sqlite: 4, postgres: 4 },
  'payload, commands/s': each(2),
  'payload, latency p50': each(2),
  'payload, latency p99': each(2),
  'payload, allocated': each(2),
  'payload, rows/s': each(2, raw),
  'read, time p50': reads,
  'read, time p99': reads,
  'read, growth': each(8),
  'follow, lag p50': each(1),
  'follow, lag p99': each(1),
  'purge, records/s': { ...each(1), ...each(1, raw) },
  'codec, encode': codecs,
  'codec, decode': codecs,
  'codec, size': codecs,
  'codec-store, commands/s': each(3),
  'codec-store, latency p99': each(3),
  'codec-store, allocated': each(3),
}

test('a short run has every figure of every trial, of a store of one’s own too, and leaves nothing behind', {
  timeout: 180_000,
}, async () => {
  await inFolder(['mine.ts', 'run.html', 'run.json'], async (folder) => {
    const [mine, json, html] = ['mine.ts', 'run.json', 'run.html'].map((name) => join(folder, name))
    assert.ok(mine && json && html)
    await writeFile(
      mine,
      `import { memoryStore } from '${memory}'\nexport const open = () => ({ store: memoryStore() })\n`,
    )
    const sizes = ['--sizes', '200,400', '--payloads', '100,1000', '--in-flight', '1,256']
    const short = ['--quick', '--rounds', '1', '--ms', '10', ...sizes]
    const asked = ['--stores', 'memory,sqlite,postgres,nats', '--store', mine, '--json', json, '--html', html]
    // Its files are made in here too, so that what it leaves shows.
    const env = { ...process.env, TMPDIR: folder }
    const { stdout } = await run(process.execPath, [main, ...short, ...asked], { env })

    const measured = await runOf(json)
    assert.deepEqual(countsOf(measured), expected)
    const spreads = measured.figures.flatMap(({ value, ratio }) =>
      ratio === undefined ? [value] : [value, ratio.value],
    )
    const odd = spreads.filter(({ low, median, high }) => ![low, median, high].every(Number.isFinite))
    assert.deepEqual(odd, [])
    assert.equal(measured.figures.filter(({ aim }) => aim !== undefined).length, 20)
    assert.deepEqual(
      measured.subjects.map(({ subject }) => subject),
      ['memory', 'sqlite', 'postgres', 'nats', 'mine', 'json', 'cbor', 'msgpack'],
    )
    assert.match(measured.subjects[1]?.settings ?? '', /journal_mode=wal synchronous=2 wal_autocheckpoint=2000/)
    assert.match(measured.subjects[2]?.settings ?? '', /synchronous_commit=on/)
    assert.equal(measured.completeness, 'quick')
    assert.equal(/NaN|Infinity|undefined/.test(stdout), false)
  })
})

test('Ctrl-C ends after what is under way, with what was measured so far, beside another run', {
  timeout: 60_000,
}, async () => {
  await inFolder(['base.json', 'run.json'], async (folder) => {
    const [base, json] = [join(folder, 'base.json'), join(folder, 'run.json')]
    const few = [main, '--quick', '--stores', 'memory', '--trials', 'purge', '--codecs', 'json', '--ms', '5']
    await run(process.execPath, [...few, '--rounds', '1', '--json', base])
    const env = { ...process.env, TMPDIR: folder }
    const args = [...few, '--rounds', '1000000', '--json', json, '--compare', base]
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let printed = ''
    child.stdout.on('data', (text) => {
      printed += text
    })
    await new Promise<void>((resolve) => {
      child.stderr.on('data', (text) => {
        if (String(text).includes('purge, round')) resolve()
      })
    })
    child.kill('SIGINT')
    const [code] = await once(child, 'exit')
    assert.equal(code, 130)
    const { completeness, figures } = await runOf(json)
    assert.deepEqual(
      [completeness, new Set(figures.map(({ measure }) => measure))],
      ['interrupted', new Set(['records/s'])],
    )
    assert.match(printed, /COMPARED with the run/)
  })
})

test('Unknown names and files are refused before anything runs', { timeout: 30_000 }, async () => {
  const refused: readonly (readonly [readonly string[], RegExp])[] = [
    [['--stores', 'memory,mongo'], /--stores: expected some of memory, sqlite, .*got 'mongo'/],
    [['--sizes', '10,many'], /--sizes: expected whole numbers from 1, got 'many'/],
    [['--store', 'no-such-store.ts'], /--store: there is no file/],
    [['--fast'], /'--fast'/],
  ]
  for (const [args, message] of refused) {
    await assert.rejects(run(process.execPath, [main, ...args]), (error: { code: number; stderr: string }) => {
      assert.equal(error.code, 2)
      assert.match(error.stderr, message)
      return true
    })
  }
})
