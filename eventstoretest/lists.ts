import type { EventStoreCheck } from './check.ts'
import { appendChecks } from './checks/append.ts'
import { durableChecks } from './checks/durable.ts'
import { errorChecks } from './checks/errors.ts'
import { fencingChecks } from './checks/fence.ts'
import { modelChecks } from './checks/model.ts'
import { raceChecks } from './checks/races.ts'
import { readChecks } from './checks/read.ts'
import { valueChecks } from './checks/values.ts'

/** The core contract: every event store must keep these. They need one handle, live or opened. */
export const eventStoreChecks: readonly EventStoreCheck[] = [
  ...[...appendChecks, ...readChecks, ...valueChecks],
  ...[...errorChecks, ...modelChecks, ...raceChecks],
]

/** For event stores with `fence`. */
export const fenceChecks: readonly EventStoreCheck[] = fencingChecks

/** For event stores that can be opened by name: they survive closing, and several handles share their data. */
export const durableEventStoreChecks: readonly EventStoreCheck[] = durableChecks
