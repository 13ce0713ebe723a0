import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { CommandLogStore, CommandRecord } from 'commandlog'
import { checkHistory, type HistoryRule } from 'commandlog/commandlogtest'
import { walk } from '../stores/walk.ts'
import { CallHistory } from './call-history.ts'
import { type Random, seeded } from './seeded.ts'

/** Servers of a store that can be killed while it writes. */
export interface KilledServers {
  /** A place without a log in it. */
  newPlace(): string
  open(place: string): Promise<CommandLogStore>
  /** Kills the server that takes the writes of this place, and starts it again where no other takes its part. */
  kill(place: string): Promise<void>
  /** Starts what is still down, after somebody else has taken its part. */
  revive(): Promise<void>
  /** What is wrong with the data underneath, once all servers are up to date. */
  check(place: string): Promise<readonly string[]>
  end(): Promise<void>
}

/** What a campaign takes. */
export interface ServerCampaignOptions {
  readonly servers: () => Promise<KilledServers>
  readonly kills: number
  readonly seed: number
  readonly onKill?: (tally: ServerTally) => void
}

/** What came of a campaign. */
export interface ServerTally {
  kills: number
  /** Writes, and how they ended: the last two are those that were answered with an error. */
  asked: number
  acknowledged: number
  notWritten: number
  unknown: number
  records: number
  lost: number
  duplicated: number
  torn: number
  wrong: number
  /** For how long nothing was acknowledged after a kill, in milliseconds. */
  medianSilence: number
  worstSilence: number
  seconds: number
  readonly violations: string[]
}

/** A log grows over as many kills before the next one is begun. */
const killsPerPlace = 10
const clients = 24
/** After a kill the load goes on until writes are acknowledged again, at most so long, and a little longer. */
const [patienceMs, afterwardsMs] = [60_000, 300]
/** What was under way when the server died is heard of by then. */
const settlingMs = 100
/** More of the same are not told one by one. */
const mostTold = 3

/** Under which heading of the summary the rules of histories count. */
const kinds: Readonly<Partial<Record<HistoryRule, 'lost' | 'duplicated' | 'torn'>>> = {
  'one-created': 'duplicated',
  'one-settled': 'duplicated',
  'nothing-twice': 'duplicated',
  'whole-outcomes': 'torn',
  'read-after-acknowledgement': 'lost',
  'nothing-missing': 'lost',
}

interface Round {
  readonly place: string
  readonly stores: readonly CommandLogStore[]
  readonly random: Random
  readonly tally: ServerTally
  /** All that was acknowledged at this place, as it must be found after every later kill. */
  readonly kept: Map<string, CommandRecord>
}

/** Kills servers under load, and looks after every kill whether the log keeps to the rules. */
export async function runServerCampaign(options: ServerCampaignOptions): Promise<ServerTally> {
  const startedAt = performance.now()
  const tally = newTally()
  const silences: number[] = []
  const servers = await options.servers()
  try {
    while (tally.kills < options.kills && tally.violations.length === 0) {
      const place = servers.newPlace()
      const stores = await Promise.all([1, 2, 3].map(() => servers.open(place)))
      const kept = new Map<string, CommandRecord>()
      for (let kill = 0; kill < killsPerPlace && tally.kills < options.kills; kill++) {
        const random = seeded(options.seed * 10_000 + tally.kills)
        silences.push(await killAndLook(servers, { place, stores, random, tally, kept }))
        silences.sort((a, b) => a - b)
        tally.medianSilence = silences[silences.length >>> 1] ?? 0
        tally.worstSilence = silences.at(-1) ?? 0
        tally.seconds = (performance.now() - startedAt) / 1000
        options.onKill?.(tally)
        if (tally.violations.length > 0) break
      }
      await Promise.all(stores.map((store) => store.close()))
    }
  } finally {
    await servers.end()
  }
  return tally
}

function newTally(): ServerTally {
  const asked = { kills: 0, asked: 0, acknowledged: 0, notWritten: 0, unknown: 0, records: 0 }
  const faults = { lost: 0, duplicated: 0, torn: 0, wrong: 0 }
  return { ...asked, ...faults, medianSilence: 0, worstSilence: 0, seconds: 0, violations: [] }
}

/** Gives for how long nothing was acknowledged. */
async function killAndLook(servers: KilledServers, round: Round): Promise<number> {
  const { place, stores, random, tally, kept } = round
  const prefix = `k${tally.kills}.`
  const history = new CallHistory((id) => id.startsWith(prefix))
  let isOver = false
  const working = Array.from({ length: clients }, (_, n) =>
    work({ history, store: stores[n % stores.length] as CommandLogStore, random, prefix, kept }, n, () => isOver),
  )
  await sleep(100 + 400 * random())
  const killedAt = performance.now()
  await servers.kill(place)
  const end = performance.now() + patienceMs
  const isBack = (): boolean => (history.acknowledged.at(-1) ?? 0) > killedAt + settlingMs
  while (!isBack() && performance.now() < end) await sleep(20)
  await sleep(afterwardsMs)
  isOver = true
  await Promise.all(working)
  // Later nobody writes while the servers catch up, so that what comes then tells nothing.
  const silence = longestSilence(history.acknowledged, killedAt)
  await servers.revive()
  tally.kills++
  await look(servers, round, history, prefix)
  return silence
}

