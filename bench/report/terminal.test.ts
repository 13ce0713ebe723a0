import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BenchRun, Figure } from '../result.ts'
import { madeUpRun } from './made-up-run.ts'
import { compareReport, terminalReport } from './terminal.ts'

test('a run is told as tables, aims and settings', () => {
  const run = {
    ...madeUpRun,
    figures: madeUpRun.figures.filter(({ subject }) => subject !== 'json' && subject !== 'cbor'),
  }
  assert.equal(
    terminalReport(run),
    `commandlog bench, node v24.0.0, 2 × made up, 4 GiB, linux x64, 2001-02-03T04:05:06.000Z
npm run bench -- --json /home/somebody/run.json --stores memory,sqlite
4 KiB appended and synced in 2 (1 to 3) ms, file system 0x1
Median over the rounds, and how far the quartiles are from it.

THROUGHPUT
A closed loop.

commands/s, higher is better; write-ahead
in flight                                                1              64
-----------------------------------------  ---------------  --------------
memory                                      100k -10% +10%  400k -10% +10%
sqlite                                     2,000 -10% +10%   50k -10% +10%
<img src=x onerror=alert(1)> & "co" | \`x\`     20 -10% +10%            none

commands/s, ratio, higher is better; write-ahead; divided by the same of raw sqlite, round by round
in flight              1             64
---------  -------------  -------------
sqlite     0.9 -10% +10%  0.6 -10% +10%

FOLLOW

lag p50 in ms, lower is better; records/s 500
                    ms
------  --------------
memory  0.25 -10% +10%
sqlite     4 -10% +10%

AIMS
  MET, NARROWLY: throughput: sqlite, commands/s, mode write-ahead, in flight 1, ÷ raw sqlite: at
  least 0.85, came 0.9 (0.81 to 0.99)
  MISSED: throughput: sqlite, commands/s, mode write-ahead, in flight 64, ÷ raw sqlite: at least
  0.85, came 0.6 (0.54 to 0.66)
  MET: follow: memory, lag p50, records/s 500: at most 4.2, came 0.25 (0.225 to 0.275)
  MET, NARROWLY: follow: sqlite, lag p50, records/s 500: at most 4.2, came 4 (3.6 to 4.4)

SETTINGS
  sqlite: synchronous=2
  DBOS: 20 connections
    records input and output
    lacks correlation
`,
  )
})

test('no line is longer than 100 columns, however many cases there are', () => {
  const [first] = madeUpRun.figures
  assert.ok(first)
  const figures = Array.from(
    { length: 40 },
    (_, index): Figure => ({ ...first, params: { inFlight: 10 ** (index % 12), n: index } }),
  )
  const lines = terminalReport({ ...madeUpRun, figures }).split('\n')
  assert.deepEqual(
    lines.filter((line) => line.length > 100),
    [],
  )
})

test('what JSON has made null of is told as none', () => {
  const run: BenchRun = JSON.parse(JSON.stringify(madeUpRun))
  assert.match(terminalReport(run), / {2}none$/m)
  assert.doesNotMatch(terminalReport(run), /NaN|Infinity|undefined|null/)
})

test('two runs are compared: only what is clear of the noise is told, and what makes them hard to compare', () => {
  const figures = madeUpRun.figures.map((figure) =>
    figure.subject === 'cbor' ? scaled(figure, 2) : scaled(figure, 1.1),
  )
  const run = { ...madeUpRun, environment: { ...madeUpRun.environment, node: 'v25.0.0' }, figures: figures.slice(1) }
  assert.equal(
    compareReport(madeUpRun, run),
    `COMPARED with the run of 2001-02-03T04:05:06.000Z. A change is told where the quartiles do not
overlap.
Careful: another node: v24.0.0 before, v25.0.0 now.

Worse
  codec: cbor, encode, shape small
    × 2 (1.64 to 2.44): 300 before, 600 now, ns
  codec: cbor, encode, shape wide
    × 2 (1.64 to 2.44): 450 before, 900 now, ns

2 worse, 0 better, 11 within the noise, 0 new, 1 no longer measured
`,
  )
})

function scaled(figure: Figure, by: number): Figure {
  const { low, median, high } = figure.value
  return { ...figure, value: { low: low * by, median: median * by, high: high * by } }
}
