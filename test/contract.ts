// The page of the store contract, made from the checks themselves: `node test/contract.ts` writes it anew.
import { writeFileSync } from 'node:fs'
import { type Check, checks, durableChecks, followChecks, purgeChecks } from '../commandlogtest/index.ts'

/** Where the page is. */
export const contractPage: URL = new URL('../docs/contract.md', import.meta.url)

const lists: readonly (readonly [title: string, about: string, list: readonly Check[]])[] = [
  ['Every store', 'Run by `runSuite`, and each by `runCheck`, on any store.', checks],
  ['Stores that are opened by name', 'Run where `runSuite` gets a function that opens data by name.', durableChecks],
  ['Stores with `follow`', 'Run where the store has the method.', followChecks],
  ['Stores with `purge`', 'Run where the store has the method.', purgeChecks],
]

/** The page as it has to be. */
export function contractText(): string {
  const all = lists.reduce((sum, [, , list]) => sum + list.length, 0)
  const sections = lists.map(([title, about, list]) => {
    const rows = list.map(({ name, rule }) => `| \`${name}\` | ${rule.replaceAll('|', '\\|')} |`)
    return [`## ${title}`, '', `${about} ${list.length} checks.`, '', '| check | rule |', '|---|---|', ...rows].join(
      '\n',
    )
  })
  return [
    '# The contract of a store',
    '',
    `What \`CommandLogStore\` promises, as the ${all} checks of \`commandlog/commandlogtest\` that prove it. This page is made from`,
    'them. [Write your own store](write-your-own-store.md) shows how to keep it.',
    '',
    ...sections.flatMap((section) => [section, '']),
  ].join('\n')
}

if (import.meta.main) writeFileSync(contractPage, contractText())
