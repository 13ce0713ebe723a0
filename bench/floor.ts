import { Buffer } from 'node:buffer'
import { systemClock } from '../src/clock.ts'
import { uuidv7 } from '../src/identifier.ts'
import { orderOf, type Subject } from './empty-handler.ts'

/** The name of what no audit can do without. */
export const floor = 'floor'

/** Its parts, each of which is timed alone too. */
export const floorParts = ['one id (uuidv7)', 'two clock readings', 'payload encoding', 'one Map insert'] as const

/** The floor and its parts, in batches of at most so many; nothing of the bus or the audit is in them. */
export function floorSubjects(batch: number): Subject[] {
  const [id, clocks, encoding, insert] = floorParts
  return [
    wholeFloor(),
    { name: id, run: idLoop },
    { name: clocks, run: clockLoop },
    { name: encoding, run: encodingLoop },
    mapInsert(insert, batch),
  ]
}

// What the loops make ends up here, or the compiler could leave it out.
const sink = { bytes: 0, time: 0, texts: 0 }

function wholeFloor(): Subject {
  let log = new Map<string, string>()
  return {
    name: floor,
    run(count) {
      for (let index = 0; index < count; index++) {
        const id = uuidv7()
        sink.time += systemClock.now() - systemClock.monotonic()
        const text = JSON.stringify(orderOf(index))
        sink.bytes += Buffer.byteLength(text)
        log.set(id, text)
      }
    },
    reset() {
      log = new Map()
    },
  }
}

function idLoop(count: number): void {
  for (let index = 0; index < count; index++) sink.texts += uuidv7().length
}

function clockLoop(count: number): void {
  for (let index = 0; index < count; index++) sink.time += systemClock.now() - systemClock.monotonic()
}

function encodingLoop(count: number): void {
  for (let index = 0; index < count; index++) sink.bytes += Buffer.byteLength(JSON.stringify(orderOf(index)))
}

function mapInsert(name: string, batch: number): Subject {
  let log = new Map<string, string>()
  let ids = freshIds(batch)
  return {
    name,
    run(count) {
      for (let index = 0; index < count; index++) log.set(ids[index] ?? '', 'text')
    },
    reset() {
      log = new Map()
      // The hash of a text is kept once it is known, so a text that was a key before would be too cheap.
      ids = freshIds(batch)
    },
  }
}

function freshIds(count: number): string[] {
  return Array.from({ length: count }, () => uuidv7())
}
