// Outcomes that do not get the last word on what they decide.

import type { CommandRecord, JsonObject, JsonValue } from '../../src/index.ts'
import { settle } from '../../storekit/index.ts'
import { type Suspect, suspect } from './saboteur.ts'

const decided = ['result', 'problem', 'error', 'settledAt', 'durationMs', 'attempts'] as const
const dashed = (field: string): string => field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Members of members are added to those that were there; those of the first level are replaced. */
function mergedWithin(before: JsonObject, after: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(after).map(([key, value]) => {
      const old = before[key]
      return [key, isObject(old) && isObject(value) ? { ...old, ...value } : value]
    }),
  )
}

/** What an intent says already, of what only its outcome can know. */
export const decidedSuspects: readonly Suspect[] = [
  ...decided.map((field) =>
    suspect(
      `record/${dashed(field)}-of-the-intent-stays`,
      `Where an intent has ${field} already, that of its outcome is dropped.`,
      () => ({
        settle(first, outcome) {
          const settled = settle(first, outcome)
          return first[field] === undefined ? settled : ({ ...settled, [field]: first[field] } as CommandRecord)
        },
      }),
    ),
  ),
  suspect('record/attempts-added-up', 'The attempts of an outcome are added to those of its intent.', () => ({
    settle(first, outcome) {
      const settled = settle(first, outcome)
      if (first.attempts === undefined || outcome.attempts === undefined) return settled
      return { ...settled, attempts: first.attempts + outcome.attempts }
    },
  })),
  suspect('record/problems-merged', 'The problem of an outcome is added to that of its intent.', () => ({
    settle(first, outcome) {
      const settled = settle(first, outcome)
      if (first.problem === undefined || outcome.problem === undefined) return settled
      return { ...settled, problem: { ...first.problem, ...outcome.problem } }
    },
  })),
  suspect(
    'record/metadata-merged-within',
    'Objects in metadata of an outcome are added to those of the intent.',
    () => ({
      settle(first, outcome) {
        const settled = settle(first, outcome)
        if (first.metadata === undefined || outcome.metadata === undefined) return settled
        return { ...settled, metadata: mergedWithin(first.metadata, outcome.metadata) }
      },
    }),
  ),
]
