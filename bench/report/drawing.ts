import { CustomChart, LineChart } from 'echarts/charts'
import { GridComponent, LegendComponent } from 'echarts/components'
import { type EChartsCoreOption, init, setPlatformAPI, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'

use([CustomChart, GridComponent, LegendComponent, LineChart, SVGRenderer])
// Nobody knows the font of whoever looks at it: as wide as the wider ones are.
setPlatformAPI({ measureText: (text, font) => ({ width: widthOf(text, Number.parseFloat(font ?? '')) }) })

/** Of all text in drawings. */
export const fontFamily = 'system-ui, sans-serif'
/** Narrow enough for text to be read on a small screen, to whose width a drawing shrinks. */
export const drawingWidth = 470
const longestName = 34

/** About how wide a text is. */
export function widthOf(text: string, size: number): number {
  return text.length * (Number.isFinite(size) ? size : 12) * 0.62
}

/** A name as drawings have it: cut off where it is very long. */
export function shortened(name: string): string {
  return name.length > longestName ? `${name.slice(0, longestName - 1)}…` : name
}

/** Draws what ECharts is told, `height` high, as one `<svg>` element with nothing in it that needs a script. */
export function draw(option: EChartsCoreOption, height: number): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: drawingWidth, height })
  try {
    chart.setOption(option)
    return chart.renderToSVGString({ useViewBox: true })
  } finally {
    chart.dispose()
  }
}
