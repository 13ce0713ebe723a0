import { batches } from './allocation.ts'
import { bare, modes } from './empty-handler.ts'
import { floor, floorParts } from './floor.ts'
import type { Measurements } from './measure.ts'
import type { Spread } from './statistics.ts'
import { table } from './table.ts'

/** The measurements as a page for the terminal. */
export function report(measured: Measurements): string {
  const { machine, node, date, samples, effort } = measured
  return [
    `commandlog: what the audit costs   node ${node}, ${machine}, ${date}`,
    '',
    `Table 1. An empty handler, one command in flight, memory store; ${effort.rounds} rounds of ${effort.batch} commands`,
    '',
    emptyHandlerTable(measured),
    '',
    `Table 2. A realistic handler: Emmett's CommandHandler on its in-memory event store; ${effort.realisticRounds} rounds`,
    '',
    realisticTable(measured),
    '',
    ...notes(measured),
    `  Collector: ran in ${samples.disturbed} of ${samples.stretches} timed samples, which are in the figures all the same.`,
    '',
    ...verdicts(measured),
    '',
  ].join('\n')
}

function emptyHandlerTable({
  bare: bareTime,
  floor: floorTime,
  floorParts: parts,
  added,
  allocations,
}: Measurements): string {
  const header = ['', 'ns/command', 'quartiles', '× floor', 'bytes allocated', 'bytes retained in the store']
  const bytesOf = (name: string): string[] => {
    const { allocated, retained } = allocations[name] ?? {}
    return [allocated === undefined ? '' : round(allocated.median), retained === undefined ? '' : round(retained)]
  }
  const partRows = floorParts.map((part) => [`  ${part}`, ...timeOf(parts[part])])
  const modeRows = modes.map((mode) => {
    const own = added[mode]
    return [`${mode}, added to bare`, ...timeOf(own.ns), own.floors.median.toFixed(2), ...bytesOf(mode)]
  })
  return table(header, [
    [`${bare} send, whole`, ...timeOf(bareTime), '', ...bytesOf(bare)],
    [`${floor}, whole`, ...timeOf(floorTime), '1.00'],
    ...partRows,
    ...modeRows,
  ])
}

function realisticTable({ realistic: shares, floor: floorTime }: Measurements): string {
  const header = ['', ...shares.map(({ carts }) => `${carts} carts`), ...shares.map(() => 'quartiles')]
  const handlers = shares.map(({ handler }) => handler)
  const handlerRow = [
    'handler on the bare bus',
    ...handlers.map(({ median }) => `${round(median)} ns`),
    ...handlers.map((spread) => `${quartiles(spread, round)} ns`),
  ]
  // Worked out from two medians: the floor is never timed together with this handler.
  const floorRow = ['floor, for comparison', ...handlers.map(({ median }) => percent(floorTime.median / median))]
  const rows = modes.map((mode) => {
    const own = shares.map((each) => each.shares[mode] ?? { low: Number.NaN, median: Number.NaN, high: Number.NaN })
    return [
      `${mode}, added`,
      ...own.map(({ median }) => percent(median)),
      ...own.map((spread) => quartiles(spread, percent)),
    ]
  })
  return table(header, [handlerRow, floorRow, ...rows])
}

function notes({ payloadBytes, effort }: Measurements): string[] {
  return [
    'What is in the figures',
    `  Empty handler: defineCommand without traits, payload of ${payloadBytes} bytes of JSON, no options, no middleware, no listeners.`,
    '  Added: audited send minus bare send of the same round; median and quartiles over the rounds. Rounds are interleaved,',
    '  each subject once a round, so a slow moment of the machine hits all alike. Other load widens the quartiles.',
    '  background: sends and the flush of what they put off, since that is work of the same process.',
    '  The floor has no promise, no bus and no record in it: it is a bound, not a competitor.',
    `  Realistic handler: loads a stream of 5 events, folds it, decides, appends 1; no I/O. Emmett's append counts the events`,
    '  of every stream, so its time grows with the carts in the store, and the share falls. A handler that waits for a',
    '  database takes longer than any of these. A large event store also pushes the audit out of the processor caches.',
    '  Where the floor alone is above 5 %, no audit of any kind could be below.',
    'What is not',
    '  Durable stores, many commands in flight, redaction, schemas, metadata, and the growth of the log: the store is purged',
    '  after every sample, and the young generation is emptied before it, so collecting the garbage is not in the times.',
    `  Bytes allocated: growth of the used heap over ${batches.many} commands less that over ${batches.few}, with no collection in between;`,
    '  whole sends, of which bare is one. The background has the flush in it.',
    `  Bytes retained: the heap that ${effort.retainedRecords} records still hold after a full collection, payload and indexes included.`,
  ]
}

function verdicts({ added, realistic }: Measurements): string[] {
  const ratio = added.outcome.floors.median
  const enough = modes.map((mode) => `${mode} ${round(added[mode].ns.median / 0.05 / 1000)} µs`)
  return [
    `Aim: outcome within 2.5 × floor: ${ratio.toFixed(2)}, ${isMet(ratio <= 2.5)}`,
    `By table 1, below 5 % of a handler that takes at least: ${enough.join(', ')}`,
    ...realistic.map(({ carts, shares }) => {
      const worst = Math.max(...modes.map((mode) => shares[mode]?.median ?? Number.NaN))
      return `Aim: every mode below 5 % of the realistic handler, ${carts} carts: at most ${percent(worst)}, ${isMet(worst < 0.05)}`
    }),
  ]
}

function isMet(met: boolean): string {
  return met ? 'met' : 'missed'
}

function timeOf(spread: Spread | undefined): [string, string] {
  return spread === undefined ? ['', ''] : [round(spread.median), quartiles(spread, round)]
}

function quartiles({ low, high }: Spread, show: (value: number) => string): string {
  return `${show(low)} to ${show(high)}`
}

function round(value: number): string {
  return String(Math.round(value))
}

function percent(value: number): string {
  return `${(value * 100).toFixed(1)} %`
}
