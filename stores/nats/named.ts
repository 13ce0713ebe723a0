import { type CheckedQuery, matches } from '../../storekit/index.ts'
import { farthest, idsIn } from './names.ts'
import { type Bound, type Found, pageOf } from './page.ts'
import type { Reader, Standing } from './reader.ts'
import { lateSubject, typeSubject } from './schema.ts'

/** More types than this at once are looked for in the log itself. */
const mostTypes = 8
/** One in so many messages at least is what is looked for, or its names are read instead of the log. */
const rare = 32
/** A step back is at least this long, so that what is named in it comes in it too, and what it has is at most so much. */
const [leastStep, mostNames] = [2 * farthest, 2000]
const longestStep = 8 * leastStep
/** A step forward looks up about so many records. */
const someIds = 500

/** A walk so far: what it has found up to where it goes on. */
export interface Walked {
  readonly found: Standing[]
  /** Where it goes on, in its direction. */
  readonly from: number
  /** The end of the log, as of when the walk began. */
  readonly end: number
  readonly bound: Bound
}

/** Whether what a query asks for is named, and so rare where the log was looked at that the names are the shorter way. */
export function isRare({ types }: CheckedQuery, found: number, looked: number): boolean {
  return types !== undefined && types.length <= mostTypes && found * rare < looked
}

/** Goes on oldest first. */
export async function namedForward(
  reader: Reader,
  stream: string,
  query: CheckedQuery,
  { found, from, end, bound }: Walked,
): Promise<Found> {
  const { until } = bound
  const names = new Lookup(reader, query, bound, { low: from, high: end })
  await names.takeLate(stream)
  let most = 16
  for (let low = Math.max(1, from - farthest); ; ) {
    const reads = await Promise.all(
      typesOf(query).map((type) => reader.all(typeSubject(stream, type), until, { low, high: end, most })),
    )
    // A type of which there is more is known as far as its names were read.
    const upTo = Math.min(end, ...reads.map((read) => (read.length < most ? end : (read.at(-1)?.seq ?? end))))
    const ids = reads.flat().flatMap((name) => (name.seq <= upTo ? idsIn(name) : []))
    await names.take(ids)
    found.push(...names.release((seq) => seq <= upTo))
    if (found.length >= query.limit) return pageOf(found.slice(0, query.limit), found[query.limit - 1]?.seq)
    if (upTo >= end) return pageOf(found, undefined)
    if (bound.isReached) return pageOf(found, upTo)
    low = upTo + 1
    most = Math.max(1, Math.min(1000, Math.round((most * someIds) / Math.max(1, ids.length)), most * 2))
  }
}

/** Goes on newest first. */
export async function namedBackward(
  reader: Reader,
  stream: string,
  query: CheckedQuery,
  { found, from, bound }: Walked,
): Promise<Found> {
  const { until } = bound
  const subjects = typesOf(query).map((type) => typeSubject(stream, type))
  const names = new Lookup(reader, query, bound, { low: 1, high: from })
  await names.takeLate(stream)
  const firsts = await Promise.all(subjects.map((subject) => reader.next(subject, 1, until)))
  const floor = Math.min(...firsts.map((first) => first?.seq ?? from + 1))
  let length = leastStep
  for (let high = from; ; ) {
    const low = Math.max(floor, high - length + 1)
    const most = length > leastStep && reader.isAlone ? mostNames : undefined
    const reads = await Promise.all(subjects.map((subject) => reader.all(subject, until, { low, high, most })))
    if (reads.some((read) => read.length === most)) {
      length = Math.max(leastStep, length >>> 1)
      continue
    }
    await names.take(reads.flat().flatMap(idsIn))
    const isEnd = low <= floor
    // What is named before this step comes in it no further than that.
    const known = names.release((seq) => isEnd || seq > low + farthest)
    found.push(...known.reverse())
    if (found.length >= query.limit) return pageOf(found.slice(0, query.limit), found[query.limit - 1]?.seq)
    if (isEnd) return pageOf(found, undefined)
    if (bound.isReached) return pageOf(found, low + farthest + 1)
    high = low - 1
    // With replicas names are asked for one by one, and in several parts of a step at once.
    length = reader.isAlone ? length * 2 : Math.min(length * 2, longestStep)
  }
}

function typesOf({ types = [] }: CheckedQuery): readonly string[] {
  return types.filter((type) => type.isWellFormed())
}

/** The records that names lead to, held back until it is known that none comes before them. */
class Lookup {
  readonly #reader: Reader
  readonly #query: CheckedQuery
  readonly #bound: Bound
  readonly #range: { readonly low: number; readonly high: number }
  readonly #seen = new Set<string>()
  #held: Standing[] = []

  constructor(reader: Reader, query: CheckedQuery, bound: Bound, range: { low: number; high: number }) {
    this.#reader = reader
    this.#query = query
    this.#bound = bound
    this.#range = range
  }

  /** Those that no name stands shortly before, which are few. */
  async takeLate(stream: string): Promise<void> {
    const subjects = typesOf(this.#query).map((type) => lateSubject(stream, type))
    const late = await Promise.all(subjects.map((subject) => this.#reader.all(subject, this.#bound.until)))
    await this.take(late.flat().flatMap(idsIn))
  }

  async take(ids: readonly string[]): Promise<void> {
    const fresh = [...new Set(ids)].filter((id) => !this.#seen.has(id))
    for (const id of fresh) this.#seen.add(id)
    this.#bound.looked += fresh.length * 2
    const { low, high } = this.#range
    for (const standing of await this.#reader.many(fresh, this.#bound.until)) {
      const isIn = standing.seq >= low && standing.seq <= high
      if (isIn && matches(this.#query, standing.record)) this.#held.push(standing)
    }
  }

  /** Those that are known now, oldest first. */
  release(isKnown: (seq: number) => boolean): Standing[] {
    const known = this.#held.filter(({ seq }) => isKnown(seq))
    this.#held = this.#held.filter(({ seq }) => !isKnown(seq))
    return known.sort((a, b) => a.seq - b.seq)
  }
}
