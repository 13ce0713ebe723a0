import { aliasSuspects } from './aliasing.ts'
import { cacheSuspects } from './caches.ts'
import { callSuspects } from './calls.ts'
import { caughtBy } from './caught-by/index.ts'
import { closeSuspects } from './closing.ts'
import { scalarSuspects, textSuspects } from './columns.ts'
import { cursorSuspects } from './cursors.ts'
import { decidedSuspects } from './decided.ts'
import { durabilitySuspects } from './durability.ts'
import { emptiedSuspects } from './emptied.ts'
import { errorSuspects } from './failures.ts'
import { attributeSuspects } from './filter-attributes.ts'
import { edgeSuspects } from './filter-edges.ts'
import { timeSuspects } from './filter-times.ts'
import { indexSuspects, listSuspects } from './filter-values.ts'
import { comparisonSuspects, ignoringSuspects } from './filters.ts'
import { followBatchSuspects } from './follow-batches.ts'
import { followSuspects } from './follow-changes.ts'
import { followCrowdSuspects } from './follow-crowds.ts'
import { followEndSuspects } from './follow-ends.ts'
import { followOrderSuspects } from './follow-order.ts'
import { handleSuspects } from './handles.ts'
import { largeValueSuspects, mistakenValueSuspects } from './large-values.ts'
import { leakSuspects } from './leaks.ts'
import { nestedSuspects } from './nested.ts'
import { orderSuspects } from './order.ts'
import { pageScanSuspects } from './page-scans.ts'
import { pageSuspects } from './pages.ts'
import { planOrderSuspects } from './plan-orders.ts'
import { planSuspects } from './plans.ts'
import { purgeSuspects } from './purge.ts'
import { purgeDueSuspects, purgeLifeSuspects } from './purge-lives.ts'
import { purgeTraceSuspects } from './purge-traces.ts'
import { batchSuspects, racySuspects } from './races.ts'
import { answerSuspects, lossySuspects, overwritingSuspects, tornSuspects } from './record.ts'
import type { Saboteur, Suspect } from './saboteur.ts'
import { settlingSuspects } from './settling.ts'
import { unsurePurgeSuspects } from './unsure-purges.ts'
import { limitSuspects, validationSuspects } from './validation.ts'
import { valueEdgeSuspects } from './value-edges.ts'
import { bodySuspects } from './values.ts'

const suspects: readonly Suspect[] = [
  ...[overwritingSuspects, lossySuspects, answerSuspects, tornSuspects, racySuspects, batchSuspects],
  ...[bodySuspects, textSuspects, scalarSuspects, nestedSuspects, aliasSuspects],
  ...[orderSuspects, pageSuspects, cursorSuspects],
  ...[ignoringSuspects, comparisonSuspects, listSuspects, indexSuspects, attributeSuspects, timeSuspects],
  ...[limitSuspects, validationSuspects, cacheSuspects, durabilitySuspects],
  ...[closeSuspects, callSuspects, errorSuspects],
  ...[followSuspects, followOrderSuspects, followEndSuspects, purgeSuspects, purgeTraceSuspects],
  ...[handleSuspects, followCrowdSuspects, followBatchSuspects],
  ...[planSuspects, planOrderSuspects, unsurePurgeSuspects],
  ...[pageScanSuspects, edgeSuspects, decidedSuspects, emptiedSuspects, valueEdgeSuspects],
  ...[settlingSuspects, largeValueSuspects, mistakenValueSuspects, leakSuspects, purgeDueSuspects, purgeLifeSuspects],
].flat()

/** Every broken store, with the checks that must catch it. */
export const saboteurs: readonly Saboteur[] = suspects.map((each) => ({ ...each, caughtBy: caughtBy[each.name] ?? [] }))

export type { Brick } from './base-store.ts'
export { baseStore } from './base-store.ts'
export type { Saboteur } from './saboteur.ts'
export type { OpenTestStore, TestStore } from './steps.ts'
