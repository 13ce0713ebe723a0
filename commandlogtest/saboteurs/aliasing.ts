// What the caller holds is what the log holds, in whole or in part.

import { type CommandRecord, copyRecord } from '../../src/index.ts'
import { base } from './base-steps.ts'
import { type Suspect, suspect } from './saboteur.ts'

type Part = 'payload' | 'events' | 'metadata' | 'attributes' | 'problem' | 'error' | 'source' | 'result'
const parts: readonly Part[] = ['payload', 'events', 'metadata', 'attributes', 'problem', 'error', 'source', 'result']

/** A copy that shares one part with the original. */
function sharing(part: Part) {
  return (record: CommandRecord): CommandRecord =>
    record[part] === undefined ? copyRecord(record) : { ...copyRecord(record), [part]: record[part] }
}

/** Input that is kept, output that is given away. */
export const aliasSuspects: readonly Suspect[] = [
  suspect('aliasing/keeps-the-input', 'The record that the caller gave is itself stored.', () => ({
    copyIn: (record) => record,
  })),
  suspect('aliasing/gives-the-stored', 'A read gives the stored record itself.', () => ({
    copyOut: (record) => record,
  })),
  suspect('aliasing/shallow-in', 'The record that the caller gave is copied one level deep.', () => ({
    copyIn: (record) => ({ ...record }),
  })),
  suspect('aliasing/shallow-out', 'A read gives a copy of the stored record one level deep.', () => ({
    copyOut: (record) => ({ ...record }),
  })),
  ...parts.map((part) =>
    suspect(`aliasing/keeps-${part}`, `The ${part} of the record that the caller gave is kept.`, () => ({
      copyIn: sharing(part),
    })),
  ),
  ...parts.map((part) =>
    suspect(`aliasing/gives-${part}`, `A read gives the stored ${part} itself.`, () => ({ copyOut: sharing(part) })),
  ),
  suspect('aliasing/keeps-bytes', 'The bytes of a payload that the caller gave are kept.', () => ({
    copyIn: (record) => ({ ...copyRecord(record), payload: { ...record.payload } }),
  })),
  suspect('aliasing/gives-bytes', 'A read gives the stored bytes of a payload themselves.', () => ({
    copyOut: (record) => ({ ...copyRecord(record), payload: { ...record.payload } }),
  })),
  suspect('aliasing/keeps-event-objects', 'The list of events is copied, the events are not.', () => ({
    copyIn: (record) => ({ ...copyRecord(record), events: [...record.events] }),
  })),
  suspect('aliasing/nested-metadata', 'Metadata is copied one level deep when it is read.', () => ({
    copyOut: (record) => ({ ...copyRecord(record), ...(record.metadata && { metadata: { ...record.metadata } }) }),
  })),
  suspect('aliasing/nested-metadata-in', 'Metadata is copied one level deep when it is written.', () => ({
    copyIn: (record) => ({ ...copyRecord(record), ...(record.metadata && { metadata: { ...record.metadata } }) }),
  })),
  suspect('aliasing/list-only', 'list gives the stored records themselves; get gives copies.', () => ({
    page: (handle, query) => base.page({ ...handle, steps: { ...handle.steps, copyOut: (record) => record } }, query),
  })),
  suspect('aliasing/correlation-only', 'findByCorrelation gives the stored records themselves.', () => ({
    correlated: (handle, id) =>
      base.correlated({ ...handle, steps: { ...handle.steps, copyOut: (record) => record } }, id),
  })),
  suspect('aliasing/get-only', 'get gives the stored record itself; list gives copies.', () => ({
    get: async (handle, id) => base.find(handle, id)?.record,
  })),
  suspect(
    'aliasing/copies-when-it-writes',
    'The record that the caller gave is copied a turn later, when its batch is written.',
    () => ({
      copyIn: (record) => record,
      async write(handle, record) {
        await Promise.resolve()
        await new Promise((resolve) => setImmediate(resolve))
        return base.write(handle, copyRecord(record))
      },
    }),
  ),
  suspect('aliasing/one-copy-for-all', 'Every read of a record gives the same copy.', () => {
    const copies = new WeakMap<CommandRecord, CommandRecord>()
    return {
      copyOut(record) {
        const copy = copies.get(record) ?? copyRecord(record)
        copies.set(record, copy)
        return copy
      },
    }
  }),
  suspect('aliasing/changes-the-input', 'A write puts what it derives into the record of the caller.', () => ({
    checkRecord(record) {
      base.checkRecord(record)
      if (!Object.isFrozen(record)) Object.assign(record, { settledAt: record.settledAt ?? record.receivedAt })
    },
  })),
]
