import { saboteurs } from './index.ts'
import { seedsDemanded, seedsTried } from './results.ts'
import type { Saboteur } from './saboteur.ts'
import { allChecks } from './survey.ts'

/** Where the page is. */
export const saboteursPage: URL = new URL('../../docs/saboteurs.md', import.meta.url)

/** In how many seeds a saboteur was caught; undefined where that mode cannot show it. */
export interface Counts {
  readonly open: number | undefined
  readonly live: number | undefined
}

/** The page, from the counts of each saboteur. */
export function pageText(countsOf: (saboteur: string) => Counts): string {
  return [
    '# Saboteurs',
    '',
    `Every check of the suite is there because it catches stores that are broken in one way. These are the ${saboteurs.length} broken`,
    `stores on which the ${allChecks.length} checks are tried. The checks named for a store must catch it in ${seedsDemanded} of ${seedsTried} seeds at`,
    'least, each with the usual number of executions: `open` where they open the store by name, `live` where they get a',
    'single instance of it.',
    'This page is made by `commandlogtest/saboteurs/matrix.ts`.',
    '',
    '## Broken stores',
    '',
    'What needs `open` shows only over several handles, or after opening again.',
    '',
    '| store | what it does wrong | needs | caught by | open | live |',
    '|---|---|---|---|---|---|',
    ...saboteurs.map((saboteur) => storeRow(saboteur, countsOf(saboteur.name))),
    '',
    '## Checks',
    '',
    '| check | rule | stores it is named for |',
    '|---|---|---|',
    ...allChecks.map(({ name, rule }) => `| \`${name}\` | ${cell(rule)} | ${namedFor(name)} |`),
    '',
  ].join('\n')
}

/** The counts that a page shows, by saboteur. */
export function readCounts(page: string): Map<string, Counts> {
  const counts = new Map<string, Counts>()
  for (const [, name, open, live] of page.matchAll(/^\| `([^`]+)` \|.+\| (\d+|–) \| (\d+|–) \|$/gm))
    counts.set(`${name}`, { open: readCount(open), live: readCount(live) })
  return counts
}

function readCount(text: string | undefined): number | undefined {
  return text === '–' ? undefined : Number(text)
}

function storeRow({ name, breaks, needs, caughtBy }: Saboteur, { open, live }: Counts): string {
  const named = caughtBy.map((check) => `\`${check}\``).join(', ')
  return `| \`${name}\` | ${cell(breaks)} | ${needs} | ${named} | ${open ?? '–'} | ${live ?? '–'} |`
}

function namedFor(check: string): number {
  return saboteurs.filter(({ caughtBy }) => caughtBy.includes(check)).length
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
