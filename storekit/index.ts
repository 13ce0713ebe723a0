export { cursorScope, openPosition, sealPosition } from './cursor.ts'
export { type FollowLife, type FollowSource, followChanges } from './follow.ts'
export {
  type CheckedQuery,
  checkPurge,
  checkQuery,
  checkText,
  checkTypeQuery,
  type EqualField,
  matches,
} from './query.ts'
export { checkRecord, isSettled, settle, takeRecord } from './record.ts'
