import { ink } from './colours.ts'
import { drawingWidth, shortened, widthOf } from './drawing.ts'
import { label, show, showParam } from './text.ts'
import type { Row, View } from './views.ts'

/** From this ratio of the largest to the smallest on, an axis is logarithmic. */
const wide = 20
/** Degrees, of names that have no room side by side. */
const slant = 30
const axisText = { color: ink.quiet.light, fontSize: 12 }
const axisLine = { show: true, lineStyle: { color: ink.quiet.light } }

/** Of columns that are numbers: logarithmic, with a tick for each. The places of a series are logarithms to base 10. */
export function numberAxis({ columns, columnName }: View): object {
  const places = columns.map((column) => Math.log10(Number(column)))
  return {
    ...{ type: 'value', min: Math.min(...places) - 0.12, max: Math.max(...places) + 0.12 },
    ...{ name: label(columnName ?? ''), nameLocation: 'middle', nameGap: 26, nameTextStyle: axisText },
    axisLabel: { ...axisText, customValues: places, formatter: (place: number) => show(10 ** place) },
    axisTick: { show: true, customValues: places, lineStyle: { color: ink.quiet.light } },
    ...{ axisLine: { ...axisLine, onZero: false }, splitLine: { show: false } },
  }
}

/** Of columns that are names: the first has place 0, the second 1. */
export function nameAxis({ columns, columnName }: View): object {
  const names = columns.map((column) => shortened(showParam(column)))
  const widest = Math.max(...names.map((name) => widthOf(name, axisText.fontSize)))
  const isTight = widest > (drawingWidth - 60) / columns.length
  const places = columns.map((_, place) => place)
  return {
    ...{ type: 'value', min: -0.5, max: columns.length - 0.5 },
    ...{ name: label(columnName ?? ''), nameLocation: 'middle', nameTextStyle: axisText },
    nameGap: 26 + (isTight ? widest * Math.sin((slant * Math.PI) / 180) : 0),
    axisLabel: {
      ...{ ...axisText, customValues: places, formatter: (place: number) => names[place] ?? '' },
      ...(isTight ? { rotate: slant } : {}),
    },
    axisTick: { show: false, customValues: places },
    ...{ axisLine: { ...axisLine, onZero: false }, splitLine: { show: false } },
  }
}

/** Of what was measured: from zero, or logarithmic from one power of ten to another. */
export function valueAxis({ measure, unit, isRatio }: View, rows: readonly Row[]): object {
  const name = isRatio ? `${measure}, ratio` : [...new Set([measure, unit])].join(', ')
  return {
    ...(isWide(rows) ? { type: 'log', ...decadesOf(rows) } : { type: 'value', min: 0 }),
    ...{
      name,
      nameLocation: 'end',
      nameGap: 8,
      nameTextStyle: { ...axisText, align: 'left', padding: [0, 0, 0, -30] },
    },
    axisLabel: { ...axisText, formatter: (value: number) => show(value) },
    ...{ splitLine: { lineStyle: { color: ink.line.light } }, axisLine: { show: false }, axisTick: { show: false } },
  }
}

function decadesOf(rows: readonly Row[]): { readonly min: number; readonly max: number } {
  const values = valuesOf(rows)
  return {
    min: 10 ** Math.floor(Math.log10(Math.min(...values))),
    max: 10 ** Math.ceil(Math.log10(Math.max(...values))),
  }
}

/** Whether values are so far apart that their axis is logarithmic. */
export function isWide(rows: readonly Row[]): boolean {
  const values = valuesOf(rows)
  return Math.max(...values) / Math.min(...values) >= wide
}

/** All medians and quartiles above zero. */
export function valuesOf(rows: readonly Row[]): number[] {
  const values = rows.flatMap(({ cells }) => cells.flatMap((cell) => (cell ? [cell.low, cell.median, cell.high] : [])))
  // Nothing has no place on a logarithmic axis.
  return values.filter((value) => Number.isFinite(value) && value > 0)
}
