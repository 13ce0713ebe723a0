import type { BenchRun, Figure } from '../result.ts'
import type { Spread } from '../statistics.ts'

/** A name that nobody should give a store: markup and Markdown. */
export const hostileName = '<img src=x onerror=alert(1)> & "co" | `x`'

/** A run with one of each kind of figure, none of which anybody has measured: for tests of reports. */
export const madeUpRun: BenchRun = {
  format: 1,
  environment: {
    date: '2001-02-03T04:05:06.000Z',
    machine: '2 × made up, 4 GiB, linux x64',
    node: 'v24.0.0',
    fileSystem: '0x1',
    syncMs: { low: 1, median: 2, high: 3 },
  },
  completeness: 'full',
  command: 'npm run bench -- --json /home/somebody/run.json --stores memory,sqlite',
  subjects: [
    { subject: 'sqlite', settings: 'synchronous=2' },
    { subject: 'DBOS', settings: '20 connections', records: 'input and output', lacks: 'correlation' },
  ],
  trials: [{ trial: 'throughput', about: 'A closed loop.' }],
  figures: [
    ...throughput('memory', [100_000, 400_000]),
    ...throughput('sqlite', [2000, 50_000], 'raw sqlite'),
    ...throughput(hostileName, [20, Number.NaN]),
    ...codec('json', [400, 500]),
    ...codec('cbor', [300, 450]),
    follow('memory', 0.25),
    follow('sqlite', 4),
  ],
}

function throughput(subject: string, medians: readonly number[], partner?: string): Figure[] {
  return medians.map((median, index) => ({
    ...{ trial: 'throughput', subject, params: { mode: 'write-ahead', inFlight: index === 0 ? 1 : 64 } },
    ...{ measure: 'commands/s', unit: 'commands/s', better: 'higher', value: around(median) },
    ...(partner === undefined ? {} : { ratio: { to: partner, value: around(index === 0 ? 0.9 : 0.6) } }),
    ...(partner === undefined ? {} : { aim: { atLeast: 0.85 } }),
  }))
}

function codec(subject: string, medians: readonly number[]): Figure[] {
  return medians.map((median, index) => ({
    ...{ trial: 'codec', subject, params: { shape: index === 0 ? 'small' : 'wide' } },
    ...{ measure: 'encode', unit: 'ns', better: 'lower', value: around(median) },
  }))
}

function follow(subject: string, median: number): Figure {
  return {
    ...{ trial: 'follow', subject, params: { 'records/s': 500 }, measure: 'lag p50', unit: 'ms', better: 'lower' },
    ...{ value: around(median), aim: { atMost: 4.2 } },
  }
}

function around(median: number): Spread {
  return { low: median * 0.9, median, high: median * 1.1 }
}
