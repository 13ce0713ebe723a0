import type { CustomSeriesOption } from 'echarts/charts'
import type { EChartsCoreOption } from 'echarts/core'
import type { Figure } from '../result.ts'
import { isWide, nameAxis, numberAxis, valueAxis, valuesOf } from './axes.ts'
import { ink, palette } from './colours.ts'
import { draw, drawingWidth, fontFamily, shortened, widthOf } from './drawing.ts'
import { label, show, showParam } from './text.ts'
import type { Group, Row, View } from './views.ts'

const plotHeight = 280
const legendLine = 21
const symbols = [
  'circle',
  'rect',
  'triangle',
  'diamond',
  'path://M0,0L10,0L5,9Z',
  'path://M3,0L7,0L7,3L10,3L10,7L7,7L7,10L3,10L3,7L0,7L0,3L3,3Z',
  'path://M5,0L10,2.5L10,7.5L5,10L0,7.5L0,2.5Z',
]
const rawPrefix = 'raw '

/** A drawing, and what it says for whoever does not see it. */
export interface Chart {
  /** One `<svg>` element, with its light colours; `schemeRules` makes them dark. */
  readonly svg: string
  readonly text: string
}

/** Draws one group of a view, each subject in its place of the palette. */
export function chartOf(view: View, group: Group, places: ReadonlyMap<string, number>): Chart {
  // Nothing has no place on a logarithmic axis.
  const isLine = view.columns.length > 1 && view.columns.every((column) => typeof column === 'number' && column > 0)
  const rows = group.rows.filter(({ cells }) => cells.some((cell) => Number.isFinite(cell?.median)))
  const legendLines = legendLinesOf(rows)
  const isLogarithmic = isWide(rows)
  const least = Math.min(...valuesOf(rows))
  const marks = rows.map(({ name, cells }, index): Marks => {
    const offset = (index - (rows.length - 1) / 2) * slot(rows.length)
    const points = view.columns.flatMap((column, place) => {
      const cell = cells[place]
      if (cell === undefined || !Number.isFinite(cell.median) || (isLogarithmic && cell.median <= 0)) return []
      const low = isLogarithmic ? Math.max(cell.low, least) : cell.low
      return [[isLine ? Math.log10(Number(column)) : place + offset, cell.median, low, cell.high]]
    })
    return { name, points, looks: looksOf(name, places) }
  })
  const option: EChartsCoreOption = {
    animation: false,
    textStyle: { fontFamily, color: ink.text.light },
    grid: { left: 8, right: 14, top: 16 + legendLines * legendLine, bottom: 8, outerBoundsMode: 'same' },
    legend: {
      ...{ top: 4, left: 4, itemWidth: 30, itemHeight: 10, itemGap: 12 },
      textStyle: { color: ink.text.light, fontSize: 13, padding: [0, 14, 0, 0] },
      ...{ formatter: shortened, data: rows.map(({ name }) => name) },
    },
    xAxis: isLine ? numberAxis(view) : nameAxis(view),
    yAxis: valueAxis(view, rows),
    series: [
      ...(view.isRatio ? [lineAtOne(view, isLine)] : []),
      ...marks.flatMap((own) => [
        ...(isLine || isLogarithmic ? [] : [bars(own, slot(rows.length))]),
        markedLine(own, isLine),
        whiskers(own),
      ]),
    ],
  }
  return { svg: draw(option, plotHeight + legendLines * legendLine), text: textOf(view, group) }
}

/** How wide one of so many marks is that stand side by side over a name. */
function slot(count: number): number {
  return Math.min(0.3, 0.76 / count)
}

interface Marks {
  readonly name: string
  /** Place, median and quartiles. */
  readonly points: readonly (readonly number[])[]
  readonly looks: Looks
}

function legendLinesOf(rows: readonly Row[]): number {
  let [lines, used] = [1, 0]
  for (const { name } of rows) {
    const taken = 61 + widthOf(shortened(name), 13)
    if (used > 0 && used + taken > drawingWidth - 8) [lines, used] = [lines + 1, 0]
    used += taken
  }
  return lines
}

interface Looks {
  readonly colour: string
  readonly symbol: string
  readonly isRaw: boolean
}

/**
 * A place in the palette for each subject of a run: one that nothing else has in the first trial that measures it, so that
 * a store looks the same in all of them. A raw driver has the place of its store.
 */
