import fc from 'fast-check'
import { expectSame } from '../../commandlogtest/violation.ts'
import type { RecordedEvent } from '../../eventsourcing/event-store.ts'
import { type EventStoreCheck, property } from '../check.ts'
import { expectConflict, expectEvents, expectRefused, recorded } from '../scope.ts'

const append = fc.record({
  kind: fc.constant('append' as const),
  stream: fc.nat(2),
  ids: fc.array(fc.nat(14), { minLength: 0, maxLength: 3 }),
  command: fc.nat(2),
  expected: fc.option(fc.nat(6), { nil: undefined }),
})
const read = fc.record({
  kind: fc.constant('read' as const),
  stream: fc.nat(2),
  from: fc.integer({ min: 1, max: 6 }),
})
const fence = fc.record({ kind: fc.constant('fence' as const), command: fc.nat(2) })
const operations = fc.array(
  fc.oneof({ arbitrary: append, weight: 6 }, { arbitrary: read, weight: 3 }, { arbitrary: fence, weight: 1 }),
  { minLength: 1, maxLength: 20, size: 'max' },
)

/** Whatever is called, one after the other, comes to what a dumb model comes to. */
export const modelChecks: readonly EventStoreCheck[] = [
  property('model/any-calls', 'Whatever is called one after the other, the answers are those of a plain array.', {
    given: operations,
    weight: 1,
    async holds({ client, name, event, by }, all) {
      const kept: RecordedEvent[] = []
      const fences = new Set<string>()
      const inStream = (stream: string) => kept.filter((each) => each.stream === stream)
      for (const operation of all) {
        if (operation.kind === 'read') {
          const stream = name(`s${operation.stream}`)
          const expected = inStream(stream).slice(operation.from - 1)
          expectEvents('read', await client.read(stream, { from: operation.from }), expected)
          continue
        }
        const metadata = by(`c${operation.command}`)
        const { commandId } = metadata
        if (operation.kind === 'fence') {
          if (client.store.fence === undefined) continue
          fences.add(commandId)
          const expected = kept.filter((each) => each.metadata.commandId === commandId)
          expectEvents('fence', await client.fence(commandId), expected)
          continue
        }
        const stream = name(`s${operation.stream}`)
        const events = operation.ids.map((id) => event(`e${id}`, { metadata }))
        const { expected } = operation
        const version = inStream(stream).length
        const answer = await client.tryAppend(
          stream,
          events,
          expected === undefined ? {} : { expectedVersion: expected },
        )
        const isTwice = new Set(operation.ids).size < operation.ids.length
        const isTaken = events.some(({ id }) => kept.some((each) => each.id === id))
        const isFenced = events.length > 0 && fences.has(commandId)
        if (isTwice && isFenced) expectRefused('append', answer, 'DUPLICATE_EVENT', 'FENCED')
        else if (isFenced) expectRefused('append of a fenced command', answer, 'FENCED')
        else if (isTwice || isTaken) expectRefused('append of a known id', answer, 'DUPLICATE_EVENT')
        else if (expected !== undefined && expected !== version) expectConflict('append', answer, expected, version)
        else {
          expectSame('the version that append gives', answer.value, version + events.length)
          kept.push(...recorded(stream, events, version + 1))
        }
      }
    },
  }),
]
