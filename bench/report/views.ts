import type { BenchRun, Figure } from '../result.ts'
import type { Spread } from '../statistics.ts'
import { label, showParam } from './text.ts'

/** One trial of a run as a report shows it. */
export interface Section {
  readonly trial: string
  readonly about: string | undefined
  readonly views: readonly View[]
}

/** One measure of a trial as a table: what was measured by rows, the cases by columns. */
export interface View {
  readonly trial: string
  readonly measure: string
  readonly unit: string
  readonly better: Figure['better']
  /** Whether it shows ratios to something measured beside it. */
  readonly isRatio: boolean
  /** What is the same for all of it, in words. */
  readonly caption: string
  /** What the columns are; `undefined` where there is but one, called by the unit. */
  readonly columnName: string | undefined
  readonly columns: readonly (string | number)[]
  /** One group for each combination of what is neither row nor column. */
  readonly groups: readonly Group[]
}

/** Rows that belong together: one chart. */
export interface Group {
  /** Empty where a view has only one. */
  readonly title: string
  readonly rows: readonly Row[]
}

export interface Row {
  readonly name: string
  /** A cell for each column. */
  readonly cells: readonly (Spread | undefined)[]
}

/** Everything that a run has measured, as tables. */
export function sectionsOf({ figures, trials }: Pick<BenchRun, 'figures' | 'trials'>): readonly Section[] {
  return [...Map.groupBy(figures, ({ trial }) => trial)].map(([trial, own]) => ({
    trial,
    about: trials?.find((each) => each.trial === trial)?.about,
    views: [...Map.groupBy(own, ({ measure }) => measure).values()].flatMap(viewsOfMeasure),
  }))
}

function viewsOfMeasure(figures: readonly Figure[]): readonly View[] {
  const beside = figures.filter(({ ratio }) => ratio !== undefined)
  return [viewOf(figures, false), ...(beside.length === 0 ? [] : [viewOf(beside, true)])]
}

function viewOf(figures: readonly Figure[], isRatio: boolean): View {
  const [first] = figures
  if (first === undefined) throw new Error('a view of no figures')
  const names = [...new Set(figures.flatMap(({ params }) => Object.keys(params)))]
  const varying = names.filter((name) => valuesOf(figures, name).length > 1)
  const columnName = columnOf(figures, varying)
  const unit = isRatio ? '×' : first.unit
  const columns = columnName === undefined ? [unit] : valuesOf(figures, columnName)
  const others = varying.filter((name) => name !== columnName)
  const groups = Map.groupBy(figures, ({ params }) => textOf(params, others))
  const same = names.filter((name) => !varying.includes(name))
  return {
    ...{ trial: first.trial, measure: first.measure, better: first.better, isRatio, columnName, columns },
    unit,
    caption: [textOf(first.params, same), isRatio ? partnersOf(figures) : ''].filter((part) => part !== '').join('; '),
    groups: [...groups].map(([title, own]) => ({
      title,
      rows: [...Map.groupBy(own, ({ subject }) => subject)].map(([name, cells]) => ({
        name,
        cells: columns.map((column) => {
          const figure = cells.find(({ params }) => columnName === undefined || params[columnName] === column)
          return isRatio ? figure?.ratio?.value : figure?.value
        }),
      })),
    })),
  }
}

/** The numbers that vary most, else the words that do. */
function columnOf(figures: readonly Figure[], varying: readonly string[]): string | undefined {
  const count = (name: string): number => {
    const values = valuesOf(figures, name)
    return values.length + (values.every((value) => typeof value === 'number') ? 1000 : 0)
  }
  return varying.toSorted((a, b) => count(b) - count(a))[0]
}

function valuesOf(figures: readonly Figure[], name: string): readonly (string | number)[] {
  const values = [...new Set(figures.flatMap(({ params }) => params[name] ?? []))]
  const isNumeric = values.every((value) => typeof value === 'number')
  return isNumeric ? values.toSorted((a, b) => Number(a) - Number(b)) : values
}

function textOf(params: Figure['params'], names: readonly string[]): string {
  return names.flatMap((name) => wordsOf(name, params[name])).join(', ')
}

function wordsOf(name: string, value: string | number | undefined): string[] {
  if (value === undefined) return []
  return [typeof value === 'number' ? `${label(name)} ${showParam(value)}` : value]
}

const mostPartners = 4

function partnersOf(figures: readonly Figure[]): string {
  const partners = [...new Set(figures.flatMap(({ ratio }) => ratio?.to ?? []))]
  const named = partners.length <= mostPartners ? partners.join(' or ') : `${partners[0]}, and so on`
  return `divided by the same of ${named}, round by round`
}
