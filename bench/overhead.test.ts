import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Measurements } from './measure.ts'

const run = promisify(execFile)
const flags = ['--conditions=commandlog-source', '--expose-gc', fileURLToPath(new URL('overhead.ts', import.meta.url))]
const rows = [
  ...['bare send, whole', 'floor, whole'],
  ...['one id (uuidv7)', 'two clock readings', 'payload encoding', 'one Map insert'],
  ...['write-ahead, added to bare', 'outcome, added to bare', 'background, added to bare'],
  ...['handler on the bare bus', 'floor, for comparison', 'write-ahead, added', 'outcome, added', 'background, added'],
]

test('a quick run prints every row with a figure, and writes the same to a file', { timeout: 30_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'commandlog-bench-'))
  try {
    const file = join(folder, 'overhead.json')
    const { stdout } = await run(process.execPath, [...flags, '--quick', '--json', file])

    const printed = stdout.split('\n').map((line) => line.trim())
    const missing = rows.filter(
      (row) => !printed.some((line) => line.startsWith(`${row}  `) && /\d/.test(line.slice(row.length))),
    )
    assert.deepEqual(missing, [])
    assert.equal(stdout.includes('NaN'), false)
    assert.match(stdout, /node v\d+/)

    const measured: Measurements = JSON.parse(await readFile(file, 'utf8'))
    assert.deepEqual(Object.keys(measured.added), ['write-ahead', 'outcome', 'background'])
    assert.deepEqual(Object.keys(measured.allocations), ['bare', 'write-ahead', 'outcome', 'background'])
  } finally {
    await rm(folder, { recursive: true })
  }
})
