// The pages of the contracts, made from the checks themselves: `node test/contract.ts` writes them anew.
import { writeFileSync } from 'node:fs'
import { checks, durableChecks, followChecks, purgeChecks } from '../commandlogtest/index.ts'
import { durableEventStoreChecks, eventStoreChecks, fenceChecks } from '../eventstoretest/index.ts'

interface Rule {
  readonly name: string
  readonly rule: string
}

/** A page of a contract. */
export interface ContractPage {
  readonly place: URL
  readonly title: string
  /** Before and after the number of its checks. */
  readonly about: readonly [before: string, after: string]
  readonly lists: readonly (readonly [title: string, about: string, list: readonly Rule[]])[]
}

/** Every page. */
export const contractPages: readonly ContractPage[] = [
  {
    place: new URL('../docs/contract.md', import.meta.url),
    title: 'The contract of a store',
    about: [
      'What `CommandLogStore` promises, as the',
      `checks of \`commandlog/commandlogtest\` that prove it. This page is made from
them. [Write your own store](write-your-own-store.md) shows how to keep it.`,
    ],
    lists: [
      ['Every store', 'Run by `runSuite`, and each by `runCheck`, on any store.', checks],
      [
        'Stores that are opened by name',
        'Run where `runSuite` gets a function that opens data by name.',
        durableChecks,
      ],
      ['Stores with `follow`', 'Run where the store has the method.', followChecks],
      ['Stores with `purge`', 'Run where the store has the method.', purgeChecks],
    ],
  },
  {
    place: new URL('../docs/event-store-contract.md', import.meta.url),
    title: 'The contract of an event store',
    about: [
      'What `EventStore` promises, as the',
      `checks of \`commandlog/eventstoretest\` that prove it. This page is made from them.
[Event stores](event-stores.md#writing-your-own) shows how to keep it.`,
    ],
    lists: [
      [
        'Every event store',
        'Run by `runEventStoreSuite`, and each by `runEventStoreCheck`, on any store.',
        eventStoreChecks,
      ],
      ['Event stores with `fence`', 'Run where the store has the method.', fenceChecks],
      [
        'Event stores that are opened by name',
        'Run where `runEventStoreSuite` gets a function that opens data by name.',
        durableEventStoreChecks,
      ],
    ],
  },
]

/** A page as it has to be. */
export function contractText({ title: heading, about: [before, after], lists }: ContractPage): string {
  const all = lists.reduce((sum, [, , list]) => sum + list.length, 0)
  const sections = lists.map(([title, about, list]) => {
    const rows = list.map(({ name, rule }) => `| \`${name}\` | ${rule.replaceAll('|', '\\|')} |`)
    return [`## ${title}`, '', `${about} ${list.length} checks.`, '', '| check | rule |', '|---|---|', ...rows].join(
      '\n',
    )
  })
  return [`# ${heading}`, '', `${before} ${all} ${after}`, '', ...sections.flatMap((section) => [section, ''])].join(
    '\n',
  )
}

if (import.meta.main) for (const page of contractPages) writeFileSync(page.place, contractText(page))
