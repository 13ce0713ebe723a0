import type { Figure } from '../result.ts'
import type { Spread } from '../statistics.ts'
import { type Reason, reasons } from './reasons.ts'
import { figureText, show } from './text.ts'

/** What became of an aim. */
export interface Verdict {
  /** What was measured, in words. */
  readonly text: string
  /** `at least 15` or `at most 1.5`. */
  readonly aim: string
  readonly bound: number
  readonly measured: Spread
  readonly isMet: boolean
  /** Whether the quartiles are on both sides of the aim: another run may say otherwise. */
  readonly isClose: boolean
  /** Why it is missed, where somebody has found out. */
  readonly reason: string | undefined
}

/** One verdict for each figure with an aim, in their order. */
export function verdictsOf(figures: readonly Figure[], known: readonly Reason[] = reasons): readonly Verdict[] {
  return figures.flatMap((figure) => {
    const { aim, ratio, value } = figure
    if (aim === undefined) return []
    const measured = ratio?.value ?? value
    const isAtLeast = 'atLeast' in aim
    const bound = isAtLeast ? aim.atLeast : aim.atMost
    const isMet = isAtLeast ? measured.median >= bound : measured.median <= bound
    return [
      {
        text: `${figureText(figure)}${ratio === undefined ? '' : `, ÷ ${ratio.to}`}`,
        aim: `${isAtLeast ? 'at least' : 'at most'} ${show(bound)}`,
        ...{ bound, measured, isMet },
        isClose: measured.low < bound && measured.high > bound,
        reason: isMet ? undefined : known.find((each) => isAbout(each, figure))?.why,
      },
    ]
  })
}

/** `met` or `missed`, and whether that is beyond doubt. */
export function verdictText({ isMet, isClose }: Verdict): string {
  return `${isMet ? 'met' : 'missed'}${isClose ? ', narrowly' : ''}`
}

function isAbout({ trial, subject, measure, params = {} }: Reason, figure: Figure): boolean {
  return (
    trial === figure.trial &&
    (subject === undefined || subject === figure.subject) &&
    (measure === undefined || measure === figure.measure) &&
    Object.entries(params).every(([name, value]) => figure.params[name] === value)
  )
}
