import type { Check } from './check.ts'
import { aliasingChecks } from './checks/aliasing.ts'
import { attributeFilterChecks } from './checks/attributes.ts'
import { capacityChecks } from './checks/capacity.ts'
import { combinedChecks } from './checks/combined.ts'
import { cursorsChecks } from './checks/cursors.ts'
import { durableDataChecks } from './checks/durable.ts'
import { durableBrickChecks } from './checks/durable-bricks.ts'
import { durableHandleChecks } from './checks/durable-handles.ts'
import { durableNameChecks } from './checks/durable-names.ts'
import { durablePurgeChecks } from './checks/durable-purges.ts'
import { errorsChecks } from './checks/errors.ts'
import { edgeFilterChecks } from './checks/filter-edges.ts'
import { changeFilterChecks, kindFilterChecks } from './checks/filter-kinds.ts'
import { textFilterChecks } from './checks/filters.ts'
import { followChangeChecks } from './checks/follow.ts'
import { followBacklogChecks } from './checks/follow-backlogs.ts'
import { followCrowdChecks } from './checks/follow-crowds.ts'
import { followEndChecks } from './checks/follow-ends.ts'
import { followPositionChecks } from './checks/follow-positions.ts'
import { freshReadChecks } from './checks/fresh-reads.ts'
import { historiesChecks } from './checks/histories.ts'
import { identityChecks } from './checks/identity.ts'
import { leakChecks } from './checks/leaks.ts'
import { lifecycleChecks } from './checks/lifecycle.ts'
import { modelChecks } from './checks/model.ts'
import { orderChecks } from './checks/order.ts'
import { filteredOrderChecks } from './checks/order-filters.ts'
import { pagingChecks } from './checks/paging.ts'
import { purgeSelectionChecks } from './checks/purge.ts'
import { purgeFollowChecks } from './checks/purge-follow.ts'
import { purgeLifeChecks } from './checks/purge-lives.ts'
import { purgeTraceChecks } from './checks/purge-traces.ts'
import { racingReaderChecks } from './checks/race-readers.ts'
import { racesChecks } from './checks/races.ts'
import { recordChecks } from './checks/record.ts'
import { settlingChecks } from './checks/settling.ts'
import { sizesChecks } from './checks/sizes.ts'
import { memberChecks, payloadChecks } from './checks/values.ts'
import { plainValueChecks, wholeValueChecks } from './checks/values-plain.ts'
import { walkChecks } from './checks/walks.ts'
import { sparing } from './purging.ts'

// They come last, since a live store is larger after them.
const long = ['order/beyond-a-thousand', 'paging/default-limit-is-100', 'capacity/nothing-is-forgotten']

const core: readonly Check[] = [
  ...[
    ...recordChecks,
    ...settlingChecks,
    ...freshReadChecks,
    ...identityChecks,
    ...payloadChecks,
    ...memberChecks,
    ...plainValueChecks,
    ...wholeValueChecks,
    ...aliasingChecks,
    ...sizesChecks,
    ...orderChecks,
    ...filteredOrderChecks,
  ],
  ...[
    ...pagingChecks,
    ...walkChecks,
    ...cursorsChecks,
    ...textFilterChecks,
    ...kindFilterChecks,
    ...changeFilterChecks,
    ...combinedChecks,
    ...attributeFilterChecks,
    ...edgeFilterChecks,
    ...errorsChecks,
    ...leakChecks,
    ...lifecycleChecks,
  ],
  ...[...modelChecks, ...racesChecks, ...racingReaderChecks, ...historiesChecks, ...capacityChecks],
]

/** The core contract: every store must keep these. They need one handle, live or opened. */
export const checks: readonly Check[] = [
  ...core.filter(({ name }) => !long.includes(name)),
  ...core.filter(({ name }) => long.includes(name)),
]

/** For stores that can be opened by name: they survive closing, and several handles share their data. */
export const durableChecks: readonly Check[] = [
  ...[...durableDataChecks, ...durableHandleChecks, ...durableNameChecks],
  ...[...durableBrickChecks, ...durablePurgeChecks],
]

/** For stores with `follow`. */
export const followChecks: readonly Check[] = [
  ...[...followChangeChecks, ...followPositionChecks],
  ...[...followEndChecks, ...followCrowdChecks, ...followBacklogChecks],
]

/** For stores with `purge`. */
export const purgeChecks: readonly Check[] = [
  ...purgeSelectionChecks,
  ...purgeLifeChecks,
  ...purgeTraceChecks,
  ...purgeFollowChecks,
].map(sparing)
