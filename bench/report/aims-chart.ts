import type { CustomSeriesOption } from 'echarts/charts'
import { ink } from './colours.ts'
import { draw, fontFamily } from './drawing.ts'
import { show, wrap } from './text.ts'
import type { Verdict } from './verdicts.ts'

const rowHeight = 58
const longest = 60
const labelStyle = { verticalAlign: 'bottom', fontSize: 12, lineHeight: 15, fontFamily } as const

/** Every aim as a row: what was measured beside the aim, the better the further to the right, whichever way the aim is. */
export function aimsChart(verdicts: readonly Verdict[]): { readonly svg: string; readonly text: string } {
  const points = verdicts.map((verdict, index) => [...partsOf(verdict), verdicts.length - 1 - index])
  const parts = [1, ...points.flatMap((point) => point.slice(0, 3))].filter((part) => part > 0 && Number.isFinite(part))
  const axisText = { color: ink.quiet.light, fontSize: 12 }
  const option = {
    animation: false,
    textStyle: { fontFamily, color: ink.text.light },
    grid: { left: 12, right: 24, top: 8, bottom: 30, outerBoundsMode: 'same' },
    xAxis: {
      ...{ type: 'log', logBase: 2, min: Math.min(...parts) * 0.85, max: Math.max(...parts) * 1.15 },
      ...{ name: '1 is the aim; further to the right is better', nameLocation: 'middle', nameGap: 26 },
      nameTextStyle: axisText,
      axisLabel: { ...axisText, customValues: ticksOf(parts), formatter: (value: number) => show(value) },
      ...{ axisTick: { show: false, customValues: ticksOf(parts) }, splitLine: { show: false } },
      axisLine: { show: true, onZero: false, lineStyle: { color: ink.quiet.light } },
    },
    yAxis: { type: 'value', min: -0.35, max: verdicts.length - 0.1, show: false },
    series: [rowsOf(verdicts, points)],
  }
  return { svg: draw(option, verdicts.length * rowHeight + 50), text: textOf(verdicts) }
}

/** Median and quartiles as parts of the aim, turned round where less is better. */
function partsOf({ aim, bound, measured: { median, low, high } }: Verdict): [number, number, number] {
  return aim.startsWith('at least')
    ? [median / bound, low / bound, high / bound]
    : [bound / median, bound / high, bound / low]
}

function ticksOf(parts: readonly number[]): number[] {
  const [least, most] = [Math.min(...parts), Math.max(...parts)]
  return [0.01, 0.1, 0.25, 0.5, 1, 2, 4, 10, 100].filter((tick) => tick >= least * 0.85 && tick <= most * 1.15)
}

function rowsOf(verdicts: readonly Verdict[], points: readonly (readonly number[])[]): CustomSeriesOption {
  return {
    ...{ type: 'custom', silent: true, encode: { x: [0, 1, 2], y: 3 }, data: points.map((point) => [...point]) },
    renderItem(params, api) {
      const verdict = verdicts[params.dataIndex]
      const row = api.value(3)
      const [x = 0, y = 0] = api.coord([api.value(0), row])
      const [low = 0] = api.coord([api.value(1), row])
      const [high = 0] = api.coord([api.value(2), row])
      const [aim = 0] = api.coord([1, row])
      // The area of the plot: what the types do not know of a grid.
      const { x: left = 0 } = params.coordSys as { readonly x?: number }
      const colour = verdict?.isMet ? ink.met.light : ink.missed.light
      const stroke = { stroke: colour, lineWidth: 2, fill: 'none' }
      const text = verdict === undefined ? '' : wrap(`${verdict.isMet ? '✓' : '✗'} ${verdict.text}`, longest)
      return {
        type: 'group',
        children: [
          { type: 'text', style: { ...{ text, x: left, y: y - 12, fill: ink.text.light }, ...labelStyle } },
          {
            type: 'line',
            shape: { x1: aim, y1: y - 8, x2: aim, y2: y + 8 },
            style: { stroke: ink.quiet.light, lineWidth: 2 },
          },
          { type: 'line', shape: { x1: aim, y1: y, x2: x, y2: y }, style: { stroke: ink.line.light, lineWidth: 2 } },
          { type: 'line', shape: { x1: low, y1: y, x2: high, y2: y }, style: stroke },
          verdict?.isMet
            ? { type: 'circle', shape: { cx: x, cy: y, r: 5 }, style: { fill: colour } }
            : { type: 'polygon', shape: { points: diamond(x, y) }, style: { ...stroke, fill: ink.ground.light } },
        ],
      }
    },
  }
}

function diamond(x: number, y: number): [number, number][] {
  return [
    [x, y - 6],
    [x + 6, y],
    [x, y + 6],
    [x - 6, y],
  ]
}

function textOf(verdicts: readonly Verdict[]): string {
  const met = verdicts.filter(({ isMet }) => isMet).length
  return `What was measured beside each of ${verdicts.length} aims, ${met} of them met. The table has the same figures.`
}
