import type { BenchRun, Figure } from '../result.ts'
import type { Spread } from '../statistics.ts'
import { figureText } from './text.ts'

/** What has changed from one run to another. */
export interface Comparison {
  /** What makes the two runs hard to compare, in words. */
  readonly doubts: readonly string[]
  readonly changes: readonly Change[]
  /** How many figures are in both runs and have not changed beyond their noise. */
  readonly unchanged: number
  /** What only one of them has. */
  readonly onlyBefore: readonly string[]
  readonly onlyNow: readonly string[]
}

/** A figure whose quartile ranges do not overlap. */
export interface Change {
  readonly text: string
  readonly unit: string
  readonly before: Spread
  readonly now: Spread
  /** Now as a part of before: of the medians, and the farthest that the quartiles allow. */
  readonly ratio: Spread
  readonly isBetter: boolean
}

interface Known {
  readonly text: string
  readonly unit: string
  readonly better: Figure['better']
  readonly value: Spread
}

/** Compares figure by figure. Where both runs have a ratio it is compared too: it says more, since it stands on its own run. */
export function compareRuns(base: BenchRun, run: BenchRun): Comparison {
  const [before, now] = [byText(base.figures), byText(run.figures)]
  const both = [...now.values()].flatMap((after) => {
    const known = before.get(after.text)
    return known === undefined ? [] : [changeOf(known, after)]
  })
  const changes = both.filter((change) => change !== undefined)
  return {
    doubts: doubtsOf(base, run),
    changes,
    unchanged: both.length - changes.length,
    onlyBefore: [...before.keys()].filter((text) => !now.has(text)),
    onlyNow: [...now.keys()].filter((text) => !before.has(text)),
  }
}

function byText(figures: readonly Figure[]): ReadonlyMap<string, Known> {
  const known = figures.flatMap((figure): Known[] => {
    const { unit, better, value, ratio } = figure
    const text = figureText(figure)
    const own = { text, unit, better, value }
    return ratio === undefined
      ? [own]
      : [own, { text: `${text}, ÷ ${ratio.to}`, unit: '×', better, value: ratio.value }]
  })
  return new Map(known.map((each) => [each.text, each]))
}

function changeOf({ value: before }: Known, { text, unit, better, value: now }: Known): Change | undefined {
  // A missing number makes both false.
  const isMore = now.low > before.high
  const isLess = now.high < before.low
  if (!isMore && !isLess) return undefined
  const ratio = { low: now.low / before.high, median: now.median / before.median, high: now.high / before.low }
  return { text, unit, before, now, ratio, isBetter: isMore === (better === 'higher') }
}

function doubtsOf(base: BenchRun, run: BenchRun): string[] {
  const { environment: then } = base
  const { environment: here } = run
  return [
    ...differences('machine', then.machine, here.machine),
    ...differences('node', then.node, here.node),
    ...differences('file system', then.fileSystem, here.fileSystem),
    ...differences('completeness', base.completeness, run.completeness),
  ]
}

function differences(what: string, before: string, now: string): string[] {
  return before === now ? [] : [`${what}: ${before} before, ${now} now`]
}
