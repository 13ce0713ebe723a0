import fc, { type Arbitrary } from 'fast-check'
import type { Change, CommandRecord } from '../src/index.ts'
import type { Client } from './client.ts'
import { type Follower, nameOf, startFollower } from './follower.ts'
import type { Scope } from './scope.ts'
import { show } from './show.ts'
import { expectTrue, Violation } from './violation.ts'

/** What is written, by number of record: an intent where it is new, then its outcome, then repeats that change nothing. */
export const writeLists: Arbitrary<readonly number[]> = fc.array(fc.nat(4), { minLength: 1, maxLength: 12 })

/** Writes these, and gives what was changed, in order. */
export async function writeList(
  scope: Scope,
  numbers: readonly number[],
  client: Client = scope.client,
): Promise<CommandRecord[]> {
  const writes: CommandRecord[] = []
  for (const number of numbers) {
    const intent = scope.intent(`${number}`)
    const before = writes.filter(({ id }) => id === intent.id).length
    const record = before === 0 && number !== 4 ? intent : scope.outcome(intent)
    const isChange = before === 0 || (before === 1 && number !== 4)
    await scope.write(record, isChange ? (before === 0 ? 'created' : 'settled') : 'unchanged', client)
    if (isChange) writes.push(record)
  }
  return writes
}

/** A position just before this execution, so that it need not read what came earlier. */
export async function positionBefore(scope: Scope): Promise<string> {
  const marker = scope.intent('marker')
  await scope.write(marker)
  const known = positions.get(scope.client.store)
  const follower = startFollower(scope, known)
  try {
    const change = await follower.until(({ id }) => id === marker.id)
    const position = (change.at(-1) as Change).position
    positions.set(scope.client.store, position)
    return position
  } finally {
    follower.abort()
  }
}

// By store: a live one is the same for every check, and its backlog grows long.
const positions = new WeakMap<object, string>()

/** Writes one more record: once a follower gives it, it has given all that came before. */
export async function endOf(scope: Scope, text = 'end'): Promise<CommandRecord> {
  const end = scope.outcome(scope.intent(text))
  await scope.write(end)
  return end
}

/** Follows from a position until the end of what was written. */
export async function followAll(
  scope: Scope,
  after: string | undefined,
  end: CommandRecord,
  client: Client = scope.client,
): Promise<readonly Change[]> {
  const follower = startFollower(scope, after, client)
  try {
    return await follower.until(({ id }) => id === end.id)
  } finally {
    follower.abort()
  }
}

export async function withFollower(
  scope: Scope,
  after: string | undefined,
  work: (follower: Follower) => Promise<void>,
): Promise<void> {
  const follower = startFollower(scope, after)
  try {
    await work(follower)
  } finally {
    follower.abort()
  }
}

/** Settles what of these is not settled yet, as far as it is named. */
export async function writeMore(
  scope: Scope,
  writes: readonly CommandRecord[],
  numbers: readonly number[],
): Promise<CommandRecord[]> {
  const more: CommandRecord[] = []
  for (const number of new Set(numbers)) {
    const id = scope.id(`${number}`)
    const open = writes.filter((record) => record.id === id)
    if (open.length !== 1 || open[0]?.state !== 'created') continue
    const outcome = scope.outcome(open[0])
    await scope.write(outcome, 'settled')
    more.push(outcome)
  }
  return more
}

/** Demands that each of so many records is given as settled exactly once, and as created at most once and before that. */
export function expectEachOnce(changes: readonly Change[], count: number): void {
  const settled = new Set<string>()
  const created = new Set<string>()
  const actual = show(changes.map(nameOf))
  for (const { record } of changes) {
    const group = record.state === 'created' ? created : settled
    if (group.has(record.id)) throw new Violation(`a follower gives a change of ${show(record.id)} twice`, { actual })
    if (settled.has(record.id))
      throw new Violation(`a follower gives ${show(record.id)} as created after it was settled`, { actual })
    group.add(record.id)
  }
  expectTrue(settled.size === count, 'a follower misses changes', { expected: `${count} settled records`, actual })
}