interface Work {
  readonly history: CallHistory
  readonly store: CommandLogStore
  readonly random: Random
  readonly prefix: string
  readonly kept: Map<string, CommandRecord>
}

/** Intents and their outcomes, some of them shared with another client, and looks at them. */
async function work({ history, store, random, prefix, kept }: Work, n: number, isOver: () => boolean): Promise<void> {
  const client = `client ${n}`
  for (let turn = 0; !isOver(); turn++) {
    const id = random() < 0.8 ? `${prefix}${n}.${turn}` : `${prefix}shared.${turn}`
    const intent = commandOf(id, random)
    const outcome = settledOf(intent, n)
    const isIntent = random() < 0.9
    const isBegun = !isIntent || (await history.record(client, store, intent))
    if (isIntent && isBegun && !id.includes('shared')) kept.set(id, intent)
    const isSettled = isBegun && (await history.record(client, store, outcome))
    if (isSettled && !id.includes('shared')) kept.set(id, outcome)
    if (random() < 0.2) await history.get(client, store, id)
    await sleep(1 + random() * 15)
  }
}

/** The same fields for the same id, but for the body of one in a hundred, which is larger than a message may be. */
function commandOf(id: string, random: Random): CommandRecord {
  const correlationId = id.charCodeAt(id.length - 1) % 2 === 0 ? id : `${id.split('.')[0]}.all`
  const isLarge = !id.includes('shared') && random() < 0.003
  const data = JSON.stringify(isLarge ? id.repeat(Math.ceil(1_100_000 / id.length)) : id)
  const payload = { status: 'full', format: 'json', data, bytes: data.length } as const
  const fixed = { importance: 'normal', retention: 'long-lived', dryRun: false, receivedAt: 1000 } as const
  return { id, type: 'torture', state: 'created', correlationId, payload, events: [], ...fixed }
}

/** Each client's own, so that it is seen whose was first. */
function settledOf(intent: CommandRecord, n: number): CommandRecord {
  const events = [{ id: `${intent.id}/e${n}` }]
  return { ...intent, state: 'successful', events, settledAt: 1001, durationMs: n, attempts: 1 }
}

async function look(servers: KilledServers, round: Round, history: CallHistory, prefix: string): Promise<void> {
  const { stores, tally, place, kept } = round
  const [store] = stores as [CommandLogStore]
  for (const event of history.events) {
    if (event.kind !== 'record') continue
    tally.asked++
    if (event.result.status === 'ok') tally.acknowledged++
    else if (event.result.status === 'unknown') tally.unknown++
    else tally.notWritten++
  }
  for (const record of history.unknown.splice(0)) await again(history, () => history.record('retry', store, record))
  for (const order of ['oldest', 'newest'] as const)
    await again(history, () => history.walk('at the end', store, order))
  await again(history, () => history.correlation('at the end', store, `${prefix}all`))
  for (const { rule, message } of checkHistory(history.events)) {
    tell(round, kinds[rule] ?? 'wrong', `${rule}: ${message}`)
  }
  const found = new Map((await walk(store)).map((record) => [record.id, record]))
  tally.records += [...found.keys()].filter((id) => id.startsWith(prefix)).length
  for (const [id, record] of kept) {
    const there = found.get(id)
    if (there === undefined) tell(round, 'lost', `${id} is gone`)
    else if (record.state !== 'created' && there.state === 'created')
      tell(round, 'lost', `the outcome of ${id} is gone`)
    else if (record.state !== 'created' && !isDeepStrictEqual(there, record)) tell(round, 'torn', `${id} is another`)
  }
  for (const fault of await servers.check(place)) tell(round, 'wrong', fault)
}

async function again(history: CallHistory, call: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + patienceMs
  while (!(await call())) {
    if (performance.now() > end) throw new Error('The store does not recover', { cause: history.lastFailure })
    await sleep(50)
  }
}

function tell({ tally, place }: Round, kind: 'lost' | 'duplicated' | 'torn' | 'wrong', fault: string): void {
  tally[kind]++
  if (tally[kind] <= mostTold) tally.violations.push(`${kind} after kill ${tally.kills} at ${place}: ${fault}`)
}

/** The longest time between two acknowledgements from the last one before the kill on. */
function longestSilence(acknowledged: readonly number[], killedAt: number): number {
  let last = killedAt
  let longest = 0
  for (const at of acknowledged) {
    if (at < killedAt) continue
    longest = Math.max(longest, at - last)
    last = at
  }
  return Math.round(longest)
}
