import type { Environment } from './environment.ts'
import { shape } from './long-log.ts'
import type { LookupEffort, LookupTimes, StoreLookups } from './lookups.ts'
import type { Spread } from './statistics.ts'
import { table } from './table.ts'
import type { RawWork, StoreThroughput, ThroughputEffort } from './throughput.ts'
import { payloadBytes } from './typical-command.ts'

/** Everything that was measured. */
export interface StoreMeasurements {
  readonly environment: Environment
  readonly effort: ThroughputEffort & LookupEffort
  readonly throughput: readonly StoreThroughput[]
  readonly lookups: readonly StoreLookups[]
}

/** The measurements as a page for the terminal. */
export function storesReport({ environment, effort, throughput, lookups }: StoreMeasurements): string {
  const { node, machine, date, fileSystem, syncMs } = environment
  return [
    `commandlog: what the stores do   node ${node}, ${machine}, ${date}`,
    `4 KiB appended and synced on this disk: ${milliseconds(syncMs.median)} ms, ${quartiles(syncMs, milliseconds)}; file system ${fileSystem}`,
    ...throughput.flatMap((each) => ['', ...throughputLines(each, effort)]),
    ...(throughput.length > 0 ? ['', ...throughputNotes] : []),
    ...lookups.flatMap((each) => ['', ...lookupLines(each, effort)]),
    ...(lookups.length > 0 ? ['', ...lookupNotes] : []),
    '',
    ...throughput.flatMap(ratioVerdicts),
    ...lookups.flatMap(flatVerdicts),
    '',
  ].join('\n')
}

const workNames: Readonly<Record<RawWork, string>> = { inserts: 'inserts', pairs: 'insert + update' }

const throughputNotes = [
  'What is in the figures',
  `  The audited bus in write-ahead, two durable writes a command: payload of ${payloadBytes} bytes of JSON, tenant, user, one event`,
  '  with a UUIDv7. A closed loop: each of the senders in flight sends its next command when it has the receipt of the last.',
  '  Median and quartiles over the rounds. Each round measures everything once, in turn, each in a new folder on the same',
  '  disk that is removed afterwards. Senders, bus and store share one thread.',
  '  Raw driver: by hand on the same tables, indexes and settings; rows are made before, and not timed. inserts: a settled',
  '  record and its event a row. insert + update: a transaction of intents, then one that settles them by id; two rows each.',
  '  By hand nobody asks whether an id is known, what it was before, or whether the file is still there.',
  '  Loop delay: how late a timer of 1 ms is; none where nothing ever waits, so that the event loop does not turn.',
]

const lookupNotes = [
  'What is in the figures',
  `  A log of each size, filled by the raw driver: correlations of ${shape.correlation}, one event each, ${shape.types} types, ${shape.tenants} tenants, ${shape.users} users, one in`,
  `  ${shape.failed} failed, one record a second. Random keys; pages of 100; the deep page begins at half of the records of its type.`,
  '  All logs are open and have their calls in turns, after some to warm up, so that files are in the memory of the system.',
]

function throughputLines({ store, settings, bus, raw }: StoreThroughput, effort: ThroughputEffort): string[] {
  const header = [
    'in flight',
    'commands/s',
    'writes/s',
    'quartiles',
    'p50 ms',
    'p99 ms',
    'loop delay p99 ms',
    'heap MB',
  ]
  const rows = bus.map(({ inFlight, writesPerSecond, figures }) => [
    `${inFlight}`,
    ...[round(figures.commandsPerSecond.median), round(writesPerSecond.median), quartiles(writesPerSecond, round)],
    ...[milliseconds(figures.latencyP50.median), milliseconds(figures.latencyP99.median)],
    Number.isNaN(figures.loopDelayP99.median) ? 'none' : milliseconds(figures.loopDelayP99.median),
    round(figures.heapUsed.median),
  ])
  const lines = [
    `Throughput of ${store}: ${effort.rounds} rounds of ${effort.ms} ms`,
    ...(settings === undefined ? [] : [settings]),
    '',
    table(header, rows),
  ]
  if (raw.length === 0) return lines
  const rawRows = raw.map(({ work, rowsPerTransaction, rowsPerSecond }) => [
    `${workNames[work]}, ${rowsPerTransaction} a transaction`,
    ...[round(rowsPerSecond.median), quartiles(rowsPerSecond, round)],
  ])
  return [...lines, '', table(['raw driver', 'rows/s', 'quartiles'], rawRows)]
}

function lookupLines(
  { store, settings, sizes, fillSeconds, lookups }: StoreLookups,
  { calls }: LookupEffort,
): string[] {
  const [, ...larger] = sizes
  const header = [
    'microseconds a call',
    ...sizes.flatMap((size) => [`${size} records`, 'quartiles']),
    ...larger.map((size) => `× at ${size}`),
    'found',
  ]
  const rows = lookups.map(({ name, micros, ratios, found }) => [
    name,
    ...micros.flatMap((spread) => [micro(spread.median), quartiles(spread, micro)]),
    ...ratios.slice(1).map((ratio) => ratio.toFixed(2)),
    (found.at(-1) ?? 0).toFixed(1),
  ])
  const filled = sizes.map((size, index) => `${size} in ${fillSeconds[index]?.toFixed(1)} s`)
  return [
    `Lookups of ${store}: ${calls} calls each; filled ${filled.join(', ')}`,
    // Filling is not what is measured, and reads do not wait for a sync.
    settings.replace(' (synchronous 2 is FULL)', ' while filling'),
    '',
    table(header, rows),
  ]
}

function ratioVerdicts({ store, ratios }: StoreThroughput): string[] {
  return ratios.map(({ inFlight, work, rowsPerTransaction, ratio, aim }) => {
    const against = `raw ${workNames[work]}, ${rowsPerTransaction} a transaction`
    const figure = `${ratio.median.toFixed(2)} (${quartiles(ratio, (value) => value.toFixed(2))})`
    return `Aim: ${store}, writes/s with ${inFlight} in flight ÷ ${against}, at least ${aim.toFixed(2)}: ${figure}, ${isMet(ratio.median >= aim)}`
  })
}

function flatVerdicts({ store, lookups, sizes }: StoreLookups): string[] {
  const aimed = lookups.filter((each): each is LookupTimes & { readonly aim: number } => each.aim !== undefined)
  return aimed.map(({ name, ratios, aim }) => {
    const worst = Math.max(...ratios)
    return `Aim: ${store}, ${name}, at most ${aim} × that at ${sizes[0]} records: ${worst.toFixed(2)}, ${isMet(worst <= aim)}`
  })
}

function isMet(met: boolean): string {
  return met ? 'met' : 'missed'
}

function quartiles({ low, high }: Spread, show: (value: number) => string): string {
  return `${show(low)} to ${show(high)}`
}

function round(value: number): string {
  return String(Math.round(value))
}

function milliseconds(value: number): string {
  return value.toFixed(2)
}

function micro(value: number): string {
  return value.toFixed(1)
}
