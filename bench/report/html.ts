import type { BenchRun } from '../result.ts'
import type { Spread } from '../statistics.ts'
import { aimsChart } from './aims-chart.ts'
import { chartOf, placesOf } from './chart.ts'
import { isCharted } from './charted.ts'
import { compareRuns } from './compare.ts'
import { pageStyle } from './html-style.ts'
import { escaped } from './markup.ts'
import { label, show, showParam, showRange, showSpread } from './text.ts'
import { type Verdict, verdictsOf, verdictText } from './verdicts.ts'
import { type Group, type Section, sectionsOf, type View } from './views.ts'

type Places = ReturnType<typeof placesOf>

/** A run as one HTML file that needs no network and no script; with what has changed since another run, if there is one. */
export function htmlReport(run: BenchRun, base?: BenchRun): string {
  const places = placesOf(run.figures)
  const sections = sectionsOf(run)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>commandlog bench, ${escaped(run.environment.date.slice(0, 10))}</title>
<style>${pageStyle}</style>
</head>
<body>
<main>
${headHtml(run, sections)}
${aimsHtml(run)}
${base === undefined ? '' : comparisonHtml(base, run)}
${sections.map((section, index) => sectionHtml(section, `trial-${index}`, places)).join('\n')}
${subjectsHtml(run)}
</main>
</body>
</html>
`
}

function headHtml({ environment, completeness, command }: BenchRun, sections: readonly Section[]): string {
  const { date, machine, node, fileSystem, syncMs } = environment
  const notes = {
    full: '',
    quick: '<p class="note">A quick run: its figures say little.</p>',
    interrupted: '<p class="note">Interrupted: this is what was measured until then.</p>',
  }
  const links = sections.map(({ trial }, index) => `<li><a href="#trial-${index}">${escaped(trial)}</a></li>`)
  return `<h1>commandlog bench</h1>
<p class="quiet">${escaped(machine)}, node ${escaped(node)}, ${escaped(date)}<br>
${escaped(command)}<br>
4 KiB appended and synced in ${showSpread(syncMs)} ms, file system ${escaped(fileSystem)}</p>
${notes[completeness]}
<p>Figures are medians over the rounds; quartiles stand below them, and are the thin lines in the charts. Everything in a
chart was measured in the same rounds, in turns.</p>
<nav aria-label="Trials"><ul>${links.join('')}</ul></nav>`
}

function aimsHtml({ figures }: BenchRun): string {
  const verdicts = verdictsOf(figures)
  if (verdicts.length === 0) return ''
  const met = verdicts.filter(({ isMet }) => isMet).length
  const { svg, text } = aimsChart(verdicts)
  return `<section>
<h2>Aims</h2>
<p>${met} of ${verdicts.length} met.</p>
<div class="pair charted"><figure>${drawing(svg, text)}</figure>
<div class="scroll" role="region" aria-label="Aims" tabindex="0"><table>
<thead><tr><th scope="col">what</th><th scope="col">verdict</th><th scope="col">aim</th><th scope="col">measured</th></tr></thead>
<tbody>${verdicts.map(verdictRow).join('\n')}</tbody>
</table></div></div>
</section>`
}

function verdictRow(verdict: Verdict): string {
  const { text, aim, measured, isMet, reason } = verdict
  const why = reason === undefined ? '' : `<small>Why: ${escaped(reason)}</small>`
  const mark = `<span class="verdict ${isMet ? 'met' : 'missed'}">${isMet ? '✓' : '✗'} ${verdictText(verdict)}</span>`
  return `<tr><td class="words">${escaped(text)}${why}</td><td>${mark}</td><td>${aim}</td>${cellHtml(measured)}</tr>`
}

function comparisonHtml(base: BenchRun, run: BenchRun): string {
  const { doubts, changes, unchanged, onlyBefore, onlyNow } = compareRuns(base, run)
  const rows = changes.map(({ text, unit, before, now, ratio, isBetter }) => {
    const verdict = `<span class="verdict ${isBetter ? 'met' : 'missed'}">${isBetter ? 'better' : 'worse'}</span>`
    const cells = [ratio, before, now].map(cellHtml).join('')
    return `<tr><td class="words">${escaped(text)}</td><td>${verdict}</td>${cells}<td>${escaped(unit)}</td></tr>`
  })
  const heads = ['what', 'verdict', 'now ÷ before', 'before', 'now', 'unit'].map(
    (head) => `<th scope="col">${head}</th>`,
  )
  return `<section>
<h2>Compared with ${escaped(base.environment.date)}</h2>
<p>A change is told where the quartiles do not overlap: ${changes.length} changed, ${unchanged} within the noise,
${onlyNow.length} new, ${onlyBefore.length} no longer measured.</p>
${doubts.map((doubt) => `<p class="note">Another ${escaped(doubt)}.</p>`).join('')}
${rows.length === 0 ? '' : `<div class="scroll" role="region" aria-label="Changes" tabindex="0"><table><thead><tr>${heads.join('')}</tr></thead><tbody>${rows.join('\n')}</tbody></table></div>`}
</section>`
}

function sectionHtml({ trial, about, views }: Section, id: string, places: Places): string {
  return `<section id="${id}">
<h2>${escaped(trial)}</h2>
${about === undefined ? '' : `<p class="quiet">${escaped(about)}</p>`}
${views.map((view) => viewHtml(view, places)).join('\n')}
</section>`
}

function viewHtml(view: View, places: Places): string {
  const { measure, unit, better, isRatio, caption } = view
  const what = isRatio ? `${measure}, ratio` : [...new Set([measure, unit])].join(' in ')
  const groups = view.groups.map((group) => {
    const isDrawn = isCharted(view)
    const { svg, text } = isDrawn ? chartOf(view, group, places) : { svg: '', text: '' }
    return `${group.title === '' ? '' : `<h4>${escaped(group.title)}</h4>`}
<div class="pair${isDrawn ? ' charted' : ''}">${isDrawn ? `<figure>${drawing(svg, text)}</figure>` : ''}${tableHtml(view, group)}</div>`
  })
  return `<h3>${escaped(what)}</h3>
<p class="quiet">${better} is better${caption === '' ? '' : `; ${escaped(caption)}`}</p>
${groups.join('\n')}`
}

function tableHtml({ columnName, columns, measure, isRatio }: View, { title, rows }: Group): string {
  const name = [measure, isRatio ? 'ratio' : '', title].filter((part) => part !== '').join(', ')
  const heads = columns.map((column) => `<th scope="col">${escaped(showParam(column))}</th>`)
  const lines = rows.map(
    (row) => `<tr><th scope="row">${escaped(row.name)}</th>${row.cells.map(cellHtml).join('')}</tr>`,
  )
  const corner = `<th scope="col">${escaped(label(columnName ?? ''))}</th>`
  return `<div class="scroll" role="region" aria-label="${escaped(name)}" tabindex="0"><table>
<thead><tr>${corner}${heads.join('')}</tr></thead>
<tbody>${lines.join('\n')}</tbody>
</table></div>`
}

function cellHtml(spread: Spread | undefined): string {
  if (spread === undefined) return '<td></td>'
  const range = spread.low === spread.high ? '' : showRange(spread)
  return `<td>${show(spread.median)}${range === '' ? '' : `<small>${range}</small>`}</td>`
}

function drawing(svg: string, text: string): string {
  return svg.replace('<svg ', `<svg role="img" aria-label="${escaped(text)}" `)
}

function subjectsHtml({ subjects }: BenchRun): string {
  if (subjects.length === 0) return ''
  const items = subjects.map(
    ({ subject, settings, records, lacks }) =>
      `<dt>${escaped(subject)}</dt><dd>${escaped(settings)}</dd>${records === undefined ? '' : `<dd>Records: ${escaped(records)}</dd>`}${lacks === undefined ? '' : `<dd>Lacks: ${escaped(lacks)}</dd>`}`,
  )
  return `<section><h2>Settings</h2><dl>${items.join('\n')}</dl></section>`
}
