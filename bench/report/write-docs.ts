import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchRun } from '../result.ts'
import { markdownPage } from './markdown.ts'

const drawingsFolder = 'benchmarks'

/** Writes `benchmarks.md` and its drawings into a folder, and removes drawings that the page no longer has. */
export function writeDocs(run: BenchRun, docs: string): void {
  const { markdown, drawings } = markdownPage(run, drawingsFolder)
  const folder = join(docs, drawingsFolder)
  mkdirSync(folder, { recursive: true })
  const old = readdirSync(folder).filter((file) => file.endsWith('.svg') && !drawings.has(file))
  for (const file of old) rmSync(join(folder, file))
  for (const [file, svg] of drawings) writeFileSync(join(folder, file), svg)
  writeFileSync(join(docs, 'benchmarks.md'), markdown)
}

if (import.meta.main) {
  const [file, docs = join(import.meta.dirname, '../../docs')] = process.argv.slice(2)
  if (file === undefined) throw new RangeError('expected the file that npm run bench has written with --json')
  const run: BenchRun = JSON.parse(readFileSync(file, 'utf8'))
  if (run.format !== 1) throw new RangeError('expected what npm run bench writes with --json')
  writeDocs(run, docs)
}
