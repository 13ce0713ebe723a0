import { toSqliteError } from '../../storekit/index.ts'
import { EventStoreError } from '../event-store-error.ts'

const codes: Readonly<Record<string, readonly [code: string, message: string]>> = {
  INVALID_RECORD: ['INVALID_EVENT', 'A field of an event is not of the kind that its column holds'],
  RECORD_TOO_LARGE: ['EVENT_TOO_LARGE', 'An event is larger than SQLite takes'],
}

/** For `catch`: rejects with what a file failed with, as an event store says it. */
export function rethrow(thrown: unknown): never {
  throw toEventStoreError(thrown)
}

/** What a file failed with, as an event store says it. */
export function toEventStoreError(thrown: unknown): EventStoreError {
  if (thrown instanceof EventStoreError) return thrown
  const { code, message, written } = toSqliteError(thrown)
  const [ownCode, ownMessage] = codes[code] ?? [code, message]
  return new EventStoreError(ownCode, ownMessage, { written })
}
