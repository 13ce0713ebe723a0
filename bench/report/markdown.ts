import type { BenchRun } from '../result.ts'
import { aimsChart } from './aims-chart.ts'
import { chartOf, placesOf } from './chart.ts'
import { isCharted } from './charted.ts'
import { ink, schemeRules } from './colours.ts'
import { escaped } from './markup.ts'
import type { Reason } from './reasons.ts'
import { label, show, showParam, showSpread } from './text.ts'
import { type Verdict, verdictsOf, verdictText } from './verdicts.ts'
import { type Group, type Section, sectionsOf, type View } from './views.ts'

/** A page and its drawings. */
export interface Page {
  readonly markdown: string
  /** SVG by file name; the page shows them from the folder that it was told. */
  readonly drawings: ReadonlyMap<string, string>
}

/** A run as a page of the docs. `folder` is where the drawings will be, as seen from the page. */
export function markdownPage(run: BenchRun, folder: string, reasons?: readonly Reason[]): Page {
  const drawings = new Map<string, string>()
  const image = (name: string, { svg, text }: { readonly svg: string; readonly text: string }): string => {
    // Names that differ only in what a file name has not get numbers.
    let file = `${fileName(name)}.svg`
    for (let number = 2; drawings.has(file); number++) file = `${fileName(name)}-${number}.svg`
    drawings.set(file, standalone(svg, text))
    return `![${inline(text)}](${folder}/${file})`
  }
  const places = placesOf(run.figures)
  const sections = sectionsOf(run).map((section) =>
    sectionText(section, (view, group) => image(nameOf(view, group), chartOf(view, group, places))),
  )
  const lines = [headText(run), aimsText(verdictsOf(run.figures, reasons), image), ...sections, settingsText(run)]
  return { markdown: `${lines.filter((text) => text !== '').join('\n\n')}\n`, drawings }
}

function headText({ environment, command, completeness }: BenchRun): string {
  const { date, machine, node, fileSystem, syncMs } = environment
  const caveats = {
    full: [],
    quick: ['**A quick run: its figures say little.**', ''],
    interrupted: ['**Interrupted: this is what was measured until then.**', ''],
  }
  return [
    '# Benchmarks',
    '',
    'Generated from one run; compare figures within it, not with other machines. Every figure is the median over the rounds with',
    'its quartiles; everything in a table was measured in the same rounds, in turns.',
    '',
    ...caveats[completeness],
    `- Machine: ${inline(machine)}`,
    `- Node: ${inline(node)}`,
    `- Date: ${inline(date)}`,
    `- Disk: 4 KiB appended and synced in ${showSpread(syncMs)} ms, file system ${inline(fileSystem)}`,
    '',
    'To reproduce it, on a machine that does nothing else; the second line makes this page of it:',
    '',
    '```sh',
    `${withoutFiles(command)} --json run.json`,
    'node --conditions=commandlog-source bench/report/write-docs.ts run.json',
    '```',
  ].join('\n')
}

/** Where somebody keeps their files is nobody else's business. */
function withoutFiles(command: string): string {
  const bare = command.replaceAll(/ --(?:json|html|compare)[ =]\S+/g, '')
  return bare.replaceAll(/\s+/g, ' ').replaceAll('`', '').trim()
}

type Image = (name: string, drawing: { readonly svg: string; readonly text: string }) => string

function aimsText(verdicts: readonly Verdict[], image: Image): string {
  if (verdicts.length === 0) return ''
  const rows = verdicts.map((verdict) => [
    inline(verdict.text),
    verdict.isMet ? verdictText(verdict) : `**${verdictText(verdict)}**`,
    verdict.aim,
    showSpread(verdict.measured),
  ])
  const missed = verdicts.filter(({ isMet }) => !isMet)
  return [
    '## Aims',
    '',
    `${verdicts.length - missed.length} of ${verdicts.length} met.`,
    '',
    image('aims', aimsChart(verdicts)),
    '',
    ...tableLines(['what', 'verdict', 'aim', 'measured'], rows),
    ...(missed.length === 0 ? [] : ['', '### What falls short, and why', '', ...missed.map(missedLine)]),
  ].join('\n')
}

function missedLine({ text, aim, measured, reason }: Verdict): string {
  return `- ${inline(text)}: ${aim}, measured ${show(measured.median)}. ${inline(reason ?? 'The reason is not known yet.')}`
}

function sectionText({ trial, about, views }: Section, chart: (view: View, group: Group) => string): string {
  return [
    `## ${inline(trial)}`,
    ...(about === undefined ? [] : [inline(about)]),
    ...views.map((view) => viewText(view, chart)),
  ].join('\n\n')
}

function viewText(view: View, chart: (view: View, group: Group) => string): string {
  const { measure, unit, better, isRatio, caption, columnName, columns } = view
  const what = isRatio ? `${measure}, ratio` : [...new Set([measure, unit])].join(' in ')
  const header = [label(columnName ?? ''), ...columns.map(showParam)].map(inline)
  const groups = view.groups.map((group) =>
    [
      ...(group.title === '' ? [] : [`**${inline(group.title)}**`]),
      ...(isCharted(view) ? [chart(view, group)] : []),
      tableLines(
        header,
        group.rows.map(({ name, cells }) => [
          inline(name),
          ...cells.map((cell) => (cell === undefined ? '' : showSpread(cell))),
        ]),
      ).join('\n'),
    ].join('\n\n'),
  )
  return [
    `### ${inline(`${view.trial}: ${what}`)}`,
    inline([`${better} is better`, caption].filter(Boolean).join('; ')),
    ...groups,
  ].join('\n\n')
}

function settingsText({ subjects }: BenchRun): string {
  if (subjects.length === 0) return ''
  const items = subjects.flatMap(({ subject, settings, records, lacks }) => [
    `- **${inline(subject)}**: ${inline(settings)}`,
    ...(records === undefined ? [] : [`  - records: ${inline(records)}`]),
    ...(lacks === undefined ? [] : [`  - lacks: ${inline(lacks)}`]),
  ])
  return ['## Settings', '', ...items].join('\n')
}

function tableLines(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(header), line(header.map((_, column) => (column === 0 ? '---' : '---:'))), ...rows.map(line)]
}

/** Text that Markdown leaves as it is. */
function inline(text: string): string {
  return escaped(text.replaceAll(/\s+/g, ' ')).replaceAll(/[\\`*_[\]|~]/g, '\\$&')
}

function nameOf({ trial, measure, isRatio }: View, { title }: Group): string {
  return [trial, measure, isRatio ? 'ratio' : '', title].filter((part) => part !== '').join(' ')
}

function fileName(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
}

/** A drawing as a file: on a ground of its own, since nobody knows what it is shown on, and dark for those who prefer that. */
function standalone(svg: string, text: string): string {
  const style = `<style>@media (prefers-color-scheme:dark){${schemeRules('')}}</style>`
  const ground = `<rect width="100%" height="100%" fill="${ink.ground.light}"/>`
  return `${svg.replace(/<svg [^>]*>/, (tag) => `${tag.replace('<svg ', `<svg role="img" aria-label="${escaped(text)}" `)}${style}${ground}`)}\n`
}
