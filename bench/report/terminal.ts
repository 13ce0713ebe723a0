import type { BenchRun } from '../result.ts'
import type { Spread } from '../statistics.ts'
import { table } from '../table.ts'
import { type Change, compareRuns } from './compare.ts'
import { label, show, showParam, showRange, showSpread, wrap } from './text.ts'
import { type Verdict, verdictsOf, verdictText } from './verdicts.ts'
import { type Section, sectionsOf, type View } from './views.ts'

const width = 100

/** A run as tables of at most 100 columns. */
export function terminalReport(run: BenchRun): string {
  const verdicts = verdictsOf(run.figures)
  return [
    ...headLines(run),
    '',
    ...sectionsOf(run).flatMap((section) => [...sectionLines(section), '']),
    ...(verdicts.length === 0 ? [] : ['AIMS', ...verdicts.map(verdictLine), '']),
    ...subjectLines(run),
    '',
  ].join('\n')
}

/** What one run has beyond another: only what is clear of the noise. */
export function compareReport(base: BenchRun, run: BenchRun): string {
  const { doubts, changes, unchanged, onlyBefore, onlyNow } = compareRuns(base, run)
  const better = changes.filter(({ isBetter }) => isBetter)
  const worse = changes.filter(({ isBetter }) => !isBetter)
  return [
    wrap(
      `COMPARED with the run of ${base.environment.date}. A change is told where the quartiles do not overlap.`,
      width,
    ),
    ...doubts.map((doubt) => wrap(`Careful: another ${doubt}.`, width)),
    ...changeLines('Worse', worse),
    ...changeLines('Better', better),
    '',
    `${worse.length} worse, ${better.length} better, ${unchanged} within the noise, ${onlyNow.length} new, ${onlyBefore.length} no longer measured`,
    '',
  ].join('\n')
}

function headLines({ environment, completeness, command }: BenchRun): string[] {
  const { date, machine, node, fileSystem, syncMs } = environment
  const caveats = {
    full: [],
    quick: ['A quick run: its figures say little.'],
    interrupted: ['Interrupted: what was measured until then.'],
  }
  return [
    wrap(`commandlog bench, node ${node}, ${machine}, ${date}`, width),
    wrap(command, width),
    wrap(`4 KiB appended and synced in ${showSpread(syncMs)} ms, file system ${fileSystem}`, width),
    'Median over the rounds, and how far the quartiles are from it.',
    ...caveats[completeness],
  ]
}

function sectionLines({ trial, about, views }: Section): string[] {
  const title = trial.toUpperCase()
  return [
    title,
    ...(about === undefined ? [] : [wrap(about, width)]),
    ...views.flatMap((view) => ['', ...viewLines(view)]),
  ]
}

function viewLines(view: View): string[] {
  const { measure, unit, better, isRatio, caption, columnName, columns } = view
  const inUnit = measure === unit ? '' : ` in ${unit}`
  const title = isRatio ? `${measure}, ratio` : `${measure}${inUnit}`
  const heading = wrap([`${title}, ${better} is better`, ...(caption === '' ? [] : [caption])].join('; '), width)
  const header = [label(columnName ?? ''), ...columns.map(showParam)]
  const rows = view.groups.flatMap(({ title: group, rows: own }) => [
    ...(group === '' ? [] : [[group]]),
    ...own.map(({ name, cells }) => [`${group === '' ? '' : '  '}${name}`, ...cells.map(cellText)]),
  ])
  return [heading, ...fitted(header, rows)]
}

/** As many tables as it takes, each with the first column. */
function fitted(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  for (let count = header.length; count > 2; count--) {
    const text = table(
      header.slice(0, count),
      rows.map((row) => row.slice(0, count)),
    )
    if (text.split('\n').every((line) => line.length <= width)) {
      const rest = (row: readonly string[]): string[] => [...row.slice(0, 1), ...row.slice(count)]
      return [text, ...(count === header.length ? [] : fitted(rest(header), rows.map(rest)))]
    }
  }
  return [table(header, rows)]
}

function cellText(spread: Spread | undefined): string {
  if (spread === undefined) return ''
  const { low, median, high } = spread
  if (!Number.isFinite(median) || median === null) return 'none'
  if (low === high || median === 0) return show(median)
  const away = (value: number): string => `${Math.round(Math.abs(value / median - 1) * 100)}%`
  return `${show(median)} -${away(low)} +${away(high)}`
}

function verdictLine(verdict: Verdict): string {
  const { text, aim, measured, reason } = verdict
  const line = `${verdictText(verdict).toUpperCase()}: ${text}: ${aim}, came ${showSpread(measured)}`
  const why = reason === undefined ? [] : [wrap(`Why: ${reason}`, width, '    ')]
  return [wrap(line, width, '  '), ...why].join('\n')
}

function subjectLines({ subjects }: BenchRun): string[] {
  if (subjects.length === 0) return []
  const lines = subjects.flatMap(({ subject, settings, records, lacks }) => [
    wrap(`${subject}: ${settings}`, width, '  '),
    ...(records === undefined ? [] : [wrap(`records ${records}`, width, '    ')]),
    ...(lacks === undefined ? [] : [wrap(`lacks ${lacks}`, width, '    ')]),
  ])
  return ['SETTINGS', ...lines]
}

function changeLines(title: string, changes: readonly Change[]): string[] {
  if (changes.length === 0) return []
  const rows = changes
    .toSorted((a, b) => Math.abs(Math.log(b.ratio.median)) - Math.abs(Math.log(a.ratio.median)))
    .flatMap(({ text, unit, before, now, ratio }) => [
      wrap(text, width, '  '),
      `    × ${show(ratio.median)} (${showRange(ratio)}): ${show(before.median)} before, ${show(now.median)} now${unit === '×' ? '' : `, ${unit}`}`,
    ])
  return ['', title, ...rows]
}
