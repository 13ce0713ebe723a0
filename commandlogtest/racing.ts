import fc, { type Arbitrary } from 'fast-check'
import type { CommandRecord } from '../src/index.ts'
import type { Client, Written } from './client.ts'
import { afterTicks } from './limit.ts'
import { show } from './show.ts'
import { Violation } from './violation.ts'

/** When each of some racers starts: in microtasks, or a turn later. */
export const starts: Arbitrary<number[]> = fc.array(fc.integer({ min: 0, max: 15 }), { minLength: 2, maxLength: 8 })

/** Writes all at once, each after its own number of ticks. */
export function race(
  records: readonly CommandRecord[],
  ticks: readonly number[],
  clients: readonly Client[],
): Promise<Written[]> {
  return Promise.all(
    records.map(async (record, index) => {
      const wait = ticks[index] ?? 0
      if (wait > 0) await afterTicks(wait)
      return (clients[index % clients.length] as Client).record(record)
    }),
  )
}

/** Demands exactly one `created`, and exactly one winner among the outcomes, as far as the answers are sure. */
export function expectWinners(records: readonly CommandRecord[], written: readonly Written[], isNew: boolean): void {
  const told = written.map(({ result }, index) => `${records[index]?.state}: ${result}`)
  const unsure = written.some(({ isUnsure }) => isUnsure)
  const created = written.filter(({ result }) => result === 'created').length
  const outcomes = written.filter((_, index) => records[index]?.state !== 'created')
  const won = outcomes.filter(({ result }) => result !== 'unchanged').length
  const wrong = written.find(({ result }, index) => records[index]?.state === 'created' && result === 'settled')
  const due = isNew ? 1 : 0
  if (wrong !== undefined) throw new Violation('an intent is told settled', { actual: show(told) })
  if (created !== due && !(unsure && created < due)) {
    throw new Violation('of racing writers of one id another number is told created', {
      expected: `${due}`,
      actual: show(told),
    })
  }
  if (outcomes.length > 0 && won !== 1 && !(unsure && won === 0)) {
    throw new Violation('of racing outcomes another number has won', { expected: '1', actual: show(told) })
  }
}
