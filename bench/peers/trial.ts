import { sharedPostgres } from '../../test/servers/postgres.ts'
import type { Effort } from '../effort.ts'
import type { Figure, SubjectNote } from '../result.ts'
import { type Case, figuresOf, type Samples, type Trial } from '../trial.ts'
import { dbos } from './dbos.ts'
import { emmett } from './emmett.ts'
import { loadPeer, peerMeasures } from './load.ts'
import { nestjs } from './nestjs.ts'
import { auditedBuses, bareBus } from './ours.ts'
import type { Peer } from './peer.ts'
import { pinoFile } from './pino.ts'

const trial = 'peers'
const peers: readonly Peer[] = [bareBus, emmett, nestjs, pinoFile, ...auditedBuses, dbos]
const inFlight = [1, 16, 64, 256]
/** What should be reached beside which other peer: with one write too, which is half of what the other one promises. */
const compared = {
  subjects: ['commandlog, Postgres', 'commandlog, Postgres, one write'],
  ...{ to: 'DBOS', inFlight: 64, atLeast: 15 },
}
// With many in flight a workflow of DBOS takes tenths of a second, and a window must hold more than a few of them.
const windows = 3
const least = { warmupMs: 200, ms: 600 }

/** What each of them runs with, what it records and what it does not. */
export const peerNotes: readonly SubjectNote[] = peers.map(({ name, settings, records, lacks }) => ({
  ...{ subject: name, settings, records, lacks },
}))

/** The same command through other buses and logs, and through ours. */
export const peersTrial: Trial = {
  name: trial,
  about:
    'The same command, of about 250 bytes of JSON, whose handler names one event and does nothing else, in the same closed ' +
    'loop; each measurement begins with nothing recorded. Those in memory and those on Postgres promise different things: ' +
    'what each records is told beside the table. Ours and DBOS have the same Postgres server, a schema each, and this one ' +
    'process as client. Where nothing is recorded, reading the clock for the latency is a good part of what is measured.',
  plans: ({ effort }) => [planOf(effort)],
}

function planOf(effort: Effort): ReturnType<Trial['plans']>[number] {
  const server = { url: '' }
  const cases = inFlight.flatMap((senders) => peers.map((peer) => caseOf(peer, senders, { effort, server })))
  return {
    cases,
    rounds: effort.rounds,
    warmup: effort.warmupRounds,
    collect: 'major',
    openMs: 3000,
    async open() {
      server.url = await (await sharedPostgres()).database()
    },
    figures: (samples) =>
      peerMeasures.flatMap((each) => cases.flatMap((own) => figuresOfCase(own, { each, cases, samples }))),
  }
}

interface At {
  readonly effort: Effort
  /** The database, known once the plan is open. */
  readonly server: { readonly url: string }
}

function caseOf(peer: Peer, senders: number, { effort: { warmupMs, ms }, server }: At): Case {
  const load = {
    inFlight: senders,
    warmupMs: Math.max(least.warmupMs, windows * warmupMs),
    ms: Math.max(least.ms, windows * ms),
  }
  return {
    ...{ subject: peer.name, params: { inFlight: senders } },
    expectedMs: load.warmupMs + load.ms + 300,
    measure: () => loadPeer(peer, load, server.url),
  }
}

interface Among {
  readonly each: (typeof peerMeasures)[number]
  readonly cases: readonly Case[]
  readonly samples: Samples
}

function figuresOfCase(own: Case, { each, cases, samples }: Among): readonly Figure[] {
  const isCompared = compared.subjects.includes(own.subject) && each.measure === 'commands/s'
  const partner = cases.find(
    ({ subject, params }) => isCompared && subject === compared.to && params.inFlight === own.params.inFlight,
  )
  const beside = partner && { to: compared.to, values: samples.of(partner, each.measure) }
  const isAimed = partner !== undefined && own.params.inFlight === compared.inFlight
  const aim = isAimed ? { atLeast: compared.atLeast } : undefined
  return figuresOf({ trial, ...each, beside, aim }, own, samples.of(own, each.measure))
}
