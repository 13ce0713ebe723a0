export { type Certificate, formatCertificate } from './certificate.ts'
export type { Check, CheckContext } from './check.ts'
export type { AnyStore } from './client.ts'
export { ConformanceError, type Failure, formatFailure } from './failure.ts'
export {
  checkHistory,
  type Fingerprint,
  fingerprintOf,
  type GetEvent,
  type HistoryEvent,
  type HistoryRule,
  type HistoryViolation,
  type RecordEvent,
  type Result,
  type Sight,
  type WalkEvent,
} from './history/index.ts'
export { checks, durableChecks, followChecks, purgeChecks } from './lists.ts'
export type { CheckOptions, OpenStore, Progress, StoreOrOpen, SuiteOptions } from './options.ts'
export { type CheckReport, runCheck } from './run-check.ts'
export { runSuite } from './suite.ts'
