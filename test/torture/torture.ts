// Kills processes that write to a store, or servers that they write to, over and over, and looks each time whether the log keeps to the rules.
//
//   npm run torture -- --store sqlite --kills 500 [--seed 1]
//   npm run torture -- --store sqlite-events --kills 500
//   npm run torture -- --store nats-cluster --kills 50
//
// Prints a line for every ten kills and a table at the end; exits with 1 where a rule was broken, and leaves that log.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runCampaign, type Tally } from './campaign.ts'
import { type EventTally, runEventCampaign } from './event-campaign.ts'
import { eventStores } from './event-places.ts'
import { killedServers } from './killed-servers.ts'
import { runServerCampaign, type ServerTally } from './server-campaign.ts'

type AnyTally = Tally | EventTally | ServerTally

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'sqlite' },
    kills: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    lie: { type: 'boolean', default: false },
  },
})
const { store, lie } = values
const kills = wholeNumber('kills', values.kills)
const seed = wholeNumber('seed', values.seed)
const folder = mkdtempSync(join(tmpdir(), 'commandlog-torture-'))

console.log(`${kills} kills on ${store}, seed ${seed}, in ${folder}`)
const servers = killedServers[store]
const tally = await run()
for (const violation of tally.violations) console.error(violation)
console.table(summaryOf(tally))
if (tally.violations.length === 0) rmSync(folder, { recursive: true, force: true })
process.exitCode = tally.violations.length === 0 ? 0 : 1

async function run(): Promise<AnyTally> {
  if (servers !== undefined) return await runServerCampaign({ servers, kills, seed, onKill: showProgress })
  if (eventStores.includes(store)) return await runEventCampaign({ store, kills, seed, folder, onKill: showProgress })
  return await runCampaign({ store, kills, seed, folder, lie, onKill: showProgress })
}

function wholeNumber(name: string, text: string): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= 0) return number
  throw new RangeError(`--${name}: expected a whole number, not ${text}`)
}

function showProgress({ kills: done, asked, records, violations, seconds }: AnyTally): void {
  if (done % 10 !== 0 && done !== kills) return
  const faults = violations.length === 0 ? 'no fault' : `${violations.length} rules broken`
  console.log(`${done}/${kills} kills, ${asked} asked, ${records} on the record, ${faults}, ${seconds.toFixed(0)} s`)
}

function summaryOf({ violations, seconds, ...counts }: AnyTally): Readonly<Record<string, number>> {
  return { ...counts, 'rules broken': violations.length, seconds: Math.round(seconds) }
}
