import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { reconcile } from 'commandlog/eventsourcing'
import { openEvents } from './event-places.ts'
import { type EventFacts, eventRules, openWithEvents, readEventFacts } from './event-rules.ts'
import { type History, newHistory } from './history.ts'
import { between, type Random, seeded } from './seeded.ts'
import { type Sender, startSender } from './sender-process.ts'
import { checkSqliteFile } from './stores.ts'

/** What a campaign on events takes. */
export interface EventCampaignOptions {
  readonly store: string
  readonly kills: number
  readonly seed: number
  /** An empty folder; what breaks a rule is left in it. */
  readonly folder: string
  readonly onKill?: (tally: EventTally) => void
}

/** What came of it. */
export interface EventTally {
  kills: number
  /** More than `kills`, where several processes wrote to one file. */
  processes: number
  asked: number
  done: number
  records: number
  events: number
  /** Left `created` by a kill. */
  inDoubt: number
  /** Of these, such as had appended their events. */
  inDoubtWithEvents: number
  /** Settled by reconciling. */
  successful: number
  abandoned: number
  seconds: number
  readonly violations: string[]
}

const killsPerFile = 20

interface Place {
  readonly path: string
  readonly options: EventCampaignOptions
  readonly random: Random
  readonly history: History
  readonly tally: EventTally
}

/** Kills processes that append events by commands, and looks after every kill whether log and events agree. */
export async function runEventCampaign(options: EventCampaignOptions): Promise<EventTally> {
  const startedAt = performance.now()
  const counts = { asked: 0, done: 0, records: 0, events: 0, inDoubt: 0, inDoubtWithEvents: 0 }
  const tally: EventTally = {
    kills: 0,
    processes: 0,
    ...counts,
    successful: 0,
    abandoned: 0,
    seconds: 0,
    violations: [],
  }
  while (tally.kills < options.kills) {
    const path = join(options.folder, `events-${tally.kills}.db`)
    const known = tally.violations.length
    const history = newHistory()
    for (let kill = 0; kill < killsPerFile && tally.kills < options.kills; kill++) {
      const random = seeded(options.seed * 10_000 + tally.kills)
      await killAndLook({ path, options, random, history, tally })
      tally.seconds = (performance.now() - startedAt) / 1000
      options.onKill?.(tally)
      // What is broken stays broken, and is told once.
      if (tally.violations.length > known) break
    }
    if (tally.violations.length > known) continue
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
  }
  return tally
}

async function killAndLook(at: Place): Promise<void> {
  const { path, options, history, tally } = at
  const before = { asked: history.asked.size, done: history.done.size }
  await killSenders(at)
  tally.kills++
  tally.asked += history.asked.size - before.asked
  tally.done += history.done.size - before.done
  const { log, events, close } = await openEvents(options.store, path)
  try {
    const left = await readEventFacts(log, path, history)
    judge(at, left, 'always')
    const withEvents = openWithEvents(left)
    // Everything older has been reconciled after the kill before.
    tally.inDoubt += left.records.filter(({ state }) => state === 'created').length
    tally.inDoubtWithEvents += withEvents.length
    if (options.store === 'sqlite-events-together') tell(at, 'events-never-without-outcome', withEvents)
    const { counts, endedBy } = await reconcile(log, events, { types: 'move', olderThan: 0 })
    tally.successful += counts.successful
    tally.abandoned += counts.abandoned
    if (endedBy !== undefined || counts.error > 0 || counts.undecided > 0)
      tell(at, 'reconciles', [JSON.stringify(counts)])
    const facts = await readEventFacts(log, path, history)
    judge(at, facts, 'always')
    judge(at, facts, 'reconciled')
    const asked = new Set([...history.asked.keys()].slice(before.asked))
    tally.records += facts.records.filter(({ id }) => asked.has(id)).length
    tally.events += facts.events.filter(({ commandId }) => asked.has(commandId)).length
    tell(at, 'file-is-sound', checkSqliteFile(path))
  } catch (thrown) {
    tell(at, 'opens', [thrown instanceof Error ? String(thrown.stack) : String(thrown)])
  } finally {
    await close()
  }
}

function judge(at: Place, facts: EventFacts, when: 'always' | 'reconciled'): void {
  for (const { name, holds, find } of eventRules) if (holds === when) tell(at, name, find(facts))
}

function tell({ tally, path, options }: Place, rule: string, found: readonly string[]): void {
  if (found.length === 0) return
  const shown = found.slice(0, 5).join('; ')
  tally.violations.push(`${rule}: ${found.length} after kill ${tally.kills}, seed ${options.seed}, ${path}: ${shown}`)
}

/** One or two processes on the same file, of which one is killed, or both. */
async function killSenders({ random, options, path, history, tally }: Place): Promise<void> {
  const count = random() < 0.6 ? 1 : 2
  const senders = Array.from({ length: count }, (_, index) => {
    const name = `k${tally.kills}${'ab'[index]}`
    const told = { store: options.store, place: path, name, seed: between(random, 0, 2 ** 31), lie: false }
    return startSender(told, history, 'event-sender.ts')
  })
  const [victim, ...others] = senders as [Sender, ...Sender[]]
  await Promise.all(senders.map(({ isSending }) => isSending))
  await sleep(5 + 295 * random() ** 2)
  const areAllKilled = random() < 0.5
  tally.processes += areAllKilled ? count : 1
  await victim.kill()
  if (!areAllKilled) await sleep(between(random, 20, 100))
  await Promise.all(others.map((sender) => (areAllKilled ? sender.kill() : sender.stop())))
}
