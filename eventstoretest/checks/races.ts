import fc from 'fast-check'
import { expectSame, Violation } from '../../commandlogtest/violation.ts'
import { type EventStoreCheck, property } from '../check.ts'
import type { Client } from '../client.ts'
import { expectEvents, expectRefused, recorded, type Scope } from '../scope.ts'

/** Many at once, on one handle. */
export const raceChecks: readonly EventStoreCheck[] = [
  property('races/one-winner-for-each-version', 'Of appends at once that expect the same version, one wins.', {
    given: fc.integer({ min: 0, max: 2 }),
    weight: 0.2,
    holds: (scope, start) => oneWinner(scope, Array(scope.context.concurrency).fill(scope.client), start),
  }),
  property(
    'races/nothing-is-lost',
    'Appends at once are all there, each whole and in one piece, at the versions they heard.',
    {
      given: fc.integer({ min: 1, max: 3 }),
      weight: 0.2,
      holds: (scope, size) => nothingLost(scope, Array(scope.context.concurrency).fill(scope.client), size),
    },
  ),
  property('races/a-counter-counts', 'Readers that append what they have counted, and try again, lose no update.', {
    given: fc.integer({ min: 1, max: 3 }),
    weight: 0.1,
    holds: (scope, each) => counted(scope, Array(Math.min(4, scope.context.concurrency)).fill(scope.client), each),
  }),
  property('races/one-winner-for-each-id', 'Of appends at once of the same event id to different streams, one wins.', {
    given: fc.constant(undefined),
    weight: 0.1,
    async holds({ client, context, name, event }) {
      const streams = Array.from({ length: context.concurrency }, (_, n) => name(`s${n}`))
      const answers = await Promise.all(streams.map((stream) => client.tryAppend(stream, [event('e')])))
      const losers = answers.filter(({ failure }) => failure !== undefined)
      for (const loser of losers) expectRefused('append of a known id', loser, 'DUPLICATE_EVENT')
      expectSame('how many have won', streams.length - losers.length, 1)
    },
  }),
  property(
    'races/readers-see-whole-appends',
    'A reader among appends sees a beginning of the stream that ends with an append.',
    {
      given: fc.integer({ min: 2, max: 3 }),
      weight: 0.1,
      async holds({ client, name, event }, size) {
        const appends = Array.from({ length: 6 }, async (_, batch) => {
          const events = Array.from({ length: size }, (_, n) => event(`${batch}.${n}`))
          await client.append(name('s'), events)
        })
        const reads = Array.from({ length: 6 }, async (_, turn) => {
          for (let n = 0; n < turn; n++) await new Promise((resolve) => setImmediate(resolve))
          return await client.read(name('s'))
        })
        await Promise.all(appends)
        const whole = await client.read(name('s'))
        for (const seen of await Promise.all(reads)) {
          expectSame('how much of an append a reader sees', seen.length % size, 0)
          expectEvents('a read among appends', seen, whole.slice(0, seen.length))
        }
      },
    },
  ),
]

/** Each client appends at the same version. */
export async function oneWinner({ name, event }: Scope, clients: readonly Client[], start: number): Promise<void> {
  const [client] = clients as [Client]
  const before = Array.from({ length: start }, (_, n) => event(`before ${n}`))
  if (start > 0) await client.append(name('s'), before)
  const answers = await Promise.all(
    clients.map((each, n) => each.tryAppend(name('s'), [event(`${n}`), event(`${n}b`)], { expectedVersion: start })),
  )
  const winners = answers.flatMap(({ failure }, n) => (failure === undefined ? [n] : []))
  for (const answer of answers) {
    if (answer.failure !== undefined) expectRefused('an append that lost', answer, 'VERSION_CONFLICT')
  }
  expectSame('how many have won', winners.length, 1)
  const all = [...before, ...winners.flatMap((n) => [event(`${n}`), event(`${n}b`)])]
  for (const each of clients) expectEvents('read', await each.read(name('s')), recorded(name('s'), all))
}

/** Each client appends wherever the stream is. */
export async function nothingLost({ name, event }: Scope, clients: readonly Client[], size: number): Promise<void> {
  const batches = clients.map((_, n) => Array.from({ length: size }, (_, at) => event(`${n}.${at}`)))
  const versions = await Promise.all(batches.map((events, n) => (clients[n] as Client).append(name('s'), events)))
  const order = batches.map((events, n) => ({ events, version: versions[n] as number }))
  const all = order.toSorted((a, b) => a.version - b.version).flatMap(({ events }) => events)
  for (const client of clients) expectEvents('read', await client.read(name('s')), recorded(name('s'), all))
}

/** Each client appends one more than it has read, until it has done so often enough. */
export async function counted({ name, event }: Scope, clients: readonly Client[], each: number): Promise<void> {
  const increase = async (client: Client, who: number): Promise<void> => {
    for (let done = 0, tries = 0; done < each; tries++) {
      const version = (await client.read(name('s'))).length
      const given = event(`${who}.${done}.${tries}`, { data: version + 1 })
      const answer = await client.tryAppend(name('s'), [given], { expectedVersion: version })
      if (answer.failure === undefined) done++
      else expectRefused('an append that lost', answer, 'VERSION_CONFLICT')
      if (tries > 200 * each) throw new Violation('an append loses race after race', { expected: 'to win one' })
    }
  }
  await Promise.all(clients.map(increase))
  const total = clients.length * each
  const values = (await (clients[0] as Client).read(name('s'))).map(({ data }) => data)
  expectSame(
    'what was counted',
    values,
    Array.from({ length: total }, (_, n) => n + 1),
  )
}
