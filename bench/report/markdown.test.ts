import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { hostileName, madeUpRun } from './made-up-run.ts'
import { markdownPage } from './markdown.ts'
import { writeDocs } from './write-docs.ts'

test('the page says how to reproduce it without telling where somebody keeps their files', () => {
  const { markdown } = markdownPage(madeUpRun, 'drawings')
  assert.match(markdown, /^npm run bench -- --stores memory,sqlite --json run\.json$/m)
  assert.doesNotMatch(markdown, /somebody/)
})

test('a missed aim has its reason beside it, or the page says that nobody knows', () => {
  const reasons = [{ trial: 'throughput', subject: 'sqlite', params: { inFlight: 64 }, why: 'It is only made up.' }]
  const missed =
    '- throughput: sqlite, commands/s, mode write-ahead, in flight 64, ÷ raw sqlite: at least 0.85, measured 0.6. '
  assert.ok(markdownPage(madeUpRun, 'drawings', reasons).markdown.includes(`${missed}It is only made up.`))
  assert.ok(markdownPage(madeUpRun, 'drawings', []).markdown.includes(`${missed}The reason is not known yet.`))
})

test('names are no Markdown and no markup', () => {
  const { markdown, drawings } = markdownPage(madeUpRun, 'drawings')
  const escaped = '&lt;img src=x onerror=alert(1)&gt; &amp; &quot;co&quot; \\| \\`x\\`'
  assert.ok(markdown.includes(`| ${escaped} | 20 (18 to 22) | none |`))
  for (const text of [markdown, ...drawings.values()]) assert.equal(text.includes(hostileName), false)
})

test('writing the page leaves exactly its own drawings, all of which it shows', () => {
  const docs = mkdtempSync(join(tmpdir(), 'commandlog-bench-docs-'))
  try {
    writeDocs(madeUpRun, docs)
    writeFileSync(join(docs, 'benchmarks', 'of-another-run.svg'), '')
    writeDocs(madeUpRun, docs)
    const shown = [...readFileSync(join(docs, 'benchmarks.md'), 'utf8').matchAll(/\]\(benchmarks\/([^)]+)\)/g)]
    const files = readdirSync(join(docs, 'benchmarks'))
    assert.deepEqual(files, shown.map(([, file]) => file).sort())
    assert.deepEqual(files, [
      'aims.svg',
      'codec-encode.svg',
      'follow-lag-p50.svg',
      'throughput-commands-s-ratio.svg',
      'throughput-commands-s.svg',
    ])
    for (const file of files) {
      const svg = readFileSync(join(docs, 'benchmarks', file), 'utf8')
      assert.match(svg, /^<svg role="img" aria-label="[^"]+"[^>]*><style>@media \(prefers-color-scheme:dark\)/)
    }
  } finally {
    rmSync(docs, { recursive: true })
  }
})
