// What an outcome takes from its record, or adds to it, that is not its to decide.

import type { CommandRecord } from '../../src/index.ts'
import { isSettled, settle } from '../../storekit/index.ts'
import { base } from './base-steps.ts'
import { type Suspect, suspect } from './saboteur.ts'
import type { Steps } from './steps.ts'

type Field = keyof CommandRecord

const kebab = (field: string): string => field.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** A store whose outcome clears a field that it says nothing of. */
function clearing(field: Field): Partial<Steps> {
  return {
    settle(first, outcome) {
      const { [field]: _cleared, ...settled } = settle(first, outcome)
      return outcome[field] === undefined ? (settled as CommandRecord) : settle(first, outcome)
    },
  }
}

/** A store whose outcome replaces a field of the first write. */
function taking(field: Field): Partial<Steps> {
  return {
    settle(first, outcome) {
      const settled = settle(first, outcome)
      return outcome[field] === undefined ? settled : { ...settled, [field]: outcome[field] }
    },
  }
}

const metadataOf = (settled: CommandRecord, metadata: CommandRecord['metadata']): CommandRecord =>
  metadata === undefined ? settled : { ...settled, metadata }

/** What settling takes away, or adds. */
export const settlingSuspects: readonly Suspect[] = [
  ...(
    ['attributes', 'metadata', 'source', 'userId', 'clientRef', 'causationId', 'replayOf', 'traceparent'] as const
  ).map((field) =>
    suspect(`record/clears-${kebab(field)}`, `An outcome without ${field} takes that of the intent away.`, () =>
      clearing(field),
    ),
  ),
  ...(['attributes', 'source', 'importance', 'retention', 'dryRun', 'replayOf', 'traceparent'] as const).map((field) =>
    suspect(`record/${kebab(field)}-of-the-outcome`, `The outcome replaces ${field} of the intent.`, () =>
      taking(field),
    ),
  ),
  suspect('record/metadata-of-the-intent', 'The metadata of an outcome are dropped.', () => ({
    settle: (first, { metadata: _dropped, ...outcome }) => settle(first, outcome),
  })),
  suspect('record/metadata-merged', 'The metadata of an outcome are added to those of the intent.', () => ({
    settle(first, outcome) {
      const merged = outcome.metadata === undefined ? first.metadata : { ...first.metadata, ...outcome.metadata }
      return metadataOf(settle(first, outcome), merged)
    },
  })),
  suspect('record/late-intent-reopens', 'An intent after its outcome puts the id back among those created.', () => {
    const reopened = new Set<string>()
    return {
      async write(handle, record) {
        const stored = base.find(handle, record.id)?.record
        if (stored !== undefined && isSettled(stored) && !isSettled(record)) reopened.add(record.id)
        return base.write(handle, record)
      },
      matches(query, record) {
        const asksCreated = query.states?.includes('created') === true && reopened.has(record.id)
        return base.matches(asksCreated ? { ...query, states: undefined } : query, record)
      },
    }
  }),
  ...(['tenantId', 'userId', 'clientRef', 'causationId'] as const).map((field) =>
    suspect(
      `record/found-by-${kebab(field)}-of-the-outcome`,
      `A record is found by ${field} of its outcome too.`,
      () => {
        const named = new Map<string, string | undefined>()
        return {
          settle(first, outcome) {
            named.set(first.id, outcome[field])
            return settle(first, outcome)
          },
          matches(query, record) {
            const other = named.get(record.id)
            return (
              base.matches(query, record) || (other !== undefined && base.matches(query, { ...record, [field]: other }))
            )
          },
        }
      },
    ),
  ),
]
