import { setTimeout as sleep } from 'node:timers/promises'
import { type Facts, readFacts } from './facts.ts'
import { type History, newHistory } from './history.ts'
import { retryUnanswered } from './retry.ts'
import { type Rule, rules } from './rules.ts'
import { between, type Random, seeded } from './seeded.ts'
import { type Sender, startSender } from './sender-process.ts'
import { type TorturedStore, torturedStore } from './stores.ts'

/** What a campaign takes. */
export interface CampaignOptions {
  readonly store: string
  readonly kills: number
  readonly seed: number
  /** An empty folder; what breaks a rule is left in it. */
  readonly folder: string
  /** Whether the senders' stores acknowledge before they write, which the campaign must find out. */
  readonly lie?: boolean
  readonly onKill?: (tally: Tally) => void
}

/** What came of a campaign. */
export interface Tally extends Record<Rule['kind'], number> {
  kills: number
  /** More than `kills`, where several processes wrote to one place. */
  processes: number
  /** Kills before any process had opened the log. */
  atOpening: number
  asked: number
  started: number
  done: number
  records: number
  /** Left `created` by a kill. */
  inDoubt: number
  retried: number
  seconds: number
  readonly violations: string[]
}

/** A log grows over as many kills before the next one is begun. */
const killsPerPlace = 25
/** After a kill as many commands are written again whose answers were lost. */
const mostRetries = 20
/** More of the same are not told one by one. */
const mostTold = 5

interface Place {
  readonly place: string
  readonly store: TorturedStore
  readonly options: CampaignOptions
  readonly random: Random
  readonly history: History
  readonly tally: Tally
}

/** Kills writing processes, and looks after every kill whether the log keeps to the rules. */
export async function runCampaign(options: CampaignOptions): Promise<Tally> {
  const store = await torturedStore(options.store)
  const startedAt = performance.now()
  const tally = newTally()
  while (tally.kills < options.kills) {
    const place = await store.prepare(options.folder, `place-${tally.kills}`)
    const known = tally.violations.length
    const history = newHistory()
    for (let kill = 0; kill < killsPerPlace && tally.kills < options.kills; kill++) {
      // Numbers of its own, so that how the kills before it went changes nothing.
      const random = seeded(options.seed * 10_000 + tally.kills)
      await killAndLook({ place, store, options, random, history, tally }, kill)
      tally.seconds = (performance.now() - startedAt) / 1000
      options.onKill?.(tally)
      // What is broken stays broken, and is told once.
      if (tally.violations.length > known) break
    }
    if (tally.violations.length === known) await store.cleanUp(place)
  }
  return tally
}

function newTally(): Tally {
  const counts = { asked: 0, started: 0, done: 0, records: 0, inDoubt: 0, retried: 0, seconds: 0 }
  const kinds = { lost: 0, duplicated: 0, torn: 0, wrong: 0 }
  return { kills: 0, processes: 0, atOpening: 0, ...counts, ...kinds, violations: [] }
}

async function killAndLook(at: Place, kill: number): Promise<void> {
  const { store, place, history, tally, random } = at
  const before = { asked: history.asked.size, started: history.started.size, done: history.done.size }
  await killSenders(at, kill)
  tally.kills++
  if (history.asked.size === before.asked) tally.atOpening++
  tally.asked += history.asked.size - before.asked
  tally.started += history.started.size - before.started
  tally.done += history.done.size - before.done
  try {
    await store.untilQuiet?.(place)
    const opened = await store.open(place)
    const facts = await readFacts(opened, history)
    judge(at, facts)
    const asked = [...history.asked.keys()].slice(before.asked)
    tally.records += asked.filter((id) => facts.got.get(id) !== undefined).length
    tally.inDoubt += asked.filter((id) => facts.got.get(id)?.state === 'created').length
    const unanswered = asked.filter((id) => !history.done.has(id) && random() < 0.5).slice(0, mostRetries)
    tally.retried += unanswered.length
    tell(at, 'retry-is-safe', 'wrong', await retryUnanswered(opened, history, unanswered))
    tell(at, 'data-agree', 'wrong', await store.check(place))
    await opened.close()
  } catch (thrown) {
    tell(at, 'opens', 'wrong', [thrown instanceof Error ? String(thrown.stack) : String(thrown)])
  }
}

function judge(at: Place, facts: Facts): void {
  for (const { name, kind, find } of rules) tell(at, name, kind, find(facts))
}

function tell({ tally, place, options }: Place, rule: string, kind: Rule['kind'], found: readonly string[]): void {
  if (found.length === 0) return
  tally[kind] += found.length
  const shown = found.slice(0, mostTold).join('; ')
  tally.violations.push(`${rule}: ${found.length} after kill ${tally.kills}, seed ${options.seed}, ${place}: ${shown}`)
}

/** One, two or three processes on the same log; one or all are killed, at their work or while they open it. */
async function killSenders({ random, options, place, history, tally }: Place, kill: number): Promise<void> {
  // A new log is mostly opened by several at once, of which one has to make it.
  const count = random() < (kill === 0 ? 0.3 : 0.7) ? 1 : between(random, 2, 3)
  const isAtOpening = random() < (kill === 0 ? 0.5 : 0.1)
  const senders = Array.from({ length: count }, (_, index) => {
    const name = `k${tally.kills}${'abc'[index]}`
    const seed = between(random, 0, 2 ** 31)
    return startSender({ store: options.store, place, name, seed, lie: options.lie === true }, history)
  })
  const [victim, ...others] = senders as [Sender, ...Sender[]]
  if (isAtOpening) {
    await victim.isOpening
    // A new log is made in a few milliseconds, an old one opened in one.
    if (random() < 0.7) await sleep(between(random, 1, 6))
  } else {
    await Promise.all(senders.map(({ isSending }) => isSending))
    await sleep(5 + 395 * random() ** 2)
  }
  const areAllKilled = isAtOpening || random() < 0.5
  tally.processes += areAllKilled ? count : 1
  if (areAllKilled) await Promise.all(senders.map((sender) => sender.kill()))
  else {
    await victim.kill()
    await sleep(between(random, 20, 150))
    await Promise.all(others.map((sender) => sender.stop()))
  }
}
