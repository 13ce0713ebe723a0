import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { StoreMeasurements } from './stores-report.ts'

const run = promisify(execFile)
const flags = ['--conditions=commandlog-source', '--expose-gc', fileURLToPath(new URL('stores.ts', import.meta.url))]
const rows = [
  ...['1', '16', '64', '256', '1024'],
  ...[1, 100, 1000].flatMap((size) => [`inserts, ${size} a transaction`, `insert + update, ${size} a transaction`]),
  ...['get by id', 'findByCorrelation', 'by event', 'by causation', 'first page by type', 'deep page by type'],
  ...['failures page', 'tenant, one hour'],
]

test('a quick run prints every row with a figure, writes the same to a file, and leaves nothing behind', {
  timeout: 60_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'commandlog-bench-test-'))
  try {
    // A server that is not to run as root must get in.
    await chmod(folder, 0o755)
    const file = join(folder, 'stores.json')
    // Its files are made in here too, so that what it leaves shows.
    const env = { ...process.env, TMPDIR: folder }
    const { stdout } = await run(process.execPath, [...flags, '--quick', '--json', file], { env })

    const printed = stdout.split('\n').map((line) => line.trim())
    const missing = rows.filter(
      (row) => !printed.some((line) => line.startsWith(`${row}  `) && /\d/.test(line.slice(row.length))),
    )
    assert.deepEqual(missing, [])
    assert.equal(/NaN|Infinity|undefined/.test(stdout), false)
    assert.match(stdout, /node v\d+.*\n.* synced .* ms/)
    assert.match(stdout, /journal_mode=wal synchronous=2 wal_autocheckpoint=2000/)
    assert.equal(printed.filter((line) => /^Aim: .*, (?:met|missed)$/.test(line)).length, 14)

    const { throughput, lookups }: StoreMeasurements = JSON.parse(await readFile(file, 'utf8'))
    assert.deepEqual(
      throughput.map(({ store, bus, raw, ratios }) => [store, bus.length, raw.length, ratios.length]),
      [
        ['memory', 5, 0, 0],
        ['sqlite', 5, 6, 4],
        ['postgres', 5, 6, 4],
      ],
    )
    assert.deepEqual(
      lookups.map(({ store, sizes, lookups: own }) => [
        store,
        sizes,
        own.map(({ found }) => found.every((n) => n > 0)),
      ]),
      ['sqlite', 'postgres'].map((store) => [store, [1000, 5000], allTrue(8)]),
    )
    assert.deepEqual(await readdir(folder), ['stores.json'])
  } finally {
    await rm(folder, { recursive: true })
  }
})

function allTrue(count: number): readonly true[] {
  return Array.from({ length: count }, () => true as const)
}
