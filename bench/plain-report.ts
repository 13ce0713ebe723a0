import type { BenchRun, Figure } from './result.ts'
import { table } from './table.ts'

/** A run as plain tables: one a trial and measure. */
export function terminalReport(run: BenchRun): string {
  const { environment, completeness, subjects, figures } = run
  const groups = Map.groupBy(figures, ({ trial, measure }) => `${trial}: ${measure}`)
  return [
    `commandlog bench, ${completeness}   node ${environment.node}, ${environment.machine}, ${environment.date}`,
    `4 KiB appended and synced: ${number(environment.syncMs.median)} ms; file system ${environment.fileSystem}`,
    ...subjects.map(({ subject, settings }) => `${subject}: ${settings}`),
    ...Array.from(groups, ([title, own]) => `\n${title}, ${own[0]?.unit}\n\n${figureTable(own)}`),
    '',
    ...figures.flatMap(verdict),
    '',
  ].join('\n')
}

/** What has changed beyond the noise: figures whose quartiles do not overlap. */
export function compareReport(base: BenchRun, run: BenchRun): string {
  const before = new Map(base.figures.map((figure) => [keyOf(figure), figure]))
  const rows = run.figures.flatMap((figure) => {
    const old = before.get(keyOf(figure))
    if (old === undefined || (old.value.low <= figure.value.high && figure.value.low <= old.value.high)) return []
    const isMore = figure.value.median > old.value.median
    const verdict = isMore === (figure.better === 'higher') ? 'better' : 'worse'
    return [[`${figure.trial} ${nameOf(figure)}, ${figure.measure}`, ratio(figure, old), verdict]]
  })
  const title = 'Changes beyond the noise: the quartiles do not overlap'
  return rows.length === 0 ? 'No change beyond the noise\n' : `${title}\n\n${table(['', 'now ÷ then', ''], rows)}\n`
}

/** The same for a browser. */
export function htmlReport(run: BenchRun, base?: BenchRun): string {
  const text = `${terminalReport(run)}${base === undefined ? '' : `\n${compareReport(base, run)}`}`
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<!doctype html>\n<meta charset="utf-8">\n<title>commandlog bench</title>\n<pre>${escaped}</pre>\n`
}

function ratio(figure: Figure, old: Figure): string {
  return (figure.value.median / old.value.median).toFixed(2)
}

function figureTable(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    nameOf(figure),
    number(figure.value.median),
    `${number(figure.value.low)} to ${number(figure.value.high)}`,
    figure.ratio === undefined ? '' : `${number(figure.ratio.value.median)} × ${figure.ratio.to}`,
  ])
  return table(['', 'median', 'quartiles', 'ratio'], rows)
}

function verdict(figure: Figure): readonly string[] {
  const { aim, ratio: beside, value } = figure
  if (aim === undefined) return []
  const { median } = beside?.value ?? value
  const isMet = 'atLeast' in aim ? median >= aim.atLeast : median <= aim.atMost
  const wanted = 'atLeast' in aim ? `at least ${aim.atLeast}` : `at most ${aim.atMost}`
  const what = `${figure.trial} ${nameOf(figure)}, ${figure.measure}`
  return [`Aim: ${what}, ${wanted}: ${number(median)}, ${isMet ? 'met' : 'missed'}`]
}

function keyOf({ trial, subject, params, measure }: Figure): string {
  return JSON.stringify([trial, subject, measure, Object.entries(params).sort()])
}

function nameOf({ subject, params }: Figure): string {
  return [subject, ...Object.entries(params).map(([name, value]) => `${name} ${value}`)].join(', ')
}

function number(value: number): string {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : value.toPrecision(3)
}