export function placesOf(figures: readonly Figure[]): ReadonlyMap<string, number> {
  const places = new Map<string, number>()
  for (const own of Map.groupBy(figures, ({ trial }) => trial).values()) {
    const bases = new Set(own.map(({ subject }) => baseOf(subject)))
    const taken = new Set([...bases].map((base) => places.get(base)))
    for (const base of bases) {
      if (places.has(base)) continue
      let place = 0
      while (taken.has(place)) place++
      places.set(base, place)
      taken.add(place)
    }
  }
  return places
}

function baseOf(subject: string): string {
  return subject.startsWith(rawPrefix) ? subject.slice(rawPrefix.length) : subject
}

/** A raw driver's line is dashed, and its marks are hollow. */
function looksOf(name: string, places: ReadonlyMap<string, number>): Looks {
  const place = places.get(baseOf(name)) ?? 0
  const colour = palette[place % palette.length]?.light ?? ink.text.light
  return { colour, symbol: symbols[place % symbols.length] ?? 'circle', isRaw: name.startsWith(rawPrefix) }
}

/** Where both sides of a ratio are the same. */
function lineAtOne({ columns }: View, isLine: boolean): object {
  const ends = isLine ? columns.map((column) => Math.log10(Number(column))) : [-0.5, columns.length - 0.5]
  return {
    ...{ type: 'line', symbol: 'none', silent: true, z: 0, emphasis: { disabled: true } },
    lineStyle: { color: ink.quiet.light, width: 1.5, type: [2, 4] },
    data: [ends.at(0), ends.at(-1)].map((end) => [end, 1]),
  }
}

function markedLine({ name, points, looks }: Marks, isLine: boolean): object {
  const { colour, symbol, isRaw } = looks
  const hollow = { color: ink.ground.light, borderColor: colour, borderWidth: 2 }
  return {
    ...{ type: 'line', name, symbol, symbolSize: 9, silent: true, emphasis: { disabled: true } },
    lineStyle: { color: colour, width: isLine ? 2 : 0, type: isRaw ? 'dashed' : 'solid' },
    itemStyle: isRaw ? hollow : { color: colour },
    data: points.map(([place, median]) => [place, median]),
  }
}

/** From zero to the median. */
function bars({ points, looks }: Marks, size: number): CustomSeriesOption {
  const fill = looks.isRaw ? ink.ground.light : looks.colour
  const style = { fill, stroke: looks.colour, lineWidth: 1.5, opacity: 0.55 }
  return {
    ...{ type: 'custom', silent: true, z: 1, data: points.map(([place = 0, median = 0]) => [place, median]) },
    renderItem(_params, api) {
      const place = Number(api.value(0))
      const [left = 0, top = 0] = api.coord([place - size * 0.44, api.value(1)])
      const [right = 0, bottom = 0] = api.coord([place + size * 0.44, 0])
      return { type: 'rect', shape: { x: left, y: top, width: right - left, height: bottom - top }, style }
    },
  }
}

/** From quartile to quartile. */
function whiskers({ points }: Marks): CustomSeriesOption {
  const style = { stroke: ink.text.light, lineWidth: 1.2, fill: 'none' }
  return {
    ...{ type: 'custom', silent: true, z: 5, encode: { x: 0, y: [1, 2] } },
    data: points.map(([place = 0, , low = 0, high = 0]) => [place, low, high]),
    renderItem(_params, api) {
      const [x = 0, low = 0] = api.coord([api.value(0), api.value(1)])
      const [, high = 0] = api.coord([api.value(0), api.value(2)])
      const strokes = [
        [x, low, x, high],
        [x - 3, low, x + 3, low],
        [x - 3, high, x + 3, high],
      ]
      return {
        type: 'group',
        children: strokes.map(([x1 = 0, y1 = 0, x2 = 0, y2 = 0]) => ({
          type: 'line',
          shape: { x1, y1, x2, y2 },
          style,
        })),
      }
    },
  }
}

function textOf({ measure, unit, isRatio, columnName, columns }: View, { title, rows }: Group): string {
  const what = [isRatio ? `${measure}, ratio` : [...new Set([measure, unit])].join(' in '), title]
    .filter(Boolean)
    .join(', ')
  const over = columnName === undefined ? '' : ` by ${label(columnName)}`
  const parts = rows.map(({ name, cells }) => {
    const known = cells.flatMap((cell, index) => {
      const column = columnName === undefined ? '' : `${showParam(columns[index] ?? '')}: `
      return cell === undefined ? [] : [`${column}${show(cell.median)}`]
    })
    return `${name} ${known.join(', ')}`
  })
  return `${what}${over}. ${parts.join('; ')}.`
}
