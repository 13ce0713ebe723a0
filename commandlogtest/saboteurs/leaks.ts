// Errors that tell what was passed.

import { StoreError } from '../../src/index.ts'
import { base } from './base-steps.ts'
import { type Suspect, suspect } from './saboteur.ts'

/** Runs, and has a StoreError tell more. */
function telling<T>(run: () => T, tell: (error: StoreError) => StoreError): T {
  try {
    return run()
  } catch (error) {
    throw error instanceof StoreError ? tell(error) : error
  }
}

const withMessage = ({ code, message }: StoreError, told: unknown): StoreError =>
  new StoreError(code, `${message} in ${typeof told === 'string' ? told : JSON.stringify(told)}`)

/** Values in errors. */
export const leakSuspects: readonly Suspect[] = [
  suspect('errors/tells-the-query', 'The message of INVALID_QUERY holds the whole query.', () => ({
    checkQuery: (query) =>
      telling(
        () => base.checkQuery(query),
        (error) => withMessage(error, query),
      ),
  })),
  suspect('errors/query-as-member', 'An INVALID_QUERY carries the filters as a member.', () => ({
    checkQuery: (query) =>
      telling(
        () => base.checkQuery(query),
        (error) => Object.assign(error, { filters: Object.values(query ?? {}) }),
      ),
  })),
  suspect('errors/tells-the-cursor', 'The message of INVALID_CURSOR holds the cursor.', () => ({
    unseal: (scope, sealed) =>
      telling(
        () => base.unseal(scope, sealed),
        (error) => withMessage(error, sealed),
      ),
  })),
  suspect(
    'errors/cursor-as-cause',
    'The cause of INVALID_CURSOR is the error of a parser, which holds the cursor.',
    () => ({
      unseal: (scope, sealed) =>
        telling(
          () => base.unseal(scope, sealed),
          ({ code, message }) =>
            new StoreError(code, message, 'no', { cause: new SyntaxError(`Unexpected token in ${sealed}`) }),
        ),
    }),
  ),
  suspect('errors/tells-the-record', 'The message of INVALID_RECORD holds the record.', () => ({
    checkRecord: (record) =>
      telling(
        () => base.checkRecord(record),
        (error) => withMessage(error, record),
      ),
  })),
]
